"""Text that is shown while it comes, on standard output as a pipe or as a terminal."""

import codecs
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from seqgen.terminal.text import harmless

INTERVAL = 1 / 30  # seconds between flushes: often enough for the eye


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
def standard_output() -> Iterator[Pipe]:
    """Standard output, as a terminal or as a pipe."""
    out = sys.stdout
    sink = Terminal(out.buffer, out.encoding or "utf-8") if out.isatty() else Pipe(out.buffer)
    yield sink
    sink.finish()
