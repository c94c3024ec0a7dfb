"""Beam search: the likeliest continuations that a breadth-first search of a given width finds. Nothing is drawn.

Text of high likelihood is dull and tends to loop (Holtzman et al. 2020), so this is for short ends: a cadence, a line
of code. Hypotheses are compared by their log-probability over (their length)^α, as by Wu et al. (2016) without its
constants: α = 0 is the probability of the whole, which favours the short; α = 1 is nats a token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqgen.errors import UsageError
from seqgen.generation.chain import RuleChain
from seqgen.generation.engine import Engine, Ids, Logits
from seqgen.generation.limits import Constraints, Limits
from seqgen.generation.run import prefill
from seqgen.generation.sampling import log_probabilities
from seqgen.generation.steps import Reason
from seqgen.rules import Rule
from seqgen.settings import require

MOST_LENGTH = 10_000


@dataclass(frozen=True)
class Hypothesis:
    """One continuation.

    Attributes:
        ids: The tokens after the prompt, an end token left out.
        nats: Its log-probability under the model with its rules, the end token counted in.
        score: What it was compared by.
        finished: Why it ended.
    """

    ids: tuple[int, ...]
    nats: float
    score: float
    finished: Reason


def search(
    engine: Engine[Any], prompt: Ids, width: int, rules: Sequence[Rule], limits: Limits, alpha: float = 1.0
) -> list[Hypothesis]:
    """The best continuations of a prompt, `width` of them at most, the best first.

    Args:
        engine: The network.
        prompt: (n,) ids, n ≥ 1.
        width: How many hypotheses are kept at each step.
        rules: Applied before likelihoods are taken: what they forbid is not found, what they favour counts as likely.
        limits: What ends a hypothesis and what it may hold. A length is needed; `stop` is not asked, since it follows
            single streams.
        alpha: The exponent of the length.

    Raises:
        SettingError: The width, α or the length is out of range.
        UsageError: There is no length.
    """
    require(width >= 1, "beam", width, "at least 1")
    require(0 <= alpha <= 10, "alpha", alpha, "0 to 10")
    if limits.length is None:
        raise UsageError("a beam search without a length never ends", "give a number of tokens")
    require(limits.length <= MOST_LENGTH, "length", limits.length, f"at most {MOST_LENGTH:,} with a beam")
    beam = _Beam(engine, prompt, width, rules, limits, alpha)
    position = 0
    while (position < limits.length or beam.goes_on()) and beam.advance(position):
        position += 1
    return beam.best()


class _Beam:
    """The hypotheses that go on, as rows of the engine's state, and those that have ended."""

    def __init__(
        self, engine: Engine[Any], prompt: Ids, width: int, rules: Sequence[Rule], limits: Limits, alpha: float
    ) -> None:
        self.engine, self.width, self.limits, self.alpha = engine, width, limits, alpha
        self.chain = RuleChain(rules, 1)
        self.window = self.chain.window
        self.prompt = prompt
        self.constraints = Constraints(limits, [prompt])
        self.logits, self.state = prefill(engine, [prompt])
        self.paths: list[tuple[int, ...]] = [()]
        self.nats = np.zeros(1)  # float64: sums of many
        self.ended: list[Hypothesis] = []

    def advance(self, position: int) -> bool:
        """One more token of each; whether there is anything to go on with."""
        totals = self.nats[:, None] + self._log_probabilities(position)  # (rows, V)
        end = self.limits.end_id
        if end is not None:
            self._end(totals[:, end])
            totals[:, end] = -np.inf
        flat = totals.ravel()
        kept = np.argsort(-flat, kind="stable")[: self.width]
        kept = kept[flat[kept] > -np.inf]
        rows, ids = np.divmod(kept, totals.shape[1])
        self.paths = [(*self.paths[row], int(token)) for row, token in zip(rows.tolist(), ids.tolist())]
        self.nats = flat[kept]
        if not len(kept) or self._decided():
            return False
        self.chain.select(rows.tolist())
        if self.chain.adaptive:
            self.chain.observe(ids, -log_probabilities(self.logits[rows], ids), position)
        self.state = self.engine.select(self.state, rows.tolist())
        self.constraints.select(rows.tolist())
        self.constraints.advance(ids)
        self.logits, self.state = self.engine.step(ids, self.state)
        return True

    def goes_on(self) -> bool:
        """End by the length all that may break off here; whether any are left, in the middle of a character."""
        whole = self.constraints.whole()
        if whole.all():
            return False
        for row in np.flatnonzero(whole).tolist():
            path = self.paths[row]
            self.ended.append(self._hypothesis(path, float(self.nats[row]), len(path), "length"))
        self.ended = sorted(self.ended, key=lambda each: -each.score)[: self.width]
        rows = np.flatnonzero(~whole).tolist()
        self.paths, self.nats = [self.paths[row] for row in rows], self.nats[rows]
        self.logits, self.state = self.logits[rows], self.engine.select(self.state, rows)
        self.chain.select(rows)
        self.constraints.select(rows)
        return True

    def best(self) -> list[Hypothesis]:
        """All that ended, and those that the length has ended, the best first."""
        going = [self._hypothesis(path, float(nats), len(path), "length") for path, nats in zip(self.paths, self.nats)]
        return sorted([*self.ended, *going], key=lambda each: -each.score)[: self.width]

    def _end(self, totals: Any) -> None:
        for path, nats in zip(self.paths, totals.tolist()):
            if nats > -np.inf:
                self.ended.append(self._hypothesis(path, nats, len(path) + 1, "end"))
        self.ended = sorted(self.ended, key=lambda each: -each.score)[: self.width]

    def _hypothesis(self, path: tuple[int, ...], nats: float, length: int, finished: Reason) -> Hypothesis:
        return Hypothesis(path, nats, nats / max(length, 1) ** self.alpha, finished)

    def _decided(self) -> bool:
        """Whether none that goes on can still be among the best: sums only fall, and length divides at most so much."""
        if len(self.ended) < self.width or self.limits.length is None:
            return False
        longest = self.limits.length + (0 if self.limits.spelling is None else len(self.limits.spelling.after))
        return bool(self.nats.max() / longest**self.alpha < self.ended[-1].score)

    def _log_probabilities(self, position: int) -> Logits:
        """(rows, V) of the next token, under the model with its rules."""
        logits = self.chain.apply(self.constraints.apply(self.logits), self._history(), position)
        shifted = logits - logits.max(axis=-1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)

    def _history(self) -> Ids:
        """(rows, window) the latest tokens of each, −1 in front."""
        whole = [[*self.prompt[-self.window :].tolist(), *path[-self.window :]] for path in self.paths]
        out = np.full((len(whole), self.window), -1, np.int64)
        for row, past in zip(out, whole):
            latest = past[max(0, len(past) - self.window) :]
            row[self.window - len(latest) :] = latest
        return out
