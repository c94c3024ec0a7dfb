"""The thread that owns the model: takes in what is heard and turned, and keeps the plan a little ahead of the song."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from seqgen.errors import SeqgenError, UsageError
from seqgen.live import controls
from seqgen.live import messages as m
from seqgen.live.clock import Transport
from seqgen.live.ear import Ear
from seqgen.live.messages import Heard
from seqgen.live.modes import MODES, Mode
from seqgen.live.output import Hands
from seqgen.live.priority import hurried
from seqgen.live.scheduler import Scheduler
from seqgen.live.stream import Stream

AHEAD = 0.15  # seconds that are planned
TURN = 0.008  # seconds between two looks at what is to be planned
SKIPPED = 800  # tokens that are passed over at most to come to a bar line
MUSIC = {"key", "scale", "density", "instruments", "meter", "label", "mix"}
FAULTS = 3  # of the model thread, within FORGIVEN seconds, after which the session ends
FORGIVEN = 10.0
Tell = Callable[[Mapping[str, Any]], object]


class Player:
    """Plays a stream by a mode.

    Args:
        stream: The model.
        transport, scheduler: The song.
        hands: What is played goes through them.
        values: The controls.
        tell: Is told events.

    Attributes:
        pulse: When it was last seen alive.
        behind: How often the plan had fallen behind the song.
        broken: Why it ended, if it did by itself.
    """

    def __init__(
        self,
        stream: Stream,
        transport: Transport,
        scheduler: Scheduler,
        hands: Hands,
        values: dict[str, Any],
        tell: Tell,
    ) -> None:
        self.stream, self.transport, self.scheduler, self.hands = stream, transport, scheduler, hands
        self.values, self.tell = values, tell
        counts = None if stream.model.seen is None else stream.model.seen.counts
        known = None if counts is None else counts[stream.codec.programs]
        self.ear = Ear(0 if known is None or not known.any() else int(known.argmax()))
        self._queue: queue.SimpleQueue[Heard | dict[str, Any]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self._over, self.paused = False, False
        self._leaps = transport.leaps
        self._faults: list[float] = []
        self.pulse, self.behind, self.broken = time.monotonic(), 0, ""
        self.mode: Mode = MODES[values["mode"]](self)

    def start(self) -> None:
        """Begin, with the first notes planned."""
        self.mode.begin()
        self.pulse = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over = True
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def put(self, item: "Heard | dict[str, Any]") -> None:
        """A message, or controls with their checked values; from any thread."""
        self._queue.put(item)

    @property
    def alive(self) -> bool:
        """Whether the thread runs, or was not started yet."""
        return self._thread.is_alive() or self._thread.ident is None

    @property
    def stalled(self) -> float:
        """Seconds since it was last seen alive."""
        return time.monotonic() - self.pulse if self._thread.ident is not None else 0.0

    # What modes ask for.

    def beat(self, ahead: float = 0.0) -> float:
        """The position of the song, so many seconds from now; while it stands still, as if it began now."""
        now = time.monotonic()
        if self.transport.running:
            return self.transport.beat(now + ahead)
        return self.transport.beat(now) + ahead * self.transport.tempo / 60

    def quantised(self, beat: float) -> float:
        """The next position at which playing may begin."""
        unit = {"none": 0.0, "beat": 1.0, "bar": self.stream.playing.bar}[self.values["quantise"]]
        if not unit:
            return beat
        return float(-(-(beat - 0.05) // unit) * unit)

    def anchor(self, at: float) -> None:
        """Go on at a position; where bars are asked for, with the next bar of the piece: what is before falls away."""
        stream = self.stream
        if self.values["quantise"] == "bar" and stream.playing.now > 0:
            line, piece = stream.playing.line, stream.pieces
            for _ in range(SKIPPED):
                if stream.playing.line > line or stream.pieces != piece:
                    break
                stream.advance()
            stream.anchor += at - stream.line
        else:
            stream.anchor += at - stream.position

    def _run(self) -> None:
        hurried()
        while not self._over:
            self.pulse = time.monotonic()
            try:
                self._turn()
            except Exception as error:  # the model's thread must not take the music down, nor leave it sounding
                if not self._recovered(error):
                    return

    def _recovered(self, error: Exception) -> bool:
        now = time.monotonic()
        self.scheduler.clear()
        self.hands.silence()
        self._faults = [each for each in self._faults if now - each < FORGIVEN] + [now]
        said = error.message if isinstance(error, SeqgenError) else f"{type(error).__name__}: {error}"
        if len(self._faults) >= FAULTS or self._over:
            self.broken = said
            return False
        self.tell({"event": "error", "message": f"playing began anew after a fault ({said})"})
        try:
            self.stream.begin(self.quantised(self.beat(AHEAD)))
            self.mode.begin()
        except Exception as again:
            self.broken = f"{type(again).__name__}: {again}"
            return False
        return True

    def _turn(self) -> None:
        """What came, then what is to be planned."""
        changes: dict[str, Any] = {}
        try:
            item: Heard | dict[str, Any] | None = self._queue.get(timeout=TURN)
        except queue.Empty:
            item = None
        while item is not None:
            if isinstance(item, Heard):
                self._hear(item)
            else:
                changes |= item
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                item = None
        if changes:
            self._change(changes)
        if self.transport.leaps != self._leaps:
            self._leaps = self.transport.leaps
            self.scheduler.clear()
            self.hands.silence()
            self.stream.begin(self.beat())  # at once: to go on to a bar line of the old piece would take too long
            self.mode.begin()
        if not self.paused:
            self.mode.plan()

    def _hear(self, heard: Heard) -> None:
        before = self.ear.pedal
        beat = self.transport.beat(heard.time)
        note = self.ear.hear(heard.data, beat)
        if self.paused:
            return
        if note is not None:
            self.mode.begins(note, heard.time)
        elif m.ends(heard.data):
            self.mode.ends(heard.data[1], heard.time)
        if before and not self.ear.pedal:
            self.mode.act("pedal")

    def _change(self, changes: dict[str, Any]) -> None:
        """Turn controls; what cannot be is told, and stays as it was."""
        flags = {name for name, value in changes.items() if value is True and controls.knob(name).kind == "flag"}
        changes = {name: value for name, value in changes.items() if controls.knob(name).kind != "flag"}
        changes.pop("prompt", None)
        if any(name.startswith((controls.RULE, "temperature")) or name in MUSIC for name in changes):
            changes = self._possible(changes)
        mode = self.values["mode"]
        self.values.update(changes)
        now = time.monotonic()
        if changes.get("tempo") is not None:
            self.transport.set_tempo(changes["tempo"], now)
        if changes:
            self.tell({"event": "control", **changes})
        if self.values["mode"] != mode:
            self.scheduler.clear()
            self.hands.silence()
            self.mode = MODES[self.values["mode"]](self)
            self.mode.begin()
        self._act(flags, now)

    def _possible(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Those that the stream takes; together where that goes, else one by one."""
        try:
            self.stream.change(self.values | changes)
            return changes
        except UsageError as error:
            if len(changes) == 1:
                self.tell({"event": "error", "message": error.message, "hint": error.hint})
                return {}
        found: dict[str, Any] = {}
        for name, value in changes.items():
            try:
                self.stream.change(self.values | found | {name: value})
                found[name] = value
            except UsageError as error:
                self.tell({"event": "error", "message": error.message, "hint": error.hint})
        return found

    def _act(self, flags: set[str], now: float) -> None:
        if "panic" in flags or "pause" in flags:
            self.paused = True
            self.scheduler.clear()
        if "panic" in flags:
            self.hands.silence()
        if "reset" in flags:
            self.scheduler.clear()
            self.hands.silence()
            self.ear.forget()
            self.stream.begin(self.quantised(self.beat(AHEAD)))
            self.mode.begin()
        if "resume" in flags and self.paused:
            self.paused = False
            self.mode.begin()
        for name in flags & {"mutate", "capture"}:
            self.mode.act(name)
