"""Locally typical sampling (Meister et al. 2023)."""

from dataclasses import dataclass

import numpy as np

from seqgen.rules import Chances, Contract, History, Logits, Rule
from seqgen.settings import require


def _definition(p: Chances, share: float, past: object) -> Chances:
    surprise, kept = -np.log(p), np.zeros(len(p))
    order = np.abs(surprise - (p * surprise).sum()).argsort()
    kept[order] = np.where(p[order].cumsum() - p[order] < max(share, 1e-12), p[order], 0)
    return kept


@dataclass(frozen=True)
class Typical(Rule):
    """Keep the tokens whose surprise is nearest the entropy until they hold probability p; 1 keeps all."""

    contract = Contract(1, (0, 0.2, 0.95, 1), _definition)
    p: float

    def __post_init__(self) -> None:
        require(0 <= self.p <= 1, "p", self.p, "0 to 1")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p == 1:
            return logits
        shifted = logits - logits.max(axis=-1, keepdims=True)
        surprise = np.log(np.exp(shifted).sum(axis=-1, keepdims=True)) - shifted  # (B, V) nats
        chance = np.exp(-surprise)
        entropy = (chance * np.where(chance > 0, surprise, 0)).sum(axis=-1, keepdims=True)
        order = np.abs(surprise - entropy).argsort(axis=-1, kind="stable")
        mass = np.take_along_axis(chance, order, axis=-1).cumsum(axis=-1)
        late = np.zeros(logits.shape, np.bool_)  # the tokens whose forerunners already hold p
        late[:, 1:] = mass[:, :-1] >= self.p
        out = np.empty_like(logits)
        np.put_along_axis(out, order, np.where(late, -np.inf, np.take_along_axis(logits, order, axis=-1)), axis=-1)
        return out
