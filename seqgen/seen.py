"""What a training run saw of its vocabulary: how often each token, and what its documents hold at most at one instant.

A checkpoint keeps it, so that sampling draws no stranger and piles up no more than the corpus did. It knows numbers,
not what they stand for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seen:
    """What training saw.

    Attributes:
        counts: (V,) how often each token occurred in the training documents, augmented as they were.
        bounds: What `seqgen.codecs.Codec.bounds` found at most.
    """

    counts: Counts
    bounds: Mapping[str, int] = field(default_factory=dict)

    def joined(self, other: "Seen") -> "Seen":
        """What either saw; of two vocabularies of different sizes the first tokens, which both have."""
        size = min(len(self.counts), len(other.counts))
        names = {*self.bounds, *other.bounds}
        bounds = {name: max(self.bounds.get(name, 0), other.bounds.get(name, 0)) for name in sorted(names)}
        return Seen(self.counts[:size] + other.counts[:size], bounds)

    def moved(self, place: NDArray[np.int64], size: int) -> "Seen":
        """The same in a vocabulary of `size` tokens, in which those of this one stand at (V,) `place`."""
        counts = np.zeros(size, np.int64)
        counts[place] = self.counts
        return Seen(counts, self.bounds)


def together(found: Sequence[Seen | None], size: int) -> Seen | None:
    """What any of several models saw of their first `size` tokens; None where one of them does not say."""
    known = [Seen(each.counts[:size], each.bounds) for each in found if each is not None]
    return reduce(Seen.joined, known) if len(known) == len(found) else None


def read_seen(counts: NDArray[Any], bounds: Mapping[str, Any], size: int) -> Seen:
    """What a file says of it, checked.

    Raises:
        ValueError: It makes no sense for a vocabulary of `size` tokens.
    """
    if counts.shape != (size,) or counts.dtype != np.int64 or (counts < 0).any():
        raise ValueError(f"counts of {counts.shape} tokens, expected {size}, none below 0")
    if not all(isinstance(name, str) and type(most) is int and 0 < most < 1 << 31 for name, most in bounds.items()):
        raise ValueError(f"bounds {dict(bounds)}")
    return Seen(counts, dict(bounds))
