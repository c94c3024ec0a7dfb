"""What a person, or a program, sees of a session: lines of words, or of JSON, and how it stands each second."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seqgen.jobs.sample.controls import Lines

if TYPE_CHECKING:
    from seqgen.jobs.jam.job import Jammed
    from seqgen.live.session import Session

BLOCK = 1 << 12  # bytes
Write = Callable[[str], object]


class Screen:
    """Shows events.

    Args:
        remark: Shows people a line.
        data: Takes lines of text that a model says, and JSON.
        status: Shows how it stands in the place of what it showed before; None: nothing does.
        as_json: Whether programs read it.
    """

    def __init__(self, remark: Write, data: Write, status: Write | None, as_json: bool) -> None:
        self._remark, self._data, self._status, self._json = remark, data, status, as_json
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._failed: Exception | None = None

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event, from any thread."""
        with self._lock:
            if self._json or event["event"] == "line":
                self._put(json.dumps(event) if self._json else str(event["text"]))
            else:
                self._remark(" ".join(_words(event)))

    def begun(self, session: "Session") -> None:
        """It plays."""
        self._session = session
        if self._failed is not None:
            session.stop()
        if self._status is not None and not self._json:
            threading.Thread(target=self._watch, args=(session, self._status), daemon=True).start()

    def done(self, jammed: "Jammed") -> None:
        """It is over.

        Raises:
            Exception: What kept lines from standard output, whose reader may have gone.
        """
        if self._failed is not None:
            raise self._failed
        if not self._json:
            if jammed.path is not None:
                self._remark(f"Wrote {jammed.path}")
            kept = "" if jammed.take is None else f", take {jammed.take}"
            made = f"{jammed.lines:,} lines" if jammed.lines else f"{jammed.notes:,} notes"
            self._remark(f"{made}, {jammed.seconds:.0f} s, {jammed.late} late, seed {jammed.seed}{kept}")
            return
        fields: dict[str, object] = {"seed": jammed.seed, "seconds": round(jammed.seconds, 3), "notes": jammed.notes}
        fields |= {"lines": jammed.lines, "heard": jammed.heard, "late": jammed.late, "take": jammed.take}
        self._data(
            json.dumps({"event": "session", **fields, "path": None if jammed.path is None else str(jammed.path)})
        )

    def _put(self, line: str) -> None:
        """A line for standard output; where nobody takes it, the session ends."""
        try:
            self._data(line)
        except Exception as error:  # on a thread that must go on; `done` raises it
            self._failed = self._failed or error
            if self._session is not None:
                self._session.stop()

    def _watch(self, session: "Session", status: Write) -> None:
        wait = threading.Event()
        while not wait.wait(1.0) and not session.closed:
            with self._lock:
                status(session.status())


def typed() -> Iterator[bytes]:
    """The lines of standard input, read without its lock, for which the end of the program would wait."""
    try:
        descriptor, lines = sys.stdin.fileno(), Lines()
        while block := os.read(descriptor, BLOCK):
            yield from lines.split(block)
        yield from lines.split(b"")
    except (OSError, ValueError, AttributeError):  # there is none
        return


def _words(event: Mapping[str, Any]) -> Iterator[str]:
    """An event in words."""
    kind = event["event"]
    if kind in ("error", "port"):
        yield str(event["message"])
        if event.get("hint"):
            yield f"({event['hint']})"
    elif kind == "learn":
        yield f"Move the controller for {event['control']}."
    elif kind == "learned":
        yield f"Controller {event['cc']} turns {event['control']}."
    else:
        yield f"{kind}: " + ", ".join(f"{name} {value}" for name, value in event.items() if name != "event")
