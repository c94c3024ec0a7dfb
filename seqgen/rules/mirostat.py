"""Mirostat: surprise held at a target (Basu et al. 2021, "Mirostat: a neural text decoding algorithm that directly
controls perplexity"), in its second version."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.rules import NEVER, AdaptiveRule, Chances, Contract, History, Ids, Logits, Memory
from seqgen.settings import require

RATE = 0.1  # η, the published one: how much of each token's error goes into the limit
MOST = 32.0  # bits of a limit, below 0 too: one that a target out of reach drives away must be able to come back
BIT = np.log(2)  # nats


def _definition(p: Chances, tau: float, past: object) -> Chances:
    return np.where((-np.log2(p) <= 2 * tau) | (p == p.max()), p, 0)  # the first limit is 2τ


@dataclass(frozen=True)
class Mirostat(AdaptiveRule):
    """Hold the mean surprise at tau bits a token: cut off what surprises more than a limit that follows; inf keeps all.

    The second version of the algorithm: a limit μ in bits, 2τ at first. Tokens whose surprise lies above μ go, but
    never the likeliest; after each draw of surprise S, μ becomes μ − η(S − τ) with η = 0.1. So over n tokens the mean
    of S differs from τ by the change of μ over ηn, whatever the text, as long as τ is within reach: between the
    surprise of the likeliest tokens alone and that of all, at the temperature that stands before.

    What is cut off is judged by the logits as they come to the rule, S by the model before all rules.
    """

    contract = Contract(np.inf, (0, 0.7, 1, 5, np.inf, "0.5..1.5"), _definition)
    tau: float

    def __post_init__(self) -> None:
        require(self.tau >= 0, "tau", self.tau, "0 bits or more")

    def start(self, streams: int) -> Memory:
        """(B,) float64 bits: each stream's limit."""
        return np.full(streams, 2 * self.tau)

    def apply(self, logits: Logits, history: History, memory: Memory) -> Logits:
        if self.tau == np.inf:
            return logits
        below = logits - logits.max(axis=-1, keepdims=True)
        surprise = np.log(np.exp(below).sum(axis=-1, keepdims=True)) - below  # (B, V) nats
        return np.where((surprise <= memory[:, None] * BIT) | (below == 0), logits, NEVER)

    def observe(self, memory: Memory, ids: Ids, surprise: NDArray[np.float32]) -> Memory:
        return np.asarray(np.clip(memory - RATE * (surprise / BIT - self.tau), -MOST, MOST))
