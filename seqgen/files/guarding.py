"""What a command may not replace: what it reads, and what somebody else wrote. Knows files, not commands.

1. An output is no input. Two names are the same file where the system says so (device and inode: through links, hard
   links, other spellings, `/dev/stdin`), and names that do not exist yet where they would lie in the same place.
   A run's own files and the cache are never an output.
2. An existing file is replaced without asking where it is empty, where seqgen wrote it and nobody has changed it since
   (`seqgen.files.written`), and a token stream by a token stream. Anything else holds work, and is replaced only where
   that was asked for.

Whoever reads calls `reads`, whoever is about to write what the user named calls `claim`, in any order. Both do nothing
outside of `guarded`, which the command line puts around each command: a program that uses the library knows its files.
"""

import contextlib
import errno
import os
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqgen.errors import OutputError, UsageError
from seqgen.files import own, written
from seqgen.files._sentences import output_error

STANDARD = "-"
CACHE_PARTS = ("streams", "corpora", "verified", written.FOLDER)
WORK = {
    own.STREAM: "is a token stream",
    own.CHECKPOINT: "is a checkpoint",
    "seqgen resume": "is what a run needs to go on",
}
Identity = tuple[object, ...]


class Guard:
    """What one command reads and is to write.

    Args:
        force: Whether files that seqgen did not write may be replaced.
    """

    def __init__(self, force: bool) -> None:
        self.force = force
        self.inputs: dict[Identity, str] = {}
        self.outputs: dict[Identity, str] = {}  # what was claimed and is not written yet
        self.claimed: set[str] = set()

    def reads(self, paths: Iterable[str | Path]) -> None:
        """Raise UsageError if one of the files is an output too."""
        for path in paths:
            key = identity(path)
            if key is not None:
                self.inputs.setdefault(key, str(path))
                if key in self.outputs:
                    raise _same(self.outputs[key], str(path))

    def reads_all(self, paths: Iterable[Path]) -> None:
        """The same for the many files of a corpus: asks the system for each only where an output exists."""
        if any(Path(path).exists() for path in self.outputs.values()):
            self.reads(paths)

    def claim(self, path: str | Path, kind: str = "") -> None:
        """Raise UsageError if the file is an input too, OutputError if it cannot be, or is not seqgen's own work."""
        key = identity(path)
        if key is None:
            return
        self.check(path)
        _require_place(Path(path))
        if not self.force and (what := _work(Path(path), kind)):
            hint = "--force replaces it; or name another file for the output"
            raise OutputError(f"{path}: {what}, and is left as it is", hint)
        self.outputs[key] = str(path)
        self.claimed.add(_real(path))

    def check(self, path: str | Path) -> None:
        """Raise UsageError if the file is an input too, belongs to a run or lies in the cache."""
        key = identity(path)
        if key in self.inputs:
            raise _same(str(path), self.inputs[key])
        if belonging := _belongs(Path(path)):
            raise UsageError(f"{path}: {belonging}, and is never an output", "name another file for the output")

    def wrote(self, path: Path) -> None:
        """A file is in its place: it may be read from now on, and be replaced the next time."""
        real = _real(path)
        self.outputs = {key: name for key, name in self.outputs.items() if _real(name) != real}
        if real in self.claimed:
            written.remember(path)


_guards: list[Guard] = []


@contextlib.contextmanager
def guarded(force: bool = False) -> Iterator[Guard]:
    """Watch over what is read and written meanwhile."""
    guard = Guard(force)
    _guards.append(guard)
    try:
        yield guard
    finally:
        _guards.remove(guard)


def reads(*paths: str | Path) -> None:
    """These files are read; `-` is standard input. Raises UsageError if one is an output too."""
    if _guards:
        _guards[-1].reads(paths)


def reads_all(paths: Iterable[Path]) -> None:
    """These files, which may be many, are read."""
    if _guards:
        _guards[-1].reads_all(paths)


