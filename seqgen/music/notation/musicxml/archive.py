"""Compressed MusicXML (.mxl): the score's bytes out of a zip archive, read in memory and bounded, never extracted.

Source: MusicXML 4.0 (W3C Community Group, 2021), "Compressed .mxl files"; only the two methods it allows are read.
"""

import contextlib
import io
import posixpath
import struct
import zipfile
import zlib
from urllib.parse import unquote
from xml.parsers import expat

from seqgen.errors import MidiError
from seqgen.music.faults import SKIP, Faults, refuse
from seqgen.music.notation.bars import MAX_BYTES
from seqgen.music.notation.musicxml.parse import guarded

MAX_MEMBERS = 1000
MAX_RATIO = 200  # uncompressed to compressed; real scores reach 55
SMALL = 1 << 16  # a member below this size may be packed as tightly as it likes
CONTAINER = "META-INF/container.xml"
MAX_CONTAINER = 1 << 16  # bytes of it; real ones have 400
OPENING = 4096  # bytes of a member that tell whether it is a score

_ENTRY = b"PK\x01\x02"
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)


def unpack(data: bytes, faults: Faults) -> bytes:
    """The MusicXML text in an archive.

    Raises:
        MidiError: The archive is damaged, past a limit, or holds no score.
    """
    found = data.count(_ENTRY)  # counted before `zipfile` makes an object of each
    if found > MAX_MEMBERS:
        refuse(0, f"archive has too many members (expected at most {MAX_MEMBERS}, found {found})")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive)
            return _member(archive, _root(archive, faults), MAX_BYTES)
    except _BROKEN as error:
        raise MidiError(f"archive is damaged or cut short ({error})", SKIP) from error


def _check(archive: zipfile.ZipFile) -> None:
    total = sum(member.file_size for member in archive.infolist())
    if total > MAX_BYTES:
        refuse(0, f"archive is too large (expected at most {MAX_BYTES:,} bytes unpacked, found {total:,})")
    for member in archive.infolist():
        if member.file_size > max(SMALL, MAX_RATIO * member.compress_size):
            ratio = member.file_size // max(1, member.compress_size)
            refuse(
                member.header_offset,
                f"archive member is packed too tightly (expected at most {MAX_RATIO} to 1, found {ratio:,} to 1)",
            )


def _root(archive: zipfile.ZipFile, faults: Faults) -> str:
    """The name of the member that holds the score: what the container says, else what looks like one."""
    names = archive.namelist()
    if CONTAINER in names:
        found = archive.getinfo(CONTAINER).file_size
        if found > MAX_CONTAINER:
            refuse(0, f"{CONTAINER} is too long (expected at most {MAX_CONTAINER:,} bytes, found {found:,})")
        plain = {_plain(name): name for name in reversed(names)}
        for root in _roots(_member(archive, CONTAINER, MAX_CONTAINER)):
            if _plain(root) in plain:
                return plain[_plain(root)]
    faults.mended("archive without a container")
    scores = [
        name for name in names if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF/")
    ]
    if not scores:
        refuse(0, "archive holds no MusicXML score (expected META-INF/container.xml to name one)")
    return next((name for name in scores if _is_score(archive, name)), scores[0])


def _plain(name: str) -> str:
    """A member's name however it is written: with %20 for a space, from ./ on, in capitals."""
    return posixpath.normpath(unquote(name).replace("\\", "/")).lstrip("/").lower()


def _is_score(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether a member opens like a score, in any Unicode encoding."""
    return b"<score-" in _member(archive, name, OPENING).replace(b"\0", b"")


def _roots(container: bytes) -> list[str]:
    """What the <rootfile>s of a container name before its end, or damage: MusicXML first, then what has no type."""
    roots: list[tuple[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "rootfile" and "full-path" in attributes:
            roots.append((attributes.get("media-type", ""), attributes["full-path"]))

    parser = guarded()
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError, LookupError, ValueError):  # what came before the damage counts
        parser.Parse(container, True)
    of_type = [path for kind, path in roots if "musicxml" in kind.lower()]
    return of_type + [path for kind, path in roots if not kind] + [path for _, path in roots]


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(member.header_offset, "archive member is neither stored nor deflated")
    with archive.open(member) as file:
        return file.read(most)
