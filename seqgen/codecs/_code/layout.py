"""Indentation that matters: the levels that are open, and where a line may begin. A block begins behind a colon that
ends a line, deeper than the line, and ends where a line begins at a level further out.
"""

from typing import NamedTuple

TAB = 8
DEEPER = 8  # columns by which a block may be further in


class Layout(NamedTuple):
    """Where the indentation stands.

    Attributes:
        width: Columns of space at the start of this line, as far as it has been read.
        levels: The columns of the blocks that are open.
        wants: Whether a block has to begin.
        blank: Empty lines in a row.
        decorated: Whether the last line was a decorator.
    """

    width: int = 0
    levels: tuple[int, ...] = (0,)
    wants: bool = False
    blank: int = 0
    decorated: bool = False

    def indented(self, char: str) -> tuple["Layout", bool]:
        """Behind one more space at the start of a line, and whether it may stand there."""
        if char not in " \t":
            return self, True
        width = self.width + 1 if char == " " else (self.width // TAB + 1) * TAB
        return self._replace(width=width), width <= self.levels[-1] + (DEEPER if self.wants else 0)

    def begun(self, char: str) -> tuple["Layout", bool]:
        """Where code begins on a line, and whether it may."""
        width, levels = self.width, self.levels
        fine = width > levels[-1] if self.wants else width in levels
        outer = tuple(level for level in levels if level < width)
        return Layout(width, (*outer, width), False, 0, char == "@"), fine

    def commented(self) -> "Layout":
        """Where a comment has begun: its line is not empty."""
        return self._replace(blank=-1)

    def ended(self, empty: bool, opens: bool) -> "Layout":
        """At the start of the next line, behind an empty one, or behind one that opens a block."""
        if empty:
            return self._replace(width=0, blank=self.blank + 1)
        return Layout(0, self.levels, opens, 0, self.decorated)


FLAT = Layout()
