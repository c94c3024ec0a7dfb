"""One session: a player, its ports and doors, from the first sound to the last silence.

Whatever ends it (its time, `stop`, a signal, a fault of the model's thread), what sounds is ended first.
"""

import atexit
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seqgen.errors import UsageError
from seqgen.live import controls
from seqgen.live import messages as m
from seqgen.live.clock import Taps, Transport
from seqgen.live.controllers import Controllers
from seqgen.live.doors import Budget
from seqgen.live.later import Later
from seqgen.live.messages import Heard
from seqgen.live.output import Hands, Listener
from seqgen.live.performer import AHEAD, Performer, Stage, Tell
from seqgen.live.player import Player
from seqgen.live.ports import Input, Output, Outputs, changed
from seqgen.live.preset import Preset
from seqgen.live.pulse import ClockOut, Pulse
from seqgen.live.recording import IN, Recording
from seqgen.live.scheduler import Scheduler
from seqgen.live.sounding import Sounding

STALL = 1.5  # seconds without a sign of the model's thread after which all is silenced
LOOK = 0.05  # seconds between two looks of the main thread
PORTS = 2.0  # seconds between two looks at which ports there are
BEGIN = 0.03  # seconds from the first plan to the first beat


class Door(Protocol):
    """What others come in by."""

    @property
    def budget(self) -> Budget: ...

    @property
    def said(self) -> str:
        """What it is, in some words."""
        ...

    def close(self) -> None: ...


