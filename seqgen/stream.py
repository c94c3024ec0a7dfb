"""A token stream: a corpus as ids, with its documents, labels and codec. Knows numbers, not what they stand for.

A `.tokens` file is a safetensors file as `seqgen.container` lays it down (data from byte 4096 on), and so can be read
from any language. All numbers are little-endian. Its tensors, in this order and without gaps:

    ids      (N,)    uint16 where vocab_size ≤ 65,536, else uint32: all documents, one after the other
    starts   (D+1,)  int64: document d is ids[starts[d]:starts[d+1]]; starts[0] = 0 and starts[D] = N
    labels   (D,)    int32: index into the codec's list of labels, or −1 for none
    details  (K,)    uint8: one JSON object in UTF-8, keys sorted, no spaces, characters beyond ASCII escaped:
                     codec    the codec, its options, learned state and label names, as `seqgen.tokenizer` writes them
                     sources  [{"name", "bytes", "sha256", "documents"}], in the order of the stream
                     report   what was read, skipped, dropped and repaired, as in `seqgen.report`

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
import hashlib
import json
import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from seqgen.container import Header, Writer, plain_data, read_header
from seqgen.errors import MALFORMED, StreamError
from seqgen.files import atomic_write
from seqgen.report import Report

FORMAT = "seqgen token stream"
VERSION = "1"
MAX_DETAILS = 256_000_000


class SourceRecord(TypedDict):
    """A file that a stream was made from: its length, its hash, how many documents it gave."""

    name: str
    bytes: int
    sha256: str
    documents: int


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

    @classmethod
    def open(cls, path: str | Path) -> "TokenStream":
        """Open a `.tokens` file, checking all but the ids themselves, which may be damaged or out of range.

        Raises:
            StreamError: The file is missing, something else, damaged, or of another version.
        """
        header = read_header(path, StreamError)
        _check_format(header)
        starts, labels, details = header.read("starts"), header.read("labels"), header.read("details")
        ids = header.map("ids")
        try:
            vocab_size = int(header.metadata["vocab_size"])
            _check_tables(header, starts, labels, details)
            content = plain_data(details.tobytes())
            spec, report = content["codec"], Report.from_json(content["report"])
            sources = [_checked_source(source) for source in content["sources"]]
            _check_ranges(ids, starts, labels, vocab_size, len(spec["labels"]))
            fingerprint = _fingerprint(header.metadata["content_sha256"], spec)
        except MALFORMED as error:
            raise _damaged(header.path, f"its tables make no sense ({error})") from error
        return cls(header.path, ids, starts, labels, spec, sources, report, vocab_size, fingerprint, header)

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
        vocab_size: Ids are below it.

    Attributes:
        sources: To be filled while writing, see `TokenStream`.
        report: To be filled while writing.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: str | Path, codec_spec: Mapping[str, Any], vocab_size: int) -> None:
        self.sources: list[dict[str, object]] = []  # a `SourceRecord` each
        self.report = Report()
        self._spec = dict(codec_spec)
        self._vocab_size = vocab_size
        self._path = path
        self._stack = contextlib.ExitStack()
        self._starts = array("q", [0])
        self._labels = array("i")
        self._length = 0

    def __enter__(self) -> "StreamWriter":
        self._writer = Writer(self._stack.enter_context(atomic_write(self._path)))
        self._writer.begin("ids", _id_type(self._vocab_size))
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
        content = {"codec": self._spec, "sources": self.sources, "report": self.report.to_json()}
        details = np.frombuffer(_canonical(content), np.uint8)
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
                "tables_sha256": _tables_digest(starts, labels, details),
            }
        )


def _id_type(vocab_size: int) -> np.dtype[Any]:
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def _canonical(content: Any) -> bytes:
    """JSON whose bytes are a function of the content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def _tables_digest(*tables: NDArray[Any]) -> str:
    return hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()


def _fingerprint(content: str, spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(content.encode() + _canonical(spec)).hexdigest()


def _check_format(header: Header) -> None:
    found = header.metadata.get("format")
    if found != FORMAT:
        raise StreamError(f"{header.path}: is not a token stream (its format is {found!r})")
    version = header.metadata.get("version")
    if version != VERSION:
        hint = "install a newer seqgen, or tokenize the corpus again"
        raise StreamError(f"{header.path}: is a token stream of version {version!r}, expected {VERSION!r}", hint)
    for name, types in (("ids", "uint16 uint32"), ("starts", "int64"), ("labels", "int32"), ("details", "uint8")):
        tensor = header.tensors.get(name)
        if tensor is None or tensor.dtype.name not in types.split() or len(tensor.shape) != 1:
            raise _damaged(header.path, f"it has no tensor {name!r} of type {types.replace(' ', ' or ')}")
    if header.tensors["details"].nbytes > MAX_DETAILS:
        raise _damaged(header.path, f"its details are longer than {MAX_DETAILS} bytes")


def _check_tables(header: Header, *tables: NDArray[Any]) -> None:
    if _tables_digest(*tables) != header.metadata["tables_sha256"]:
        raise ValueError("they do not match their checksum")


def _check_ranges(
    ids: NDArray[Any], starts: NDArray[np.int64], labels: NDArray[np.int32], vocab_size: int, names: int
) -> None:
    """Raises ValueError where tables and ids do not fit together."""
    if ids.dtype != _id_type(vocab_size) or vocab_size < 1:
        raise ValueError(f"a vocabulary of {vocab_size} in ids of type {ids.dtype}")
    if len(starts) != len(labels) + 1 or starts[0] != 0 or starts[-1] != len(ids) or (starts[1:] < starts[:-1]).any():
        raise ValueError("documents that do not cover the ids")  # compared, since a difference can wrap
    if len(labels) and not -1 <= labels.min() <= labels.max() < names:
        raise ValueError("a label without a name")


def _checked_source(source: Mapping[str, Any]) -> SourceRecord:
    """One entry of the table of sources, each value of its type. Raises where one is not."""
    return {
        "name": str(source["name"]),
        "bytes": int(source["bytes"]),
        "sha256": str(source["sha256"]),
        "documents": int(source["documents"]),
    }


def _damaged(path: Path, fault: str) -> StreamError:
    return StreamError(f"{path}: is damaged: {fault}", "tokenize the corpus again")
