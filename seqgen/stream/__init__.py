"""A token stream: a corpus as ids, with its documents, labels and codec. Knows numbers, not what they stand for.

A `.tokens` file is a safetensors file as `seqgen.container` lays it down (data from byte 4096 on), and so can be read
from any language. All numbers are little-endian. Its tensors, in this order and without gaps:

    ids      (N,)    uint16 where vocab_size ≤ 65,536, else uint32: all documents, one after the other
    starts   (D+1,)  int64: document d is ids[starts[d]:starts[d+1]]; starts[0] = 0 and starts[D] = N
    labels   (D,)    int32: index into the codec's list of labels, or −1 for none
    details  (K,)    uint8: one JSON object in UTF-8, keys sorted, no spaces, characters beyond ASCII escaped:
                     codec    the codec, its options, learned state and label names, as `seqgen.tokenizer` writes them
                     sources  [{"name", "bytes", "sha256", "documents"}], in the order of the stream; "encoding", too,
                              where a file was transcoded
                     report   what was read, skipped, dropped and repaired, as in `seqgen.report`
                     shard    only in a part of a corpus: {"index", "count", "plan"}, see `Shard`

The header's `__metadata__` holds strings:

    format            "seqgen token stream"
    version           "1"; a reader refuses any other
    vocab_size        ids are below it, decimal
    content_sha256    SHA-256 of the bytes of ids, starts and labels
    tables_sha256     SHA-256 of the bytes of starts, labels and details
    data_sha256, header_sha256   as in `seqgen.container`

`TokenStream.open` checks the header and the tables and touches no id, so it takes no longer for a large corpus than for
a small one; `verify` reads everything, in one pass. Commands use `TokenStream.load`, which does both, but reads no
stream of more than 64 MB again that was verified within a week and not written to since (`seqgen.files.verified`). Of
10 GB, reading takes 7 s of processor time from memory and 22 s from the disk (`benchmarks/verify_cost.py`). Both
checksums over the ids come from the one pass that writes them, at the rate of SHA-256 (1.6 GB/s where the processor
has instructions for it), which is cheap beside the disk.
"""

import contextlib
import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.container import Header, Writer, plain_data, read_header
from seqgen.errors import MALFORMED, StreamError
from seqgen.files import atomic_write
from seqgen.report import Report
from seqgen.stream.tables import (
    FORMAT,
    VERSION,
    Shard,
    SourceRecord,
    canonical,
    check_format,
    check_ranges,
    check_tables,
    checked_shard,
    checked_source,
    damaged,
    fingerprint_of,
    id_type,
    tables_digest,
)


@dataclass(frozen=True, eq=False)
class TokenStream:
    """A token stream that was opened.

    Attributes:
        path: The file.
        ids: (N,) uint16 or uint32, memory-mapped, read-only.
        starts: (D+1,) int64, where documents begin; the last is N.
        labels: (D,) int32, −1 for none.
        codec_spec: What `seqgen.tokenizer.Tokenizer.from_spec` takes.
        sources: `{"name", "bytes", "sha256", "documents"}` of each file.
        report: What was read, skipped, dropped and repaired.
        vocab_size: Ids are below it.
        fingerprint: A SHA-256 of ids, documents, labels and codec, whatever the files were called.
        shard: Which part of a corpus it is; None: all of it.
    """

    path: Path
    ids: NDArray[Any]
    starts: NDArray[np.int64]
    labels: NDArray[np.int32]
    codec_spec: dict[str, Any]
    sources: list[SourceRecord]
    report: Report
    vocab_size: int
    fingerprint: str
    header: Header
    shard: Shard | None = None

    @classmethod
    def open(cls, path: str | Path) -> "TokenStream":
        """Open a `.tokens` file, checking all but the ids themselves, which may be damaged or out of range.

        Raises:
            StreamError: The file is missing, something else, damaged, or of another version.
        """
        header = read_header(path, StreamError)
        check_format(header)
        starts, labels, details = header.read("starts"), header.read("labels"), header.read("details")
        ids = header.map("ids")
        try:
            vocab_size = int(header.metadata["vocab_size"])
            check_tables(header, starts, labels, details)
            content = plain_data(details.tobytes())
            spec, report = content["codec"], Report.from_json(content["report"])
            sources = [checked_source(source) for source in content["sources"]]
            check_ranges(ids, starts, labels, vocab_size, len(spec["labels"]))
            fingerprint = fingerprint_of(header.metadata["content_sha256"], spec)
            shard = checked_shard(content.get("shard"))
        except MALFORMED as error:
            raise damaged(header.path, f"its tables make no sense ({error})") from error
        return cls(header.path, ids, starts, labels, spec, sources, report, vocab_size, fingerprint, header, shard)

    @classmethod
    def load(cls, path: str | Path) -> "TokenStream":
        """Open a `.tokens` file and verify it, unless it is large and was verified of late.

        Raises:
            StreamError: As `open`; or the ids do not match their checksum or are out of range.
        """
        stream = cls.open(path)
        stream.header.verify_once(stream._limits)
        return stream

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return len(self.labels)

    def document(self, index: int) -> NDArray[Any]:
        """The ids of one document, a view."""
        return self.ids[self.starts[index] : self.starts[index + 1]]

    def verify(self) -> None:
        """Read everything: the data match their checksum, and every id is in range.

        Raises:
            StreamError: They do not.
        """
        self.header.verify(self._limits)

    @property
    def _limits(self) -> dict[str, int]:
        return {"ids": self.vocab_size}


