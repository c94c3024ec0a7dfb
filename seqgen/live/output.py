"""From planned notes to what goes out: MIDI channels, transposition, loudness, and those who listen otherwise."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from seqgen.live import messages as m
from seqgen.live.clock import Transport
from seqgen.live.recording import OUT, Recording
from seqgen.live.scheduler import Scheduler
from seqgen.live.sounding import Sounding
from seqgen.music.played import Played
from seqgen.music.score import DRUMS

ENDS, CHANGES, STARTS = range(3)  # of what is planned for one position, what comes first
SHORTEST = 0.02  # quarter notes between the end of a note and the next of its key


class Out(NamedTuple):
    """A note as it goes out.

    Attributes:
        time: When it begins, on the monotonic clock.
        seconds: How long it is planned to sound.
        channel, pitch, velocity, program: As in MIDI.
        beat, beats: Its position and length in quarter notes.
    """

    time: float
    seconds: float
    channel: int
    pitch: int
    velocity: int
    program: int
    beat: float
    beats: float


class Listener(Protocol):
    """Who hears notes otherwise than by MIDI."""

    @property
    def lead(self) -> float:
        """How many seconds before its time it wants to be told of a note."""
        ...

    def note(self, note: Out) -> None:
        """A note."""
        ...

    def tell(self, event: Mapping[str, Any]) -> None:
        """Something else: a line of text, a control, a beat."""
        ...

    def close(self) -> None:
        """No more is to come."""
        ...


class Hands:
    """Plays notes.

    Args:
        sounding: The MIDI outputs.
        scheduler, transport: When.
        recording: Keeps what went out.
        values: The controls, which are looked at as each note is planned.
        listeners: Who hears otherwise.
    """

    def __init__(
        self,
        sounding: Sounding,
        scheduler: Scheduler,
        transport: Transport,
        recording: Recording,
        values: Mapping[str, Any],
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.sounding, self.scheduler, self.transport, self.recording = sounding, scheduler, transport, recording
        self.values, self.listeners = values, listeners
        self._channels: dict[int, int] = {}
        self._lock = threading.Lock()
        self.notes = 0

    def plan(self, note: Played) -> None:
        """A note at its position, and its end."""
        channel, pitch = self._channel(note), self._pitch(note)
        velocity = max(min(round(note.velocity * self.values["velocity"]), 127), 1)
        if not 0 <= pitch < 128 or self.values["velocity"] == 0:
            return
        plan, era = self.scheduler.plan, [-1]
        program = 0 if note.program == DRUMS else note.program

        def begin(now: float) -> None:
            era[0] = self._strike(channel, pitch, velocity, program, now)
            if not self._led:
                self._tell(note, now, channel, pitch, velocity, program)

        plan(note.at, begin, STARTS)
        plan(
            note.at + max(note.length - SHORTEST, SHORTEST),
            lambda now: self.release(channel, pitch, now, era[0]),
            ENDS,
            False,
        )
        for listener in self.listeners:
            if listener.lead > 0:
                self._announce(listener, note, channel, pitch, velocity, program)

    def strike(self, note: Played, now: float) -> Callable[[float], None]:
        """A note at once; gives what ends it."""
        channel, pitch = self._channel(note), self._pitch(note)
        if not 0 <= pitch < 128:
            return lambda now: None
        velocity = max(min(round(note.velocity * self.values["velocity"]), 127), 1)
        program = 0 if note.program == DRUMS else note.program
        era = self._strike(channel, pitch, velocity, program, now)
        for listener in self.listeners:
            listener.note(self._out(note, now, channel, pitch, velocity, program))
        return lambda now: self.release(channel, pitch, now, era)

    def release(self, channel: int, pitch: int, now: float, era: int) -> None:
        """A note ends."""
        self.sounding.off(channel, pitch, era)
        self.recording.off(OUT, channel, pitch, now, self.transport.tempo)

    def silence(self) -> None:
        """All ends."""
        self.sounding.silence()

    def tell(self, event: Mapping[str, Any]) -> None:
        """All who listen are told something."""
        for listener in self.listeners:
            listener.tell(event)

    @property
    def _led(self) -> bool:
        return not any(listener.lead == 0 for listener in self.listeners)

    def _strike(self, channel: int, pitch: int, velocity: int, program: int, now: float) -> int:
        if self.sounding.closed:
            return -1
        self.notes += 1
        if channel != m.PERCUSSION:
            self.sounding.program(channel, program)
        era = self.sounding.on(channel, pitch, velocity, now)
        self.recording.on(OUT, channel, pitch, velocity, program, now, self.transport.tempo)
        return era

    def _tell(self, note: Played, now: float, channel: int, pitch: int, velocity: int, program: int) -> None:
        for listener in self.listeners:
            if listener.lead == 0:
                listener.note(self._out(note, now, channel, pitch, velocity, program))

    def _announce(
        self, listener: Listener, note: Played, channel: int, pitch: int, velocity: int, program: int
    ) -> None:
        """Tell one who wants to know some time before."""
        early = listener.lead * self.transport.tempo / 60

        def tell(now: float) -> None:
            time = self.transport.time(note.at)
            listener.note(self._out(note, time if time < float("inf") else now, channel, pitch, velocity, program))

        self.scheduler.plan(note.at - early, tell, CHANGES, False)

    def _out(self, note: Played, time: float, channel: int, pitch: int, velocity: int, program: int) -> Out:
        seconds = note.length * 60 / self.transport.tempo
        return Out(time, seconds, channel, pitch, velocity, program, note.at, note.length)

    def _pitch(self, note: Played) -> int:
        return note.pitch if note.program == DRUMS else note.pitch + self.values["transpose"]

    def _channel(self, note: Played) -> int:
        """A channel for each part, the tenth for drums."""
        if note.program == DRUMS:
            return m.PERCUSSION
        with self._lock:
            if note.part not in self._channels:
                place = len(self._channels) % (m.CHANNELS - 1)
                self._channels[note.part] = place if place < m.PERCUSSION else place + 1
            return self._channels[note.part]