def claim(*paths: str | Path, kind: str = "") -> None:
    """These files are to be written, for the user named them; `-` is standard output.

    Args:
        paths: Their names.
        kind: The kind of container that they become (`own.container_kind`), which may replace one of its kind.

    Raises:
        UsageError: One is an input too, belongs to a run or lies in the cache.
        OutputError: One is a folder or lies in none, or holds what seqgen did not write, and nobody asked to
            replace it.
    """
    for path in paths:
        if _guards and str(path) != STANDARD:
            _guards[-1].claim(path, kind)


def enter(folder: str | Path) -> None:
    """New files are to be written into a folder. Raises UsageError if it is an input, too, or lies in the cache."""
    if _guards:
        _guards[-1].check(folder)


def commits(path: Path) -> None:
    """A file is about to be put in its place: what was claimed must still be free."""
    if _guards and _real(path) in _guards[-1].claimed:
        _guards[-1].check(path)


def wrote(path: Path) -> None:
    """A file was put in its place."""
    if _guards:
        _guards[-1].wrote(path)


def is_read(path: Path) -> bool:
    """Whether the command at hand reads a file."""
    return bool(_guards) and identity(path) in _guards[-1].inputs


def identity(path: str | Path) -> Identity | None:
    """What tells a file from others; None for devices and pipes, which keep nothing, and for an input that is none."""
    try:
        about = os.fstat(sys.stdin.fileno()) if str(path) == STANDARD else Path(path).stat()
    except (OSError, ValueError, AttributeError):
        return None if str(path) == STANDARD else _place(path)
    kept = stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
    return (about.st_dev, about.st_ino) if kept else None


def _place(path: str | Path) -> Identity:
    """Where a file would lie that is not there: its folder, and its name as a system without upper case has it."""
    real = Path(_real(path))
    name = unicodedata.normalize("NFC", real.name).casefold()
    with contextlib.suppress(OSError, ValueError):
        folder = real.parent.stat()
        return folder.st_dev, folder.st_ino, name
    return str(real.parent).casefold(), name


def _real(path: str | Path) -> str:
    """A path with its links resolved; as it is where they lead in a circle, or through more links than can be."""
    try:
        return os.path.realpath(path)
    except (OSError, RecursionError):
        return os.fspath(path)


def _same(output: str, given: str) -> UsageError:
    given = "standard input" if given == STANDARD else given
    what = "the command reads it" if Path(output) == Path(given) else f"is the same file as {given}, which it reads"
    return UsageError(f"{output}: {what}, so it cannot be the output", "name another file for the output")


def _belongs(path: Path) -> str:
    """Whether a file is one of a run's or of the cache's, in words."""
    real = Path(_real(path))
    folded = real.name.casefold()
    if any(folded == name.casefold() for name in own.RUN_FILES) and own.is_run(real.parent):
        return f"belongs to the run in {path.parent}"
    root = written.cache()
    if any(real.is_relative_to(_real(root / part)) for part in CACHE_PARTS):
        return "lies in the cache of seqgen"
    return ""


def _require_place(path: Path) -> None:
    """Refuse a folder, and a name in a folder that is not there: before the work whose result would go there."""
    code = errno.EISDIR if os.path.isdir(path) else errno.ENOENT if not os.path.isdir(path.parent) else 0  # noqa: PTH112
    if code:
        raise output_error(path, OSError(code, os.strerror(code)))


def _work(path: Path, wanted: str) -> str:
    """What an existing file holds that would be lost, in words."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        return ""
    if not stat.S_ISREG(about.st_mode) or not about.st_size:
        return ""
    kind = own.container_kind(path)
    if kind and kind == wanted:
        return ""
    if kind or own.is_takes(path):
        return WORK.get(kind, "is a list of takes" if not kind else f"is a {kind}")
    return "" if written.knows(path) else "holds something that seqgen did not write, or that was changed since"
