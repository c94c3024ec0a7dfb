"""An evaluation temperature: the one number by which logits are divided to predict held-out ids best.

Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", section 4.2. With β = 1/T the mean
nats f(β) = log Σ exp(βz) − βz* are convex; the minimum is where f' = E[z] − z* changes its sign, and Newton's method,
kept between two bounds, finds it. A model that was trained for long is too sure of itself: T > 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from seqgen.errors import StreamError
from seqgen.evaluation.protocols import Device, Ints, Network, sampled_logits

LOWEST, HIGHEST = 0.05, 20.0  # bounds of the temperature
NUMBERS = 1 << 26  # logits that are kept while a temperature is fitted: 256 MB
STEPS = 60  # of Newton's method at most; six do nearly always
METRIC: Final = "temperature"  # the name under which a checkpoint's metrics hold `Temperature.to_json`

Batch = tuple[Tensor, Tensor]  # logits (n, V), targets (n,)


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: What logits are divided by.
        before, after: Nats per token on the ids that it was fitted on, without it and with it.
        count: How many predictions these were.
    """

    value: float
    before: float
    after: float
    count: int

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {"value": self.value, "nats_before": self.before, "nats_after": self.after, "tokens": self.count}


def fit_temperature(batches: Iterable[Batch]) -> Temperature:
    """The temperature at which the targets of all batches are likeliest.

    Args:
        batches: (logits (n, V), targets (n,)) each, any floating type, on any device. They are all kept: bound them.

    Raises:
        StreamError: There is no prediction.
    """
    kept = [(logits.float(), targets) for logits, targets in batches if len(targets)]
    if not kept:
        raise StreamError("there is nothing to fit a temperature on", "hold out more than one token")
    low, high = 1 / HIGHEST, 1 / LOWEST  # of β
    beta = 1.0
    for _ in range(STEPS):
        slope, bend = _derivatives(kept, beta)
        low, high = (low, beta) if slope > 0 else (beta, high)
        wanted = beta - slope / bend if bend > 0 else float("nan")
        wanted = wanted if low < wanted < high else (low + high) / 2
        beta, moved = wanted, abs(wanted - beta)
        if moved < 1e-7 * beta:
            break
    count = sum(len(targets) for _, targets in kept)
    return Temperature(1 / beta, _nats(kept, 1.0) / count, _nats(kept, beta) / count, count)


def held_out_temperature(network: Network, ids: Ints, starts: Ints, device: Device = "cpu") -> Temperature:
    """The temperature of a network on held-out ids; where there are many, on pieces from all over them.

    Args:
        network: On `device`; training mode or not, it ends as it was.
        ids: (N,) codec ids, see `protocols.unframed`.
        starts: (D,) or (D+1,) where documents begin.
        device: Where to compute.

    Raises:
        StreamError: No document has more than one id.
    """
    return fit_temperature(sampled_logits(network, ids, starts, NUMBERS // network.vocab_size, device))


def stored_temperature(metrics: Mapping[str, Any]) -> float | None:
    """The temperature among a checkpoint's metrics, or None where there is none that makes sense."""
    found = metrics.get(METRIC)
    value = found.get("value") if isinstance(found, Mapping) else found
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if LOWEST <= value <= HIGHEST else None


def _derivatives(batches: list[Batch], beta: float) -> tuple[float, float]:
    """The first and second derivative of the summed nats by β."""
    slope = bend = 0.0
    for logits, targets in batches:
        centred = logits - logits.amax(-1, keepdim=True)  # so that squares stay small where probability lies
        p = torch.softmax(centred * beta, -1)
        mean = (p * centred).sum(-1)
        slope += float((mean - centred.gather(-1, targets[:, None])[:, 0]).sum())
        bend += float(((p * centred.square()).sum(-1) - mean.square()).sum())
    return slope, bend


def _nats(batches: list[Batch], beta: float) -> float:
    return sum(float(functional.cross_entropy(logits * beta, targets, reduction="sum")) for logits, targets in batches)
