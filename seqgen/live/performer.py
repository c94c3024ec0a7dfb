"""The thread that owns the model: takes in what is heard and turned, and keeps the plan a little ahead of the song."""

import abc
import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seqgen.errors import SeqgenError, UsageError
from seqgen.live import controls
from seqgen.live.clock import Transport
from seqgen.live.messages import Heard
from seqgen.live.output import Hands
from seqgen.live.priority import hurried
from seqgen.live.scheduler import Scheduler
from seqgen.live.source import Source

AHEAD = 0.15  # seconds that are planned
TURN = 0.008  # seconds between two looks at what is to be planned
FAULTS = 3  # of the model's thread, within FORGIVEN seconds, after which the session ends
FORGIVEN = 10.0
Tell = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class Stage:
    """What a performer works with.

    Attributes:
        transport, scheduler: The song.
        hands: What is performed goes through them.
        values: The controls.
        tell: Is told events.
        ahead: Seconds that are planned: what is turned is heard after them.
    """

    transport: Transport
    scheduler: Scheduler
    hands: Hands
    values: dict[str, Any]
    tell: Tell
    ahead: float = AHEAD


class Performer(abc.ABC):
    """Performs what a source draws. A fault of the model silences all, and it begins anew.

    Args:
        source: The model.
        stage: What it works with, whose parts are attributes here, too.

    Attributes:
        pulse: When it was last seen alive.
        behind: How often the plan had fallen behind the song.
        broken: Why it ended, if it did by itself.
        paused: Whether nothing more is planned.
    """

    def __init__(self, source: Source, stage: Stage) -> None:
        self.transport, self.scheduler, self.hands = stage.transport, stage.scheduler, stage.hands
        self.values, self.tell, self.ahead, self._source = stage.values, stage.tell, stage.ahead, source
        self._queue: queue.SimpleQueue[Heard | dict[str, Any]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="performer", daemon=True)
        self._over, self.paused = False, False
        self._leaps = stage.transport.leaps
        self._faults: list[float] = []
        self.pulse, self.behind, self.broken = time.monotonic(), 0, ""

    # What is performed.

    @abc.abstractmethod
    def _begin(self) -> None:
        """Begin, or go on, at the next place where that may be."""

    @abc.abstractmethod
    def _anew(self, leapt: bool = False) -> None:
        """Forget the piece and begin another one; at once where the song has leapt to another position."""

    @abc.abstractmethod
    def _plan(self) -> None:
        """Plan what is due."""

    @abc.abstractmethod
    def _act(self, name: str) -> None:
        """`mutate` or `capture`."""

    def _hear(self, heard: Heard) -> None:  # noqa: B027 (text hears nothing)
        """A message of keys came."""

    def _forget(self) -> None:  # noqa: B027
        """What was heard is over."""

    def _prompted(self, text: str) -> None:
        """Go on with a text. Raises UsageError where that cannot be."""
        raise UsageError(f"{self._source.model.name} makes music, which goes on with no text")

    def _turned(self, before: Mapping[str, Any]) -> None:  # noqa: B027
        """Controls have other values than before."""

    def _sounds(self, name: str) -> bool:
        """Whether a control is one of the source's."""
        return name in controls.CELLS or name.startswith((controls.RULE, "temperature"))

    # From any thread.

    def start(self) -> None:
        """Begin, with what comes first planned."""
        self._begin()
        self._plan()
        self.pulse = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over = True
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def put(self, item: "Heard | dict[str, Any]") -> None:
        """A message, or controls with their checked values."""
        self._queue.put(item)

    @property
    def alive(self) -> bool:
        """Whether the thread runs, or was not started yet."""
        return self._thread.is_alive() or self._thread.ident is None

    @property
    def stalled(self) -> float:
        """Seconds since it was last seen alive."""
        return time.monotonic() - self.pulse if self._thread.ident is not None else 0.0

    # On its own thread.

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
        self._clear()
        self._faults = [each for each in self._faults if now - each < FORGIVEN] + [now]
        said = error.message if isinstance(error, SeqgenError) else f"{type(error).__name__}: {error}"
        if len(self._faults) >= FAULTS or self._over:
            self.broken = said
            return False
        self.tell({"event": "error", "message": f"playing began anew after a fault ({said})"})
        try:
            self._anew()
        except Exception as again:
            self.broken = f"{type(again).__name__}: {again}"
            return False
        return True

    def _turn(self) -> None:
        """What came, then what is to be planned."""
        changes: dict[str, Any] = {}
        try:
            item = self._queue.get(timeout=TURN)
            while True:
                if isinstance(item, Heard):
                    self._hear(item)
                else:
                    changes = controls.followed_by(changes, item)
                item = self._queue.get_nowait()
        except queue.Empty:
            pass
        if changes:
            self._change(changes)
        if self.transport.leaps != self._leaps:
            self._leaps = self.transport.leaps
            self._clear()
            self._anew(leapt=True)
        if not self.paused:
            self._plan()

    def _clear(self) -> None:
        self.scheduler.clear()
        self.hands.silence()

    def _change(self, changes: dict[str, Any]) -> None:
        """Turn controls; what cannot be is told, and stays as it was."""
        flags = {name for name, value in changes.items() if value is True and controls.knob(name).kind == "flag"}
        changes = {name: value for name, value in changes.items() if controls.knob(name).kind != "flag"}
        changes = controls.settled(self.values, changes)
        prompt = changes.pop("prompt", None)
        changes = self._possible(changes)
        before = dict(self.values)
        self.values.update(changes)
        if changes.get("tempo") is not None:
            self.transport.set_tempo(changes["tempo"], time.monotonic())
        if changes:
            self.tell({"event": "control", **changes})
            self._turned(before)
        self._do(flags)
        if prompt:
            self._tried(lambda: self._prompted(prompt))

    def _possible(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Those that the source takes; together where that goes, else one by one."""
        if not any(self._sounds(name) for name in changes):
            return changes
        with contextlib.suppress(UsageError):
            self._source.change(self.values | changes)
            return changes
        found: dict[str, Any] = {}
        for name, value in changes.items():
            together = found | {name: value}
            if self._tried(functools.partial(self._source.change, self.values | together)):
                found = together
        return found

    def _tried(self, act: Callable[[], object]) -> bool:
        """Do it; where it makes no sense, that is told."""
        try:
            act()
        except UsageError as error:
            self.tell({"event": "error", "message": error.message, "hint": error.hint})
            return False
        return True

    def _do(self, flags: set[str]) -> None:
        if flags & {"panic", "pause"}:
            self.paused = True
            self.scheduler.clear()
        if "panic" in flags:
            self.hands.silence()
        if "reset" in flags:
            self._clear()
            self._forget()
            self._anew()
        if "resume" in flags and self.paused:
            self.paused = False
            self._begin()
        for name in flags & {"mutate", "capture"}:
            self._act(name)
