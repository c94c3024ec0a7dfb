"""Guidance for a page before it trains: in a process of its own, one at a time, and of each page only the newest.

{"event": "train.guide", "kind": "note", "message", "run"}            what goes on; "reading" as a run tells it
{"event": "train.guide", "kind": "described", "rows", "run"}          the corpus
{"event": "train.guide", "kind": "guided", "codec", "said", "run"}    the run; or "error", "message", "hint"
"""

import threading
from collections.abc import Mapping
from typing import Any

from seqgen.jobs.train.apart import Apart
from seqgen.jobs.train.settings import TrainJob
from seqgen.studio.visitor import Visitor
from seqgen.studio.wording import worded_event


class Guides:
    """The guidance that pages wait for."""

    def __init__(self) -> None:
        self._newest: dict[Visitor, _Guide] = {}
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def begin(self, visitor: Visitor, job: TrainJob, run: int) -> None:
        """Guide a page; what it asked for before is dropped.

        Args:
            visitor: The page.
            job: What it would train.
            run: The page's own number of it, which every event carries.
        """
        made = _Guide(job, visitor, run, self._turn)
        with self._lock:
            before, self._newest[visitor] = self._newest.get(visitor), made
        if before is not None:
            before.stop()
        made.start()

    def end(self, visitor: Visitor) -> None:
        """It wants none any more."""
        with self._lock:
            before = self._newest.pop(visitor, None)
        if before is not None:
            before.stop()

    def close(self) -> None:
        """Nobody wants any."""
        for visitor in list(self._newest):
            self.end(visitor)


class _Guide:
    """The guidance of one page, on a thread that waits for its turn."""

    def __init__(self, job: TrainJob, visitor: Visitor, run: int, turn: threading.Lock) -> None:
        self._job, self._visitor, self._run, self._turn = job, visitor, run, turn
        self._stopped, self._lock = False, threading.Lock()
        self._apart: Apart | None = None

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._work, name="guiding", daemon=True).start()

    def stop(self) -> None:
        """End it soon, and tell no more."""
        with self._lock:
            self._stopped = True
        if self._apart is not None:
            self._apart.stop()

    def _work(self) -> None:
        with self._turn:
            try:
                with self._lock:
                    if self._stopped:
                        return
                    self._apart = made = Apart(self._job, self._heard, guide=True)
            except OSError as error:
                said = f"no process can be started ({error.strerror})"
                self._heard({"event": "error", "message": said, "hint": "close something else"})
                return
            made.wait()

    def _heard(self, event: Mapping[str, Any]) -> None:
        said = worded_event(event)
        if said is not None and not self._stopped:
            self._visitor.tell({**said, "event": "train.guide", "kind": said["event"], "run": self._run})
