"""A piece of music as numpy arrays: what every reader makes, every music codec encodes, every renderer draws.

Times are whole ticks; a tempo map turns them into seconds. Notes stand in canonical order: by onset, then program,
then pitch, then duration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRUMS = 128  # the program that stands for the percussion channel; its kit number is kept in `kits`
DEFAULT_TEMPO = 500_000  # microseconds per quarter note: 120 beats a minute (Standard MIDI Files 1.0, p. 10)

MAX_SECONDS = 24 * 3600  # of one piece; whatever lasts longer is refused

Ticks = NDArray[np.int64]


def _ticks(*values: int) -> Ticks:
    return np.array(values, np.int64)


def _canonical_order(rows: NDArray[np.int64]) -> NDArray[np.intp]:
    """(N,) indices that sort rows of onset, duration, pitch, velocity, program; equal ones stay in their order."""
    key = (rows[:, 0] << 15) | (rows[:, 4] << 7) | rows[:, 2]
    order = np.argsort(key)
    ordered = key[order]
    if rows[:, 0].max(initial=0) < 1 << 48 and np.all(ordered[1:] > ordered[:-1]):
        return order
    return np.lexsort((rows[:, 1], rows[:, 2], rows[:, 4], rows[:, 0]))


def _parts(given: Ticks, program: Ticks, names: Sequence[str]) -> tuple[Ticks, tuple[str, ...]]:
    """(N,) parts of one program each, numbered in the order of what was given, and their names."""
    if len(given) == 0:
        return given, ()
    key = given << 8 | program
    there = np.bincount(key) > 0
    found = np.flatnonzero(there)
    numbers = (found >> 8).tolist()
    return (np.cumsum(there) - 1)[key], tuple(names[part] if part < len(names) else "" for part in numbers)


@dataclass(frozen=True, eq=False)
class Score:
    """Notes, tempo map and meters of one piece.

    Attributes:
        ticks_per_quarter: Ticks in a quarter note, at least 1.
        onset: (N,) int64, ticks.
        duration: (N,) int64, ticks, at least 1.
        pitch: (N,) uint8 in [0, 127].
        velocity: (N,) uint8 in [1, 127].
        program: (N,) uint8: General MIDI program in [0, 127], or DRUMS.
        tempo_tick, tempo: (T,) int64: from which tick on, microseconds per quarter note. The first is at tick 0.
        meter_tick, meter: (M,) int64 and (M, 2) int64: from which tick on, numerator and denominator.
        length: The last tick of the piece, at least the end of its last note.
        kit: The program number of the percussion channel.
        title: What the file calls itself, or "".
        pedal: (P, 3) int64 onset, duration in ticks, program: when the sustain pedal is down. Empty where the pedal
            was folded into the durations of the notes.
        part: (N,) int64 in [0, P): the part that each note belongs to, one program of a track and channel of a MIDI
            file or of a voice of a written score. Where a maker told of no parts, each program is one.
        names: (P,) what the parts are called; "" where a part has no name.
    """

    ticks_per_quarter: int
    onset: Ticks
    duration: Ticks
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    program: NDArray[np.uint8]
    tempo_tick: Ticks = field(default_factory=lambda: _ticks(0))
    tempo: Ticks = field(default_factory=lambda: _ticks(DEFAULT_TEMPO))
    meter_tick: Ticks = field(default_factory=lambda: _ticks(0))
    meter: Ticks = field(default_factory=lambda: np.array([[4, 4]], np.int64))
    length: int = 0
    kit: int = 0
    title: str = ""
    pedal: Ticks = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    part: Ticks = field(default_factory=_ticks)
    names: tuple[str, ...] = ()

    @classmethod
    def from_notes(cls, ticks_per_quarter: int, notes: Any, **rest: Any) -> "Score":
        """A score from (N, 5) rows of onset, duration, pitch, velocity, program, in any order.

        `part` is (N,) in the same order, any numbers of at least 0; a part of several programs becomes several.
        `names` are by the numbers that were given; there may be fewer.
        """
        rows = np.asarray(notes, np.int64).reshape(-1, 5)
        order = _canonical_order(rows)
        rows = rows[order]
        given = np.asarray(rest["part"], np.int64)[order] if "part" in rest else np.zeros(len(rows), np.int64)
        rest["part"], rest["names"] = _parts(given, rows[:, 4], rest.get("names", ()))
        onset, duration = rows[:, 0].copy(), np.maximum(rows[:, 1], 1)
        end = int((onset + duration).max(initial=0))
        rest["length"] = max(end, rest.get("length", 0))
        small = rows.astype(np.uint8)
        columns = (small[:, 2].copy(), np.maximum(small[:, 3], 1), small[:, 4].copy())
        return cls(ticks_per_quarter, onset, duration, *columns, **rest)

    def __len__(self) -> int:
        return len(self.onset)

    def seconds(self, ticks: Any) -> NDArray[np.float64]:
        """Ticks of any shape as seconds from the start, by the tempo map."""
        wanted = np.asarray(ticks, np.float64)
        rate = self.tempo / (1e6 * self.ticks_per_quarter)  # (T,) seconds a tick
        if len(rate) == 1:
            return np.asarray((wanted - self.tempo_tick[0]) * rate[0])
        elapsed = np.concatenate(([0.0], np.cumsum((self.tempo_tick[1:] - self.tempo_tick[:-1]) * rate[:-1])))
        segment = np.maximum(np.searchsorted(self.tempo_tick, wanted, side="right") - 1, 0)
        return np.asarray(elapsed[segment] + (wanted - self.tempo_tick[segment]) * rate[segment])

    @property
    def duration_seconds(self) -> float:
        """How long the piece lasts."""
        return float(self.seconds(self.length))

    @property
    def last_bar_seconds(self) -> float:
        """How long a bar is at the end of the piece."""
        over, under = self.meter[-1].tolist()
        return float(self.tempo[-1] / 1e6 * 4 * over / under)
