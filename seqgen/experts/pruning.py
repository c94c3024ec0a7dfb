"""Which n-grams of a corpus are kept in a given size.

A node of the tree of n-grams is kept where it, or any below it, is worth most by the weighted difference of Stolcke
(1998, "Entropy-based pruning of backoff language models"), which is count · ln P_k(w | c) / (γ(c) P_{k−1}(w | c')).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.experts.ngram import Grams, Ints, Level, Walk

Floats = NDArray[np.float32]
Tree = tuple[NDArray[np.int64], NDArray[np.floating[Any]], NDArray[Any]]  # last tokens, shares, numbers of children


@dataclass(frozen=True, eq=False)
class _Order:
    """All n-grams of one order before they are pruned.

    Attributes:
        parents: (U,) the context of each, as a place in the order below.
        tokens: (U,) its last token.
        seen: (U,) its share.
        worth: (U,) by how many nats training would be worse without it.
    """

    parents: NDArray[np.int64]
    tokens: NDArray[np.int64]
    seen: Floats
    worth: NDArray[np.float64]


def _counted(ids: Ints, starts: Ints, vocab_size: int, order: int) -> list[_Order]:
    """Every n-gram of every order, with its worth."""
    found = list[_Order]()
    if order < 1:
        return found
    grams, walk = Grams.unigrams(ids, starts, vocab_size), Walk(ids, starts, vocab_size)
    for number in range(1, order + 1):
        level, above = (grams.top(), grams) if number == order else grams.climb()
        found.append(_weighed(level, grams, walk))
        if number < order:
            walk.climb(level)
        grams = above
    return found


def _weighed(level: Level, grams: Grams, walk: Walk) -> _Order:
    parents, tokens = np.divmod(level.keys, grams.vocab_size)
    below = level.saved[parents] * walk.probability[grams.example]
    worth = grams.counts * np.log1p(level.seen / np.maximum(below, 1e-12))
    return _Order(parents, tokens, level.seen, worth.astype(np.float64))


def pruned(ids: Ints, starts: Ints, vocab_size: int, order: int, size: int) -> Tree:
    """The tree of what is worth most in `size` bytes.

    Args:
        ids: (N,) token ids below `vocab_size`.
        starts: Where documents begin.
        vocab_size: V.
        order: The most tokens of an n-gram, at most the longest document's.
        size: How many bytes its compact form may take: see `seqgen.experts.corpus`.
    """
    orders = _counted(ids, starts, vocab_size, order)
    worth = [order.worth.copy() for order in orders]
    for below in range(len(orders) - 2, -1, -1):
        np.maximum.at(worth[below], orders[below + 1].parents, worth[below + 1])
    most = max((int(np.bincount(order.parents).max()) for order in orders), default=0)
    alphabet, child = len(orders[0].tokens) if orders else 0, narrowest(most)
    room = size - alphabet * narrowest(vocab_size).itemsize
    least = _least(worth, narrowest(alphabet - 1).itemsize + 1, child.itemsize, room)
    tokens, shares, children = list[Ints](), list[Floats](), list[NDArray[np.int64]]()
    contexts, place = 1, np.zeros(1, np.int64)  # how many of the order below are kept, and where each then stands
    for level, own in zip(orders, worth):
        chosen = own >= least
        children.append(np.bincount(place[level.parents[chosen]], minlength=contexts))
        tokens.append(level.tokens[chosen])
        shares.append(level.seen[chosen])
        contexts, place = int(chosen.sum()), np.cumsum(chosen) - 1
    while len(children) > 1 and not children[-1].any():
        children.pop()
    counts = np.concatenate([*children, np.zeros(0, np.int64)])
    named = np.concatenate([*tokens, np.zeros(0, np.int64)])
    return named, np.concatenate([*shares, np.zeros(0)]), counts.astype(child)


def _least(worth: list[NDArray[np.float64]], entry: int, child: int, size: int) -> float:
    """The smallest worth at which all n-grams that are worth as much fit.

    Args:
        worth: Of each order's n-grams.
        entry: Bytes that each takes.
        child: Bytes that each takes besides, but those of the highest order.
        size: Bytes that there are.
    """
    every = np.concatenate([*worth, np.zeros(0)])
    cost = np.full(len(every), entry + child)
    if worth:
        cost[len(every) - len(worth[-1]) :] = entry
    order = np.argsort(-every, kind="stable")
    fits = int(np.searchsorted(np.cumsum(cost[order]), size - child, side="right"))
    return -np.inf if fits == len(every) else float(np.nextafter(every[order[fits]], np.inf))


def narrowest(most: int) -> np.dtype[Any]:
    """The type of unsigned integers up to `most`."""
    return np.dtype(np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32)
