"""The cell finder: which cells follow what in a text, and where in a text given cells are on.

Measured is Pearson's correlation r of a cell's activation with a feature, over the places at which the feature says
something; and the same balanced: each value of the feature weighs as much as any other, however rare. Where a feature
holds at one place in fifty, a cell that is on at all these places and at one in fifty of the others has an r of 0.7 and
a balanced one of 0.98: the first says how surely the feature can be read off the cell in running text, the second how
well the cell tells the values of the feature apart. Cells are ranked by the larger of the two.

Chance is what the best of all cells reaches when the feature is shifted along the text (circularly, by random amounts),
which keeps its rhythm and takes away its meaning: the highest of both measures over SHIFTS such shifts. A cell says
something where it is well above that.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.generation import Ids
from seqgen.generation.blas import one_numpy_thread
from seqgen.inside.features import Feature
from seqgen.inside.naming import CellName
from seqgen.inside.sweep import Block, columns, sweep

SHIFTS = 8
EVERY = 8  # of the places, for chance alone
PORTION = 1024  # places whose sums are taken at once
RARE = 200  # a value that stands at fewer than one place in so many weighs less than the others
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
        balanced: The same, each value of the feature weighing the same.
        chance: The highest of both that any cell reaches by chance.
    """

    feature: str
    name: CellName
    part: str
    correlation: float
    balanced: float
    chance: float

    @property
    def larger(self) -> float:
        """The larger of both measures, with its sign."""
        return max(self.correlation, self.balanced, key=abs)

    @property
    def strength(self) -> float:
        """The same without its sign: what cells are ranked by."""
        return abs(self.larger)

    def values(self) -> tuple[float, float, float]:
        """r, balanced, chance."""
        return self.correlation, self.balanced, self.chance

    def said(self) -> str:
        """The larger measure in words."""
        return f"{'r' if self.larger == self.correlation else 'balanced r'} {self.larger:+.2f}"

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        about = {"feature": self.feature, "cell": str(self.name), "part": self.part}
        numbers = zip(("correlation", "balanced", "chance"), self.values())
        return about | {name: round(value, 4) for name, value in numbers}


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
        balanced: Whether each value of a feature weighs the same, instead of each place.
    """

    def __init__(
        self,
        features: Sequence[NDArray[np.float32]],
        count: int,
        shifts: Sequence[int] = (0,),
        balanced: bool = False,
    ) -> None:
        weights = [_weights(each, balanced) for each in features]  # (N,) each, 0 where it says nothing
        # Centred beforehand: sums of squares of large numbers would lose what is small.
        values = [_centred(each, own) for each, own in zip(features, weights)]
        # (N, 2F): all that is wanted of a place lies together.
        self._weights_and_values = np.stack([*weights, *values], axis=1)
        self._alike = all(bool((own == 1).all()) for own in weights)
        self._begin(count, shifts)

    def _begin(self, count: int, shifts: Sequence[int]) -> None:
        self._shifts, self._features = shifts, self._weights_and_values.shape[1] // 2
        shape = self._features * len(shifts), count
        self._xy, self._x, self._xx = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._y, self._yy, self._n = (np.zeros((shape[0], 1)) for _ in range(3))

    def shifted(self, shifts: Sequence[int]) -> "Correlations":
        """Sums of the same features shifted along the text, nothing added up yet."""
        made = copy.copy(self)
        made._begin(self._xy.shape[1], shifts)
        return made

    def add(self, places: NDArray[np.int64], block: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        """Take in (n, C) activations at (n,) places, and their squares."""
        length = len(self._weights_and_values)
        rows = [self._weights_and_values[(places - shift) % length] for shift in self._shifts]
        weights = np.concatenate([each[:, : self._features] for each in rows], axis=1)  # (n, shifts · F)
        values = np.concatenate([each[:, self._features :] for each in rows], axis=1)
        weighted = weights * values
        own = weights[:, :1] if self._alike else weights  # where all are 1, one stands for all
        both = np.concatenate([weighted, own], axis=1).T @ block
        self._xy += both[: weighted.shape[1]]
        self._x += both[weighted.shape[1] :]
        self._xx += own.T @ squares
        self._y += weighted.sum(axis=0, dtype=np.float64)[:, None]
        self._yy += (weighted * values).sum(axis=0, dtype=np.float64)[:, None]
        self._n += weights.sum(axis=0, dtype=np.float64)[:, None]

    def result(self) -> Floats:
        """(F, C) Pearson's r; 0 where a cell or a feature never changes."""
        n = np.maximum(self._n, 1)
        together = self._xy / n - self._x / n * self._y / n
        spread = (self._xx / n - (self._x / n) ** 2) * (self._yy / n - (self._y / n) ** 2)
        return np.where(spread > 1e-12, together / np.sqrt(np.maximum(spread, 1e-12)), 0.0)


