"""What would go on with a passage that was said before costs something, the more the longer it already is.

After DRY ("don't repeat yourself"), a rule of samplers of language models (text-generation-webui, pull request 5677,
2024), there exponential in the length of the passage, here linear: a token here is mostly a character. And here it
costs the less the surer the token is: inside a word or a bracket there is nothing else to say, so that a passage is
left where the model has a choice. What that is worth is in `benchmarks/README.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgen.rules import Chances, Contract, History, Logits, Rule
from seqgen.settings import require

FREE = 15  # tokens of a passage that may come again for nothing
LONGEST = 256  # from here on a passage costs no more


def _definition(p: Chances, x: float, past: Sequence[int]) -> Chances:
    def said(length: int) -> list[list[int]]:
        return [[*past[at : at + length + 1]] for at in range(len(past) - length)]

    lengths = range(FREE + 1, min(LONGEST + 1, len(past)))
    costs = [
        max((n - FREE for n in lengths if [*past[-n:], token] in said(n)), default=0) * x * (1 - p[token])
        for token in range(len(p))
    ]
    return np.asarray(p * np.exp(-np.array(costs)))


@dataclass(frozen=True)
class Dry(Rule):
    """A token that continues a repeated passage of 15 tokens or more costs x nats for each token beyond; 0: none.

    A passage is what the latest tokens and others among the latest 1,024 have in common; of those that a token would
    continue the longest counts. Where the token's own chance is p, the cost is x (1 − p).
    """

    contract = Contract(0, (0, 0.05, 1), _definition)
    early = True
    window = 1024
    x: float

    def __post_init__(self) -> None:
        require(0 <= self.x <= 10, "x", self.x, "0 (off) to 10")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.x == 0:
            return logits
        rows = [_continuing(past) for past in history[:, -self.window :]]
        if not any(rows):
            return logits
        out = logits.copy()
        for row, costs in zip(out, rows):
            chances = _chances(row)
            for token, length in costs.items():
                row[token] -= np.float32(self.x * (length - FREE) * (1 - chances[token]))
        return out


def _chances(row: Logits) -> Logits:
    """(V,) float64 of (V,) logits."""
    found = np.exp(row.astype(np.float64) - row.max())
    return np.asarray(found / found.sum())


def _continuing(past: History) -> dict[int, int]:
    """Token → tokens of the longest passage that it would continue, where that is longer than what is free."""
    after = np.arange(FREE + 1, len(past))
    found: dict[int, int] = {}
    for back in range(1, min(LONGEST, len(past) - 1) + 1):
        after = after[after >= back]
        after = after[past[after - back] == past[-back]]
        if not len(after):
            break
        if back > FREE and past[-back] >= 0:
            found |= dict.fromkeys(past[after].tolist(), back)
    return {token: length for token, length in found.items() if token >= 0}
