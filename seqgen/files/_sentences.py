"""What the system says about a file that cannot be written, as one sentence with a hint."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

from seqgen.errors import OutputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def size(count: float) -> str:
    """A number of bytes for people: `1.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} byte{'s' * (round(count) != 1)}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def output_error(target: Path, error: OSError, wanted: int = 0, there: bool = False) -> OutputError:
    """The sentence for an OSError about `target`.

    Args:
        target: What was to be written.
        error: What the system said; the staged file is gone by now.
        wanted: How many bytes it was to hold, as far as that is known.
        there: Whether it stands in its place already.
    """
    reason = error.strerror or str(error)
    if there:
        hint = "it is whole now, but might be lost if the power fails; check the disk"
        return OutputError(f"{target}: is written, but the disk does not confirm its name ({reason})", hint)
    if error.errno in FULL:
        return OutputError(f"{target}: {_full(target, error, wanted)}", "free some space first")
    if error.errno == errno.ENOENT and not target.parent.is_dir():
        return OutputError(f"{target}: there is no folder {target.parent}", "make it first, or name another")
    if error.errno == errno.ENAMETOOLONG:
        return OutputError(f"{target}: the name is too long", "choose a shorter one")
    if error.errno in FORBIDDEN:
        return OutputError(f"{target}: no permission to write there ({reason})", "choose a folder of your own")
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
        return OutputError(f"{target}: is a folder, expected a file name", "name a file inside it")
    return OutputError(f"{target}: cannot be written ({reason})", "nothing was overwritten")


def rename_error(target: Path, error: OSError) -> OutputError:
    """The sentence for a rename that fails: what was there before is whole."""
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY, *FULL, *FORBIDDEN):
        return output_error(target, error)
    reason = error.strerror or str(error)
    return OutputError(
        f"{target}: cannot be put in its place, for this folder's file system does not rename it ({reason})",
        "nothing was overwritten; write to another folder, and copy the file",
    )


def _full(target: Path, error: OSError, wanted: int) -> str:
    """What is full, what was needed, what is there."""
    what = "the file is larger than this system allows" if error.errno == errno.EFBIG else "the disk is full"
    known = f"{size(wanted)} or more are needed" if wanted else ""
    if error.errno == errno.ENOSPC:
        with contextlib.suppress(OSError):
            known += f"{', ' if known else ''}{size(shutil.disk_usage(os.fspath(target.parent)).free)} are free"
    return f"{what}; nothing was overwritten" + (f" ({known})" if known else "")