def _weights(feature: NDArray[np.float32], balanced: bool) -> NDArray[np.float32]:
    """(N,) what each place weighs, 1 in the mean over the places at which the feature says something."""
    known = np.isfinite(feature)
    found = known.astype(np.float32)
    if balanced and known.any():
        _, which, counts = np.unique(feature[known], return_inverse=True, return_counts=True)
        own = 1 / np.maximum(counts, known.sum() / RARE)[which]
        found[known] = own / own.mean()
    return found


def _centred(feature: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) a feature less its weighted mean; 0 where it says nothing."""
    known = weights > 0
    mean = np.average(feature[known].astype(np.float64), weights=weights[known]) if known.any() else 0.0
    return np.where(known, feature - mean, 0).astype(np.float32)


def find(checkpoint: Checkpoint, ids: Ids, features: Sequence[Feature], best: int = 3, seed: int = 1) -> list[Found]:
    """The cells that follow each feature best.

    Args:
        checkpoint: The network.
        ids: (N,) a text.
        features: What may be followed, (N,) values each.
        best: How many cells of each feature.
        seed: Of the shifts.

    Returns:
        For each feature its cells, the best first; features by how far their best cell is above chance.
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
    sums = [Correlations(values, len(named), balanced=balanced) for balanced in (False, True)]
    ways = [(each, each.shifted(shifts)) for each in sums]
    with one_numpy_thread():  # each product is small, and torch's own threads wait beside
        for places, block in _portions(blocks):
            squares = block * block
            some = places[::EVERY], np.ascontiguousarray(block[::EVERY]), np.ascontiguousarray(squares[::EVERY])
            for measured, chance in ways:
                measured.add(places, block, squares)
                chance.add(*some)
    levels = [np.abs(chance.result()).reshape(SHIFTS, len(features), -1).max(axis=(0, 2)) for _, chance in ways]
    plain, balanced = (measured.result() for measured, _ in ways)
    found = [
        list(_best(feature.name, (row, other), float(level), named, best))
        for feature, row, other, level in zip(features, plain, balanced, np.maximum(*levels))
    ]
    found.sort(key=lambda cells: cells[0].chance - cells[0].strength)
    return [each for cells in found for each in cells]


def _portions(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same in blocks of PORTION places at most, whose squares and sums a processor's cache holds."""
    for places, block in blocks:
        for begin in range(0, len(places), PORTION):
            yield places[begin : begin + PORTION], block[begin : begin + PORTION]


def _best(
    feature: str, rows: tuple[Floats, Floats], chance: float, named: Sequence[tuple[int, str, int]], count: int
) -> Iterable[Found]:
    """The best cells of one feature, each once; `rows` are both measures, (C,) each."""
    seen: set[CellName] = set()
    for column in np.argsort(-np.abs(rows).max(axis=0), kind="stable").tolist():
        layer, part, cell = named[column]
        name = CellName(layer, cell)
        if name not in seen:
            seen.add(name)
            yield Found(feature, name, part, float(rows[0][column]), float(rows[1][column]), chance)
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
