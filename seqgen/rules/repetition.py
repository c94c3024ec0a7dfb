"""Repetition penalty (Keskar et al. 2019, CTRL)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgen.rules import Chances, Contract, History, Logits, Rule
from seqgen.settings import require


def _definition(p: Chances, penalty: float, past: Sequence[int]) -> Chances:
    return np.where(np.isin(np.arange(len(p)), past), p / penalty, p)


@dataclass(frozen=True)
class Repetition(Rule):
    """Make each token among the latest 64 `penalty` times less likely, for every penalty above 1; 1 changes nothing.

    The penalty is taken off the logit as its logarithm, which means the same whatever the logit's sign; Keskar et
    al. divide the logit, which does not.
    """

    contract = Contract(1, (1, 1.3, 100), _definition)
    early = True
    window = 64
    penalty: float

    def __post_init__(self) -> None:
        require(1 <= self.penalty <= 100, "penalty", self.penalty, "1 to 100")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.penalty == 1 or history.shape[-1] == 0:
            return logits
        return np.stack([self._penalise(row, past) for row, past in zip(logits, history)])

    def _penalise(self, logits: Logits, history: History) -> Logits:
        out = logits.copy()
        past = np.unique(history[-self.window :])
        out[past[past >= 0]] -= np.float32(np.log(self.penalty))
        return out
