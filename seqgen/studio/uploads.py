"""Files that a page brings in to train on: a folder a set, bounded, gone when the studio closes."""

import re
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from seqgen.errors import UsageError
from seqgen.files import atomic_write, cache_folder
from seqgen.live.controls import shown

MOST_BYTES = 1_000_000_000  # of a set
MOST_FILES = 10_000
DEEP, LONG = 8, 120  # folders of a name, and characters of each
NAME = re.compile(r"[0-9a-f]{16}")
ODD = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')


class Uploads:
    """Sets of files by name."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sets: dict[str, list[int]] = {}  # of each the number of files, and bytes
        self._lock = threading.Lock()

    def new(self) -> str:
        """The name of a new set."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="uploads-", dir=cache_folder("studio"))
            name = secrets.token_hex(8)
            self._sets[name] = [0, 0]
            return name

    def folder(self, name: str) -> Path:
        """Where a set lies.

        Raises:
            UsageError: There is none of this name.
        """
        if self._folder is None or name not in self._sets:
            raise UsageError("these files are not at hand any more", "bring them in again")
        return Path(self._folder.name) / name

    async def take(self, name: str, path: str, pieces: AsyncIterator[bytes]) -> int:
        """One more file of a set; its bytes.

        Raises:
            UsageError: Its name makes no sense, or the set becomes too large; nothing of it stays.
            OutputError: It cannot be written.
        """
        target = self.folder(name) / inside(path)
        counted = self._sets[name]
        if counted[0] >= MOST_FILES:
            raise UsageError(f"more than {MOST_FILES:,} files were brought in", "name the folder on this machine")
        target.parent.mkdir(parents=True, exist_ok=True)
        size, whole = 0, False
        counted[0] += 1  # while it comes, so that files that come at once are bounded together
        try:
            with atomic_write(target) as file:
                async for piece in pieces:
                    size += len(piece)
                    counted[1] += len(piece)
                    if counted[1] > MOST_BYTES:
                        said = f"more than {MOST_BYTES // 1_000_000:,} MB were brought in"
                        raise UsageError(said, "name the folder on this machine")
                    file.write(piece)
            whole = True
        finally:
            if not whole:
                counted[0], counted[1] = counted[0] - 1, counted[1] - size
        return size

    def close(self) -> None:
        """All of them go."""
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
            self._folder = None
            self._sets.clear()


async def within(pieces: AsyncIterator[bytes], most: int) -> bytes:
    """What comes in, read no further than where it is longer than `most` bytes."""
    data = bytearray()
    async for each in pieces:
        data += each
        if len(data) > most:
            break
    return bytes(data)


def inside(path: str) -> Path:
    """A path below a folder, from what a page says.

    Raises:
        UsageError: It leads out, or makes no sense.
    """
    parts = [ODD.sub("_", part) for part in path.split("/")]
    if not 1 <= len(parts) <= DEEP or any(part in ("", ".", "..") or len(part) > LONG for part in parts):
        raise UsageError(f"{shown(path)} is no name of a file to be brought in")
    return Path(*parts)
