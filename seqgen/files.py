"""Reading and writing files so that nothing is lost: atomic, durable, "-" for the standard streams.

A file that seqgen writes is staged beside its target, flushed, synced and renamed over it, and the folder is synced
too; until then the old file is whole. `click.File(atomic=True)` would commit a partial file when a command fails.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from seqgen.errors import OutputError

STANDARD = "-"


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file (readable and seekable too) that appears at `path` whole, or not at all.

    Raises:
        OutputError: The folder is missing or read-only, the disk is full, the rename fails.
    """
    target = Path(path)
    target = target.resolve() if target.is_symlink() else target
    if target.exists() and not (target.is_file() or target.is_dir()):
        with _into_device(target) as file:
            yield file
        return
    with _explained(target):
        descriptor, staged = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with _explained(target), os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, _mode(target))
            yield file
            file.flush()
            os.fsync(descriptor)
        with _explained(target):
            Path(staged).replace(target)
            _sync_folder(target.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(staged).unlink()
        raise


@contextlib.contextmanager
def _into_device(target: Path) -> Iterator[BinaryIO]:
    """A device or a pipe must not be replaced by a file: what is written goes into it, once it is whole."""
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        with _explained(target), target.open("wb") as device:
            shutil.copyfileobj(file, device)


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
    folder = Path(path)
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def cache_folder(*parts: str) -> Path:
    """A folder for what can be made again: below `SEQGEN_CACHE` or else the user's cache, made where it is missing."""
    import platformdirs

    root = os.environ.get("SEQGEN_CACHE") or platformdirs.user_cache_dir("seqgen", appauthor=False)
    return make_folder(Path(root).expanduser().joinpath(*parts))


def size(count: float) -> str:
    """A number of bytes for people: `1.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    """Turn an OSError that concerns `target` into one sentence with a hint."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(error.filename).absolute().parent != target.absolute().parent:
            raise  # the body of a `with` met an error of its own, about another file
        raise _output_error(target, error) from error


def _output_error(target: Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(f"{target}: the disk is full; nothing was overwritten", "free some space first")
    if error.errno == errno.ENOENT:
        return OutputError(f"{target}: there is no folder {target.parent}", "make it first, or name another")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{target}: no permission to write there", "choose a folder of your own")
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
        return OutputError(f"{target}: is a folder, expected a file name", "name a file inside it")
    return OutputError(f"{target}: cannot be written ({error.strerror or error})", "nothing was overwritten")


def _mode(target: Path) -> int:
    """The permission bits that the new file gets: the old file's, or what the umask leaves."""
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Systems that cannot open a folder (Windows) have no such call."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
