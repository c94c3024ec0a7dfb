"""Which large files were read whole and found sound, so that they need not be read whole at every command.

Files of SMALL bytes together are verified each time, which takes a twentieth of a second. Of larger ones a record is
kept in the cache folder: an empty file, named by a SHA-256 of each file's real path, size, times of modification and
of change, and inode, and of what it is verified against. A record holds for DAYS days, counted from its own time of
modification. Whatever writes to a file changes one of these, even where its time of modification is put back; what
changes none of them, such as a bit that the disk loses, is seen when the record has lapsed.

A file that was written a moment before it was verified gets no record: a second write within the same tick of the file
system's clock would leave all times as they are.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from seqgen.errors import OutputError

SMALL = 64_000_000  # bytes
DAYS = 7
SETTLED = 3.0  # seconds; the coarsest file systems count time in twos

State = list[tuple[str, int, int, int, int]]


def once(paths: Sequence[Path], expected: str, verify: Callable[[], object]) -> None:
    """Verify files, unless they are large and a record says that they are what was found sound before.

    Args:
        paths: The files, which are verified together.
        expected: What they are verified against, such as a checksum.
        verify: Reads them whole; raises where they are not sound.

    Raises:
        OSError: A file is not there any more.
    """
    if sum(path.stat().st_size for path in paths) <= SMALL:
        verify()
        return
    before = _state(paths)
    record, began = _record(before, expected), time.time()
    if record is not None and _holds(record, began):
        return
    verify()
    settled = all(began - max(modified, changed) / 1e9 > SETTLED for _, _, modified, changed, _ in before)
    if record is not None and settled and _state(paths) == before:
        _keep(record, began)


def _state(paths: Sequence[Path]) -> State:
    """What a write to any of the files changes."""
    found = [(os.path.realpath(path), path.stat()) for path in paths]
    return [(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for path, stat in found]


def _record(state: State, expected: str) -> Path | None:
    """Where a record of this state lies; None where there is no folder for it."""
    from seqgen.files import cache_folder

    try:
        folder = cache_folder("verified")
    except OutputError:
        return None
    return folder / hashlib.sha256(json.dumps([expected, state]).encode()).hexdigest()


def _holds(record: Path, now: float) -> bool:
    """Whether a record is there and young enough; one from the future is none."""
    try:
        return 0 <= now - record.stat().st_mtime <= DAYS * 24 * 3600
    except OSError:
        return False


def _keep(record: Path, now: float) -> None:
    """Write a record of this moment, and remove those that have lapsed. Without one, files are verified again."""
    with contextlib.suppress(OSError):
        for other in record.parent.iterdir():
            if not _holds(other, now):
                other.unlink()
        record.touch()
        os.utime(record, (now, now))
