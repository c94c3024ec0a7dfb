"""A system whose k-th call that writes, syncs or renames fails: what `seqgen.files.system.replaced` takes."""

import errno
import os
from pathlib import Path
from typing import Any

from seqgen.files.system import System

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


class Failing(System):
    """Counts calls, and fails at one.

    Args:
        at: Which call fails, from 1 on; 0: none, they are only counted.
        number: With which error.
        lasting: Whether all calls that write data fail from then on, as on a full disk.
    """

    def __init__(self, at: int = 0, number: int = errno.EIO, lasting: bool = False) -> None:
        self.calls: list[str] = []
        self._at, self._number, self._lasting = at, number, lasting

    def _next(self, call: str) -> None:
        self.calls.append(call)
        again = self._lasting and call in ("open", "write", "make_folder") and len(self.calls) > self._at > 0
        if len(self.calls) == self._at or again:
            raise OSError(self._number, os.strerror(self._number))

    def open(self, path: str | Path, flags: int, mode: int = 0o600) -> int:
        """As in `System`, as are all others."""
        self._next("open")
        return super().open(path, flags, mode)

    def write(self, descriptor: int, data: Any) -> int:
        """As in `System`."""
        self._next("write")
        return super().write(descriptor, data)

    def truncate(self, descriptor: int, length: int) -> None:
        """As in `System`."""
        self._next("truncate")
        super().truncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        """As in `System`, without the wait."""
        self._next("sync")

    def sync_all(self) -> None:
        """As in `System`, without the wait."""
        self._next("sync_all")

    def chmod(self, path: str | Path, mode: int) -> None:
        """As in `System`."""
        self._next("chmod")
        super().chmod(path, mode)

    def rename(self, source: str | Path, target: str | Path) -> None:
        """As in `System`."""
        self._next("rename")
        super().rename(source, target)

    def make_folder(self, path: str | Path, mode: int = 0o777) -> None:
        """As in `System`."""
        self._next("make_folder")
        super().make_folder(path, mode)
