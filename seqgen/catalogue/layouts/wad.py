"""The MIDI files inside WADs, the archives of Doom: a header, lumps of bytes, and a directory of their places.

    header     4 bytes "IWAD" or "PWAD", the number of lumps, the offset of the directory (int32, little-endian)
    directory  for each lump its offset, its size (int32) and its name (8 bytes, padded with NUL)

A piece that two lumps share is written once.
"""

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from seqgen.errors import DownloadError

HEADER = struct.Struct("<4sii")
ENTRY = struct.Struct("<ii8s")
LUMPS = 65_536


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Each different MIDI lump as `freedoom1-d_e1m1.mid`."""
    seen: set[bytes] = set()
    for member, data in members:
        for name, lump in lumps(data):
            digest = hashlib.sha256(lump).digest()
            if lump.startswith(b"MThd") and digest not in seen:
                seen.add(digest)
                yield f"{PurePosixPath(member).stem}-{name}.mid", lump


def lumps(wad: bytes) -> Iterator[tuple[str, bytes]]:
    """Name, in lower case, and content of each lump.

    Raises:
        DownloadError: It is no WAD, or its directory points outside it.
    """
    if len(wad) < HEADER.size:
        raise DownloadError(f"a WAD of {len(wad)} bytes is cut short", "nothing was kept")
    magic, count, offset = HEADER.unpack_from(wad)
    if magic not in (b"IWAD", b"PWAD") or not 0 <= count <= LUMPS or not 0 <= offset <= len(wad) - count * ENTRY.size:
        raise DownloadError("a WAD has a damaged header or directory", "nothing was kept")
    for start, size, name in ENTRY.iter_unpack(wad[offset : offset + count * ENTRY.size]):
        if size < 0 or start < 0 or start + size > len(wad):
            raise DownloadError(f"lump {name!r} of a WAD lies outside it", "nothing was kept")
        shown = name.partition(b"\0")[0].decode("ascii", "replace").lower()
        yield re.sub(r"[^a-z0-9_]", "_", shown), wad[start : start + size]
