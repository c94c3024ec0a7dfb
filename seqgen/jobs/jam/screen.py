"""What a person, or a program, sees of a session: lines of words, or of JSON, and how it stands."""

import contextlib
import errno
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqgen.jobs.jam.background import Background
from seqgen.jobs.jam.view import rows
from seqgen.jobs.sample.controls import Lines

if TYPE_CHECKING:
    from seqgen.jobs.jam.job import Jammed
    from seqgen.live.session import Session

BLOCK = 1 << 12  # bytes
WAITING = 10_000  # events that may wait to be shown; one more is not
EVERY = 0.25  # seconds between two looks at how it stands
ENDING = 2.0  # seconds that what waits may take at the end
Write = Callable[[str], object]
Show = Callable[[Sequence[str]], object]


class Screen:
    """Shows events, on a thread of its own: a terminal that takes its time must not hold the music up.

    Args:
        remark: Shows people a line.
        data: Takes lines of text that a model says, and JSON.
        as_json: Whether programs read it.
        status: Shows how it stands, in rows that take the place of those before; None: nothing does.
        leave: Gives the terminal back.
    """

    def __init__(
        self,
        remark: Write,
        data: Write,
        as_json: bool,
        status: Show | None = None,
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        self._leave, self._left = leave, False
        self._background: Background | None = None
        self._remark, self._data, self._status, self._json = remark, data, status, as_json
        self._waiting: queue.Queue[Mapping[str, Any] | None] = queue.Queue(WAITING)
        self._session: Session | None = None
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._thread.start()

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event, from any thread; it does not wait."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(event)

    def begun(self, session: "Session") -> None:
        """It plays."""
        self._session = session
        if self._failed is not None:
            session.stop()
        self._background = Background(self._away, self._back)

    def close(self) -> None:
        """Show what still waits, and no more."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=ENDING)
        self._thread.join(ENDING)
        if self._background is not None:
            self._background.close()
        self._leave()

    def done(self, jammed: "Jammed") -> None:
        """It is over.

        Raises:
            Exception: What kept lines from standard output, whose reader may have gone.
        """
        self.close()
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

    def _away(self) -> None:
        assert self._session is not None
        self._session.suspend()
        self._left = True
        self._leave()

    def _back(self) -> None:
        assert self._session is not None
        self._left = False
        self._session.resume()

    def _run(self) -> None:
        while True:
            try:
                event = self._waiting.get(timeout=EVERY)
            except queue.Empty:
                self._stands()
                continue
            if event is None:
                return
            self._show(event)

    def _stands(self) -> None:
        """Show how it stands."""
        session = self._session
        if self._status is None or session is None or session.closed or self._left:
            return
        try:
            self._status(rows(session))
        except Exception:  # the terminal is gone, the music goes on
            self._status = None

    def _show(self, event: Mapping[str, Any]) -> None:
        """An event; where nobody takes it, the session ends."""
        if self._failed is not None:
            return
        try:
            if self._json or event["event"] == "line":
                self._data(json.dumps(event) if self._json else str(event["text"]))
            else:
                self._remark(" ".join(_words(event)))
        except Exception as error:  # `done` raises it
            self._failed = error
            if self._session is not None:
                self._session.stop()


def typed() -> Iterator[bytes]:
    """The lines of standard input, read without its lock, for which the end of the program would wait."""
    try:
        descriptor, lines = sys.stdin.fileno(), Lines()
        while block := _block(descriptor):
            yield from lines.split(block)
        yield from lines.split(b"")
    except (OSError, ValueError, AttributeError):  # there is none
        return


def _block(descriptor: int) -> bytes:
    """What was typed; waits while the terminal is somebody else's."""
    while True:
        try:
            return os.read(descriptor, BLOCK)
        except OSError as error:
            if error.errno != errno.EIO or not os.isatty(descriptor):
                raise
            time.sleep(EVERY)


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
