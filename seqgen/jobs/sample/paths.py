"""Where samples go: named after OUT."""

import os
from pathlib import Path

from seqgen.errors import OutputError
from seqgen.files import STANDARD, guarding, is_device, make_folder


def paths(output: str | None, count: int, suffix: str, joined: bool = False) -> list[Path] | None:
    """Where each of `count` samples goes; None: to whoever asked.

    One sample goes to OUT itself; several to OUT-1.txt, OUT-2.txt … after the name OUT.txt; where OUT is a folder or
    ends with a slash, into it as 1.txt, 2.txt … All go into a device or a pipe, beside which nothing is made, and
    into one file where they are `joined`.

    Raises:
        OutputError: The folder is missing or cannot be made, or a file there is not to be replaced.
        UsageError: What is to be written is read, too.
    """
    made = _paths(output, count, suffix, joined)
    guarding.claim(*dict.fromkeys(made or ()))
    return made


def _paths(output: str | None, count: int, suffix: str, joined: bool) -> list[Path] | None:
    if output is None or output == STANDARD:
        return None
    if output.endswith(("/", os.sep)) or Path(output).is_dir():
        folder = make_folder(output)
        return [folder / f"{number}{suffix}" for number in range(1, count + 1)]
    path = Path(output)
    if is_device(path):
        return [path] * count
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}", "make it first, or name another")
    if count == 1 or joined:
        return [path] * count
    return [path.with_name(f"{path.stem}-{number}{path.suffix or suffix}") for number in range(1, count + 1)]
