"""Evil archives, built here: nothing is written outside, memory stays low, and what is refused is one sentence."""

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import zstandard

from seqgen.catalogue import archives
from seqgen.errors import DownloadError, SeqgenError
from seqgen.music.read import read_score
from seqgen.selftest import MEMORY, Tally, peak_memory
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.sources import resolve

TITLE = "evil archives: 0 writes outside, 300 MB"
QUICK, LONG = 1, 1
BOMB = 310_000_000  # bytes that a bomb unfolds to
Evil = tuple[str, bytes]


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Each archive is read where archives are: as a corpus's download, as compressed MusicXML, as a source."""
    inside, outside = folder / "a" / "b", folder / "outside"
    inside.mkdir(parents=True)
    outside.mkdir()
    for name, data in (*_zips(outside), *_tars(outside), *_packed()):
        path = inside / name
        path.write_bytes(data)
        before = _tree(folder)
        refused = 0
        for reader in _readers(path):
            try:
                reader()
            except SeqgenError as error:
                refused += 1
                tally.case("\n" not in error.message, f"{name}: {error.message!r}")
            except Exception as error:
                tally.case(False, f"{name}: {type(error).__name__}: {error}")
        tally.count("archives")
        tally.count("refused", refused > 0)
        tally.case(refused > 0, f"{name}: was read")
        tally.case(_tree(folder) == before, f"{name}: something was written")
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")


