"""The operating system's calls that writing makes, in one place, so that tests can make any of them fail.

Knows no errors but the system's own, `OSError`.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class System:
    """The calls as they are. A test puts a subclass in their place with `replaced`."""

    def open(self, path: str | Path, flags: int, mode: int = 0o600) -> int:
        """A descriptor; never inherited by programs that are started."""
        return os.open(path, flags, mode)

    def write(self, descriptor: int, data: Any) -> int:
        """Write some of the bytes; returns how many."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        """Wait until a file's content, or a folder's names, are on the disk."""
        os.fsync(descriptor)

    def sync_all(self) -> None:
        """Wait until all that was written so far is on the disk."""
        if os.name == "posix":
            os.sync()

    def chmod(self, path: str | Path, mode: int) -> None:
        """Set the permission bits."""
        Path(path).chmod(mode)

    def rename(self, source: str | Path, target: str | Path) -> None:
        """Give a file or folder its name, replacing what has it."""
        Path(source).replace(target)

    def make_folder(self, path: str | Path, mode: int = 0o777) -> None:
        """Make one new folder."""
        Path(path).mkdir(mode)


calls = System()


@contextlib.contextmanager
def replaced(system: System) -> Iterator[None]:
    """Let `system` take the calls for a while."""
    global calls
    before, calls = calls, system
    try:
        yield
    finally:
        calls = before
