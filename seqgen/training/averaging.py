"""An average of the weights along the run, which often predicts better than the weights that it ends with.

- `ema`: an exponential moving average; early on the decay is shorter, so that the start is forgotten.
- `tail`: polynomial-decay averaging (Shamir & Zhang 2013, section 4), an average over about the last share of all
  steps so far, whatever the length of the run turns out to be.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seqgen.training.settings import Optimisation


class Average:
    """The average of a network's weights.

    Args:
        network: The network that is trained.
        settings: Which average.

    Attributes:
        weights: Name → average, float32, like the network's parameters.
    """

    def __init__(self, network: nn.Module, settings: Optimisation) -> None:
        self.settings = settings
        self._live: list[Tensor] = list(network.parameters())
        self._kept = [weight.detach().clone() for weight in self._live]
        self.weights: dict[str, Tensor] = dict(zip((name for name, _ in network.named_parameters()), self._kept))
        self._share = [self._kept[0].new_zeros(())] * len(self._kept)

    def expect(self, step: int) -> None:
        """The next update is number `step`, counted from 1."""
        self._share[0].fill_(self.share(step))

    def update(self) -> None:
        """Take in the weights as they stand. Only tensors take part, so that this can be captured in a graph."""
        torch._foreach_lerp_(self._kept, [weight.detach() for weight in self._live], self._share)

    def share(self, step: int) -> float:
        """What of the average update number `step` replaces."""
        if self.settings.average == "ema":
            return 1 - min(self.settings.average_decay, step / (10 + step))
        reach = 1 / self.settings.average_tail - 1
        return (reach + 1) / (reach + step)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the averaged weights while this lasts."""
        raw = [weight.detach().clone() for weight in self._live]
        self._set(self._kept)
        try:
            yield
        finally:
            self._set(raw)

    def _set(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            torch._foreach_copy_(self._live, values)
