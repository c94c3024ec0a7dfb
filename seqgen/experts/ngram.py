"""An n-gram model of token ids: the count-based baseline that stands beside every recurrent model.

Interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, "An empirical study of smoothing techniques for
language modeling", section 3): of each n-gram's count a discount is taken, and what is saved is spread by the
distribution of the next lower order, which counts in how many different contexts a token was seen and not how often.

    P_k(w | c) = (a(cw) − D(a(cw))) / a(c·) + γ(c) · P_{k−1}(w | c')      a: counts, or left contexts below the top
    P_0(w)     = 1 / V                                                    c': c without its first token

It knows ids and document starts only: not codecs, not torch. N-grams are never hashed: the n-gram that ends at
position i gets a class number from (class of the (n−1)-gram that ends at i − 1, id at i), so one sort an order does
all the counting.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

MAX_ORDER = 12
MAX_TOKENS = 8_000_000  # the training tokens that are counted, the last ones: bounds time and memory
HELD_OUT = 0.1  # the share of the training tokens on which the order is chosen, the last ones
MAX_HELD_OUT = 200_000
FALLBACK = (0.5, 1.0, 1.5)  # discounts where there are too few n-grams to estimate them, as KenLM has them


@dataclass(frozen=True, eq=False)
class Level:
    """One order's distribution, k tokens long, over U n-grams and C contexts.

    Attributes:
        keys: (U,) int64, sorted: class of the context · V + last id. An n-gram's class is its index here.
        seen: (U,) float32, the discounted relative frequency.
        saved: (C,) float32, γ, what is left for the lower order; 1 for a context that nothing followed.
    """

    keys: NDArray[np.int64]
    seen: NDArray[np.float32]
    saved: NDArray[np.float32]

    def classes(self, contexts: Ints, ids: Ints, vocab_size: int) -> NDArray[np.int64]:
        """(N,) the class of each (context class, id), or −1 where it was never seen."""
        wanted = contexts.astype(np.int64) * vocab_size + ids
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((contexts >= 0) & (self.keys[place] == wanted), place, -1)

    def mix(self, contexts: Ints, grams: Ints, lower: Floats) -> Floats:
        """(N,) probabilities at this order from those at the one below; unseen contexts leave them as they are."""
        seen = np.where(grams >= 0, self.seen[grams], 0.0)
        return np.where(contexts >= 0, seen + self.saved[contexts] * lower, lower)


@dataclass(frozen=True, eq=False)
class NGram:
    """A fitted n-gram model.

    Attributes:
        vocab_size: V; every id is below it.
        levels: The distributions of order 1, 2, … n.
    """

    vocab_size: int
    levels: tuple[Level, ...]

    @property
    def order(self) -> int:
        """n: how many tokens an n-gram has; n − 1 of them are context."""
        return len(self.levels)

    @classmethod
    def fit(cls, ids: Ints, starts: Ints, vocab_size: int, order: int | None = None) -> "NGram":
        """Count the n-grams of (N,) ids, within documents.

        Args:
            ids: (N,) token ids below `vocab_size`. Of more than MAX_TOKENS the last ones are counted.
            starts: Where documents begin, sorted; N itself may be among them.
            vocab_size: V.
            order: n, at most the longest document's length; none: what is best on held-out training tokens.
        """
        ids, starts = between(ids, starts, max(0, len(ids) - MAX_TOKENS), len(ids))
        order = best_order(ids, starts, vocab_size) if order is None else order
        order = min(order, longest(ids, starts))
        if order == 0:
            return cls(vocab_size, ())
        grams, levels = Grams.unigrams(ids, starts, vocab_size), []
        for _ in range(order - 1):
            level, grams = grams.climb()
            levels.append(level)
        return cls(vocab_size, (*levels, grams.top()))

    def nats(self, ids: Ints, starts: Ints) -> NDArray[np.float32]:
        """(N,) −ln P of every id given those before it in its document."""
        walk = Walk(ids, starts, self.vocab_size)
        for level in self.levels:
            walk.climb(level)
        return np.asarray(-np.log(walk.probability), np.float32)


class Walk:
    """Held-out ids on their way up the orders."""

    def __init__(self, ids: Ints, starts: Ints, vocab_size: int) -> None:
        self.ids, self.starts, self.vocab_size = ids.astype(np.int64), starts, vocab_size
        self.contexts: Ints = np.zeros(len(ids), np.int64)
        self.probability: Floats = np.full(len(ids), 1 / vocab_size)

    def loss(self, top: Level) -> float:
        """Mean nats with `top` as the highest order."""
        grams = top.classes(self.contexts, self.ids, self.vocab_size)
        return float(-np.log(top.mix(self.contexts, grams, self.probability)).mean())

    def climb(self, level: Level) -> None:
        """Take one more order in."""
        grams = level.classes(self.contexts, self.ids, self.vocab_size)
        self.probability = level.mix(self.contexts, grams, self.probability)
        self.contexts = _next(grams, self.starts)


@dataclass(frozen=True, eq=False)
class Grams:
    """The U different n-grams of one order in N training ids.

    Attributes:
        length: n.
        contexts: C, how many contexts the order below has.
        prefix: (N,) the class of each position's context, −1 where the document is too short.
        classes: (N,) the class of the n-gram that ends at each position, or −1.
        keys: (U,) context class · V + last id, sorted.
        counts: (U,) how often each occurs.
        example: (U,) a position where each ends.
    """

    ids: NDArray[np.int64]
    starts: Ints
    vocab_size: int
    length: int
    contexts: int
    prefix: Ints
    classes: NDArray[np.int32]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    example: NDArray[np.int64]

    @classmethod
    def unigrams(cls, ids: Ints, starts: Ints, vocab_size: int) -> "Grams":
        return cls._count(ids.astype(np.int64), starts, vocab_size, 1, 1, np.zeros(len(ids), np.int32))

    @classmethod
    def _count(
        cls, ids: NDArray[np.int64], starts: Ints, vocab_size: int, length: int, contexts: int, prefix: Ints
    ) -> "Grams":
        where = np.flatnonzero(prefix >= 0)
        keys, where = _sorted(prefix[where].astype(np.int64) * vocab_size + ids[where], where, contexts * vocab_size)
        new = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        classes = np.full(len(ids), -1, np.int32)
        classes[where] = np.cumsum(new, dtype=np.int32) - 1
        first = np.flatnonzero(new)
        counts = np.diff(first, append=len(keys))
        return cls(ids, starts, vocab_size, length, contexts, prefix, classes, keys[first], counts, where[first])

    def top(self) -> Level:
        """The distribution with this order as the highest: from counts."""
        return self._smooth(self.counts)

    def climb(self) -> tuple[Level, "Grams"]:
        """The distribution below a higher order: from how many different left contexts there are; and that order."""
        prefix = _next(self.classes, self.starts)
        above = self._count(self.ids, self.starts, self.vocab_size, self.length + 1, len(self.keys), prefix)
        left = np.bincount(self.classes[above.example], minlength=len(self.keys))
        # The start of a document is one more left context, the same for all documents.
        ends = self.starts + self.length - 1
        opening = self.classes[ends[ends < len(self.ids)]]
        left[opening[opening >= 0]] += 1  # not np.add.at: however many documents open with it, it counts once
        return self._smooth(left), above

    def _smooth(self, counts: NDArray[np.int64]) -> Level:
        """Modified Kneser-Ney of (U,) counts."""
        discounts = _discounts(counts)
        kind = np.minimum(counts, 3)
        context = self.prefix[self.example]
        total = np.bincount(context, counts, self.contexts)
        saved = np.bincount(context, discounts[kind], self.contexts)
        followed = total > 0
        saved = np.divide(saved, total, out=np.ones_like(total), where=followed)
        seen = (counts - discounts[kind]) / total[context]
        return Level(self.keys, seen.astype(np.float32), saved.astype(np.float32))


def _sorted(
    keys: NDArray[np.int64], where: NDArray[np.int64], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys below `limit` in order, and their positions. Both in one number where they fit: three times as fast."""
    bits = int(where[-1]).bit_length() if len(where) else 0
    if limit < 1 << (63 - bits):
        both = np.sort((keys << bits) | where)
        return both >> bits, both & ((1 << bits) - 1)
    order = np.argsort(keys)
    return keys[order], where[order]


