"""What was played in and out, or said: rows that whoever keeps a session takes away now and then.

Only what still sounds stays in memory. A row is six whole numbers of 64 bits, little-endian: onset and length in ticks,
pitch, velocity, program, part; or the tick of a tempo, its microseconds a quarter note, and −1 as a pitch.
"""

import threading
from array import array
from typing import Protocol

import numpy as np

from seqgen.live import messages as m
from seqgen.music.score import DRUMS, Score

TICKS = 480
ROW = 6
IN, OUT = range(2)  # whose notes: those of the channels 1 to 16 are parts 0 to 15, and 16 to 31
TEMPO = -1  # in the place of a pitch
SOURCES = ("in", "out")


class Kept(Protocol):
    """What a session is kept as."""

    @property
    def count(self) -> int:
        """Notes, or lines, so far."""
        ...

    def taken(self) -> bytes:
        """What has been added since the last call."""
        ...

    def end(self, now: float, tempo: float) -> None:
        """It is over; what still sounds ends now."""
        ...


class Recording:
    """Notes as they are heard.

    Args:
        tempo: Quarter notes a minute at the beginning.

    Attributes:
        count: Notes so far.
    """

    def __init__(self, tempo: float) -> None:
        self._lock = threading.Lock()
        self._rows = array("q")
        self._open: dict[tuple[int, int, int], tuple[int, ...]] = {}
        self._tick, self._time, self._tempo = 0.0, -1.0, tempo
        self.count = 0
        self._put_tempo(0)

    def begin(self, now: float) -> None:
        """The first bar begins now."""
        with self._lock:
            self._time = now

    def begin_once(self, now: float) -> None:
        """The same, where it has not begun yet."""
        if self._time < 0:
            self.begin(now)

    def on(self, source: int, channel: int, pitch: int, velocity: int, program: int, now: float, tempo: float) -> None:
        """A note begins; one of the same key that sounds ends."""
        with self._lock:
            tick = self._ticks(now, tempo)
            self._end((source, channel, pitch), tick)
            kind = DRUMS if channel == m.PERCUSSION else program
            self._open[source, channel, pitch] = tick, pitch, velocity, kind, source * m.CHANNELS + channel
            self.count += 1

    def off(self, source: int, channel: int, pitch: int, now: float, tempo: float) -> None:
        """A note ends."""
        with self._lock:
            self._end((source, channel, pitch), self._ticks(now, tempo))

    def taken(self) -> bytes:
        """The rows that have been added since the last call."""
        with self._lock:
            rows, self._rows = self._rows, array("q")
        return np.array(rows, "<i8").tobytes()

    def end(self, now: float, tempo: float) -> None:
        """It is over; what still sounds ends now."""
        with self._lock:
            for key in list(self._open):
                self._end(key, self._ticks(now, tempo))

    def _ticks(self, now: float, tempo: float) -> int:
        """The tick of a time, which moves on at the tempo that holds."""
        if self._time >= 0:
            self._tick += max(now - self._time, 0.0) * self._tempo / 60 * TICKS
            self._time = max(now, self._time)
        tick = round(self._tick)
        if abs(tempo - self._tempo) > 0.05:
            self._tempo = tempo
            self._put_tempo(tick)
        return tick

    def _put_tempo(self, tick: int) -> None:
        self._rows.extend((tick, round(60_000_000 / self._tempo), TEMPO, 0, 0, 0))

    def _end(self, key: tuple[int, int, int], tick: int) -> None:
        begun = self._open.pop(key, None)
        if begun is not None:
            self._rows.extend((begun[0], max(tick - begun[0], 1), *begun[1:]))


class Transcript:
    """Lines as they are said."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self.count = 0

    def add(self, text: str) -> None:
        """One more line."""
        self._waiting.append(text)
        self.count += 1

    def taken(self) -> bytes:
        """The lines since the last call."""
        waiting, self._waiting = self._waiting, []
        return "".join(f"{line}\n" for line in waiting).encode("utf-8", "replace")

    def end(self, now: float, tempo: float) -> None:
        """Nothing goes on."""


def score_of(rows: bytes) -> Score:
    """Rows, as far as they are whole, as a score with a part for each channel in and out."""
    whole = len(rows) - len(rows) % (8 * ROW)
    table = np.frombuffer(rows[:whole], "<i8").reshape(-1, ROW)
    tempos, notes = table[table[:, 2] == TEMPO], table[table[:, 2] != TEMPO]
    last = np.append(np.diff(tempos[:, 0]) > 0, True)[: len(tempos)]  # of several at one tick the last holds
    names = [f"{source} {channel + 1}" for source in SOURCES for channel in range(m.CHANNELS)]
    tempo = {"tempo_tick": tempos[last, 0], "tempo": tempos[last, 1]} if len(tempos) else {}
    return Score.from_notes(TICKS, notes[:, :5], part=notes[:, 5], names=names, **tempo)
