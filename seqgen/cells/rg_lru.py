"""Real-gated linear recurrent unit (De et al. 2024, "Griffin: mixing gated linear recurrences with local attention").

u = W x + b, v = V x + c                the two branches of the paper's recurrent block
r = σ(W_r u + b_r)                      recurrence gate
i = σ(W_i u + b_i)                      input gate
a = exp(−8 r ∘ softplus(Λ))             decay: between none and that of Λ
h ← a ∘ h + √(1 − a²) ∘ (i ∘ u)         hidden state
y = gelu(v) ∘ h                         what the layer gives out

The root keeps the size of the state whatever the decay. No product knows the state, so that all products of a window
are made at once and the states by a scan. Λ is such that with open gates (r = 1) a begins between 0.9 and 0.999, as in
section 2.4 there. Of the block of section 2.3 the branch v is here, without which a layer would be nearly linear; the
short convolution and the linear layer behind the product are not.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from seqgen.cells import Array, Arrays, Cell, Parts, Shapes, linear, sigmoid

if TYPE_CHECKING:
    from torch import nn

SCALE = 8.0  # the paper's c
GELU = math.sqrt(2 / math.pi), 0.044715  # of its approximation by tanh
SLOWEST, FASTEST = 0.999, 0.9  # a with open gates, to begin with
LEAST = 1e-6  # of 1 − a², whose root has no bounded slope at zero


@final
@dataclass(frozen=True)
class RGLRU(Cell):
    """Real-gated linear recurrent unit: a diagonal linear recurrence whose decay depends on what it reads."""

    reads = (("input.weight", "input.bias"),)

    def weights(self, inputs: int, hidden: int) -> Shapes:
        shapes: Shapes = {"decay": (hidden,), "input.weight": (2 * hidden, inputs), "input.bias": (2 * hidden,)}
        return shapes | {"gates.weight": (2 * hidden, hidden), "gates.bias": (2 * hidden,)}

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        import torch
        from torch import Tensor, nn
        from torch.nn.functional import gelu, softplus

        from seqgen.cells._scan import full, scan

        class Layer(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                rates = -torch.empty(hidden).uniform_(math.log(FASTEST), math.log(SLOWEST)) / SCALE
                self.decay = nn.Parameter(rates.expm1().log())  # the inverse of softplus
                self.input, self.gates = nn.Linear(inputs, 2 * hidden), nn.Linear(hidden, 2 * hidden)

            def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
                u, v = full(self.input(x)).chunk(2, -1)
                r, i = full(self.gates(u)).sigmoid().chunk(2, -1)
                log_a = -SCALE * softplus(self.decay) * r
                root = (-torch.expm1(2 * log_a)).clamp_min(LEAST).sqrt()
                h = scan(log_a.exp(), root * i * u, *state)
                return gelu(v, approximate="tanh") * h, (h[-1],)

        return Layer()

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        u, _ = np.split(linear(x, weights["input.weight"], weights["input.bias"]), 2, axis=-1)
        r, i = np.split(sigmoid(linear(u, weights["gates.weight"], weights["gates.bias"])), 2, axis=-1)
        return {"recurrence": r, "input": i}

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        u, v = np.split(linear(x, weights["input.weight"], weights["input.bias"]), 2, axis=-1)
        r, i = np.split(sigmoid(linear(u, weights["gates.weight"], weights["gates.bias"])), 2, axis=-1)
        log_a = -SCALE * np.logaddexp(0, weights["decay"]) * r
        root = np.sqrt(np.maximum(-np.expm1(2 * log_a), LEAST))
        h = np.exp(log_a) * state[0] + root * i * u
        scale, cubic = GELU
        return 0.5 * v * (1 + np.tanh(scale * (v + cubic * v**3))) * h, (h,)
