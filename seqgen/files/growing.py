"""A file that grows while a program runs, so that whatever ends the program, what was written is there.

It is locked (flock) as long as it is open, and the system drops the lock when the process ends, however it ends; so one
that bears no lock was left behind, and its content waits for whoever knows what to make of it.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from seqgen.files import system
from seqgen.files._sentences import output_error
from seqgen.files._staging import abandoned, is_at, lock


class Growing:
    """A new file.

    Args:
        path: Where; its folder is there.

    Raises:
        OutputError: It cannot be made, or there is one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            while True:
                descriptor = system.calls.open(path, flags)
                lock(descriptor)
                if is_at(path, descriptor):
                    break
                os.close(descriptor)  # another process took it for one that was left before it was locked
        except OSError as error:
            raise output_error(path, error) from error
        self._file = io.FileIO(descriptor, "r+")

    def append(self, data: bytes) -> None:
        """Add to its end.

        Raises:
            OutputError: There is no room, or the disk fails.
        """
        view = memoryview(data)
        try:
            while view:
                view = view[system.calls.write(self._file.fileno(), view) :]
        except OSError as error:
            raise output_error(self.path, error, len(data)) from error

    def read(self) -> bytes:
        """All of it. Raises OSError where the disk fails."""
        self._file.seek(0)
        return self._file.readall()

    def remove(self) -> None:
        """It has served."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Leave it there."""
        self._file.close()


@contextlib.contextmanager
def left_behind(path: Path) -> Iterator[bytes | None]:
    """The content of one whose program is gone, which is removed after the block; None where somebody has it open."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with io.FileIO(descriptor) as file:
        mine = abandoned(descriptor)
        yield file.readall() if mine else None
        if mine:
            path.unlink()