def _discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(4,) what to take from an n-gram counted 0, 1, 2 and ≥ 3 times (Chen & Goodman 1999, equation 26)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
    if not n.all():
        return np.array([0, *FALLBACK])
    y = n[0] / (n[0] + 2 * n[1])
    found = np.array([0] + [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)])
    usable = ((found >= 0) & (found <= np.arange(4))).all()
    return found if usable else np.array([0, *FALLBACK])


def best_order(ids: Ints, starts: Ints, vocab_size: int) -> int:
    """The order that predicts held-out training tokens, the last ones, best; two orders without gain end the search."""
    cut = len(ids) - min(int(len(ids) * HELD_OUT), MAX_HELD_OUT)
    walk = Walk(*between(ids, starts, cut, len(ids)), vocab_size)
    ids, starts = between(ids, starts, 0, cut)
    if not len(walk.ids):
        return 1
    grams, best, found = Grams.unigrams(ids, starts, vocab_size), np.inf, 1
    for order in range(1, min(MAX_ORDER, longest(ids, starts)) + 1):
        loss = walk.loss(grams.top())
        if loss < best:
            best, found = loss, order
        elif order - found == 2:
            break
        level, grams = grams.climb()
        walk.climb(level)
    return found


def between(ids: Ints, starts: Ints, begin: int, end: int) -> tuple[Ints, Ints]:
    """The ids in [begin, end) and the starts of their documents, the first of which may have lost its beginning."""
    inside = starts[(starts > begin) & (starts < end)] - begin
    return ids[begin:end], np.concatenate(([0], inside)).astype(np.int64)


def longest(ids: Ints, starts: Ints) -> int:
    """Tokens in the longest document."""
    return int(np.diff(starts, append=len(ids)).max()) if len(ids) else 0


def _next(classes: Ints, starts: Ints) -> Ints:
    """(N,) what stands one position earlier in the same document, −1 where nothing does."""
    moved = np.empty_like(classes)
    moved[1:] = classes[:-1]
    moved[starts[starts < len(moved)]] = -1
    return moved
