"""What a run will take: its rate by a few steps on a throw-away network, its memory by what they left behind.

Nothing of the run itself is touched: not its weights, not its optimizer, not the random generators.
"""

import sys
import time
from dataclasses import dataclass

import torch

from seqgen.models._network import RecurrentLM
from seqgen.training.run import Plan
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

SECONDS = 0.5  # of measuring, after one step to warm up
MOST = 10  # steps measured
COPIES = 2  # of all weights, that come later: the best model as it is kept, and one more while it is measured


@dataclass(frozen=True)
class Estimate:
    """Tokens a second, and bytes at the peak where they can be told (on the device, if it has memory of its own)."""

    rate: float
    memory: float | None


def estimate(plan: Plan, vocab_size: int) -> Estimate:
    """Measure a plan on its device."""
    devices = [plan.device] if plan.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        step = _step(plan, vocab_size)
        batch, window = plan.train.batch, plan.train.window
        x = torch.randint(vocab_size, (batch, window), device=plan.device)
        _run(step, x)
        count, began = 0, time.perf_counter()
        while count < MOST and (not count or time.perf_counter() - began < SECONDS):
            _run(step, x)
            count += 1
        rate = count * batch * window / (time.perf_counter() - began)
        memory = _peak(plan.device)
        weights = 4 * sum(weight.numel() for weight in step.network.parameters())
    return Estimate(rate, None if memory is None else memory + COPIES * weights)


def _step(plan: Plan, vocab_size: int) -> Step:
    network = RecurrentLM(plan.cell, plan.shape, vocab_size).to(plan.device)
    settings: TrainSettings = plan.train
    network.train()
    return Step(network, settings)


def _run(step: Step, x: torch.Tensor) -> None:
    """One update, waited for."""
    float(step(x, x, None, x.numel(), 1e-6))


def _peak(device: torch.device) -> float | None:
    """Bytes at the peak so far."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # Windows has no such call
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kibibytes
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
