"""Passages that come again and again: the token that would close one more round is refused."""

from dataclasses import dataclass

import numpy as np

from seqgen.rules import NEVER, Contract, History, Logits, Rule, unless_empty
from seqgen.settings import require

SHORTEST = 8  # tokens of a passage: shorter ones, such as indentation or a trill, are no loop


@dataclass(frozen=True)
class Loop(Rule):
    """Let no passage come more than n times in a row; 0 lets it.

    A passage has at least 8 tokens, and n + 1 of them lie within the latest 1,024. The token that would complete one
    time too many is refused, so that the stream leaves the loop just before its end. Where nothing else is left the
    rule gives way.
    """

    contract = Contract(0, (0, 1, 4))
    early = True
    window = 1024
    n: int

    def __post_init__(self) -> None:
        require(0 <= self.n <= 64, "loop", self.n, "0 (off) to 64 times")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.n == 0:
            return logits
        blocked = [self._closing(past) for past in history[:, -self.window :]]
        if not any(blocked):
            return logits
        out = logits.copy()
        for row, tokens in zip(out, blocked):
            row[tokens] = NEVER
        return unless_empty(out, logits)

    def _closing(self, past: History) -> list[int]:
        """The tokens with which the latest ones would be the same passage, n + 1 times."""
        periods = np.arange(SHORTEST, (len(past) + 1) // (self.n + 1) + 1)
        for back in range(1, min(SHORTEST, self.n * SHORTEST - 1) + 1):
            if not len(periods):
                return []
            periods = periods[(past[-back - periods] == past[-back]) & (past[-back] >= 0)]
        found = []
        for period in periods.tolist():
            same = self.n * period - 1
            if np.array_equal(past[-same:], past[-same - period : -period]) and past[-same - period] >= 0:
                found.append(int(past[-period]))
        return found
