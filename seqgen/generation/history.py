"""The latest tokens of every stream, for the rules that look back."""

from collections.abc import Sequence

import numpy as np

from seqgen.generation.engine import Ids


class History:
    """A window over each stream that moves in bounded memory: twice the window, turned over when it is full.

    Args:
        prompts: What each stream begins with; where it is shorter than the window, −1 stands before it.
        window: How many tokens the rules look at.

    Attributes:
        latest: (rows, window) ids, the last one last.
    """

    def __init__(self, prompts: Sequence[Ids], window: int) -> None:
        self.window = window
        self.ids = np.full((len(prompts), 2 * window), -1, np.int64)
        self.end = window
        for row, prompt in zip(self.ids, prompts):
            tail = prompt[-window:] if window else prompt[:0]
            row[window - len(tail) : window] = tail
        self._look()

    def append(self, ids: Ids) -> None:
        """One more token of each."""
        if self.window == 0:
            return
        if self.end == self.ids.shape[1]:
            self.ids[:, : self.window] = self.ids[:, self.window :]
            self.end = self.window
        self.ids[:, self.end] = ids
        self.end += 1
        self._look()

    def keep(self, rows: list[int]) -> None:
        """Go on with `rows` only."""
        self.ids = self.ids[rows]
        self._look()

    def _look(self) -> None:
        self.latest = self.ids[:, self.end - self.window : self.end]
