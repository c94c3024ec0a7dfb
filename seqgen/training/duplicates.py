"""Documents that are the same: told by what they hold, and held out together or not at all."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.stream import TokenStream
from seqgen.training.data import Offsets, Spans
from seqgen.training.splitting import FAIRLY, SPLIT, split

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
    return _numbers(contents(ids, starts))


def copies(ids: NDArray[np.unsignedinteger], starts: Offsets, head: int) -> NDArray[np.int64]:
    """(D,) the place of the first document that holds the same, framing aside: its own where there is none before it.

    Documents of a length of their own are not read.
    """
    length, places = np.diff(starts), np.arange(len(starts) - 1)
    _, kind, count = np.unique(length, return_inverse=True, return_counts=True)
    alike = np.flatnonzero((count[kind] > 1) & (length > head))
    if len(alike):
        number = _numbers(ids[starts[at] + head : starts[at + 1]].tobytes() for at in alike.tolist())
        _, first = np.unique(number, return_index=True)
        places[alike] = alike[first[number]]
    return places


def _numbers(documents: Iterable[bytes]) -> NDArray[np.int64]:
    found = np.array([digest(content) for content in documents], f"V{DIGEST}")
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

    def parts(starts: Offsets) -> tuple[Spans, Spans]:
        return split(starts, head, share, seed, version)

    if "documents" in stream.codec_spec:
        return together(stream.starts, same(stream.ids, stream.starts), parts)
    if version <= FAIRLY or stream.documents == 1:
        return parts(stream.starts)
    return alike(stream.starts, copies(stream.ids, stream.starts, head), parts)


def alike(starts: Offsets, first: NDArray[np.int64], split: Split) -> tuple[Spans, Spans]:
    """(training, validation): what `split` makes of documents, copies being one to it, of which the same is held out.

    Args:
        starts: (D+1,) document offsets.
        first: (D,) from `copies`.
        split: Of offsets.
    """
    kept, place, copies = np.unique(first, return_inverse=True, return_counts=True)
    if len(kept) == len(first):
        return split(starts)
    length = np.diff(starts)
    offsets = np.concatenate([[0], np.cumsum(length[kept] * copies)])
    _, held = split(offsets)
    own = np.searchsorted(offsets, held.begin, side="right") - 1
    tail = np.zeros(len(kept), np.int64)  # of each copy: what is held out
    tail[own] = -(-(held.end - held.begin) // copies[own])
    cut = starts[1:] - tail[place]
    trained, out = cut > starts[:-1], tail[place] > 0
    return Spans(starts[:-1][trained], cut[trained]), Spans(cut[out], starts[1:][out])


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
