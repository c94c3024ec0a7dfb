"""The run that a studio trains, for all its pages: its story so far, and each event as it comes.

{"event": "train.state", "state"}     who comes in is told the story: {"name", "running", "notes", "steps", "checks",
                                      "samples", "reading", "error", "ended"}
{"event": "train.note", …} and so on  as `seqgen.jobs.train.apart` tells them
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from seqgen.jobs.train.apart import Apart
from seqgen.jobs.train.settings import TrainJob
from seqgen.studio.wording import worded_event

MOST_STEPS = 2_000  # points of the curve; of more, every second one stays
MOST_NOTES, MOST_SAMPLES = 200, 50
CLOSING = 20.0  # seconds that a run gets to save itself when the studio closes


class Training:
    """One run.

    Args:
        name: What it is called.
        job: What is trained.
        tell: Tells an event to all pages.
        over: Is called when it has ended.
    """

    def __init__(
        self, name: str, job: TrainJob, tell: Callable[[dict[str, Any]], object], over: Callable[[], object]
    ) -> None:
        self._tell, self._over, self._lock = tell, over, threading.Lock()
        self._state: dict[str, Any] = {
            "name": name, "running": True, "notes": [], "steps": [], "checks": [], "samples": [], "reading": None,
            "error": None, "ended": None,
        }  # fmt: skip
        self._apart = Apart(job, self._heard)

    @property
    def state(self) -> dict[str, Any]:
        """The story so far."""
        with self._lock:
            return {key: list(value) if isinstance(value, list) else value for key, value in self._state.items()}

    def stop(self, wait: float = 0.0) -> bool:
        """End it after the step at hand; whether it has ended within so many seconds."""
        return self._apart.stop(wait)

    def _heard(self, told: Mapping[str, Any]) -> None:
        event = worded_event(told)
        if event is None:
            return
        kind = event["event"]
        with self._lock:
            self._keep(kind, event)
        if kind in ("trained", "error"):
            self._over()
        self._tell({**event, "event": f"train.{kind}", "name": self._state["name"]})

    def _keep(self, kind: str, event: Mapping[str, Any]) -> None:
        state = self._state
        if kind == "note":
            state["notes"] = [*state["notes"], event["message"]][-MOST_NOTES:]
        elif kind == "reading":
            state["reading"] = dict(event)
        elif kind == "stepped":
            state["reading"] = None
            state["steps"].append(dict(event))
            if len(state["steps"]) > MOST_STEPS:
                state["steps"] = state["steps"][::2]
        elif kind == "checked":
            state["checks"].append(dict(event))
        elif kind == "sampled":
            state["samples"] = [*state["samples"], dict(event)][-MOST_SAMPLES:]
        else:
            state["running"] = False
            state["error" if kind == "error" else "ended"] = dict(event)
