"""Min-p: a floor that moves with the likeliest token (Nguyen et al. 2024)."""

import math
from dataclasses import dataclass

import numpy as np

from seqgen.rules import Contract, History, Logits, Rule, keep_at_least
from seqgen.settings import require


@dataclass(frozen=True)
class MinP(Rule):
    """Keep the tokens at least p times as likely as the likeliest; 0 keeps all."""

    contract = Contract(0, (0, 1e-9, 0.25, 1), lambda p, share, past: np.where(p >= share * p.max(), p, 0))
    p: float

    def __post_init__(self) -> None:
        require(0 <= self.p <= 1, "p", self.p, "0 to 1")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p == 0:
            return logits
        return keep_at_least(logits, logits.max(axis=-1, keepdims=True) + np.float32(math.log(self.p)))
