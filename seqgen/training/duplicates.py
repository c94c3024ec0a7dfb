"""Items of a list that are the same: told by what they hold, and held out together or not at all."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.stream import TokenStream
from seqgen.training.data import Offsets, Spans
from seqgen.training.splitting import SPLIT, split

DIGEST = 16  # bytes: of 10¹² items no two that differ have the same, but for a chance of 10⁻¹⁵
BLOCK = 1 << 22  # ids read at once
Split = Callable[[Offsets], tuple[Spans, Spans]]


def digest(content: bytes) -> bytes:
    """What tells an item from all others: its BLAKE2b."""
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def contents(ids: NDArray[np.unsignedinteger], starts: Offsets) -> Iterator[bytes]:
    """The ids of each document, framing included, as bytes."""
    first = 0
    while first < len(starts) - 1:
        last = int(np.searchsorted(starts, starts[first] + BLOCK, side="right")) - 1
        last = min(max(last, first + 1), len(starts) - 1)
        block, size = ids[starts[first] : starts[last]].tobytes(), ids.itemsize
        ends = ((starts[first : last + 1] - starts[first]) * size).tolist()
        yield from (block[begin:end] for begin, end in pairwise(ends))
        first = last


def same(ids: NDArray[np.unsignedinteger], starts: Offsets) -> NDArray[np.int64]:
    """(D,) a number for each document: equal documents have the same, and it does not depend on their order."""
    found = np.array([digest(content) for content in contents(ids, starts)], f"V{DIGEST}")
    _, number = np.unique(found.view(">u8").reshape(-1, 2), axis=0, return_inverse=True)
    return number.reshape(-1).astype(np.int64)


def held_out(stream: TokenStream, head: int, share: float, seed: int, version: int = SPLIT) -> tuple[Spans, Spans]:
    """(training, validation) of a stream; of a list the same items, in whatever order it is.

    Args:
        stream: The corpus.
        head: Framing tokens before a document's own.
        share: The share held out.
        seed: Picks the documents.
        version: Of the split, see `seqgen.training.splitting`.
    """
    if "documents" not in stream.codec_spec:
        return split(stream.starts, head, share, seed, version)
    number = same(stream.ids, stream.starts)
    return together(stream.starts, number, lambda starts: split(starts, head, share, seed, version))


def together(starts: Offsets, number: NDArray[np.int64], split: Split) -> tuple[Spans, Spans]:
    """(training, validation): what `split` makes of documents, those of one number being one document to it.

    Args:
        starts: (D+1,) document offsets.
        number: (D,) from `same`.
        split: Of offsets, by whole documents where there are several.
    """
    length = np.diff(starts)
    size = np.bincount(number, weights=length).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(size)])
    if len(size) == 1:
        return split(starts)
    _, held = split(offsets)
    chosen = np.zeros(len(size), np.bool_)
    chosen[np.searchsorted(offsets, held.begin, side="right") - 1] = True
    if int(size[chosen].sum()) != held.tokens:  # a part of one is held out: there are too few to choose from
        return split(starts)
    out = chosen[number]
    return Spans(starts[:-1][~out], starts[1:][~out]), Spans(starts[:-1][out], starts[1:][out])
