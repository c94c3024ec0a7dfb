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


class Sound(NamedTuple):
    """What a synthesizer is told of a note, as in MIDI."""

    channel: int
    pitch: int
    velocity: int
    program: int


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
        sound = self._sound(note)
        if sound is None:
            return
        plan, era = self.scheduler.plan, [-1]

        def begin(now: float) -> None:
            era[0] = self._strike(sound, now)
            self._tell(note, sound, now, led=False)

        def announce(now: float) -> None:
            at = self.transport.time(note.at)
            self._tell(note, sound, at if at < float("inf") else now, led=True)

        plan(note.at, begin, STARTS, about=note)
        end = note.at + max(note.length - SHORTEST, SHORTEST)
        plan(end, lambda now: self.release(sound, now, era[0]), ENDS, False)
        if lead := max((listener.lead for listener in self.listeners), default=0.0):
            plan(note.at - lead * self.transport.tempo / 60, announce, CHANGES, False)

    def strike(self, note: Played, now: float) -> Callable[[float], None]:
        """A note at once; gives what ends it."""
        sound = self._sound(note)
        if sound is None:
            return lambda now: None
        era = self._strike(sound, now)
        for led in (False, True):
            self._tell(note, sound, now, led)
        return lambda now: self.release(sound, now, era)

    def release(self, sound: Sound, now: float, era: int) -> None:
        """A note ends."""
        self.sounding.off(sound.channel, sound.pitch, era)
        self.recording.off(OUT, sound.channel, sound.pitch, now, self.transport.tempo)

    def silence(self) -> None:
        """All ends."""
        self.sounding.silence()

    def tell(self, event: Mapping[str, Any]) -> None:
        """All who listen are told something."""
        for listener in self.listeners:
            listener.tell(event)

    def _strike(self, sound: Sound, now: float) -> int:
        if self.sounding.closed:
            return -1
        self.notes += 1
        if sound.channel != m.PERCUSSION:
            self.sounding.program(sound.channel, sound.program)
        era = self.sounding.on(sound.channel, sound.pitch, sound.velocity, now)
        self.recording.on(OUT, *sound, now, self.transport.tempo)
        return era

    def _tell(self, note: Played, sound: Sound, time: float, led: bool) -> None:
        """Tell those who want to know some time before, or those who want to know when it begins."""
        seconds = note.length * 60 / self.transport.tempo
        for listener in self.listeners:
            if (listener.lead > 0) == led:
                listener.note(Out(time, seconds, *sound, note.at, note.length))

    def _sound(self, note: Played) -> Sound | None:
        """What goes out of a note as the controls are; None: nothing does."""
        drum, loudness = note.program == DRUMS, self.values["velocity"]
        pitch = note.pitch if drum else note.pitch + self.values["transpose"]
        if not 0 <= pitch < 128 or loudness == 0:
            return None
        velocity = max(min(round(note.velocity * loudness), 127), 1)
        return Sound(self._channel(note), pitch, velocity, 0 if drum else note.program)

    def _channel(self, note: Played) -> int:
        """A channel for each part, the tenth for drums."""
        if note.program == DRUMS:
            return m.PERCUSSION
        with self._lock:
            if note.part not in self._channels:
                place = len(self._channels) % (m.CHANNELS - 1)
                self._channels[note.part] = place if place < m.PERCUSSION else place + 1
            return self._channels[note.part]
