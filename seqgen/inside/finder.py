"""The cell finder: which cells follow what in a text, and where in a text given cells are on.

Measured is Pearson's correlation r of a cell's activation with a feature, over the places at which the feature says
something. Chance is what the best of all cells reaches when the feature is shifted along the text (circularly, by
random amounts), which keeps its rhythm and takes away its meaning: the highest |r| of SHIFTS such shifts. A cell says
something where its |r| is well above that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.generation import Ids
from seqgen.inside.features import Feature
from seqgen.inside.naming import CellName
from seqgen.inside.sweep import Block, columns, sweep

SHIFTS = 8
EVERY = 4  # of the places, for chance alone
AROUND = 48  # tokens of a passage to either side of where a cell is on
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """A cell that follows a feature.

    Attributes:
        feature: What it follows.
        name: Which cell.
        part: What of its state.
        correlation: Pearson's r.
        chance: The highest |r| that any cell reaches by chance.
    """

    feature: str
    name: CellName
    part: str
    correlation: float
    chance: float

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        about = {"feature": self.feature, "cell": str(self.name), "part": self.part}
        return about | {"correlation": round(self.correlation, 4), "chance": round(self.chance, 4)}


@dataclass(frozen=True)
class Passage:
    """Where a cell is on.

    Attributes:
        begin, end: Tokens of the text.
        values: What the cell is there.
    """

    begin: int
    end: int
    values: tuple[float, ...]


class Correlations:
    """Sums from which correlations of C columns with features come, block by block.

    Args:
        features: (N,) each; NaN where one says nothing.
        count: C.
        shifts: How far the features are shifted along the text, circularly; each shift gives all of them once.
    """

    def __init__(self, features: Sequence[NDArray[np.float32]], count: int, shifts: Sequence[int] = (0,)) -> None:
        known = [np.isfinite(each) for each in features]
        self._shifts, self._length = shifts, len(known[0])
        self._mask = np.stack(known)  # (F, N)
        # Centred beforehand: sums of squares of large numbers would lose what is small.
        centred = [each - each[own].mean(dtype=np.float64) if own.any() else each for each, own in zip(features, known)]
        self._values = np.stack([np.where(own, each, 0).astype(np.float32) for own, each in zip(known, centred)])
        shape = len(features) * len(shifts), count
        self._xy, self._x, self._xx = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._y, self._yy, self._n = (np.zeros((shape[0], 1)) for _ in range(3))

    def add(self, places: NDArray[np.int64], block: NDArray[np.float32]) -> None:
        """Take in (n, C) activations at (n,) places."""
        shifted = [(places - shift) % self._length for shift in self._shifts]
        mask = np.concatenate([self._mask[:, each] for each in shifted]).astype(np.float32)
        values = np.concatenate([self._values[:, each] for each in shifted])
        self._xy += values @ block
        whole = bool(mask.all())
        self._x += block.sum(axis=0, dtype=np.float64) if whole else mask @ block
        self._xx += np.einsum("nc,nc->c", block, block) if whole else mask @ (block * block)
        self._y += values.sum(axis=1, keepdims=True, dtype=np.float64)
        self._yy += (values * values).sum(axis=1, keepdims=True, dtype=np.float64)
        self._n += mask.sum(axis=1, keepdims=True, dtype=np.float64)

    def result(self) -> Floats:
        """(F, C) Pearson's r; 0 where a cell or a feature never changes."""
        n = np.maximum(self._n, 1)
        together = self._xy / n - self._x / n * self._y / n
        spread = (self._xx / n - (self._x / n) ** 2) * (self._yy / n - (self._y / n) ** 2)
        return np.where(spread > 1e-12, together / np.sqrt(np.maximum(spread, 1e-12)), 0.0)


def find(checkpoint: Checkpoint, ids: Ids, features: Sequence[Feature], best: int = 3, seed: int = 1) -> list[Found]:
    """The cells that follow each feature best.

    Args:
        checkpoint: The network.
        ids: (N,) a text.
        features: What may be followed, (N,) values each.
        best: How many cells of each feature.
        seed: Of the shifts.

    Returns:
        For each feature its cells, the best first; features by their best cell.
    """
    return followers(sweep(checkpoint, ids), features, columns(checkpoint), best, seed)


def followers(
    blocks: Iterable[Block],
    features: Sequence[Feature],
    named: Sequence[tuple[int, str, int]],
    best: int = 3,
    seed: int = 1,
) -> list[Found]:
    """The same of activations that come in blocks, whose columns are `named` as `seqgen.inside.sweep.columns` does."""
    if not features:
        return []
    values = [feature.values for feature in features]
    shifts = _shifts(len(values[0]), seed)
    measured, chance = Correlations(values, len(named)), Correlations(values, len(named), shifts)
    for places, block in blocks:
        measured.add(places, block)
        chance.add(places[::EVERY], block[::EVERY])
    levels = np.abs(chance.result()).reshape(SHIFTS, len(features), -1).max(axis=(0, 2))
    found = [
        list(_best(feature.name, row, float(level), named, best))
        for feature, row, level in zip(features, measured.result(), levels)
    ]
    found.sort(key=lambda cells: -abs(cells[0].correlation))
    return [each for cells in found for each in cells]


def _best(
    feature: str, row: Floats, chance: float, named: Sequence[tuple[int, str, int]], count: int
) -> Iterable[Found]:
    """The best cells of one feature, each once."""
    seen: set[CellName] = set()
    for column in np.argsort(-np.abs(row), kind="stable").tolist():
        layer, part, cell = named[column]
        name = CellName(layer, cell)
        if name not in seen:
            seen.add(name)
            yield Found(feature, name, part, float(row[column]), chance)
        if len(seen) == count:
            return


def _shifts(length: int, seed: int) -> list[int]:
    """SHIFTS shifts by a tenth of the text at least."""
    rng = np.random.default_rng(seed)
    low, high = max(1, length // 10), max(2, length - length // 10)
    return [int(each) for each in rng.integers(low, high, SHIFTS)]


def passages(activations: NDArray[np.float32], count: int = 6) -> list[Passage]:
    """Where a cell of (N,) activations is most strongly on, apart from each other, the strongest first."""
    width = min(9, len(activations))
    smooth = np.convolve(activations, np.ones(width) / width, mode="same")
    found: list[Passage] = []
    for place in np.argsort(-smooth, kind="stable").tolist():
        begin, end = max(0, place - AROUND), min(len(activations), place + AROUND)
        if all(end <= other.begin or begin >= other.end for other in found):
            found.append(Passage(begin, end, tuple(activations[begin:end].tolist())))
        if len(found) == count:
            break
    return found
