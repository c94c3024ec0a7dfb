"""Lets pip fetch one pinned archive, and stops it before it looks inside. Run as a script in a process of its own.

`pip download` of a source distribution asks the package's own build backend for metadata, which runs its code, and
no option prevents that. So this process forbids itself, by an audit hook (`sys.addaudithook`, which cannot be taken
off again), to start any other process: pip runs build backends only in processes of their own. And as soon as pip
opens the finished download to check its hash, the archive with the pinned hash is copied out and the process ends.
If that never happens, pip runs into the ban and fails: in doubt nothing of the package runs.

    python -I _pip.py SHA256 TARGET [arguments of pip…]

Exit codes: 0, TARGET holds the archive; else pip's own. It imports nothing of seqgen.
"""

import hashlib
import os
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

SUFFIXES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
SPAWNING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


def hook(sha256: str, target: Path) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook that forbids other processes, and ends this one when the archive is there."""
    busy = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal busy
        if event in SPAWNING:
            raise PermissionError(f"no other process may be started here ({event})")
        if event != "open" or busy or not _reads_archive(arguments):
            return
        busy = True  # what follows opens files itself
        try:
            _finish(Path(os.fsdecode(arguments[0])), sha256, target)  # type: ignore[arg-type]
        finally:
            busy = False

    return watch


def _reads_archive(arguments: tuple[object, ...]) -> bool:
    path, mode = arguments[:2]
    if not isinstance(path, (str, bytes, os.PathLike)) or not isinstance(mode, str) or set(mode) & set("wax+"):
        return False
    return os.fsdecode(path).endswith(SUFFIXES)


def _finish(path: Path, sha256: str, target: Path) -> None:
    """Copy the archive out and end the process, if it is the pinned one and whole."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return
    shutil.copyfile(path, target)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    wanted, where, *rest = sys.argv[1:]
    sys.argv = ["pip", *rest]
    sys.addaudithook(hook(wanted, Path(where)))
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