class Leader(Protocol):
    """Who says where the song is, on a thread of its own."""

    def start(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Counts:
    """What a session comes to."""

    heard: int = 0
    echoes: int = 0
    stalls: int = 0
    refused: int = 0


class Session:
    """What plays.

    Args:
        values: The controls at the beginning.
        preset: Controllers.
        external: Whether MIDI clock from an input drives it.
        clock_out: Whether it sends MIDI clock.
        tell: Is told events, on any thread.
    """

    def __init__(
        self, values: Mapping[str, Any], preset: Preset, tell: Tell, external: bool = False, clock_out: bool = False
    ) -> None:
        self.values, self._tell, self.ahead = dict(values), tell, AHEAD  # seconds that are planned
        tempo = values.get("tempo")
        self.transport = Transport(120.0 if tempo is None else float(tempo), external)
        self.outputs = Outputs(())
        self.sounding = Sounding(self.outputs.send)
        self.scheduler = Scheduler(self.transport, self._tend)
        self.recording = Recording(self.transport.tempo)
        self.listeners: list[Listener] = []
        self.doors: list[Door] = []
        self.hands = Hands(self.sounding, self.scheduler, self.transport, self.recording, self.values, self.listeners)
        self.inputs: list[Input] = []
        self.link: Leader | None = None
        self.player: Performer | None = None
        self.counts, self.controllers, self._later = Counts(), Controllers(preset, self.tell), Later()
        self._clock_out = ClockOut(self.scheduler, self.transport, self.outputs.send) if clock_out else None
        self._beats = Pulse(self.scheduler, self.transport, 1.0, self._on_beat)
        self._taps = Taps()
        self._over, self._closed, self._silenced = threading.Event(), False, False
        self._leaps, self._looked = 0, 0.0

    @property
    def stage(self) -> Stage:
        """What a performer works with."""
        return Stage(self.transport, self.scheduler, self.hands, self.values, self.tell, self.ahead)

    def plug(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Use these ports; what an earlier program left sounding on the outputs ends."""
        self.inputs, self.outputs.all = list(inputs), list(outputs)
        self.sounding.silence(every=True)

    def listen(self, listener: Listener) -> None:
        """One more who hears notes otherwise than by MIDI."""
        self.listeners.append(listener)

    def start(self, player: Performer) -> None:
        """Play. The internal clock starts at once, an external one says when."""
        self.player = player
        atexit.register(self.close)
        self.scheduler.start()
        if self.link is not None:
            self.link.start()
        player.start()
        tempo = player.stream.playing.tempo if isinstance(player, Player) and self.link is None else None
        if self.values["tempo"] is None and tempo is not None:
            self.transport.set_tempo(tempo, time.monotonic())
        if self.transport.running:
            self.joined()
        elif not self.transport.external:
            self.run_clock(time.monotonic() + BEGIN)

    def run_clock(self, now: float) -> None:
        """The song starts to run at a time."""
        beat = self.transport.beat(now)
        self.transport.start(now)
        self.recording.begin(now)
        self._begin_pulses(beat)

    def joined(self) -> None:
        """Others say where the song is, and have just said it anew."""
        now = time.monotonic()
        self.sounding.silence()
        self.recording.begin_once(now)
        self._begin_pulses(self.transport.beat(now))

    def wait(self, seconds: float | None, idle: Callable[[], object] = lambda: None) -> None:
        """Go on until it is over: after so many seconds, by `stop`, or by a fault.

        Args:
            seconds: None: until it is stopped.
            idle: Called between two looks.

        Raises:
            KeyboardInterrupt: A signal came.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while not self._over.wait(LOOK):
            now = time.monotonic()
            if end is not None and now >= end:
                return
            self._look(now)
            idle()
            if self.player is not None and (self.player.broken or not self.player.alive):
                return

    def stop(self) -> None:
        """It is over; from any thread."""
        self._over.set()

    def close(self) -> None:
        """Silence, then let all go. Safe to be called again, and in the middle."""
        self.sounding.close()
        if self._closed:
            return
        self._closed = True
        if self._clock_out is not None:
            self._clock_out.stop()
        for part in (*self.doors, self._later, self.link, self.player, self.scheduler, *self.listeners):
            if part is not None:
                part.close()
        self.sounding.close()
        for port in (*self.inputs, *self.outputs.all):
            port.close()
        atexit.unregister(self.close)

    def suspend(self) -> None:
        """Silence, and no note begins."""
        self.sounding.close()

    def resume(self) -> None:
        """Notes begin again."""
        self.sounding.closed = self._closed

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    # What comes in, on any thread.

    def hear(self, heard: Heard) -> None:
        """A MIDI message."""
        data = heard.data
        if data[0] >= 0xF0:
            self._hear_clock(heard)
            return
        if self.sounding.echoes(data, heard.time):
            self.counts.echoes += 1
            return
        self.counts.heard += 1
        tempo = self.transport.tempo
        if m.starts(data):
            self.recording.on(IN, data[0] & 0x0F, data[1], data[2], 0, heard.time, tempo)
        elif m.ends(data):
            self.recording.off(IN, data[0] & 0x0F, data[1], heard.time, tempo)
        elif data[0] & 0xF0 == m.CONTROL and data[1] != m.SUSTAIN:
            self._turn(data[1], data[2])
            return
        if self.player is not None:
            self.player.put(heard)

    def play_in(self, pitch: int, velocity: int, seconds: float) -> None:
        """A note from a program, as if it had been played on a keyboard."""
        now = time.monotonic()
        self.hear(Heard(m.note_on(0, pitch, max(velocity, 1)), now))
        self._later.after(seconds, lambda: self.hear(Heard(m.note_off(0, pitch), time.monotonic())))

    def control(self, changes: dict[str, Any]) -> None:
        """Controls with checked values."""
        if changes.get("stop"):
            self.stop()
        now = time.monotonic()
        if changes.get("panic"):
            self.sounding.silence()
        if changes.get("start") and not self.transport.running:
            self.run_clock(now)
        if changes.get("tap") and (tempo := self._taps.tap(now)) is not None:
            changes = {**changes, "tempo": tempo}
        if self.player is not None:
            self.player.put(dict(changes))

    def line(self, text: bytes) -> None:
        """A line that somebody typed, or a program wrote."""
        try:
            word, _, name = text.strip().partition(b" ")
            if word == b"learn":
                self.controllers.learn([name.decode("utf-8", "replace").strip()])
            elif text.strip():
                self.control(controls.parse_line(text))
        except UsageError as error:
            self.counts.refused += 1
            self.tell({"event": "error", "message": error.message, "hint": error.hint})

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell of an event, here and to all who listen."""
        self.hands.tell(event)
        self._tell(event)

    def _turn(self, number: int, value: int) -> None:
        """A controller moved."""
        try:
            if changes := self.controllers.turn(number, value):
                self.control(changes)
        except UsageError:
            self.counts.refused += 1

    def _hear_clock(self, heard: Heard) -> None:
        happened = self.transport.hear(heard.data, heard.time)
        if happened in ("stop", "start", "locate"):
            self.sounding.silence()
        if happened == "tick" and self.transport.running and self._leaps != self.transport.leaps:
            self._leaps = self.transport.leaps
            self._begin_pulses(self.transport.beat(heard.time))
        if happened == "tick" and self.transport.running:
            self.recording.begin_once(heard.time)
        if happened in ("start", "stop", "continue", "locate"):
            self.tell({"event": "transport", "transport": happened})

    def _begin_pulses(self, beat: float) -> None:
        self._beats.begin(beat)
        if self._clock_out is not None:
            self._clock_out.begin(beat)

    def _on_beat(self, number: int, now: float) -> None:
        self.hands.tell({"event": "beat", "beat": number})

    def _tend(self, now: float) -> None:
        """On the scheduler's thread, now and then: what must not depend on any other thread."""
        self.sounding.expire(now)
        if self.transport.watch(now):
            self.sounding.silence()
            self._tell({"event": "error", "message": "the MIDI clock has stopped"})
        player = self.player
        gone = player is not None and (player.stalled > STALL or not player.alive)
        if gone and not self._silenced:
            self._silenced = True
            self.counts.stalls += 1
            self.scheduler.clear()
            self.sounding.silence()
            self._tell({"event": "error", "message": "the model has stalled, and all is silenced"})
        elif not gone:
            self._silenced = False

    def _look(self, now: float) -> None:
        """On the main thread: ports that come and go, a scheduler that is no more."""
        if not self.scheduler.alive:
            self.sounding.silence()
            self.stop()
        if now - self._looked < PORTS or not (self.inputs or self.outputs.all):
            return
        self._looked = now
        for port in changed((*self.inputs, *self.outputs.all)):
            if port.there and port.kind == "output":
                self.sounding.silence(every=True)
                self.sounding.forget()
            self.tell(
                {"event": "port", "message": f"{port.name} {'is there again' if port.there else 'was unplugged'}"}
            )
