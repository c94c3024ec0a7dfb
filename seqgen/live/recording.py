"""What was played in and out, as a MIDI file with a track for each. In memory a note takes some forty bytes."""

import threading
from array import array
from pathlib import Path

import numpy as np

from seqgen.files import write_bytes
from seqgen.live import messages as m
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score

TICKS = 480
IN, OUT = "in", "out"


class Recording:
    """Notes as they are heard.

    Args:
        tempo: Quarter notes a minute at the beginning.
    """

    def __init__(self, tempo: float) -> None:
        self._lock = threading.Lock()
        self._notes = array("q")  # onset, length, pitch, velocity, program, part of each
        self._open: dict[tuple[str, int, int], int] = {}
        self._parts: dict[tuple[str, int], int] = {}
        self._tick, self._time = 0.0, -1.0
        self._tempo = tempo
        self._tempos: list[tuple[int, float]] = [(0, tempo)]

    def begin(self, now: float) -> None:
        """The first bar begins now."""
        with self._lock:
            self._time = now

    def begin_once(self, now: float) -> None:
        """The same, where it has not begun yet."""
        if self._time < 0:
            self.begin(now)

    def on(self, source: str, channel: int, pitch: int, velocity: int, program: int, now: float, tempo: float) -> None:
        """A note begins; one of the same key that sounds ends."""
        with self._lock:
            tick = self._ticks(now, tempo)
            self._end((source, channel, pitch), tick)
            part = self._parts.setdefault((source, channel), len(self._parts))
            self._open[source, channel, pitch] = len(self._notes)
            kind = DRUMS if channel == m.PERCUSSION else program
            self._notes.extend((tick, 0, pitch, velocity, kind, part))

    def off(self, source: str, channel: int, pitch: int, now: float, tempo: float) -> None:
        """A note ends."""
        with self._lock:
            self._end((source, channel, pitch), self._ticks(now, tempo))

    def __len__(self) -> int:
        return len(self._notes) // 6

    def score(self, now: float, tempo: float) -> Score:
        """All of it; what still sounds ends now."""
        with self._lock:
            for key in list(self._open):
                self._end(key, self._ticks(now, tempo))
            rows = np.array(self._notes, np.int64).reshape(-1, 6)
        names = [f"{source} {channel + 1}" for source, channel in self._parts]
        tempos = np.array([[tick, round(60_000_000 / tempo)] for tick, tempo in self._tempos], np.int64)
        return Score.from_notes(
            TICKS, rows[:, :5], part=rows[:, 5], names=names, tempo_tick=tempos[:, 0], tempo=tempos[:, 1]
        )

    def write(self, path: Path, now: float, tempo: float) -> None:
        """The file. Raises OutputError where it cannot be written."""
        write_bytes(path, write_score(self.score(now, tempo)))

    def _ticks(self, now: float, tempo: float) -> int:
        """The tick of a time, which moves on at the tempo that holds."""
        if self._time >= 0:
            self._tick += max(now - self._time, 0.0) * self._tempo / 60 * TICKS
            self._time = max(now, self._time)
        tick = round(self._tick)
        if abs(tempo - self._tempo) > 0.05:
            self._tempo = tempo
            if self._tempos[-1][0] == tick:
                self._tempos.pop()
            self._tempos.append((tick, tempo))
        return tick

    def _end(self, key: tuple[str, int, int], tick: int) -> None:
        at = self._open.pop(key, None)
        if at is not None:
            self._notes[at + 1] = max(tick - self._notes[at], 1)
