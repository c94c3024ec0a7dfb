"""One run at a time in a folder: the lock of this process on a run folder. Knows folders, not what is in them.

The folder itself is locked (flock), so that nothing is left behind and the system lets go when the process ends,
however it does. Where there are no such locks, as on Windows and on some network disks, nothing is kept out.
"""

import os
from pathlib import Path

from seqgen.errors import CheckpointError, OutputError
from seqgen.files import make_folder, own

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


def begin(folder: Path) -> None:
    """Make a folder for a new run, and keep others out of it.

    Args:
        folder: The folder; it may be there, and may hold what else it likes.

    Raises:
        CheckpointError: Another run lies there already, or another process has begun one.
        OutputError: It cannot be made, or a file in it has the name of one of a run's and is none.
    """
    make_folder(folder)
    occupy(folder)
    require_none(folder)
    taken = [] if own.is_run(folder) else [folder / name for name in own.RUN_FILES if (folder / name).exists()]
    if taken:
        hint = "nothing was overwritten; choose another -o"
        raise OutputError(f"{taken[0]}: is there already, and belongs to no run of seqgen", hint)


def require_none(folder: Path) -> None:
    """Refuse a folder in which a run lies that got anywhere.

    Raises:
        CheckpointError: One does.
    """
    if any((folder / name).exists() for name in own.RESULTS):
        hint = "go on with it by --resume, or choose another -o"
        raise CheckpointError(f"{folder}: another run lies there already, and is left as it is", hint)


def leave(folder: Path) -> None:
    """Let others in again; nothing happens where this process holds no lock."""
    try:
        about = folder.stat()
    except OSError:  # it was never made, or is gone
        return
    descriptor = _held.pop((about.st_dev, about.st_ino), None)
    if descriptor is not None:
        os.close(descriptor)
