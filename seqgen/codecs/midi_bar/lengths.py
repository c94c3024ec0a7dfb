"""How many bars a length in seconds is. Knows meters, tempos and countdowns, no notes.

The first bar states a meter, the class of bars to go and a tempo, but it may be an upbeat: how long bars are is known
once the second one has its meter. After a first bar of a quarter note or less, bars of three or four are expected, as
far as training saw such; after a longer one, bars as long as it. So the class and the tempo are kept to what meets the
length with the bars that are expected, and then the second meter to what meets it with these.
"""

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v

TEMPI = (75, 150), (50, 200)  # quarter notes a minute within which such a piece begins, else
UPBEAT, FULL = 1.0, (3.0, 4.0)  # quarter notes of a first bar that is an upbeat, and of the bars expected after it
CLOSE, STRETCHED = 1.05, 1.2  # by how much a length may be off, where a tempo is asked for and where it can give way
BPM = 60_000_000 / v.TEMPOS
_QUARTERS = np.array([4 * over / under for over, under in v.METERS])


class Lengths:
    """Bars for a length.

    Args:
        seconds: Of the piece.
        tempo: Quarter notes a minute, where that is asked for.
        seen: (SIZE,) tokens of which music is to be made; None: all.
    """

    def __init__(self, seconds: float, tempo: float | None, seen: Mask | None) -> None:
        self._seconds, self._tolerance = seconds, STRETCHED if tempo is None else CLOSE
        seen = np.ones(v.SIZE, np.bool_) if seen is None else seen
        ranges = [(low <= BPM) & (high >= BPM) for low, high in TEMPI]
        known = [each & seen[v.TEMPO : v.POS] for each in ranges]
        self._tempos = next((each for each in known if each.any()), ranges[-1])
        self._bpm = BPM if tempo is None else np.full(len(BPM), tempo)
        self._full = np.isin(_QUARTERS, FULL) & seen[v.METER : v.METER + v.OTHER]

    def classes(self, meter: tuple[int, int]) -> Mask:
        """(REMAIN classes,) those with which the length can be met after a first bar of a meter.

        Those in which any of the bars expected can, as far as there are such, so that the second meter is free.
        """
        every = np.arange(len(v.REMAIN_EDGES) + 1)
        found = np.array([np.isin(every, row) for row in self._classes(meter)[:, self._tempos]])
        return np.asarray(found.all(axis=0) if found.all(axis=0).any() else found.any(axis=0))

    def tempos(self, meter: tuple[int, int], remain: int) -> Mask:
        """(TEMPO tokens,) those with which it can be met once the class of bars to go is stated, too."""
        return np.asarray((self._classes(meter) == remain).any(axis=0) & self._tempos)

    def _classes(self, meter: tuple[int, int]) -> NDArray[np.int64]:
        """(lengths of bars, TEMPO tokens) the class of bars to go after a first bar of a meter."""
        first = 4 * meter[0] / meter[1]
        bar = np.unique(_QUARTERS[self._full]) if self.upbeat(meter) else np.array([first])
        rest = np.rint((self._seconds * self._bpm / 60 - first) / bar[:, None])
        return np.asarray(np.searchsorted(v.REMAIN_EDGES, np.maximum(rest, 0)), np.int64)

    def upbeat(self, meter: tuple[int, int]) -> bool:
        """Whether a first bar of a meter is one, and full bars are known."""
        return 4 * meter[0] <= UPBEAT * meter[1] and bool(self._full.any())

    def bars(self, passed: float, bar: float, remain: int | None = None) -> int:
        """How many bars of so many seconds are to follow the first, which took `passed`, in a class that was stated."""
        wanted = max(round((self._seconds - passed) / bar), 0)
        return wanted if remain is None else min(max(wanted, g.lower(remain)), g.upper(remain))

    def meters(self, passed: float, second: float, remain: int) -> Mask:
        """(METERS,) those of the second bar with which the length is met, its quarter notes lasting `second`."""
        bar = second * _QUARTERS
        whole = np.array([passed + self.bars(passed, each, remain) * each for each in bar.tolist()]) / self._seconds
        return np.asarray(self._full & (whole <= self._tolerance) & (whole >= 1 / self._tolerance))
