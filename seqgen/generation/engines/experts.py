"""The engine of a network and its experts: counts of the corpus and of the document so far change the network's logits.

Streams share each look-up: the counts of B streams are read in a few operations of numpy, and every stream gets the
same bits whatever the others are. It knows ids only, and never imports torch.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from seqgen.experts.mixing import Experts, ExpertsState
from seqgen.generation.engine import Engine, Ids, Logits


class State(NamedTuple):
    """Streams between two tokens: the network's state, and the experts'."""

    network: Any
    experts: ExpertsState


class ExpertsEngine(Engine[State]):
    """A network that is mixed with counts.

    Args:
        network: The engine of the network.
        experts: Counts and gate.
    """

    def __init__(self, network: Engine[Any], experts: Experts) -> None:
        self.network, self.experts = network, experts
        self.weights = experts.gate.sampling

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return self.network.vocab_size

    def start(self, batch: int) -> State:
        """The state of `batch` streams before their first token."""
        return State(self.network.start(batch), self.experts.start(batch))

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """(B, V) log-probabilities after `ids` (B,), and the state after them."""
        logits, network = self.network.step(ids, state.network)
        return self._mixed(logits, network, self.experts.step(ids, state.experts))

    def prefill(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """(1, V) log-probabilities after the last of `ids` (n,), and the state."""
        logits, network = self.network.prefill(ids, state.network)
        known = state.experts
        for at in range(len(ids)):
            known = self.experts.step(ids[at : at + 1], known)
        return self._mixed(logits, network, known)

    def adopt(self, state: State) -> State:
        """The state of one whose network had other weights."""
        return State(self.network.adopt(state.network), state.experts)

    def select(self, state: State, rows: Sequence[int]) -> State:
        """A new state of the streams `rows`."""
        return State(self.network.select(state.network, rows), self.experts.select(state.experts, rows))

    def join(self, states: Sequence[State]) -> State:
        """A new state that holds the streams of all `states`."""
        networks = self.network.join([state.network for state in states])
        return State(networks, self.experts.join([state.experts for state in states]))

    def _mixed(self, logits: Logits, network: Any, experts: ExpertsState) -> tuple[Logits, State]:
        return self.experts.said(logits, experts, self.weights), State(network, experts)
