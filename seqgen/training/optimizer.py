"""AdamW (Loshchilov & Hutter 2019), alone or beside Muon, and the course of the learning rate."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from seqgen.training.muon import INSIDE, Muon
from seqgen.training.settings import Optimisation


def make_optimizer(network: nn.Module, settings: Optimisation) -> torch.optim.AdamW:
    """AdamW over a network's weights, or Muon for the matrices inside it; biases do not decay."""
    named = list(network.named_parameters())
    inside = [weight for name, weight in named if name.startswith(INSIDE) and weight.ndim == 2]
    chosen = {id(weight) for weight in inside} if settings.optimizer == "muon" else set()
    others = [weight for _, weight in named if id(weight) not in chosen]
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in others if weight.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    device = named[0][1].device
    fused = device.type in ("cpu", "cuda")
    # A rate in a tensor can change under a captured graph.
    rate: float | Tensor = torch.tensor(settings.learning_rate, device=device) if fused else settings.learning_rate
    betas, capturable = (0.9, settings.beta2), device.type == "cuda"
    if not chosen:
        return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=fused, capturable=capturable)
    matrices = {"params": inside, "weight_decay": settings.weight_decay, "muon": True}
    groups = [{**group, "muon": False} for group in groups] + [matrices]
    return Muon(groups, lr=rate, betas=betas, fused=fused, capturable=capturable)


def learning_rate(settings: Optimisation, progress: float) -> float:
    """The learning rate at a share `progress` of the run.

    A linear rise, then: `cosine`, half a cosine down to the end (Loshchilov & Hutter 2017); `wsd`, level until the
    last part and then straight down (warm-up, stable, decay: Hu et al. 2024, section 4); `constant`, level.
    """
    if progress < settings.warmup:
        return settings.learning_rate * (progress / settings.warmup + 1e-3)
    low = settings.final_rate
    if settings.schedule == "cosine":
        fall = min(1.0, (progress - settings.warmup) / (1 - settings.warmup))
        return settings.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * fall)))
    if settings.schedule == "wsd":
        fall = min(1.0, max(0.0, 1 - (1 - progress) / settings.decay))
        return settings.learning_rate * (1 - (1 - low) * fall)
    return settings.learning_rate


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from the next step on."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
