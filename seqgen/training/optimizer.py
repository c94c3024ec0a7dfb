"""AdamW (Loshchilov & Hutter 2019) with warm-up and cosine decay, and clipping of the gradient's norm."""

import math

import torch
from torch import nn

from seqgen.training.settings import TrainSettings


def make_optimizer(network: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW over a network's weights; biases do not decay."""
    weights = list(network.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = weights[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, settings.beta2), fused=fused)


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """The learning rate at a share `progress` of the run: a linear rise, then a half cosine down."""
    if progress < settings.warmup:
        return settings.learning_rate * (progress / settings.warmup + 1e-3)
    fall = min(1.0, (progress - settings.warmup) / (1 - settings.warmup))
    low = settings.final_rate
    return settings.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * fall)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
