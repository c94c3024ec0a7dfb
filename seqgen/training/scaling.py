"""Loss scaling: gradients in float16 survive only if the loss is multiplied up before they are taken.

The scale grows while all gradients are finite and falls as soon as one is not (Micikevicius et al. 2018, section
3.2), with the numbers of `torch.amp.GradScaler`. Everything is a tensor on the device and nothing is read back, so
that a step can be captured in a graph.
"""

import torch
from torch import Tensor

START = 2.0**16
GROWTH, BACKOFF = 2.0, 0.5
INTERVAL = 2000  # finite steps after which the scale grows
LARGEST = 2.0**24  # beyond it the scale itself would no longer fit what it multiplies


class LossScaler:
    """A scale that adapts.

    Args:
        device: Where the loss is.

    Attributes:
        scale: () float32, what the loss is multiplied by.
        finite: () float32, finite steps since the scale last changed.
    """

    def __init__(self, device: torch.device) -> None:
        self.scale = torch.full((), START, device=device)
        self.finite = torch.zeros((), device=device)

    def unscale(self, gradients: list[Tensor]) -> None:
        """Divide by the scale, in place; what overflowed stays infinite or NaN."""
        torch._foreach_mul_(gradients, self.scale.reciprocal())

    def update(self, bad: Tensor) -> None:
        """Take in one step.

        Args:
            bad: () 1 where a gradient was not finite, else 0.
        """
        failed = bad > 0
        finite = torch.where(failed, 0, self.finite + 1)
        grown = finite >= INTERVAL
        factor = torch.where(failed, BACKOFF, torch.where(grown, GROWTH, 1.0))
        self.scale.mul_(factor).clamp_(1.0, LARGEST)
        self.finite.copy_(torch.where(grown, 0, finite))

    def tensors(self) -> dict[str, Tensor]:
        """All there is to save, by name; copying values into these tensors restores it."""
        return {"scale": self.scale, "finite": self.finite}
