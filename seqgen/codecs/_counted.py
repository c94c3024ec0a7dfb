"""What codecs are whose vocabulary follows from how often things occur: counts of parts of a corpus can be added up.

So several processes, or machines, can count at the same time, and the vocabulary is that of one that counted all.
"""

import abc
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Self

MOST = 1 << 20  # different things that are counted at once; beyond, those that were seen once are forgotten


class Counted(abc.ABC):
    """What a codec is besides that learns by counting.

    Class attributes:
        slow_from: Bytes of a corpus from which counting by several processes is worth their start.
    """

    slow_from: ClassVar[int]

    @classmethod
    @abc.abstractmethod
    def counted(cls, documents: Iterable[Iterable[bytes]], options: Any) -> Counter[str]:
        """How often what the vocabulary is made of occurs in some documents, each given in pieces."""

    @classmethod
    @abc.abstractmethod
    def of_counts(cls, counts: Counter[str], options: Any) -> Self:
        """The codec of a corpus of which these are the counts."""

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: Any) -> Self:
        """The codec that learned from pieces of documents."""
        return cls.of_counts(cls.counted([documents], options), options)


def added(counts: Counter[str], more: Iterable[str] | Counter[str] = ()) -> Counter[str]:
    """Counts with others, in bounded memory; `counts` may be changed."""
    counts.update(more)
    return counts if len(counts) <= MOST else Counter({thing: times for thing, times in counts.items() if times > 1})
