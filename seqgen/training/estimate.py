"""What a run will take: its rate by a few steps on a throw-away network, its memory by what they left behind.

On a CPU a step of a large model takes a minute, so its rate is measured in shorter windows. Nothing of the run itself
is touched: not its weights, not its optimizer, not the random generators.
"""

import dataclasses
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

from seqgen import settings
from seqgen.cells import Cell
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.models.network import RecurrentLM
from seqgen.training import defaults
from seqgen.training.memory import step_bytes
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

SECONDS = 0.5  # of measuring, after one step to warm up
MOST = 10  # steps measured
OPERATIONS = 3e11  # of a step on a CPU, beyond which it is measured in a shorter window: seconds
COPIES = 2  # of all weights, that come later: the best model as it is kept, and one more while it is measured


@dataclass(frozen=True)
class Estimate:
    """Tokens a second, and bytes at the peak where they can be told (on the device, if it has memory of its own)."""

    rate: float
    memory: float | None


def estimate(plan: TrainPlan, vocab_size: int) -> Estimate:
    """Measure a plan on its device."""
    devices = [plan.device] if plan.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        step = _step(plan, vocab_size)
        batch, whole = plan.train.batch, plan.train.window
        window = _window(plan, vocab_size)
        x = torch.randint(vocab_size, (batch, window), device=plan.device)
        _run(step, x)
        count, began = 0, time.perf_counter()
        while count < MOST and (not count or time.perf_counter() - began < SECONDS):
            _run(step, x)
            count += 1
        rate = count * batch * window / (time.perf_counter() - began)
        memory = _peak(plan.device)
        weights = 4 * sum(weight.numel() for weight in step.network.parameters())
    more = [step_bytes(plan.cell, plan.shape, vocab_size, batch, each) for each in (window, whole)]
    return Estimate(rate, None if memory is None else memory + COPIES * weights + more[1] - more[0])


def reference_rate(cell: Cell, vocab_size: int, memory: Mapping[str, object] = MappingProxyType({})) -> float:
    """Tokens a second that this machine's processor learns from at `defaults.REFERENCE`, in a second of trying.

    Args:
        cell: Of the network.
        vocab_size: V.
        memory: Settings of the memory beside the cell.
    """
    shape = settings.parse(ModelSettings, {**defaults.REFERENCE, **memory})
    train = TrainSettings(batch=defaults.STREAMS, window=defaults.WINDOW)
    plan = TrainPlan("", cell, shape, train, Budget(steps=1), 0, torch.device("cpu"))
    return estimate(plan, vocab_size).rate


def _window(plan: TrainPlan, vocab_size: int) -> int:
    """Tokens of a stream in a step to measure: the run's, or fewer where that would take long."""
    if plan.device.type != "cpu":
        return plan.train.window
    weights = parameters(weight_shapes(plan.cell, plan.shape, vocab_size))
    token = 6 * weights * plan.train.batch  # a product and two for its gradients, of two operations a weight
    return max(1, min(plan.train.window, int(OPERATIONS / token)))


def _step(plan: TrainPlan, vocab_size: int) -> Step:
    network = RecurrentLM(plan.cell, plan.shape, vocab_size).to(plan.device)
    network.train()
    return Step(network, dataclasses.replace(plan.train, window=_window(plan, vocab_size)))


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
