"""How a command ends that does not succeed: one sentence on standard error, a hint, an exit code."""

import io
import os

import click

from seqgen.cli._options import note
from seqgen.errors import FAULT, SeqgenError
from seqgen.terminal import streams

TRACEBACK = "SEQGEN_TRACEBACK"  # in the environment: what nobody foresaw is raised as it is
COMPLETE = "_SEQGEN_COMPLETE"  # with which a shell asks for completions


def tell(error: BaseException, command: str) -> int:
    """Say what happened.

    Args:
        error: What ended the command.
        command: As it is called, for what nobody foresaw.

    Returns:
        The exit code.
    """
    if isinstance(error, BrokenPipeError):  # `seqgen … | head` is not an error
        streams.abandon()
        return 0
    note(sentence(error, command))  # it may hold a stranger's names, and numbers of any length
    return error.exit_code if isinstance(error, SeqgenError | click.ClickException) else 1


def sentence(error: BaseException, command: str) -> str:
    """The words for an error."""
    if isinstance(error, click.ClickException):
        shown = io.StringIO()
        error.show(shown)
        return shown.getvalue().rstrip("\n")
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "\nStopped."
    if isinstance(error, SeqgenError):
        return f"Error: {error}"
    if isinstance(error, OSError):  # what no room foresaw, such as a disk that fails while a log line is written
        name = f"{error.filename}: " if error.filename is not None else ""
        if isinstance(error, PermissionError):
            return f"Error: {name}{error.strerror or error}\nHint: may you read it, and enter its folder?"
        return f"Error: {name}{error.strerror or error}\nHint: is the disk full, or the file out of reach?"
    if isinstance(error, MemoryError):
        return "Error: out of memory\nHint: choose a smaller model, batch or file"
    if os.environ.get(COMPLETE) and isinstance(error, KeyError | ValueError):
        return f"Error: the shell asks for completions without COMP_WORDS and COMP_CWORD\nHint: unset {COMPLETE}"
    if os.environ.get(TRACEBACK):
        raise error
    said = " ".join(f"{type(error).__name__}: {error}".split())
    hint = f"please report it with the command line; {TRACEBACK}=1 shows where it happened"
    return f"Error: {command}: {FAULT} ({said})\nHint: {hint}"
