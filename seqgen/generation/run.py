"""One run of the sampling loop: the state of its engine and all that goes along with it, a row for each stream."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.generation.chain import RuleChain
from seqgen.generation.engine import Engine, Ids, Logits
from seqgen.generation.history import History
from seqgen.generation.limits import Constraints, Limits
from seqgen.generation.sampling import Race, entropies, log_probabilities
from seqgen.generation.spelling import Mask
from seqgen.generation.steps import Reason, Step
from seqgen.rules import Rule


class Run:
    """The moving parts of one call of `generate`: rows are the streams that have not ended."""

    def __init__(
        self, engine: Engine[Any], prompts: Sequence[Ids], rules: Sequence[Rule], seed: int, limits: Limits
    ) -> None:
        vocab_size = engine.vocab_size
        _check(prompts, vocab_size, limits.banned)
        self.engine, self.limits = engine, limits
        self.count, self.position = len(prompts), 0
        self.active = list(range(self.count))
        self.race = Race(seed, self.active, vocab_size)
        self.chain = RuleChain(rules, self.count)
        self.history = History(prompts, self.chain.window)
        self.constraints = Constraints(limits, prompts)
        self.logits, self.state = prefill(engine, prompts)

    def draw(self) -> Ids:
        """(rows,) the next token of each."""
        allowed = self.constraints.apply(self.logits)
        ids = self.race.draw(self.chain.apply(allowed, self.history.latest, self.position))
        if self.chain.adaptive:
            self.chain.observe(ids, -log_probabilities(self.logits, ids), self.position)
        return ids

    def ended(self, ids: Ids) -> dict[int, Reason]:
        """Which streams end with `ids`, and why."""
        limits, tokens = self.limits, ids.tolist()
        reasons: dict[int, Reason] = {}
        self.position += 1
        if limits.length is not None and self.position >= limits.length:
            whole = self.constraints.whole(ids)  # the others go on to the end of a character
            reasons = {index: "length" for index, fine in zip(self.active, whole) if fine}
        elif limits.stop is None and limits.end_id not in tokens:
            return {}
        for index, token in zip(self.active, tokens):
            if token == limits.end_id:
                reasons[index] = "end"
            elif limits.stop is not None and limits.stop(index, token):
                reasons[index] = "stop"
        return reasons

    def shown(self, ids: Ids, finished: Mapping[int, Reason]) -> Ids:
        """(B,) the tokens as `Step` has them."""
        if len(self.active) == self.count and not finished:
            return ids
        out = np.full(self.count, -1, np.int64)
        out[self.active] = np.where(ids == self.limits.end_id, -1, ids) if self.limits.end_id is not None else ids
        return out

    def step(self, ids: Ids, finished: Mapping[int, Reason], scores: bool) -> Step:
        """What has been drawn; with `scores` how likely it was."""
        if not scores:
            return Step(self.shown(ids, finished), None, finished)
        return self.scored_step(ids, finished, log_probabilities(self.logits, ids), entropies(self.logits))

    def scored_step(self, ids: Ids, finished: Mapping[int, Reason], *scores: NDArray[np.float32]) -> Step:
        """The step of (rows,) tokens; with log-probabilities and entropies, if there are any."""
        log_probs, entropy = [self._of_all(each) for each in scores] or (None, None)
        return Step(self.shown(ids, finished), log_probs, finished, entropy)

    def _of_all(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B,) `values` (rows,) at their streams; NaN where a stream has ended."""
        out = np.full(self.count, np.nan, np.float32)
        out[self.active] = values
        return out

    def advance(self, ids: Ids, finished: Mapping[int, Reason]) -> None:
        """Take the tokens in; go on with the streams that have not ended."""
        if finished:
            rows = [row for row, index in enumerate(self.active) if index not in finished]
            ids = self._keep(rows, ids)
        if not self.active:
            return
        self.history.append(ids)
        self.constraints.advance(ids)
        self.logits, self.state = self.engine.step(ids, self.state)

    def _keep(self, rows: list[int], ids: Ids) -> Ids:
        self.active = [self.active[row] for row in rows]
        if self.active:
            self.state = self.engine.select(self.state, rows)
            self.race.keep(rows)
            self.history.keep(rows)
            self.chain.select(rows)
            self.constraints.select(rows)
        return ids[rows]


def _check(prompts: Sequence[Ids], vocab_size: int, banned: Mask | None) -> None:
    for prompt in prompts:
        if len(prompt) == 0:
            raise UsageError("a prompt is empty, expected one token at least", "begin with the document token")
        if int(prompt.max()) >= vocab_size or int(prompt.min()) < 0:
            raise UsageError(f"a prompt has ids outside the vocabulary of {vocab_size}")
    if banned is not None and banned.all():
        raise UsageError("every token is banned, expected one at least that may be drawn")


def prefill(engine: Engine[Any], prompts: Sequence[Ids]) -> tuple[Logits, Any]:
    """(B, V) logits and the state after the prompts; equal prompts are read once."""
    keys = [prompt.astype(np.int64).tobytes() for prompt in prompts]
    rows: dict[bytes, int] = {}
    logits, states = [], []
    for key, prompt in zip(keys, prompts):
        if key not in rows:
            rows[key] = len(rows)
            after, state = engine.prefill(prompt, engine.start(1))
            logits.append(after.copy())
            states.append(state)
    order = [rows[key] for key in keys]
    return np.concatenate(logits)[order], engine.select(engine.join(states), order)
