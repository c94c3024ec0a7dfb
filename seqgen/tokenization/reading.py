"""One file → pieces of bytes: decompressed within limits, transcoded where asked. Knows no codecs.

Without an encoding, bytes stay as they are: UTF-8 as a rule, and codecs keep what is not. A byte order mark and any
line end survive. With an encoding, the file's text is transcoded to UTF-8, and a byte that does not fit is an error.
"""

import contextlib
import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from seqgen.errors import CorpusError
from seqgen.files import size
from seqgen.tokenization.encodings import AUTO, UNKNOWN, Strange, likely, marked
from seqgen.tokenization.licences import DROPPED
from seqgen.tokenization.sources import Source, archive_error, is_archive
from seqgen.tokenization.text import check_text, is_binary, transcoded, wide

PIECE = 1 << 20  # pieces and their ids then stay in the processor's cache
MAX_RATIO = 200
MAX_UNPACKED = 10_000_000_000
SAMPLE = 1 << 16  # bytes at the start of a file that tell what it is
_hashes: dict[tuple[str, int, int, int], str] = {}
_encodings: dict[tuple[str, int, int, int], str | None] = {}


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, count: int, /) -> bytes:
        """At most `count` bytes; none at the end."""
        ...


class Reader:
    """The pieces of one source, of about 1 MB each, and afterwards what identifies the file.

    Args:
        source: The file.
        encoding: What to transcode to UTF-8 from, or None for bytes as they are, or AUTO for what they are likely in.
        text: Whether binary data are an error.

    Attributes:
        bytes: The file's length on disk.
        sha256: Of the file on disk; known when all pieces were read.
        dropped: What was left out of it, by kind; counted by who cuts it into documents.
        encoding: What was transcoded from, or None.
        strange: How many bytes of text were no UTF-8, and where none was transcoded.

    Raises (while iterating):
        CorpusError: The file cannot be read, unpacked or transcoded, or is binary where text is meant.
    """

    def __init__(self, source: Source, encoding: str | None = None, text: bool = False) -> None:
        self._source = source
        self.encoding = encoding
        self._text = text
        self.strange = Strange()
        self.bytes = 0
        self.sha256 = ""
        self.dropped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[bytes]:
        if self._text and is_archive(self._source.path):
            raise archive_error(self._source.path)
        if self.encoding == AUTO:
            self.encoding = detected(self._source)
        pieces = self._unpacked()
        if self.encoding is not None:
            pieces = transcoded(pieces, self.encoding, str(self._source.path))
        first = True
        for piece in pieces:
            if first and self._text:
                check_text(piece[:SAMPLE], shown(self._source), self.encoding)
            if first and self._source.head[1]:
                piece = piece[: self._source.head[0]] + piece[self._source.head[1] :]
                self.dropped[DROPPED] += 1
            first = False
            if self._text and self.encoding is None:
                self.strange.look(piece)
            yield piece
        self.strange.look(b"", True)

    def _unpacked(self) -> Iterator[bytes]:
        path = self._source.path
        with explained(self._source), path.open("rb") as file:
            hashed = _Hashed(file, path)
            self.bytes = hashed.size
            yield from unpacked(hashed, self._source, hashed.size)
            hashed.drain()
        self.sha256 = hashed.finish()


class _Hashed:
    """A file whose content is hashed while it is read, unless its hash is known from before."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        status = path.stat()
        self._key = (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
        self._hash = None if self._key in _hashes else hashlib.sha256()
        self._file = file
        self.size = status.st_size

    def read(self, count: int = -1, /) -> bytes:
        piece = self._file.read(count)
        if self._hash is not None:
            self._hash.update(piece)
        return piece

    def drain(self) -> None:
        """Read what an unpacker left."""
        while self._hash is not None and self.read(PIECE):
            pass

    def finish(self) -> str:
        """The hash, which this process remembers."""
        if self._hash is not None:
            _hashes[self._key] = self._hash.hexdigest()
        return _hashes[self._key]


def content_hash(source: Source) -> str:
    """The SHA-256 of a file as it lies on the disk, remembered while this process lives.

    Raises:
        CorpusError: It cannot be read.
    """
    with explained(source), source.path.open("rb") as file:
        hashed = _Hashed(file, source.path)
        hashed.drain()
        return hashed.finish()


def shown(source: Source) -> str:
    """What to call a source in messages."""
    return "standard input" if source.name == "-" else str(source.path)


@contextlib.contextmanager
def explained(source: Source) -> Iterator[None]:
    """Turn what reading and unpacking raise into one sentence about the file."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{shown(source)}: its gzip data are damaged or cut short ({error})") from error
    except OSError as error:
        raise CorpusError(f"{shown(source)}: cannot be read ({error.strerror or error})") from error


def unpacked(file: Readable, source: Source, length: int) -> Iterator[bytes]:
    """The content of a file of `length` bytes, decompressed if its name ends in .gz or .zst.

    Raises:
        CorpusError: It unpacks to more than 10 GB, or to more than 200 times its length (and 1 MB).
    """
    if not source.packing:
        yield from iter(lambda: file.read(PIECE), b"")
        return
    limit = min(MAX_UNPACKED, max(MAX_RATIO * length, 1_000_000))
    total = 0
    for piece in _gunzipped(file) if source.packing == ".gz" else _unzstd(file, source.path):
        total += len(piece)
        if total > limit:
            reason = f"unpacks to more than {size(limit)} from {size(length)}"
            raise CorpusError(f"{source.path}: {reason}", "unpack it yourself if you trust it")
        yield piece


def _gunzipped(file: Readable) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unzipped:  # type: ignore[call-overload]
        yield from iter(lambda: unzipped.read(PIECE), b"")


def _unzstd(file: Readable, path: Path) -> Iterator[bytes]:
    import zstandard

    frames = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    frame, waiting = frames.decompressobj(), bytearray()
    fresh = True  # at the start of a frame, where a file may end
    try:
        while block := file.read(1024):  # a block of 1 kB unpacks to 32 MB at most: one call cannot flood memory
            while block:
                waiting += frame.decompress(block)
                fresh, block = frame.eof, frame.unused_data
                if fresh:
                    frame = frames.decompressobj()
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
    except zstandard.ZstdError as error:
        raise CorpusError(f"{path}: its zstd data are damaged ({error})") from error
    if not fresh:
        raise CorpusError(f"{path}: its zstd data are cut short")
    if waiting:
        yield bytes(waiting)


def first_bytes(source: Source) -> bytes:
    """The first 64 kB of what a file holds, unpacked.

    Raises:
        CorpusError: It cannot be read or unpacked.
    """
    if source.packing:
        return next(iter(Reader(source)), b"")[:SAMPLE]
    with explained(source), source.path.open("rb", buffering=0) as file:
        return file.read(SAMPLE)


def detected(source: Source) -> str | None:
    """The encoding that a file is likely to be in; None: UTF-8, or none that is known. Remembered, as its hash is.

    Raises:
        CorpusError: It cannot be read or unpacked.
    """
    with explained(source):
        about = source.path.stat()
    key = str(source.path), about.st_size, about.st_mtime_ns, about.st_ino
    if key not in _encodings:
        strange, start = Strange(), b""
        for piece in Reader(source):
            start = start or piece[:SAMPLE]
            strange.look(piece)
        strange.look(b"", True)
        name = marked(start) or (wide(start) if is_binary(start) else likely(strange.sample) if strange.count else "")
        _encodings[key] = None if name in ("", UNKNOWN) else name
    return _encodings[key]
