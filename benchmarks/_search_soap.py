"""SOAP (Vyas et al. 2024), on the side of the inputs, for the matrices inside a network: an idea that did not win.

Adam in the eigenbasis of the gradient's second moments over columns, which is found anew every `EVERY` steps by one
step of orthogonal iteration. The other side, of four gates, would cost as much again.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqgen.training.muon import INSIDE

EVERY, GATHERED = 10, 2  # steps between two bases, and between two looks at the second moments
FIRST, SECOND, MOMENTS = 0.9, 0.98, 0.98  # what stays of each average in a step
DECAY, TINY = 0.01, 1e-8


class Soap(torch.optim.Optimizer):
    """SOAP for matrices inside, and another optimizer, whose rate it shares, for all else.

    Args:
        network: The one that is trained.
        others: What moves all weights so far; it gives the matrices up.
    """

    def __init__(self, network: nn.Module, others: torch.optim.Optimizer) -> None:
        inside = [weight for name, weight in network.named_parameters() if name.startswith(INSIDE) and weight.ndim == 2]
        for group in others.param_groups:
            group["params"] = [each for each in group["params"] if not any(each is weight for weight in inside)]
        self.others = others
        super().__init__(inside, {"lr": torch.tensor(1e-3)})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all weights."""
        rate = self.param_groups[0]["lr"]
        for group in self.others.param_groups:
            group["lr"].copy_(rate)
        self.others.step()
        for weight in self.param_groups[0]["params"]:
            if weight.grad is not None:
                update = self._update(weight.grad, self.state[weight])
                weight.mul_(1 - rate * DECAY).sub_(update * rate)

    def _update(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        if not state:
            state["first"], state["second"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
            state["moments"] = gradient.t() @ gradient
            state["basis"] = torch.linalg.eigh(state["moments"] + 1e-12 * torch.eye(gradient.shape[1]))[1]
            state["count"] = torch.zeros((), dtype=torch.int64)
        state["count"] += 1
        count, basis = int(state["count"]), state["basis"]
        if count % GATHERED == 0:
            state["moments"].lerp_(gradient.t() @ gradient, 1 - MOMENTS)
        state["first"].lerp_(gradient, 1 - FIRST)
        state["second"].lerp_((gradient @ basis).square(), 1 - SECOND)
        first = (state["first"] @ basis) / (1 - FIRST**count)
        update: Tensor = first / ((state["second"] / (1 - SECOND**count)).sqrt() + TINY) @ basis.t()
        if count % EVERY == 0 or count in (2, 4, 6, 8):
            state["basis"] = torch.linalg.qr(state["moments"] @ basis)[0]
        return update
