"""Suffix arrays in numpy, by prefix doubling (Manber & Myers 1993) of what is not yet in order (Larsson & Sadakane)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
KEY_BITS = 62


def suffix_array(ids: NDArray[Any], vocab_size: int) -> NDArray[np.uint32]:
    """(N,) the begins of all suffixes of (N,) ids in [0, vocab_size), in lexicographic order; N < 2³¹.

    A suffix that is the beginning of another stands before it. As many tokens as fit are packed into the first key;
    after that each round doubles the depth of those suffixes alone that still tie with another.
    """
    count = len(ids)
    keys, depth = _packed(ids, vocab_size)
    order = keys.argsort().astype(np.uint32)
    rank = np.empty(count, np.int32)
    slots = _settle(order, keys[order], np.arange(count), rank)
    del keys
    while len(slots):
        tied = order[slots]
        after = tied + np.int64(depth)
        second = np.where(after < count, rank[np.minimum(after, count - 1)] + np.int64(1), 0)
        pairs = rank[tied] * np.int64(count + 1) + second
        by = pairs.argsort()
        order[slots] = tied = tied[by]
        slots = _settle(tied, pairs[by], slots, rank)
        depth *= 2
    return order


def _packed(ids: NDArray[Any], vocab_size: int) -> tuple[Slots, int]:
    """(N,) keys in the order of the first tokens of each suffix, and how many tokens those are."""
    bits = int(vocab_size).bit_length()
    depth = KEY_BITS // bits
    keys = np.zeros(len(ids), np.int64)
    for offset in range(depth):
        keys <<= bits
        keys[: max(0, len(ids) - offset)] += ids[offset:]
        keys[: max(0, len(ids) - offset)] += 1  # 0 is the end, which stands before every token
    return keys, depth


def _settle(suffixes: NDArray[np.uint32], keys: Slots, slots: Slots, rank: NDArray[np.int32]) -> Slots:
    """Rank sorted suffixes by the first slot of those with the same key; returns the slots of those that tie."""
    fresh = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    rank[suffixes] = np.maximum.accumulate(np.where(fresh, slots, 0))
    tied = ~fresh
    tied[:-1] |= ~fresh[1:]
    return slots[tied]
