"""How like a corpus sampled music is, by the features and distances of Yang & Lerch (2020). Knows scores, no models.

Each piece becomes nine features. For each feature the distances between pieces of the corpus (within) and those
between samples and pieces of the corpus (across) are two distributions; they are compared by their overlapping area
(1: the same) and by the Kullback–Leibler divergence of across from within (0: the same), both densities being
estimated on one grid. Beside them stand intervals by bootstrap over pieces, and the ceiling: what one half of the
corpus reaches against the other, which no model need exceed.

Source: L.-C. Yang, A. Lerch: On the evaluation of generative models in music, Neural Computing and Applications 32
(2020), p. 4773–4784, sections 3.1 and 3.2. Lengths and intervals of time are counted in seconds instead of bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.music.score import DRUMS, Score

Floats = NDArray[np.float64]
GRID = 512  # places of a density
ROUNDS = 200  # of the bootstrap
LEAST = 4  # pieces on either side
LENGTHS = 0.0625 * 2 ** np.arange(0, 5.5, 0.5)  # seconds: bounds of the twelve classes of note lengths


@dataclass(frozen=True)
class Likeness:
    """One feature of samples beside a corpus.

    Attributes:
        feature: Its name.
        overlap: Overlapping area, 0 to 1.
        overlap_interval: 95 % of it.
        overlap_ceiling: That of one half of the corpus against the other.
        divergence: Kullback–Leibler divergence, nats.
        divergence_interval: 95 % of it.
        divergence_ceiling: That of one half of the corpus against the other.
    """

    feature: str
    overlap: float
    overlap_interval: tuple[float, float]
    overlap_ceiling: float
    divergence: float
    divergence_interval: tuple[float, float]
    divergence_ceiling: float

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {
            "overlap": self.overlap,
            "overlap_interval": list(self.overlap_interval),
            "overlap_ceiling": self.overlap_ceiling,
            "divergence": self.divergence,
            "divergence_interval": list(self.divergence_interval),
            "divergence_ceiling": self.divergence_ceiling,
        }


def features(score: Score) -> dict[str, Floats]:
    """Name → (k,) values of a piece with a note or more. What is about pitch leaves the drums out."""
    pitched = score.program != DRUMS
    pitch = score.pitch[pitched].astype(np.int64)
    onset = np.unique(score.seconds(score.onset))
    length = score.seconds(score.onset + score.duration) - score.seconds(score.onset)
    kind = np.searchsorted(LENGTHS, length[pitched], side="right")
    return {
        "pitch count": _one(len(np.unique(pitch))),
        "pitch class histogram": _shares(np.bincount(pitch % 12, minlength=12)),
        "pitch class transitions": _transitions(pitch % 12),
        "pitch range": _one(np.ptp(pitch) if len(pitch) else 0),
        "pitch interval": _one(np.abs(np.diff(pitch)).mean() if len(pitch) > 1 else 0),
        "note count": _one(len(score)),
        "inter-onset interval": _one(np.diff(onset).mean() if len(onset) > 1 else 0),
        "note length histogram": _shares(np.bincount(kind, minlength=12)),
        "note length transitions": _transitions(kind),
    }


def compare(corpus: Sequence[Score], samples: Sequence[Score], seed: int = 0, rounds: int = ROUNDS) -> list[Likeness]:
    """Every feature of samples beside a corpus.

    Args:
        corpus: Pieces; one half against the other gives the ceiling.
        samples: Pieces; 100 and more for intervals that say something.
        seed: Of the halves and of the bootstrap.
        rounds: Of the bootstrap.

    Raises:
        UsageError: There are too few pieces with notes.
    """
    real, made = ([features(score) for score in scores if len(score)] for scores in (corpus, samples))
    if min(len(real) // 2, len(made)) < LEAST:
        raise UsageError(
            f"{len(real)} pieces and {len(made)} samples cannot be compared",
            f"expected {2 * LEAST} pieces and {LEAST} samples at least, each with a note",
        )
    generator = np.random.default_rng(seed)
    halves = np.array_split(generator.permutation(len(real)), 2)
    draws = [(_drawn(generator, len(real)), _drawn(generator, len(made))) for _ in range(rounds)]
    found = []
    for name in real[0]:
        a, b = np.stack([piece[name] for piece in real]), np.stack([piece[name] for piece in made])
        densities = _Densities(_distances(a, a), _distances(b, a))
        best = _Densities(_distances(a[halves[0]], a[halves[0]]), _distances(a[halves[1]], a[halves[0]]))
        value, ceiling = densities.compared(), best.compared()
        spread = np.array([densities.compared(*draw) for draw in draws] or [value])
        (low, least), (high, most) = np.quantile(spread, (0.025, 0.975), axis=0).tolist()
        found.append(Likeness(name, value[0], (low, high), ceiling[0], value[1], (least, most), ceiling[1]))
    return found


class _Densities:
    """The distances within a corpus and across to samples, as densities on one grid.

    Args:
        within: (R, R) distances.
        across: (S, R) distances.
    """

    def __init__(self, within: Floats, across: Floats) -> None:
        self.pairs = np.triu_indices(len(within), 1)
        values = within[self.pairs]
        self.top = max(float(values.max(initial=0)), float(across.max(initial=0)), 1e-12)
        self.within, self.across = self._binned(values), self._binned(across.reshape(-1))
        self.sizes = len(within), len(across)

    def compared(self, real: Floats | None = None, made: Floats | None = None) -> tuple[float, float]:
        """(overlapping area, divergence), pieces being counted `real` (R,) and `made` (S,) times."""
        real = np.ones(self.sizes[0]) if real is None else real
        made = np.ones(self.sizes[1]) if made is None else made
        p = self._density(self.across, np.outer(made, real).reshape(-1))
        q = self._density(self.within, (real[self.pairs[0]] * real[self.pairs[1]]))
        return float(np.minimum(p, q).sum()), float(np.sum(p * np.log(p / q)))

    def _binned(self, values: Floats) -> NDArray[np.intp]:
        # The grid reaches as far again to either side, so that no density is cut.
        return np.clip(np.rint((values / self.top + 1) / 3 * (GRID - 1)), 0, GRID - 1).astype(np.intp)

    def _density(self, bins: NDArray[np.intp], weights: Floats) -> Floats:
        """(GRID,) a kernel density with Scott's bandwidth, summing to one, nowhere nought."""
        counts = np.bincount(bins, weights, minlength=GRID)
        total = counts.sum()
        place = np.arange(GRID)
        mean = (counts * place).sum() / total
        deviation = np.sqrt((counts * (place - mean) ** 2).sum() / total)
        width = max(deviation * total**-0.2, 1.0)
        kernel = np.exp(-0.5 * ((place - GRID // 2) / width) ** 2)
        smooth = np.convolve(counts, kernel, mode="same") + 1e-9 * total
        return np.asarray(smooth / smooth.sum())


def _drawn(generator: np.random.Generator, count: int) -> Floats:
    """(count,) how often each piece is drawn, with replacement."""
    return np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)


def _distances(a: Floats, b: Floats) -> Floats:
    """(A, B) Euclidean distances of (A, k) and (B, k)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _one(value: Any) -> Floats:
    return np.array([value], np.float64)


def _shares(counts: NDArray[Any]) -> Floats:
    return np.asarray(counts / max(counts.sum(), 1), np.float64)


def _transitions(kinds: NDArray[Any]) -> Floats:
    """(144,) the shares of the pairs of neighbours among twelve kinds."""
    return _shares(np.bincount(kinds[:-1] * 12 + kinds[1:], minlength=144))
