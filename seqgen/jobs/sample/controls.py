"""`--follow`: control lines from standard input, looked for between tokens; `seqgen.live.controls` says what they hold.

Nothing is read ahead but one block: who writes faster than the sample takes in is held up by the pipe. A line that is
too long is refused without being kept. The end of the input ends control, not the sample.
"""

import os
import select
import sys
from collections import deque
from collections.abc import Callable

from seqgen.api.control import MAX_LINE, Control
from seqgen.errors import UsageError
from seqgen.live.controls import followed

BLOCK = 1 << 14  # bytes read at once
BLOCKS = 8  # read between two tokens at most: an endless line, or endless empty ones, must not stop the sample


class Lines:
    """Lines of a stream of bytes, put together from blocks in bounded memory."""

    def __init__(self) -> None:
        self._kept = b""

    def split(self, block: bytes) -> list[bytes]:
        """The lines that `block` completes, without their ends; of one that is too long its beginning, one byte over.

        The empty block is the end: it gives what is left.
        """
        if not block:
            last, self._kept = self._kept, b""
            return [last] if last else []
        *whole, rest = block.split(b"\n")
        lines = []
        for piece in whole:
            lines.append((self._kept + piece)[: MAX_LINE + 1])
            self._kept = b""
        self._kept = (self._kept + rest)[: MAX_LINE + 1]
        return lines


class Controls:
    """The control lines of an input.

    Args:
        ready: Whether a read would not block; given True it waits until it is so.
        read: Gives at most so many bytes; b"" at the end.
    """

    def __init__(self, ready: Callable[[bool], bool], read: Callable[[int], bytes]) -> None:
        self._ready, self._read = ready, read
        self._lines = Lines()
        self._waiting: deque[bytes] = deque()
        self.over = False

    def take(self, wait: bool) -> Control | UsageError | None:
        """What the next line asks for, or why it makes no sense; None where there is none yet, or no more to come.

        Args:
            wait: Whether to wait for one. Empty lines are passed over.
        """
        filled = 0
        while True:
            while self._waiting:
                line = self._waiting.popleft()
                if line.strip():
                    return _parsed(line)
            if self.over or (filled >= BLOCKS and not wait) or not self._ready(wait):
                return None
            self._fill()
            filled += 1

    def _fill(self) -> None:
        try:
            block = self._read(BLOCK)
        except (OSError, ValueError):
            block = b""  # the input is gone, which is its end
        self.over = not block
        self._waiting.extend(self._lines.split(block))


def standard_input() -> Controls:
    """The control lines of standard input."""
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):  # there is none
        return Controls(lambda wait: True, lambda count: b"")

    def ready(wait: bool) -> bool:
        return bool(select.select([descriptor], [], [], None if wait else 0)[0])

    return Controls(ready, lambda count: os.read(descriptor, count))


def _parsed(line: bytes) -> Control | UsageError:
    try:
        return followed(line)
    except UsageError as error:
        return error
