"""The standard streams as a command finds them: closed, on a full disk, in an encoding that lacks letters, unread.

What is said on standard error never ends a command. What goes to standard output is the result: where it cannot be
written, the command has failed, but where its reader has gone (`seqgen … | head`) it is done.
"""

import codecs
import contextlib
import errno
import io
import os
import sys
from typing import TextIO

from seqgen.errors import DataError, OutputError

LETTERS = "seqgen.letters"  # how letters that an encoding lacks are written
ASCII = "ascii_only"  # click takes a stream in "ascii" for one whose encoding is unknown, and writes UTF-8
CLOSED = "it is closed"
MODES = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)  # a closed input cannot be read, a closed output not be written


def prepare() -> None:
    """Make all three streams usable. For the start of a program, before it opens a file."""
    codecs.register_error(LETTERS, _letters)
    codecs.register(_ascii)
    for number, mode in enumerate(MODES):
        _occupy(number, mode)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Given(0, closefd=False)), "utf-8")
    if _plain(sys.stdout):
        sys.stdout = _text(_Result(1, "w", closefd=False), sys.stdout, LETTERS)
    if _plain(sys.stderr):
        sys.stderr = _text(_Said(2, "w", closefd=False), sys.stderr, "backslashreplace")


def abandon() -> None:
    """Drop what is kept for standard output, so that the interpreter does not fail on it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _occupy(number: int, mode: int) -> None:
    """Put the empty device in place of a closed stream: the next file opened would take its number, and its output."""
    try:
        os.fstat(number)
    except OSError:
        descriptor = os.open(os.devnull, mode)
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.set_inheritable(number, True)  # for worker processes


def _plain(stream: TextIO | None) -> bool:
    """Whether a stream is one of a file, a pipe or a terminal of POSIX; that of Windows takes all letters."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream is None
    return type(getattr(stream.buffer, "raw", stream.buffer)) is io.FileIO


def _text(raw: io.FileIO, before: TextIO | None, errors: str) -> TextIO:
    """The stream over `raw`, in the encoding of the one before."""
    encoding = "utf-8" if before is None else before.encoding
    encoding = ASCII if codecs.lookup(encoding).name == "ascii" else encoding
    lines = before is None or bool(before.line_buffering)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=lines)


class _Given(io.FileIO):
    """Standard input that is closed."""

    def readinto(self, buffer: object) -> int:
        """Nothing can be read. Raises DataError."""
        raise DataError(f"standard input: cannot be read ({CLOSED})", "name a file, or send something")

    def readall(self) -> bytes:
        """Nothing can be read. Raises DataError."""
        return bytes(self.readinto(b""))


class _Result(io.FileIO):
    """Standard output. After it has failed once, it takes what comes for written: the command is about to end."""

    failed = False

    def write(self, data: object) -> int:
        """Write some of the bytes; returns how many.

        Raises:
            OutputError: They cannot be written.
            BrokenPipeError: Nobody reads them any more.
        """
        if self.failed:
            return memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except OSError as error:
            self.failed = True
            reason = CLOSED if error.errno == errno.EBADF else error.strerror or str(error)
            raise OutputError(
                f"standard output: cannot be written ({reason})", "name a file, or another disk"
            ) from error


class _Said(io.FileIO):
    """Standard error. What cannot be written is taken for written."""

    def write(self, data: object) -> int:
        """Write some of the bytes; returns how many."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def _ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII under a name of its own."""
    if name != ASCII:
        return None
    found = codecs.lookup("ascii")
    parts = (found.encode, found.decode, found.streamreader, found.streamwriter)
    return codecs.CodecInfo(*parts, found.incrementalencoder, found.incrementaldecoder, name=ASCII)


def _letters(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a file name that are no text stay as they are; other letters that the encoding lacks are spelled out."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.backslashreplace_errors(error)
