"""Reading and writing files so that nothing is lost: atomic, durable, "-" for the standard streams.

A file that seqgen writes is staged beside its target, flushed, synced and renamed over it, and the folder is synced
too; until then the old file is whole. `click.File(atomic=True)` would commit a partial file when a command fails.
All calls that write go through `seqgen.files.system`, where tests make each of them fail.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from seqgen.errors import OutputError
from seqgen.files import guarding, system, written
from seqgen.files._sentences import output_error, size
from seqgen.files._staging import buffered, forget_sweeps, staged_file, staged_folder, sweep, sync_folder
from seqgen.files.guarding import STANDARD

__all__ = ["STANDARD", "atomic_folder", "atomic_write", "cache_folder", "make_folder", "new_file", "size"]
__all__ += ["forget_sweeps", "is_device", "require_free", "standard_output", "sweep", "sync_folder", "write_bytes"]


STREAMS = (Path("/dev/stdout"), Path("/dev/stderr"))


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file (readable and seekable too) that appears at `path` whole, or not at all.

    Raises:
        OutputError: The folder is missing or read-only, the disk is full, the rename fails.
    """
    target = _nameable(path)
    try:
        device = is_device(target)
        target = target.resolve() if target.is_symlink() and not device else target  # /dev/stdout points nowhere
    except (OSError, RuntimeError) as error:  # a name that is too long, a circle of links
        problem = error if isinstance(error, OSError) else OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        raise output_error(target, problem) from error
    if device:
        with _into_device(target) as file:
            yield file
        return
    guarding.commits(target)
    with staged_file(target) as file:
        yield file
    guarding.wrote(target)


def is_device(path: Path) -> bool:
    """Whether what is written goes into what is there: a device, a pipe, a socket, or a descriptor that is open."""
    if not path.exists():
        return False
    folder = os.path.realpath(path.parent) if path.is_absolute() else ""
    descriptor = folder == "/dev/fd" or (folder.startswith("/proc/") and folder.endswith("/fd"))
    return descriptor or path in STREAMS or not (path.is_file() or path.is_dir())


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill with `new_file`, which appears at `path` with all that is in it, or not at all.

    Raises:
        OutputError: There is something at `path` that is no empty folder, or it cannot be written.
    """
    require_free(path)
    with staged_folder(Path(path)) as staged:
        yield staged


def require_free(path: str | Path) -> None:
    """Raise OutputError where there is something at `path` that is no empty folder."""
    target = Path(path)
    try:
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise output_error(target, error) from error
    if taken:
        raise OutputError(f"{target}: exists already, expected a new or empty folder", "nothing was overwritten")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file inside a folder that is staged, and will be synced with it.

    Raises:
        FileExistsError: There is one of that name.
        OSError: It cannot be written; whoever staged the folder knows what to say.
    """
    descriptor = system.calls.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with buffered(descriptor) as file:
        yield file


@contextlib.contextmanager
def _into_device(target: Path) -> Iterator[BinaryIO]:
    """A device or a pipe must not be replaced by a file: what is written goes into it, once it is whole."""
    import shutil
    import tempfile  # both take long to import

    with tempfile.TemporaryFile() as file:
        yield file
        length = file.tell()
        file.seek(0)
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_APPEND)  # never cut: it may be a file that the shell opened
            with open(descriptor, "wb") as device:  # noqa: PTH123
                shutil.copyfileobj(file, device)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise output_error(target, error, length) from error


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a whole file atomically, or to standard output where `path` is "-"."""
    if str(path) == STANDARD:
        with standard_output() as file:
            file.write(data)
        return
    with atomic_write(path) as file:
        file.write(data)


@contextlib.contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Standard output for bytes, flushed at the end.

    Raises:
        OutputError: It cannot be written, say because it is a file on a full disk.
        BrokenPipeError: Nobody reads it any more, which is no fault.
    """
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):  # what is still buffered must not fail once more when the program ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"standard output: cannot be written ({error.strerror or error})") from error


def make_folder(path: str | Path) -> Path:
    """The folder, made with its parents where it is missing."""
    folder = _nameable(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    return folder


def _nameable(path: str | Path) -> Path:
    """The path. Raises OutputError where no file can be called so, whatever the system is."""
    if "\0" in str(path):
        raise OutputError(f"{str(path)!r}: is no name of a file, as it holds a zero byte")
    return Path(path)


def cache_folder(*parts: str) -> Path:
    """A folder for what can be made again: below `SEQGEN_CACHE` or else the user's cache, made where it is missing."""
    return make_folder(written.cache().joinpath(*parts))
