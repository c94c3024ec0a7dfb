"""Top-p, or nucleus sampling (Holtzman et al. 2020)."""

from dataclasses import dataclass

import numpy as np

from seqgen.rules import Chances, Contract, History, Logits, Rule, keep_at_least
from seqgen.settings import require


def _definition(p: Chances, share: float, past: object) -> Chances:
    return np.where(p.cumsum() - p < max(share, 1e-12), p, 0)


@dataclass(frozen=True)
class TopP(Rule):
    """Keep the fewest likeliest tokens that together hold probability p, and what ties with the last; 1 keeps all."""

    contract = Contract(1, (0, 1e-9, 0.25, 0.85, 0.999999, 1), _definition)
    p: float

    def __post_init__(self) -> None:
        require(0 <= self.p <= 1, "p", self.p, "0 to 1")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p == 1:
            return logits
        ascending = np.sort(logits, axis=-1)
        if len(ascending) == 1:
            return keep_at_least(logits, self._threshold(ascending[0]))
        highest = ascending[:, -1:]
        mass = np.add.accumulate(np.exp(ascending - highest), axis=-1)
        # A token goes where it and all below it hold no more than 1 − p together; the highest never does.
        gone = mass <= mass[:, -1:] * np.float32(1 - self.p)
        return keep_at_least(logits, np.minimum.reduce(np.where(gone, highest, ascending), axis=-1, keepdims=True))

    def _threshold(self, ascending: Logits) -> np.float32:
        """The same for a single row (V,), in half the time."""
        mass = np.add.accumulate(np.exp(ascending - ascending[-1]))
        first = int(mass.searchsorted(mass[-1] * np.float32(1 - self.p), side="right"))
        return np.float32(ascending[min(first, len(mass) - 1)])
