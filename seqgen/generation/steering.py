"""One stream of the sampling loop whose rules and past can be changed between two tokens.

It knows ids and rules only; who turns the wheel, and in which words, is told from outside.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqgen.generation.chain import RuleChain
from seqgen.generation.engine import Engine, Ids
from seqgen.generation.history import History
from seqgen.generation.limits import Constraints, Limits
from seqgen.generation.run import Run
from seqgen.generation.sampling import likeliest
from seqgen.generation.steps import Step
from seqgen.rules import Rule

CHUNK = 4096  # tokens read at once


class Steered:
    """A stream that is asked for its steps one by one.

    Without a change it draws what `generate` draws: noise depends on the seed and on how many tokens were drawn.

    Args:
        engine: The network.
        prompt: (n,) ids, n ≥ 1.
        rules: Applied in order, after the grammar and the banned tokens.
        seed: Determines the draws, together with all changes.
        limits: What ends the stream, and what it may hold.
        scores: Whether log-probabilities and entropies are wanted.
        likely: How many of the likeliest tokens are wanted with each.
    """

    def __init__(
        self,
        engine: Engine[Any],
        prompt: Ids,
        rules: Sequence[Rule],
        seed: int,
        limits: Limits,
        scores: bool,
        likely: int = 0,
    ) -> None:
        self._limits, self._scores, self._likely = limits, scores, likely
        self._run = Run(engine, [prompt], rules, seed, limits)
        self._drawn: Ids | None = None  # the latest token, not yet taken in: a change may stand before the next
        self._finished = limits.length == 0

    @property
    def active(self) -> bool:
        """Whether there is more to come."""
        return not self._finished

    @property
    def constraints(self) -> Constraints:
        """Where grammar and guard stand, for whoever exchanges them."""
        self._take_in()
        return self._run.constraints

    def step(self) -> Step:
        """The next token, or the end."""
        self._take_in()
        run = self._run
        ids = run.draw()
        finished = run.ended(ids)
        self._drawn, self._finished = ids, bool(finished)
        step = run.step(ids, finished, self._scores)
        return step._replace(likeliest=likeliest(run.logits[0], self._likely)) if self._likely else step

    def unsay(self) -> None:
        """Take the latest token back before it is read; adaptive rules have learned from it all the same."""
        self._drawn = None

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Go on with these rules; those that look further back than any before see only what is still known.

        What a rule has learned from the tokens drawn goes over to the new one of its kind.
        """
        self._take_in()
        run = self._run
        latest = run.history.latest[0]
        run.chain = run.chain.replaced(rules, run.position)
        run.history = History([latest[latest >= 0]], run.chain.window)

    def set_engine(self, engine: Engine[Any]) -> None:
        """Go on with one of the same kind and shape, whose weights are others; the next token's logits are still what
        they were."""
        self._take_in()
        self._run.logits = self._run.logits.copy()
        self._run.engine, self._run.state = engine, engine.adopt(self._run.state)

    def feed(self, ids: Ids) -> None:
        """Let the stream read (n,) ids, as if it had said them itself; but rules learn from what is drawn alone."""
        self._take_in()
        for begin in range(0, len(ids), CHUNK):
            self._read(ids[begin : begin + CHUNK])

    def restart(self, prompt: Ids) -> None:
        """Forget everything and begin again with (n,) ids, n ≥ 1. Length and draws go on counting."""
        self._drawn = None
        run = self._run
        run.state = run.engine.start(1)
        run.chain = RuleChain(run.chain.rules, 1, run.position)
        run.history = History([prompt[:0]], run.chain.window)
        run.constraints = Constraints(self._limits, [prompt[:0]])
        self.feed(prompt)

    def _read(self, ids: Ids) -> None:
        run = self._run
        run.logits, run.state = run.engine.prefill(ids, run.state)
        for token in ids[-max(run.history.window, 1) :]:
            run.history.append(np.array([token]))
        run.constraints.read(ids)

    def _take_in(self) -> None:
        if self._drawn is not None:
            drawn, self._drawn = self._drawn, None
            self._run.advance(drawn, {})
