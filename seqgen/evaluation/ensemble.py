"""Several networks heard as one: their predictions averaged, each with a temperature of its own.

An ensemble is a network to `protocols`, and so is a single one at a temperature. Averages are of probabilities, the
usual committee, or of logits (weighted log-probabilities, renormalised: a product of experts, Hinton 2002). Knows ids;
whether they mean the same to every member is the caller's business.
"""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor, nn

from seqgen.evaluation import Average
from seqgen.models.network import RecurrentLM, State
from seqgen.settings import require


class Ensemble(nn.Module):
    """The average of networks over one vocabulary.

    Args:
        networks: At least one.
        average: What is averaged.
        temperatures: What each one's logits are divided by; none: 1.
    """

    def __init__(
        self,
        networks: Sequence[RecurrentLM],
        average: Average = "probabilities",
        temperatures: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        require(average in get_args(Average), "average", average, "probabilities or logits")
        self.networks = nn.ModuleList(networks)
        self.average = average
        self.temperatures = [1.0] * len(networks) if temperatures is None else list(temperatures)
        self.vocab_size = networks[0].vocab_size

    def initial_state(self, batch: int) -> State:
        """Every network's layers, one after another."""
        return tuple(parts for network in self._members() for parts in network.initial_state(batch))

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the average, up to a constant, and the state after the last of `ids` (B, T)."""
        mixed: Tensor | None = None
        after: list[tuple[Tensor, ...]] = []
        for network, temperature in zip(self._members(), self.temperatures):
            own = state[len(after) : len(after) + network.carried]
            logits, own = network(ids, own)
            after += own
            logits = logits.float() if temperature == 1 else logits.float() / temperature
            if len(self.networks) == 1:
                return logits, tuple(after)
            share = torch.log_softmax(logits, -1)
            mixed = share if mixed is None else self._add(mixed, share)
        assert mixed is not None
        return (mixed if self.average == "probabilities" else mixed / len(self.networks)), tuple(after)

    def _add(self, mixed: Tensor, share: Tensor) -> Tensor:
        return torch.logaddexp(mixed, share) if self.average == "probabilities" else mixed + share

    def _members(self) -> list[RecurrentLM]:
        return [network for network in self.networks if isinstance(network, RecurrentLM)]
