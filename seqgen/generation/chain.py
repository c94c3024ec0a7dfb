"""Rules in order, and what the adaptive ones among them remember of the streams of one run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Ids, Logits
from seqgen.rules import AdaptiveRule, Memory, Rule


class RuleChain:
    """What happens to logits before a draw, and what is learned from it.

    Rules are frozen and shared by all that sample from a model; memories belong to one run, a row a stream.

    Args:
        rules: Applied in order; bound already where they need it.
        streams: How many.
        position: Of the first token that is to be drawn.

    Attributes:
        window: How many of the latest tokens the rules look at.
        adaptive: Whether any rule is to be told what was drawn.
    """

    def __init__(self, rules: Sequence[Rule], streams: int, position: int = 0) -> None:
        self.rules, self.streams = tuple(rules), streams
        self.window = max((rule.window for rule in rules), default=0)
        self.memories: dict[int, Memory] = {}  # by place in the list
        for place, rule in enumerate(self.rules):
            now = rule.at(position)
            if isinstance(now, AdaptiveRule):
                self.memories[place] = now.start(streams)
        self.adaptive = bool(self.memories)

    def apply(self, logits: Logits, history: Ids, position: int) -> Logits:
        """(B, V) what is left of the logits of the token at `position`, after the (B, window) tokens before it."""
        for place, rule in enumerate(self.rules):
            now = rule.at(position)
            if isinstance(now, AdaptiveRule):
                logits = now.apply(logits, history, self.memories[place])
            else:
                logits = now(logits, history)
        return logits

    def observe(self, ids: Ids, surprise: NDArray[np.float32], position: int) -> None:
        """Take in the (B,) tokens drawn at `position`, and their surprise in nats under the model before all rules."""
        for place, memory in self.memories.items():
            now = self.rules[place].at(position)
            assert isinstance(now, AdaptiveRule)
            self.memories[place] = now.observe(memory, ids, surprise)

    def select(self, rows: Sequence[int]) -> None:
        """Go on with the streams at `rows`, in that order; one may be taken more than once."""
        self.streams = len(rows)
        self.memories = {place: memory[list(rows)] for place, memory in self.memories.items()}

    def replaced(self, rules: Sequence[Rule], position: int) -> "RuleChain":
        """Other rules for the same streams. One of the same kind as one before takes over what that remembers."""
        after = RuleChain(rules, self.streams, position)
        known = [(type(self.rules[place].at(position)), memory) for place, memory in self.memories.items()]
        for place in after.memories:
            kind = type(after.rules[place].at(position))
            found = next((index for index, (each, _) in enumerate(known) if each is kind), None)
            if found is not None:
                after.memories[place] = known.pop(found)[1]
        return after
