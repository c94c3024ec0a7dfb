"""Schedule-free AdamW (Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky 2024, "The road less scheduled").

y = (1 − β₁) z + β₁ x          where the gradient is taken: the network's weights while it trains
z ← z − γ (g / (√v̂ + ε) + λ y)  the steps of AdamW without momentum
x ← (1 − c) x + c z             the average, c = γ² / Σ γ²: the network's weights at the end

The rate rises and then stays, so that no length of the run need be known.
"""

from collections.abc import Callable

import torch
from torch import nn

MIXED, SECOND, TINY = 0.9, 0.98, 1e-8  # β₁, β₂, ε


class ScheduleFree(torch.optim.Optimizer):
    """Schedule-free AdamW; `finish` puts the average in the weights' place.

    Args:
        network: The one that is trained.
        others: What moves all weights so far: its groups and their weight decay are taken over.
    """

    def __init__(self, network: nn.Module, others: torch.optim.Optimizer) -> None:
        groups = [{"params": each["params"], "weight_decay": each["weight_decay"]} for each in others.param_groups]
        super().__init__(groups, {"lr": 0.0})
        self._steps, self._squares = 0, 0.0

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all weights."""
        rate = float(self.param_groups[0]["lr"])
        self._steps += 1
        self._squares += rate**2
        share, correction = rate**2 / self._squares, 1 - SECOND**self._steps
        for group in self.param_groups:
            for y in group["params"]:
                state = self.state[y]
                if not state:
                    state["x"], state["z"], state["second"] = y.clone(), y.clone(), torch.zeros_like(y)
                state["second"].mul_(SECOND).addcmul_(y.grad, y.grad, value=1 - SECOND)
                size = (state["second"] / correction).sqrt_().add_(TINY)
                state["z"].addcdiv_(y.grad, size, value=-rate).sub_(y, alpha=rate * group["weight_decay"])
                state["x"].lerp_(state["z"], share)
                y.copy_(torch.lerp(state["z"], state["x"], MIXED))

    @torch.no_grad()
    def finish(self) -> None:
        """The weights become the average."""
        for weight, state in self.state.items():
            weight.copy_(state["x"])
