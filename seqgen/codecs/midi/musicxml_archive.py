"""Compressed MusicXML (.mxl): the score's bytes out of a zip archive, read in memory and bounded, never extracted.

Source: MusicXML 4.0 (W3C Community Group, 2021), "Compressed .mxl files"; only the two methods it allows are read.
"""

import io
import re
import struct
import zipfile
import zlib

from seqgen.codecs.midi.bars import MAX_BYTES
from seqgen.codecs.midi.faults import SKIP, Faults, refuse
from seqgen.errors import MidiError

MAX_MEMBERS = 1000
MAX_RATIO = 200  # uncompressed to compressed; real scores reach 55
SMALL = 1 << 16  # a member below this size may be packed as tightly as it likes
CONTAINER = "META-INF/container.xml"

_ENTRY = b"PK\x01\x02"
_ROOT = re.compile(r"""<rootfile\b[^>]*?\bfull-path\s*=\s*(?:"([^"]*)"|'([^']*)')""")
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
            return _member(archive, _root(archive, faults))
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
    """The name of the member that holds the score."""
    names = archive.namelist()
    if CONTAINER in names:
        match = _ROOT.search(_member(archive, CONTAINER).decode("utf-8", "replace"))
        name = (match[1] or match[2] or "") if match else ""
        if name in names:
            return name
    faults.mended("archive without a container")
    scores = [
        name for name in names if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF/")
    ]
    if not scores:
        refuse(0, "archive holds no MusicXML score (expected META-INF/container.xml to name one)")
    return scores[0]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(member.header_offset, "archive member is neither stored nor deflated")
    with archive.open(member) as file:
        return file.read(MAX_BYTES)