def _tree(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def _readers(path: Path) -> Iterator[Callable[[], object]]:
    def everything(name: str) -> bool:
        return True

    def written() -> None:
        """As a corpus's files are written: into a folder of their own."""
        seen = set()
        members = archives.read_zip if ".zip" in path.name else archives.read_tar
        for name, _ in members(path, everything):
            if name.lower() in seen:
                raise DownloadError(f"the archive gives two files the name {name!r}", "nothing was kept")
            seen.add(name.lower())

    if ".zip" in path.name or ".tar" in path.name:
        yield written
    if ".zip" in path.name:
        yield lambda: read_score(path.read_bytes())
    yield lambda: [len(piece) for piece in Reader(resolve([path])[0], text=True)]


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return made.getvalue()


def _zeros(packer: Any) -> Iterator[bytes]:
    """A bomb, made without holding what it unfolds to."""
    for _ in range(BOMB // 1_000_000):
        yield packer.compress(bytes(1_000_000))
    yield packer.flush()


def _gzip_bomb(head: bytes = b"") -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(head) + b"".join(_zeros(packer))


def _zip_bomb(members: dict[str, int]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, length in members.items():
            with archive.open(name, "w") as file:
                for _ in range(length // 1_000_000):
                    file.write(bytes(1_000_000))
    return made.getvalue()


def _special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def _zips(outside: Path) -> Iterator[Evil]:
    yield "slip.zip", _zip(("../../outside/x", b"evil"))
    yield "deep-slip.zip", _zip(("a/b/../../../../outside/x", b"evil"))
    yield "absolute.zip", _zip((f"{outside}/x", b"evil"))
    yield "backslashes.zip", _zip(("..\\..\\outside\\x", b"evil"))
    yield "drive.zip", _zip(("C:/outside/x", b"evil"))
    yield "nul.zip", _zip(("x.txt", b"evil")).replace(b"x.txt", b"x\0txt")
    yield "escape.zip", _zip(("\x1b[2J.txt", b"evil"))
    yield "bidi.zip", _zip(("\u202etxt.exe", b"evil"))
    yield "link.zip", _zip((_special("link", stat.S_IFLNK), f"{outside}".encode()), ("link/x", b"evil"))
    yield "device.zip", _zip((_special("null", stat.S_IFCHR), b""))
    yield "pipe.zip", _zip((_special("pipe", stat.S_IFIFO), b""))
    yield "twins.zip", _twins()
    yield "long-name.zip", _zip(("x" * 5000, b"evil"))
    yield "bomb.zip", _zip_bomb({"zeros": BOMB})
    yield "many-bombs.zip", _zip_bomb({f"{index}": BOMB // 10 for index in range(10)})
    yield "encrypted.zip", _flagged(_zip(("x.txt", b"secret")))
    yield "lying-size.zip", _lying(_zip(("x.txt", b"a" * 5000)), 5000, 7)
    yield "lying-huge.zip", _lying(_zip(("x.txt", b"a" * 5000)), 5000, 0xFFFFFFF0)
    yield "cut.zip", _zip(("x.txt", b"a" * 5000))[:-30]
    yield "overlap.zip", _overlapping()
    yield "many.zip", _zip(*((f"{index}", b"") for index in range(archives.MEMBERS + 1)), method=zipfile.ZIP_STORED)


def _twins() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _zip(("x.txt", b"good"), ("x.txt", b"evil"), ("X.txt", b"evil"))


def _flagged(raw: bytes) -> bytes:
    """The archive whose members claim to be encrypted."""
    changed = bytearray(raw)
    changed[6] |= 1
    changed[changed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def _lying(raw: bytes, old: int, new: int) -> bytes:
    return raw.replace(struct.pack("<I", old), struct.pack("<I", new))


def _overlapping() -> bytes:
    """Many entries of the directory that point at one member: a flat bomb, as David Fifield described in 2019."""
    raw = _zip(("0", bytes(4_000_000)))
    at = raw.find(b"PK\x01\x02")
    entry = raw[at : raw.find(b"PK\x05\x06")]
    directory = entry * 2000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2000, 2000, len(directory), at, 0)
    return raw[:at] + directory + end


def _tar(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=kind) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def _info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def _tars(outside: Path) -> Iterator[Evil]:
    yield "slip.tar", _tar((_info("../../outside/x"), b"evil"))
    yield "absolute.tar", _tar((_info(f"{outside}/x"), b"evil"))
    yield "symlink.tar", _tar((_info("d", tarfile.SYMTYPE, str(outside)), b""), (_info("d/x"), b"evil"))
    yield "hard-link.tar", _tar((_info("h", tarfile.LNKTYPE, "../../outside/x"), b""), (_info("h"), b"evil"))
    yield "device.tar", _tar((_info("null", tarfile.CHRTYPE), b""))
    yield "block.tar", _tar((_info("disk", tarfile.BLKTYPE), b""))
    yield "pipe.tar", _tar((_info("pipe", tarfile.FIFOTYPE), b""))
    yield "long-name.tar", _tar((_info("x" * 5000), b"evil"), kind=tarfile.GNU_FORMAT)
    yield "huge-header.tar", _tar((_info("x", tarfile.GNUTYPE_LONGNAME), b"y" * 2_000_000))
    yield "lying-size.tar", _tar_lying()
    yield "bomb.tar.gz", _gzip_bomb(_info_block(BOMB))
    yield "twins.tar", _tar((_info("x"), b"good"), (_info("x"), b"evil"))
    yield "cut.tar.gz", gzip.compress(_tar((_info("x"), b"a" * 5000)))[:-20]


def _info_block(length: int) -> bytes:
    info = _info("zeros")
    info.size = length
    return info.tobuf()


def _tar_lying() -> bytes:
    return _info_block(10**9) + b"little"


def _packed() -> Iterator[Evil]:
    """Compressed files as sources: bombs, damage, and one inside the other."""
    yield "bomb.txt.gz", _gzip_bomb()
    yield "nested.txt.gz", gzip.compress(gzip.compress(b"\0" * 100_000))
    yield "members.txt.gz", gzip.compress(bytes(1_000_000)) * 300
    yield "wrong-sum.txt.gz", gzip.compress(b"text")[:-8] + struct.pack("<II", zlib.crc32(b"next"), 4)
    yield "bomb.txt.zst", b"".join(_zeros(zstandard.ZstdCompressor().compressobj()))
    yield "cut.txt.zst", zstandard.compress(b"text" * 1000)[:-3]
