"""Files and folders that are made beside their place, then renamed into it. Knows locks and what killed runs leave.

What is staged is called `.NAME.seqgen-xxxxxxxx.part` and is locked (flock) by the process that writes it. The system
drops the lock when the process ends, however it ends; so what bears such a name and no lock is an orphan, and the
next process that writes into the folder removes it.
"""

import contextlib
import errno
import io
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqgen.files import guarding, system
from seqgen.files._sentences import output_error, rename_error

try:
    import fcntl
except ImportError:  # Windows has no such locks, and does not rename what is open
    fcntl = None  # type: ignore[assignment]

STALE = 24 * 3600.0  # seconds after which what is staged is nobody's, where locks cannot tell
MINE = re.compile(r"\..*\.seqgen-[0-9a-f]{8}\.part", re.DOTALL)
NAME_BYTES = 100  # of the target's name; a name has 255 at most, and the target's may be as long
BUFFER = 1 << 16
UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)  # from systems whose folders cannot be synced
_swept: set[Path] = set()


class WriteError(OSError):
    """What the system said about a file that was to hold `wanted` bytes or more."""

    wanted = 0


class _Raw(io.FileIO):
    """A file whose calls go through `system`, and that remembers what it was to hold and what failed."""

    wanted = 0
    error: WriteError | None = None

    def write(self, data: Any, /) -> int:
        """Write some of the bytes."""
        view = memoryview(data).cast("B")
        self.wanted = max(self.wanted, self.tell() + len(view))
        with self._remembered():
            return system.calls.write(self.fileno(), view)

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file; returns its length."""
        length = self.tell() if size is None else size
        with self._remembered():
            system.calls.truncate(self.fileno(), length)
        return length

    @contextlib.contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = WriteError(error.errno, error.strerror)
            self.error.wanted = self.wanted
            raise self.error from error


def buffered(descriptor: int) -> BinaryIO:
    """A new file by its descriptor, whose calls go through `system`."""
    return cast(BinaryIO, io.BufferedWriter(_Raw(descriptor, "w"), BUFFER))


@contextlib.contextmanager
def staged_file(target: Path) -> Iterator[BinaryIO]:
    """A binary file that takes its place at the end of the block, or vanishes. Errors are those of `atomic_write`."""
    sweep_once(target.parent)
    try:
        staged, descriptor = _locked(target, folder=False)
    except OSError as error:
        raise output_error(target, error) from error
    raw = _Raw(descriptor, "r+")
    own = True  # whether what fails now is our work, not the caller's
    try:
        with cast(BinaryIO, io.BufferedRandom(raw, BUFFER)) as file:
            _keep_mode(staged, target)
            own = False
            yield file
            own = True
            file.flush()
            system.calls.sync(descriptor)
            if fcntl is not None:
                put(staged, target)  # while it is locked
        if fcntl is None:
            put(staged, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            staged.unlink()
        if isinstance(error, OSError) and (own or error is raw.error):
            raise output_error(target, error, raw.wanted) from error
        raise


@contextlib.contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A new folder that takes its place at the end of the block, or vanishes with all that is in it.

    An OSError of the block is about what is written into the folder, and becomes an OutputError too.
    """
    sweep_once(target.parent)
    staged, descriptor = None, -1
    try:
        staged, descriptor = _locked(target, folder=True)
        yield staged
        system.calls.sync_all()  # one call, where a sync of each of many files would take minutes
        put(staged, target)
    except OSError as error:
        raise output_error(target, error, error.wanted if isinstance(error, WriteError) else 0) from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
            if descriptor >= 0:
                os.close(descriptor)


def put(staged: Path, target: Path) -> None:
    """Rename what is whole to its place, and make that durable.

    Raises:
        OutputError: The file system does not rename, or cannot make the new name durable.
    """
    try:
        system.calls.rename(staged, target)
    except OSError as error:
        raise rename_error(target, error) from error
    try:
        sync_folder(target.parent)
    except OSError as error:
        raise output_error(target, error, there=True) from error


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable, where the system knows how to."""
    try:
        descriptor = system.calls.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # a folder that may be written but not read, and Windows
    try:
        system.calls.sync(descriptor)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise
    finally:
        os.close(descriptor)


def sweep_once(folder: Path) -> None:
    """Remove what killed runs left staged in a folder, when this process first writes there."""
    real = folder.absolute()
    if real in _swept:
        return
    _swept.add(real)
    sweep(folder)


def forget_sweeps() -> None:
    """Sweep each folder once again when it is next written to, as a new process would."""
    _swept.clear()


def sweep(folder: Path) -> int:
    """Remove what killed runs left staged in a folder; returns how much that was."""
    removed = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if MINE.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    removed += _removed(Path(entry.path))
    return removed


def _removed(path: Path) -> bool:
    """Remove one staged file or folder, if it is an orphan."""
    mode = path.lstat().st_mode
    if guarding.is_read(path) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return False
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if not abandoned(descriptor):
            return False
        if stat.S_ISDIR(mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
        return True
    finally:
        os.close(descriptor)


def abandoned(descriptor: int) -> bool:
    """Whether nobody writes what is staged there; if so it is locked now."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a system without locks
        else:
            return True
    return time.time() - os.fstat(descriptor).st_mtime > STALE


def _locked(target: Path, folder: bool) -> tuple[Path, int]:
    """A new file or folder beside the target, locked: its path and descriptor."""
    name = os.fsdecode(os.fsencode(target.name)[:NAME_BYTES])
    while True:
        staged = target.parent / f".{name}.seqgen-{os.urandom(4).hex()}.part"
        try:
            descriptor = _folder(staged) if folder else _file(staged)
        except FileExistsError:
            continue
        lock(descriptor)
        if is_at(staged, descriptor):
            return staged, descriptor
        os.close(descriptor)  # another process took it for an orphan before it was locked


def lock(descriptor: int) -> None:
    """Lock what this process writes, where the system has locks."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _file(path: Path) -> int:
    return system.calls.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0))


def _folder(path: Path) -> int:
    system.calls.make_folder(path)
    return os.open(path, os.O_RDONLY) if fcntl is not None else -1


def is_at(path: Path, descriptor: int) -> bool:
    """Whether a path is still what a descriptor is of."""
    if descriptor < 0:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _keep_mode(staged: Path, target: Path) -> None:
    """The old file's permission bits, or what the umask leaves. Without permission the file stays its owner's own."""
    try:
        mode = target.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    with contextlib.suppress(PermissionError):
        system.calls.chmod(staged, mode)
