"""Where the samples of `seqgen generate` go: shown while they come, kept for a file, named after OUT."""

import codecs
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from seqgen.errors import OutputError
from seqgen.files import STANDARD, guarding, is_device, make_folder
from seqgen.terminal.text import harmless

INTERVAL = 1 / 30  # seconds between flushes: often enough for the eye


class Sink(Protocol):
    """What takes the bytes of a text as they come."""

    def write(self, data: bytes) -> object:
        """Take some more."""
        ...


class Pipe:
    """Standard output as a file or pipe: the bytes as they are, soon."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.flushed = time.monotonic()

    def write(self, data: bytes) -> None:
        """Write, and flush now and then."""
        self.stream.write(data)
        now = time.monotonic()
        if now - self.flushed > INTERVAL:
            self.stream.flush()
            self.flushed = now

    def finish(self) -> None:
        """Nothing stays behind."""
        self.stream.flush()


class Terminal(Pipe):
    """Standard output as a terminal: whole characters only, and none that would command it."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__(stream)
        self.encoding = encoding
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.last = "\n"

    def write(self, data: bytes) -> None:
        """Write what has become whole characters."""
        self._show(self.decoder.decode(data))

    def finish(self) -> None:
        """What is left, and an end of line, so that the prompt of the shell stands on its own."""
        self._show(self.decoder.decode(b"", final=True))
        self._show("" if self.last == "\n" else "\n")
        super().finish()

    def _show(self, text: str) -> None:
        if text:
            self.last = text[-1]
            super().write(harmless(text).encode(self.encoding, "replace"))


@contextmanager
def standard_output() -> Iterator[Sink]:
    """Standard output, as a terminal or as a pipe."""
    out = sys.stdout
    sink = Terminal(out.buffer, out.encoding or "utf-8") if out.isatty() else Pipe(out.buffer)
    yield sink
    sink.finish()


def paths(output: str | None, count: int, suffix: str) -> list[Path] | None:
    """Where each of `count` samples goes; None: to standard output.

    One sample goes to OUT itself; several to OUT-1.txt, OUT-2.txt … after the name OUT.txt; where OUT is a folder or
    ends with a slash, into it as 1.txt, 2.txt … All go into a device or a pipe, beside which nothing is made.

    Raises:
        OutputError: The folder is missing or cannot be made, or a file there is not to be replaced.
        UsageError: What is to be written is read, too.
    """
    made = _paths(output, count, suffix)
    guarding.claim(*(made or ()))
    return made


def _paths(output: str | None, count: int, suffix: str) -> list[Path] | None:
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
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix or suffix}") for number in range(1, count + 1)]
