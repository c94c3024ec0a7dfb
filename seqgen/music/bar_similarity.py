"""How like one another the bars of a piece are, and how many are empty. Knows scores.

A bar is the set of what begins in it: (place in the bar, pitch), of all parts, places being rounded to 24ths of a
quarter note; a drum is a pitch of its own. Two bars are as like as their sets overlap (Jaccard 1901: what both have
over what either has).

- At a lag: the mean, over bars in which something begins, of the likeness to the bar so many before; 1 where a piece
  repeats itself at that lag. Bars without one so far before do not count.
- Best: the mean of the likeness to the best of all earlier bars, over bars but the first in which something begins.

Source of the likeness by lag: Yu, B. et al.: Museformer: Transformer with fine- and coarse-grained attention for music
generation (NeurIPS 2022), whose notes must agree in their lengths too.
Only the first MOST bars of a piece are compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.music.score import DRUMS, Score

LAGS = (1, 2, 4, 8, 16)
QUARTER = 24  # steps
MOST = 1000  # bars
COMMON = (4, 4)


@dataclass(frozen=True, eq=False)
class Bars:
    """Which bar each note is in.

    Attributes:
        first, last: (N,) the bar in which each note begins, and the one in which it ends.
        place: (N,) steps from the beginning of the bar.
        sound: (N,) its pitch; drums are behind the pitches.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    place: NDArray[np.int64]
    sound: NDArray[np.int64]

    @classmethod
    def of(cls, score: Score) -> "Bars":
        """Those of a piece."""
        stretches = _stretches(score)
        steps = QUARTER / score.ticks_per_quarter
        begin = np.rint(score.onset * steps)
        end = np.maximum(np.rint((score.onset + score.duration) * steps) - 1, begin)
        first, place = _bars(begin, stretches)
        sound = score.pitch.astype(np.int64) + np.where(score.program == DRUMS, 128, 0)
        return cls(first, _bars(end, stretches)[0], place, sound)

    def empty(self) -> float:
        """The share of bars in which nothing sounds, up to the last in which something does."""
        order = np.argsort(self.first, kind="stable")
        first, last = self.first[order], self.last[order]
        before = np.concatenate(([-1], np.maximum.accumulate(last)[:-1]))
        silent = np.maximum(first - before - 1, 0).sum()
        return float(silent / (last.max() + 1))

    def similarities(self) -> list[float | None]:
        """(the best earlier bar, then each lag of LAGS); None where the piece is too short."""
        kept = self.first < MOST
        bar, numbers = self.first[kept], self.place[kept] * 256 + self.sound[kept]
        kinds, kind = np.unique(numbers, return_inverse=True)
        held = np.zeros((int(bar.max(initial=0)) + 1, len(kinds)), np.float32)
        held[bar, kind] = 1
        shared, size = held @ held.T, held.sum(axis=1)
        like = shared / np.maximum(size[:, None] + size - shared, 1)  # (B, B)
        filled = size > 0
        best = np.tril(like, -1).max(axis=1)
        later = filled.copy()
        later[int(np.argmax(filled))] = False
        return [_mean(best[later]), *(_mean(np.diagonal(like, -lag)[filled[lag:]]) for lag in LAGS)]


def by_lag(pieces: Iterable[Bars]) -> dict[int, float]:
    """Lag → the mean over pieces of their likeness at that lag; lags too long for every piece are left out."""
    found = [piece.similarities()[1:] for piece in pieces]
    known = {lag: [each for row in found if (each := row[place]) is not None] for place, lag in enumerate(LAGS)}
    return {lag: sum(values) / len(values) for lag, values in known.items() if values}


def _mean(values: NDArray[np.float32]) -> float | None:
    return float(values.mean()) if len(values) else None


def _stretches(score: Score) -> NDArray[np.float64]:
    """(M, 3) of each meter: its step, the steps of a bar, the number of its first bar."""
    rows: list[tuple[float, float, float]] = []
    meters = list(zip(score.meter_tick.tolist(), score.meter.tolist()))
    if not meters or meters[0][0] > 0:
        meters.insert(0, (0, COMMON))
    number = 0.0
    for tick, (over, under) in meters:
        over, under = (over, under) if over > 0 and under > 0 else COMMON
        begin = tick * QUARTER / score.ticks_per_quarter
        if rows:
            number += np.ceil((begin - rows[-1][0]) / rows[-1][1] - 1e-6)
        rows.append((begin, 4 * QUARTER * over / under, number))
    return np.array(rows)


def _bars(step: NDArray[np.float64], stretches: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """((N,) the bar that each step is in, (N,) how far in)."""
    at = np.maximum(np.searchsorted(stretches[:, 0], step + 1e-6, side="right") - 1, 0)
    begin, length, number = stretches[at].T
    bar = np.floor((step - begin) / length + 1e-6)
    return (number + bar).astype(np.int64), np.rint(step - begin - bar * length).astype(np.int64)
