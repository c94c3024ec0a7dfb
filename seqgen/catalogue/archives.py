"""Members of zip and tar archives, read one by one, with limits; nothing is ever extracted by the archive's own names.

A member that a corpus asks for and that is a link, a device, encrypted, sparse, or named to lie outside a folder, is
an error. Members that it does not ask for are passed over unread.
"""

import bz2
import gzip
import lzma
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from seqgen.errors import DownloadError
from seqgen.files import size

MEMBERS = 100_000
WILD = re.compile(r"(\*\*/|\*\*|\*|\?)")
TOTAL = 10_000_000_000  # bytes, uncompressed
MEMBER = 256_000_000  # bytes of one member that is read
RATIO = 200  # uncompressed to compressed
HEADER = 1 << 20  # bytes of one extended header of a tar archive

Member = tuple[str, bytes]
Wanted = Callable[[str], bool]
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error),
    *(EOFError, OSError, ValueError, RuntimeError, IndexError, OverflowError),  # what damaged headers lead them to
)


def wanted(patterns: Iterable[str]) -> Wanted:
    """Whether a member's name fits one of the patterns: `*` and `?` stay inside a folder, `**` does not."""
    split = [[piece for piece in WILD.split(pattern) if piece] for pattern in patterns]
    return lambda name: any(_fits(name, pieces) for pieces in split)


def _fits(name: str, pieces: list[str]) -> bool:
    """Whether the pieces of a pattern read the name, in time linear in its length."""
    places = {0}  # where the next piece may begin
    for piece in pieces:
        if not places:
            return False
        if piece in ("**", "**/"):
            begin = min(places)
            after = {at + 1 for at in range(begin, len(name)) if name[at] == "/"}
            places = places | after if piece == "**/" else set(range(begin, len(name) + 1))
        elif piece == "*":
            places = _to_next_slash(name, places)
        elif piece == "?":
            places = {at + 1 for at in places if name[at : at + 1] not in ("", "/")}
        else:
            places = {at + len(piece) for at in places if name.startswith(piece, at)}
    return len(name) in places


def _to_next_slash(name: str, places: set[int]) -> set[int]:
    """All places from the given ones on, each as far as its folder goes."""
    reached, here = set[int](), False
    for at in range(min(places), len(name) + 1):
        here = here or at in places
        if here:
            reached.add(at)
        here = here and name[at : at + 1] != "/"
    return reached


def safe_name(name: str) -> str:
    """The name, if it is that of a file below some folder on any system.

    Raises:
        DownloadError: It is absolute, climbs, or holds characters that file names should not.
    """
    parts = name.split("/")
    odd = any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") or letter in '\\:*?"<>|' for letter in name)
    if odd or len(name.encode("utf-8", "replace")) > 1000 or any(part in ("", ".", "..") for part in parts):
        raise DownloadError(f"a member of the archive has an unsafe name: {name!a}", "nothing was written")
    return name


def read_zip(file: Path | IO[bytes], choose: Wanted) -> Iterator[Member]:
    """Name and content of each member that is asked for, in the archive's order.

    Raises:
        DownloadError: The archive is damaged, hostile, or past a limit.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            compressed = file.stat().st_size if isinstance(file, Path) else file.seek(0, 2)
            _limit("members", len(entries), MEMBERS)
            _limit("bytes", sum(entry.file_size for entry in entries), _total(compressed))
            for entry in entries:
                if choose(entry.filename) and not entry.is_dir():
                    yield safe_name(entry.filename), _read_entry(archive, entry)
    except DAMAGE as error:
        raise DownloadError(f"the zip archive is damaged ({error})", "nothing was written") from error


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
        raise DownloadError(f"member {entry.filename!a} is no plain file", "nothing was written")
    _limit(f"bytes of member {entry.filename!a}", entry.file_size, MEMBER)
    with archive.open(entry) as file:
        return file.read(entry.file_size)


def read_tar(path: Path, choose: Wanted, inner: str = "") -> Iterator[Member]:
    """As `read_zip`, of a tar archive, plain or compressed with gzip, bzip2 or xz; or of the one that it holds."""
    with path.open("rb") as file:
        yield from read_tar_stream(file, choose, _total(path.stat().st_size), inner)


def read_tar_stream(file: IO[bytes], choose: Wanted, total: int = TOTAL, inner: str = "") -> Iterator[Member]:
    """As `read_tar`, from a stream that is read once; or of the tar archive that is its member `inner`."""
    try:
        with (
            _decompressed(file) as plain,
            tarfile.open(fileobj=cast(Any, _Metered(plain, total)), mode="r|", tarinfo=_BoundedInfo) as archive,
        ):
            for count, info in enumerate(archive, 1):
                _limit("members", count, MEMBERS)
                name = info.name.removeprefix("./")
                if inner and name == inner and info.isreg():
                    yield from read_tar_stream(_extracted(archive, info), choose, TOTAL)
                elif not inner and choose(name) and not info.isdir():
                    yield safe_name(name), _read_info(archive, info)
                archive.members.clear()  # type: ignore[attr-defined]  # else a large archive's list stays in memory
    except DAMAGE as error:
        raise DownloadError(f"the tar archive is damaged ({error})", "nothing was written") from error


def _read_info(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    if not info.isreg() or info.issparse():
        raise DownloadError(f"member {info.name!a} is no plain file", "nothing was written")
    _limit(f"bytes of member {info.name!a}", info.size, MEMBER)
    return _extracted(archive, info).read()


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)  # a reader: nothing is written
    assert file is not None
    return file


class _BoundedInfo(tarfile.TarInfo):
    """A header whose extensions (long names, pax records), which tarfile reads whole into memory, have a limit."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_BoundedInfo":
        info = super().frombuf(buf, encoding, errors)
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, b"X"):
            _limit("bytes of an extended header", info.size, HEADER)
        return info


class _Metered:
    """A stream that refuses to give more than a number of bytes in all."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file, self.limit, self.given = file, limit, 0

    def read(self, count: int) -> bytes:
        data = self.file.read(count)
        self.given += len(data)
        _limit("bytes", self.given, self.limit)
        return data


class _Peeked:
    """A stream whose first bytes were looked at already."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self.head, self.file = head, file

    def read(self, count: int = -1) -> bytes:
        if count is None or count < 0:
            count = 1 << 20
        data, self.head = self.head[:count], self.head[count:]
        return data or self.file.read(count)


def _decompressed(file: IO[bytes]) -> Any:
    """A context manager of the plain tar stream, whatever it was compressed with, by its first bytes."""
    head = file.read(6)
    source = cast(Any, _Peeked(head, file))
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=source, mode="rb")
    if head.startswith(b"BZh"):
        return bz2.BZ2File(source, "rb")
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(source, "rb")
    return _Plain(source)


class _Plain:
    """An uncompressed stream as a context manager that leaves its source open."""

    def __init__(self, source: _Peeked) -> None:
        self.read = source.read

    def __enter__(self) -> "_Plain":
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _total(compressed: int) -> int:
    """How many bytes an archive of this size may unfold to; small ones compress well, so they get some room."""
    return min(TOTAL, max(RATIO * compressed, 1_000_000))


def _limit(what: str, found: int, limit: int) -> None:
    if found > limit:
        shown = size(limit) if "bytes" in what else f"{limit:,}"
        raise DownloadError(f"the archive has {found:,} {what}, expected at most {shown}", "nothing was written")
