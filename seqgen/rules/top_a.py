"""Top-a: a floor that falls with the square of the likeliest token's chance (Peng 2022, RWKV-LM)."""

import math
from dataclasses import dataclass

import numpy as np

from seqgen.rules import Contract, History, Logits, Rule, keep_at_least
from seqgen.settings import require


@dataclass(frozen=True)
class TopA(Rule):
    """Keep the tokens at least as likely as a times the square of the likeliest; 0 keeps all.

    Where the model is sure, few are left; where it is not, many. Of a likeliest token with chance ½ and a = 0.2 the
    floor is 0.05, of one with 0.1 it is 0.002.
    """

    contract = Contract(0, (0, 1e-9, 0.3, 0.5, 1), lambda p, a, past: np.where(p >= a * p.max() ** 2, p, 0))
    a: float

    def __post_init__(self) -> None:
        require(0 <= self.a <= 1, "a", self.a, "0 to 1")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.a == 0:
            return logits
        highest = logits.max(axis=-1, keepdims=True)
        surprise = np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))  # of the likeliest, 0 nats or more
        return keep_at_least(logits, highest + (np.float32(math.log(self.a)) - surprise))
