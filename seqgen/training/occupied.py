"""One run at a time in a folder: the lock of this process on a run folder. Knows folders, not what is in them.

The folder itself is locked (flock), so that nothing is left behind and the system lets go when the process ends,
however it does. Where there are no such locks, as on Windows and on some network disks, nothing is kept out.
"""

import os
from pathlib import Path

from seqgen.errors import CheckpointError

_held: dict[tuple[int, int], int] = {}  # (device, inode) of each folder → the descriptor that holds the lock


def occupy(folder: Path) -> None:
    """Keep other processes' runs out of a folder until `leave`, or until this process ends.

    Raises:
        CheckpointError: Another process has a run there.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    descriptor = os.open(folder, os.O_RDONLY)
    about = os.fstat(descriptor)
    if (about.st_dev, about.st_ino) in _held:
        os.close(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        hint = "wait until it has ended, stop it, or choose another -o"
        raise CheckpointError(f"{folder}: another process is training in there, and is left alone", hint) from None
    except OSError:  # a disk without locks
        os.close(descriptor)
        return
    _held[about.st_dev, about.st_ino] = descriptor


def leave(folder: Path) -> None:
    """Let others in again; nothing happens where this process holds no lock."""
    try:
        about = folder.stat()
    except OSError:  # it was never made, or is gone
        return
    descriptor = _held.pop((about.st_dev, about.st_ino), None)
    if descriptor is not None:
        os.close(descriptor)
