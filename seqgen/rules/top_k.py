"""Top-k: only the k likeliest tokens (Fan, Lewis & Dauphin 2018)."""

from dataclasses import dataclass

import numpy as np

from seqgen.rules import Contract, History, Logits, Rule, keep_at_least
from seqgen.settings import require


@dataclass(frozen=True)
class TopK(Rule):
    """Keep the k likeliest tokens, and what ties with the last of them; 0 keeps all."""

    contract = Contract(
        0, (0, 1, 3, 9, 10_000, "1..5"), lambda p, k, past: np.where(np.arange(len(p)) < (k or len(p)), p, 0)
    )
    k: int

    def __post_init__(self) -> None:
        require(self.k >= 0, "k", self.k, "0 (all) or more")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if not 0 < self.k < logits.shape[-1]:
            return logits
        return keep_at_least(logits, np.partition(logits, -self.k, axis=-1)[:, -self.k, None])
