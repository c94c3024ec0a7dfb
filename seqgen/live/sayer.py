"""The thread that owns a model of text: says a line each so many beats, to programs that listen."""

import queue
import threading
import time
from typing import Any

from seqgen.errors import UsageError
from seqgen.live import controls
from seqgen.live.clock import Transport
from seqgen.live.messages import Heard
from seqgen.live.output import Hands
from seqgen.live.player import AHEAD, TURN, Tell
from seqgen.live.scheduler import Scheduler
from seqgen.live.text import Lines

PLANNED = 2.0  # further seconds that lines are planned ahead: they are longer in the making than notes


class Sayer:
    """Says lines. The arguments and attributes are those of `seqgen.live.player.Player`."""

    def __init__(
        self, lines: Lines, transport: Transport, scheduler: Scheduler, hands: Hands, values: dict[str, Any], tell: Tell
    ) -> None:
        self.lines, self.transport, self.scheduler, self.hands = lines, transport, scheduler, hands
        self.values, self.tell = values, tell
        self._queue: queue.SimpleQueue[Heard | dict[str, Any]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sayer", daemon=True)
        self._over = self.paused = False
        self._leaps, self._next = transport.leaps, 0.0
        self.pulse, self.behind, self.broken = time.monotonic(), 0, ""
        self.said, self.kept = 0, list[str]()

    def start(self) -> None:
        """Begin, with the first line planned."""
        self._plan()
        self.pulse = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over = True
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def put(self, item: "Heard | dict[str, Any]") -> None:
        """Controls with their checked values; messages fall away."""
        self._queue.put(item)

    @property
    def alive(self) -> bool:
        """Whether the thread runs, or was not started yet."""
        return self._thread.is_alive() or self._thread.ident is None

    @property
    def stalled(self) -> float:
        """Seconds since it was last seen alive."""
        return time.monotonic() - self.pulse if self._thread.ident is not None else 0.0

    def _run(self) -> None:
        try:
            while not self._over:
                self.pulse = time.monotonic()
                self._turn()
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"

    def _turn(self) -> None:
        try:
            item = self._queue.get(timeout=TURN)
        except queue.Empty:
            item = None
        if isinstance(item, dict):
            self._change(item)
        if self.transport.leaps != self._leaps:
            self._leaps = self.transport.leaps
            self._again()
        if not self.paused:
            self._plan()

    def _again(self) -> None:
        self.scheduler.clear()
        every = self.values["every"]
        self._next = -(-(self.transport.beat(time.monotonic()) - 0.05) // every) * every

    def _plan(self) -> None:
        ahead = (AHEAD + PLANNED) * self.transport.tempo / 60
        if self._next > self.transport.beat(time.monotonic()) + ahead:
            return
        text, beat = self.lines.line(), self._next
        self.scheduler.plan(beat, lambda now: self._say(text, beat))
        self._next += self.values["every"]

    def _say(self, text: str, beat: float) -> None:
        self.said += 1
        self.kept.append(text)
        event = {"event": "line", "text": text, "beat": round(beat, 4)}
        self.hands.tell(event)
        self.tell(event)

    def _change(self, changes: dict[str, Any]) -> None:
        flags = {name for name, value in changes.items() if value is True and controls.knob(name).kind == "flag"}
        prompt = changes.pop("prompt", None)
        changes = {name: value for name, value in changes.items() if name not in flags}
        if changes.get("tempo") is not None:
            self.transport.set_tempo(changes["tempo"], time.monotonic())
        try:
            self.lines.change(self.values | changes)
            self.values.update(changes)
            if flags & {"reset", "mutate"}:
                self.lines.begin()
            if prompt:
                self.lines.read(prompt)
        except UsageError as error:
            self.tell({"event": "error", "message": error.message, "hint": error.hint})
        if flags & {"panic", "pause"}:
            self.paused = True
            self.scheduler.clear()
        if "resume" in flags or flags & {"reset", "mutate"}:
            self.paused = self.paused and "resume" not in flags
            self._again()
