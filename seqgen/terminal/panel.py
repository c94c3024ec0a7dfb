"""Rows that stand at the top of a terminal while lines go on below them.

The rows are outside of the region that scrolls (DECSTBM, as VT100 and all since have it), so that what is typed and
what is said need know nothing of them, and the terminal stays in the mode that it was in. Whatever ends it, `close`
gives the whole terminal back.
"""

import os
from collections.abc import Sequence
from typing import TextIO

from seqgen.terminal.text import harmless

LEAST = 8  # rows below the panel; where there are fewer, it shows what it has room for
ESC = "\x1b"


class Panel:
    """A panel.

    Args:
        out: A terminal.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._size, self._shown = os.terminal_size((0, 0)), 0

    def show(self, rows: Sequence[str]) -> None:
        """Show rows in the place of those before; as many as there is room for, cut to its width."""
        size = self._measured()
        rows = rows[: max(size.lines - LEAST, 1)]
        if (size, len(rows)) != (self._size, self._shown):
            self._open(size, len(rows))
        text = ""
        for number, row in enumerate(rows, 1):
            style, width = f"{ESC}[7m" if number == 1 else "", size.columns - 1
            text += f"{ESC}[{number};1H{style}{harmless(row)[:width].ljust(width)}{ESC}[0m{ESC}[K"
        self._put(f"{ESC}7{text}{ESC}8")

    def close(self) -> None:
        """The whole terminal scrolls again, and what comes next stands at its end."""
        if self._shown:
            self._put(f"{ESC}[r{ESC}[{self._size.lines};1H")
            self._shown = 0

    def _open(self, size: os.terminal_size, count: int) -> None:
        """Make room: what stood there scrolls away, and is kept by terminals that keep what has scrolled."""
        room = "" if self._shown else "\n" * size.lines
        self._size, self._shown = size, count
        self._put(f"{ESC}[r{ESC}[{size.lines};1H{room}{ESC}[{count + 1};{size.lines}r{ESC}[{size.lines};1H")

    def _measured(self) -> os.terminal_size:
        try:
            return os.get_terminal_size(self._out.fileno())
        except (OSError, ValueError):
            return os.terminal_size((80, 24))

    def _put(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
