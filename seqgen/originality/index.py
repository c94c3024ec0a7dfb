"""The index: the training stream and a suffix array over it, in one file that is searched without being read.

`index.safetensors` is a container as `seqgen.container` lays it down, with the tensors

    suffixes   (N,) uint32    the begins of all suffixes of the ids, in lexicographic order
    text       (N·w,) uint8   the ids of the training spans, w bytes each, big-endian: bytes compare as ids do
    starts     (S+1,) int64   where each span begins in the ids, the last N
    documents  (S,) int64     the document of the stream that a span is of
    offsets    (S,) int64     how many of the document's own tokens stand before the span
    details    (K,) uint8     JSON: {"sources": [[name, number of documents]…]}

and the metadata `format`, `version`, `width` (w), `framing` (ids from it on frame documents and belong to no run)
and `corpus`, a fingerprint. It takes w + 4 bytes a token, w being 1, 2 or 4. A search touches about log₂ N places.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.container import ROOM, Writer, plain_data, read_header
from seqgen.errors import MALFORMED, CheckpointError, CorpusError
from seqgen.files import atomic_write
from seqgen.originality._suffixes import suffix_array

INDEX_FILE = "index.safetensors"
HINT = "delete the file: it is made again from the training corpus"
FORMAT, VERSION = "seqgen originality index", "1"
MOST_TOKENS = 1 << 30
MAX_DETAILS = 64_000_000
MOST_PIVOTS, PIVOT_BYTES = 1 << 13, 64
FEW, MANY = 4, 1 << 12  # slots that are read one by one, and all at once

Ids = NDArray[np.integer[Any]]
Offsets = NDArray[np.int64]


class Place(NamedTuple):
    """Where in the corpus something stands.

    Attributes:
        source: The file's name, or "" where it is not known.
        document: The document's number in the stream.
        offset: How many of the document's own tokens stand before it.
    """

    source: str
    document: int
    offset: int


@dataclass(frozen=True)
class Corpus:
    """What is indexed: the training part of a token stream.

    Attributes:
        ids: (N,) the stream.
        starts: (D+1,) int64, its documents.
        begin, end: (S,) int64 the spans that were trained on, as offsets in the stream.
        framing: Ids from it on frame documents; they break every run.
        vocab_size: Ids are below it.
        fingerprint: Whatever tells this corpus from another.
        sources: (name, number of documents) of each file, in the order of the stream.
    """

    ids: Ids
    starts: Offsets
    begin: Offsets
    end: Offsets
    framing: int
    vocab_size: int
    fingerprint: str = ""
    sources: Sequence[tuple[str, int]] = ()


def same(ids: Ids) -> Ids:
    """Ids as they are."""
    return ids


def build(corpus: Corpus, path: str | Path, view: Callable[[Ids], Ids] = same) -> None:
    """Index a corpus. Takes about 30 bytes a token of memory while it sorts.

    Args:
        corpus: What to index.
        path: The file, written whole or not at all.
        view: Applied to the ids of each span, keeping their number and the framing tokens; samples must be seen
            through the same function.

    Raises:
        CorpusError: The corpus is empty, or has more than 2³⁰ tokens.
        OutputError: The file cannot be written.
    """
    spans = [corpus.ids[begin:end] for begin, end in zip(corpus.begin.tolist(), corpus.end.tolist())]
    ids = np.concatenate([view(span) for span in spans]) if spans else corpus.ids[:0]
    if not 0 < len(ids) <= MOST_TOKENS:
        raise CorpusError(f"a corpus of {len(ids):,} tokens cannot be indexed, expected 1 to {MOST_TOKENS:,}")
    width = 1 if corpus.vocab_size <= 1 << 8 else 2 if corpus.vocab_size <= 1 << 16 else 4
    starts = np.concatenate([[0], np.cumsum(corpus.end - corpus.begin)]).astype(np.int64)
    documents = np.searchsorted(corpus.starts, corpus.begin, side="right") - 1
    heads = [corpus.ids[first:begin] for first, begin in zip(corpus.starts[documents].tolist(), corpus.begin.tolist())]
    offsets = np.array([int((head < corpus.framing).sum()) for head in heads], np.int64)
    details = json.dumps({"sources": [list(source) for source in corpus.sources]}).encode("ascii")
    about = {"width": str(width), "framing": str(corpus.framing), "corpus": corpus.fingerprint}
    with atomic_write(path) as file:
        writer = Writer(file, ROOM)
        writer.add("suffixes", suffix_array(ids, corpus.vocab_size))
        writer.add("text", ids.astype(f">u{width}").view(np.uint8))
        writer.add("starts", starts)
        writer.add("documents", documents.astype(np.int64))
        writer.add("offsets", offsets)
        writer.add("details", np.frombuffer(details, np.uint8))
        writer.finish({"format": FORMAT, "version": VERSION, **about})


class Index:
    """An index that was opened. Patterns are ids as `pattern` makes bytes of them.

    Args:
        path: The file.

    Attributes:
        corpus: The fingerprint that was given to `build`.
        framing: Ids from it on frame documents.
        width: Bytes an id.

    Raises:
        CheckpointError: The file is missing, something else or damaged. All of it is read to tell, but of a large one
            that was verified of late.
    """

    def __init__(self, path: str | Path) -> None:
        header = read_header(path, CheckpointError)
        found = header.metadata.get("format"), header.metadata.get("version")
        if found != (FORMAT, VERSION):
            raise CheckpointError(f"{path}: is no originality index of version {VERSION} (it is {found})")
        try:
            self.width, self.framing = int(header.metadata["width"]), int(header.metadata["framing"])
            self.corpus = header.metadata["corpus"]
            # A memmap makes another of every slice, which takes longer than all else here: plain arrays over the same.
            self._text, self._suffixes = np.asarray(header.map("text")), np.asarray(header.map("suffixes"))
            self._starts, self._documents = header.read("starts"), header.read("documents")
            self._offsets = header.read("offsets")
            _check(self)
            header.verify_once({"suffixes": len(self._suffixes)})
            if header.tensors["details"].nbytes > MAX_DETAILS:
                raise ValueError("details that are too long")
            self._sources = [(str(name), int(n)) for name, n in plain_data(header.read("details").tobytes())["sources"]]
        except MALFORMED as error:
            raise CheckpointError(f"{path}: is damaged: its tables make no sense ({error})", HINT) from error
        # Single elements come several times faster out of a memoryview; a cast one need not be aligned.
        self._bytes, self._begins = self._text.data, self._suffixes.view(np.uint8).data.cast("I")
        self._count = len(self._begins)
        self._tokens = self._text.view(f">u{self.width}")

    def __len__(self) -> int:
        """How many tokens it has."""
        return self._count

    def counts(self) -> NDArray[np.int64]:
        """(framing,) how often each token occurs that frames nothing."""
        return np.bincount(self._tokens[self._tokens < self.framing], minlength=self.framing)

    def pattern(self, ids: Ids | Sequence[int]) -> bytes:
        """(n,) ids as bytes. Ids that the width does not hold must not be among them."""
        return np.asarray(ids, f">u{self.width}").tobytes()

    def find(self, pattern: bytes) -> int | None:
        """The first slot whose suffix begins with the pattern; None where it stands nowhere in the corpus."""
        slot = self.first(pattern)
        return slot if slot < self._count and self._key(len(pattern))(slot) == pattern else None

    def holds(self, head: int, ids: Ids | Sequence[int]) -> bool:
        """Whether (n,) ids are a whole document, behind a framing token `head`."""
        whole = self.pattern([head, *np.asarray(ids).tolist()])
        if self.find(whole + self.pattern([self.framing])) is not None:
            return True
        return bytes(self._bytes[-len(whole) :]) == whole  # nothing follows the last document

    def first(self, pattern: bytes) -> int:
        """The first slot whose suffix does not stand before the pattern."""
        stride, pivots = self._pivots
        start = pattern[:PIVOT_BYTES]
        low = bisect_left(pivots, start)
        high = low  # mostly no pivot is the pattern's beginning
        if low < len(pivots) and pivots[low] == start:
            high = bisect_right(pivots, start, low)
        low, high = max(0, low - 1) * stride, min(high * stride, self._count)
        return bisect_left(range(high), pattern, low, high, key=self._key(len(pattern)))

    def suffix(self, slot: int, size: int) -> bytes:
        """The first `size` bytes of the suffix in a slot; fewer at the end of the corpus."""
        return self._key(size)(slot)

    def followers(self, pattern: bytes, slot: int | None = None) -> list[int]:
        """The tokens that follow the pattern somewhere, framing tokens left out.

        Args:
            pattern: The ids.
            slot: `find(pattern)`, where it is known already.
        """
        size = len(pattern)
        found_at = self.find(pattern) if slot is None else slot
        if found_at is None:
            return []
        slot, end = found_at, self._behind(found_at, pattern)
        if self._begins[slot] * self.width + size == len(self._text):
            slot += 1  # the corpus ends here; of all suffixes that begin with the pattern this one comes first
        if end - slot <= FEW:
            places = [begin * self.width + size for begin in self._begins[slot:end]]
            found = {self._token(place) for place in places if place < len(self._text)}
        elif end - slot <= MANY:
            begins = self._suffixes[slot:end].astype(np.int64)
            begins += size // self.width
            found = set(self._tokens.take(begins[begins < self._count]).tolist())
        else:
            found = self._spread(slot, end, size)
        return sorted(token for token in found if token < self.framing)

    def _token(self, begin: int) -> int:
        """The id at a byte of the text."""
        return self._bytes[begin] if self.width == 1 else int.from_bytes(self._bytes[begin : begin + self.width], "big")

    def _spread(self, slot: int, end: int, size: int) -> set[int]:
        """The tokens behind `size` bytes in many slots, from one token to the next."""
        longer, found = self._key(size + self.width), set[int]()
        while slot < end:
            extended = longer(slot)
            found.add(int.from_bytes(extended[size:], "big"))
            slot = self._behind(slot, extended)
        return found

    def _behind(self, slot: int, pattern: bytes) -> int:
        """The first slot behind those that begin with the pattern, `slot` being the first of them."""
        key = self._key(len(pattern))
        for after in range(slot + 1, min(slot + FEW, self._count)):
            if key(after) != pattern:
                return after
        larger = int.from_bytes(pattern, "big") + 1
        if larger.bit_length() > 8 * len(pattern):
            return self._count
        return max(slot + 1, self.first(larger.to_bytes(len(pattern), "big")))  # forged slots are in no order

    @cached_property
    def _pivots(self) -> tuple[int, list[bytes]]:
        """(stride, the beginnings of the suffixes in every so many-th slot): the first half of each search."""
        stride = -(-len(self) // MOST_PIVOTS)
        return stride, [self.suffix(slot, PIVOT_BYTES) for slot in range(0, len(self), stride)]

    def place(self, slot: int) -> Place:
        """Where the suffix in a slot begins."""
        position = int(self._begins[slot])
        span = min(int(np.searchsorted(self._starts, position, side="right")), len(self._documents)) - 1
        begin, document = int(self._starts[span]), int(self._documents[span])
        head = self._text[begin * self.width : min(position, begin + 2) * self.width]
        framed = int((head.view(f">u{self.width}") >= self.framing).sum())
        return Place(self._source(document), document, int(self._offsets[span]) + position - begin - framed)

    def _source(self, document: int) -> str:
        for name, count in self._sources:
            if document < count:
                return name
            document -= count
        return ""

    def _key(self, size: int) -> Callable[[int], bytes]:
        """What a slot is sorted by, as far as a pattern of `size` bytes needs it."""
        text, begins, width = self._bytes, self._begins, self.width

        def key(slot: int) -> bytes:
            begin = begins[slot] * width
            return bytes(text[begin : begin + size])

        return key


def _check(index: Index) -> None:
    """Raises ValueError where the tables of an index do not fit together."""
    text, suffixes, starts = index._text, index._suffixes, index._starts
    if index.width not in (1, 2, 4) or index.framing < 1:
        raise ValueError(f"a width of {index.width}, framing from {index.framing}")
    types = [array.dtype.name for array in (text, suffixes, starts, index._documents, index._offsets)]
    if types != ["uint8", "uint32", "int64", "int64", "int64"] or text.ndim != 1 or suffixes.ndim != 1:
        raise ValueError(f"tensors of types {types}")
    if not len(suffixes) or len(text) != len(suffixes) * index.width:
        raise ValueError(f"{len(suffixes)} suffixes of {len(text)} bytes")
    spans = len(starts) - 1
    if spans < 1 or index._documents.shape != (spans,) or index._offsets.shape != (spans,):
        raise ValueError("spans that do not fit")
    if starts[0] != 0 or starts[-1] != len(suffixes) or (starts[1:] < starts[:-1]).any():
        raise ValueError("spans that do not cover the corpus")  # compared, since a difference can wrap
    if (index._documents < 0).any() or (index._offsets < 0).any():
        raise ValueError("documents or offsets below 0")
