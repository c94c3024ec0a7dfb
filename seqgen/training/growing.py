"""Weights for a vocabulary that has grown: what was known keeps its rows, what is new gets sensible ones.

Tokens are matched by their names, since the document token and the labels move when a codec gains characters. It
knows names, counts and arrays, and nothing of codecs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import CheckpointError

ROWS = ("embedding.weight", "output.weight", "output.bias", "memory.ids.weight", "memory.clock")  # one row a token
NOISE = 0.3  # of a new row, as a share of the spread of known ones, so that new tokens can part
UNSEEN = 0.1  # the count that a token gets that never occurred

Ids = NDArray[np.unsignedinteger[Any]]
Weights = Mapping[str, NDArray[Any]]


def places(old: Sequence[str], new: Sequence[str]) -> NDArray[np.int64]:
    """(V_old,) where each token of an old vocabulary stands in a new one.

    Raises:
        CheckpointError: The new one lacks some of them, so it is not the old one grown.
    """
    place = {name: index for index, name in enumerate(new)}
    missing = [name for name in old if name not in place]
    if missing or len(place) != len(new):
        raise CheckpointError(
            f"the corpus has another vocabulary than the checkpoint (it lacks {len(missing)} tokens)",
            "name the corpus's files: they then go through the checkpoint's own codec",
        )
    return np.array([place[name] for name in old], np.int64)


def grow(weights: Weights, place: NDArray[np.int64], counts: NDArray[Any], seed: int) -> dict[str, NDArray[Any]]:
    """The weights of a model with more tokens, which gives those it knew the logits that they had.

    A new row is the mean of the known tokens that the new corpus uses, with some noise; a new bias stands to the
    token's frequency in the new corpus as those of the known tokens do to theirs.

    Args:
        weights: Name → array, as `seqgen.models.weight_shapes` names them.
        place: (V_old,) from `places`.
        counts: (V,) how often each token occurs in the new corpus.
        seed: Of the noise.
    """
    if len(counts) == len(place) and (place == np.arange(len(place))).all():
        return dict(weights)
    generator = np.random.default_rng([seed, 3])
    used = np.flatnonzero(counts[place] > 0)
    used = used if len(used) else np.arange(len(place))
    grown = dict(weights)
    for name in ROWS:
        if name not in weights:
            continue
        known = weights[name]
        rows = _bias(known, place, counts, used) if known.ndim == 1 else _rows(known[used], len(counts), generator)
        rows[place] = known
        grown[name] = rows.astype(known.dtype)
    return grown


def _rows(used: NDArray[Any], count: int, generator: np.random.Generator) -> NDArray[Any]:
    """(count, E) rows like the (K, E) known ones in use."""
    noise = generator.standard_normal((count, used.shape[1]))
    return np.asarray(used.mean(axis=0) + NOISE * used.std(axis=0) * noise)


def _bias(known: NDArray[Any], place: NDArray[np.int64], counts: NDArray[Any], used: NDArray[Any]) -> NDArray[Any]:
    """(V,) biases by frequency, on the scale of those that are known."""
    logs = np.log(counts + UNSEEN)
    offset = np.average(known[used] - logs[place[used]], weights=counts[place[used]] + UNSEEN)
    return np.asarray(logs + offset)


def count_tokens(ids: Ids, vocab_size: int, most: int = 1 << 22) -> NDArray[np.int64]:
    """(V,) how often each token occurs in (N,) ids, of which at most about `most` are looked at, from all over."""
    counts = np.zeros(vocab_size, np.int64)
    block = max(1, most // 64)
    step = max(block, len(ids) // 64)
    for begin in range(0, len(ids), step):
        counts += np.bincount(ids[begin : begin + block], minlength=vocab_size)
    return counts
