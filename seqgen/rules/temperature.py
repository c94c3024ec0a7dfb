"""Temperature: how bold the draw is, at all times or along a schedule, for all tokens or for each class of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqgen.rules import Chances, Contract, History, Logits, Rule, keep_at_least
from seqgen.settings import require

COLD = 0.01  # below it the quotient could overflow, so the maximum is taken off first


def _definition(p: Chances, value: float, past: object) -> Chances:
    return np.asarray((p / p.max()) ** (1 / max(value, 1e-300)))


@dataclass(frozen=True)
class Temperature(Rule):
    """Divide the logits: below 1 the likely grows likelier, above 1 all grow alike, 0 leaves the maximum alone.

    Takes `0.6..1.2` and `0.6~1.2/200` (see `_schedule`), and `0.8,pitch=1.1,time=0.7..0.9` (see `_by_class`).
    """

    contract = Contract(1, (0, 1e-300, 1e-6, 0.3, 0.8, 1, 1.7, 100, "0.5..1.5", "0.5~1.5/8"), _definition)
    temperature: float

    def __post_init__(self) -> None:
        require(0 <= self.temperature <= 100, "temperature", self.temperature, "0 to 100")

    @classmethod
    def read(cls, value: Any) -> Rule:
        if isinstance(value, str) and ("=" in value or "," in value):
            from seqgen.rules._by_class import ByClass

            return ByClass.read(value)
        return super().read(value)

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.temperature >= COLD:
            return logits if self.temperature == 1 else logits * self._factor
        highest = logits.max(axis=-1, keepdims=True)
        if self.temperature == 0:
            return keep_at_least(logits, highest)
        with np.errstate(over="ignore"):  # to −inf, which is what it means
            return np.asarray((logits - highest) / np.float64(self.temperature), np.float32)

    @cached_property
    def _factor(self) -> Logits:
        """1 / T as an array without axes, with which numpy multiplies in half the time that a scalar takes."""
        return np.array(1 / self.temperature, np.float32)