class StreamWriter:
    """Writes a stream in constant memory; the file appears when the `with` block ends well, or not at all.

    Args:
        path: The file to write.
        codec_spec: Plain data with the key "labels", a list of label names.
        size: Ids are below it.
        shard: Which part of a corpus it is to be; None: all of it.

    Attributes:
        sources: To be filled while writing, see `TokenStream`.
        report: To be filled while writing.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: str | Path, codec_spec: Mapping[str, Any], size: int, shard: Shard | None = None) -> None:
        self.sources: list[dict[str, object]] = []  # a `SourceRecord` each
        self.report = Report()
        self._spec = dict(codec_spec)
        self._vocab_size = size
        self._shard = {} if shard is None else {"shard": asdict(shard)}
        self._path = path
        self._stack = contextlib.ExitStack()
        self._starts = array("q", [0])
        self._labels = array("i")
        self._length = 0

    def __enter__(self) -> "StreamWriter":
        self._writer = Writer(self._stack.enter_context(atomic_write(self._path)))
        self._writer.begin("ids", id_type(self._vocab_size))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is None:
            try:
                self._finish()
            except BaseException:
                self._stack.__exit__(*sys.exc_info())
                raise
        return self._stack.__exit__(kind, error, trace)

    def add(self, ids: NDArray[Any]) -> None:
        """Append (n,) ids to the document at hand."""
        self._writer.extend(ids)
        self._length += len(ids)

    def end_document(self, label: int = -1) -> None:
        """What was added since the last document ended is a document."""
        self._starts.append(self._length)
        self._labels.append(label)

    def add_documents(self, ids: NDArray[Any], ends: NDArray[np.int64], labels: NDArray[np.int32]) -> None:
        """Append whole documents: (n,) ids, (d,) where each ends in them, (d,) its label or −1."""
        self._starts.frombytes((self._length + ends).astype(np.int64).tobytes())
        self._labels.frombytes(labels.astype(np.int32).tobytes())
        self.add(ids)

    def mark(self) -> Callable[[], None]:
        """A function that takes back whatever was added or ended since this call."""
        rewind, length, documents = self._writer.mark(), self._length, len(self._labels)

        def take_back() -> None:
            rewind()
            self._length = length
            del self._starts[documents + 1 :], self._labels[documents:]

        return take_back

    @property
    def tokens(self) -> int:
        """How many ids were added so far."""
        return self._length

    def _finish(self) -> None:
        if self._length != self._starts[-1]:
            raise ValueError("the last document was not ended")
        starts, labels = np.array(self._starts, "<i8"), np.array(self._labels, "<i4")
        content = {"codec": self._spec, "sources": self.sources, "report": self.report.to_json()} | self._shard
        details = np.frombuffer(canonical(content), np.uint8)
        self._writer.add("starts", starts)
        self._writer.add("labels", labels)
        digest = self._writer.digest()
        self._writer.add("details", details)
        self._writer.finish(
            {
                "format": FORMAT,
                "version": VERSION,
                "vocab_size": str(self._vocab_size),
                "content_sha256": digest,
                "tables_sha256": tables_digest(starts, labels, details),
            }
        )
