"""Muon (Jordan 2024): momentum whose directions are all made equally long, for the matrices inside a network.

The singular values of the averaged gradient are brought near one by a polynomial of five steps (Newton–Schulz), so that
directions that are rarely learned from move as far as the usual ones. The root mean square of
an update is `SIZE` learning rates whatever the shape (as Liu et al. 2025, "Muon is scalable for LLM training", section
2.2, where it is 0.2), so that one rate serves both kinds of weights.
Embedding, output layer, biases and gains stay with AdamW.

Everything is a product of matrices on the device, and nothing is asked of it: a CUDA graph captures this like AdamW.
The processes of a run all do the same with the gradient that they share.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

STEPS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # of the polynomial a·x + b·x³ + c·x⁵ (Jordan 2024)
MOMENTUM = 0.95
SIZE = 0.8  # root mean square of an update over the learning rate
LONGEST = 1.3  # singular values are below it afterwards, and so is every number
TINY = 1e-7
INSIDE = ("layers.", "projection.")  # weights whose names begin so and that are matrices


def orthogonal(x: Tensor) -> Tensor:
    """(n, m) about U Vᵀ, where x is U S Vᵀ: singular values of 0.7 to 1.2, save where they were next to nothing.

    The polynomial runs on the smaller of the two Gram matrices, so that a tall matrix costs little more than a square.
    """
    a, b, c = QUINTIC
    tall = x.shape[0] > x.shape[1]
    x = x / (torch.linalg.matrix_norm(x) + TINY)
    gram = x.mT @ x if tall else x @ x.mT
    one = torch.eye(len(gram), dtype=x.dtype, device=x.device)
    whole = factor = one
    for step in range(STEPS):
        gram = factor @ gram @ factor if step else gram
        factor = torch.addmm(a * one + b * gram, gram, gram, alpha=c)
        whole = factor @ whole if step else factor
    return x @ whole if tall else whole @ x


def by_muon(optimizer: torch.optim.Optimizer, weight: Tensor) -> bool:
    """Whether a weight is moved by Muon, and not by AdamW."""
    groups = [group for group in optimizer.param_groups if group.get("muon")]
    return any(each is weight for group in groups for each in group["params"])


def reach(optimizer: torch.optim.Optimizer) -> float:
    """How far an update moves any one number, at most, in learning rates: about one by AdamW, more by Muon."""
    groups = [group for group in optimizer.param_groups if group.get("muon")]
    sides = [max(weight.shape) for group in groups for weight in group["params"]]
    return max([1.0, *(LONGEST * SIZE * math.sqrt(side) for side in sides)])


class Muon(torch.optim.AdamW):
    """AdamW for most weights, Muon for those of the groups that have a true value under "muon".

    Its state of a matrix is one tensor of its shape, `momentum`. Where `found_inf`, () on the device, says that the
    gradient is not finite, nothing moves, as with AdamW.
    """

    found_inf: Tensor | None = None

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all weights that have a gradient."""
        groups = [group for group in self.param_groups if group["muon"]]
        held = [(weight, weight.grad, group) for group in groups for weight in group["params"]]
        for weight, _, _ in held:
            weight.grad = None  # so that AdamW passes it over
        super().step(closure)
        for weight, gradient, group in held:
            weight.grad = gradient
            if gradient is not None:
                self._move(weight, gradient, group)

    @torch.no_grad()
    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        rate = group["lr"]
        if self.found_inf is not None:
            gradient = torch.where(self.found_inf > 0, 0.0, gradient)
            rate = rate * (1 - self.found_inf)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        update = orthogonal(torch.lerp(gradient, state["momentum"], MOMENTUM))  # as Nesterov looks ahead
        weight.mul_(1 - rate * group["weight_decay"])
        weight.sub_(update * (rate * SIZE * math.sqrt(max(weight.shape))))
