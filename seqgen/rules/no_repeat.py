"""N-gram blocking (Paulus, Xiong & Socher 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgen.rules import NEVER, Chances, Contract, History, Logits, Rule, unless_empty
from seqgen.settings import require


def _definition(p: Chances, n: int, past: Sequence[int]) -> Chances:
    said = [[*past[at : at + n]] for at in range(len(past) - n + 1)]
    return np.where([n > 0 and [*past, token][-n:] in said for token in range(len(p))], 0, p)


@dataclass(frozen=True)
class NoRepeat(Rule):
    """Let no n tokens in a row come twice among the latest 1,024; 0 lets them. Where nothing is left it gives way."""

    contract = Contract(0, (0, 1, 2, 3), _definition)
    early = True
    window = 1024
    n: int

    def __post_init__(self) -> None:
        require(0 <= self.n <= self.window, "n", self.n, f"0 (off) to {self.window}")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.n == 0 or history.shape[-1] < self.n:
            return logits
        blocked = [self._blocked(past) for past in history[:, -self.window :]]
        if not any(map(len, blocked)):
            return logits
        out = logits.copy()
        for row, tokens in zip(out, blocked):
            row[tokens] = NEVER
        return unless_empty(out, logits)

    def _blocked(self, past: History) -> History:
        """The tokens that came after what now stands at the end."""
        after = np.arange(self.n - 1, len(past))  # places whose n − 1 tokens before may be those at the end
        for back in range(1, self.n):
            if not len(after):
                break
            after = after[past[after - back] == past[-back]]
        return past[after[past[after] >= 0]]
