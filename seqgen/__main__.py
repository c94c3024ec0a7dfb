"""`python -m seqgen` is the `seqgen` command, and both begin here: what imports much is imported inside."""

import os
import sys


def main() -> None:
    """Run the command. Ctrl-C ends it in a line and with code 1 while it still imports, as it does later."""
    try:
        from seqgen.cli import main as command

        command()
    except KeyboardInterrupt:
        import contextlib  # not before the current folder is off the path

        with contextlib.suppress(OSError):  # nobody reads it
            os.write(2, b"\nStopped.\n")
        sys.exit(1)


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
    main()
