"""`python -m seqgen` is the `seqgen` command."""

import os
import sys


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 (pathlib is not loaded yet)
    except OSError:  # it was removed
        return ""


if __name__ == "__main__":
    # -m puts the current folder first, where a module of any name may lie. Nothing was imported from there yet:
    # seqgen/__init__.py imports nothing, and Python itself has long loaded os and sys.
    if not sys.flags.safe_path and sys.path[0] in ("", _current_folder()):
        del sys.path[0]
    from seqgen.cli import main

    main()
