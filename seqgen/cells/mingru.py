"""Minimal gated recurrent unit (Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?").

z = σ(W_z x + b_z)          update gate
n = g(W_n x + b_n)          candidate, g(x) = x + ½ for x ≥ 0, else σ(x)
h ← (1 − z) ∘ h + z ∘ n     hidden state

Nothing but the last line knows the hidden state, so that all products of a window are made at once and the states by a
scan. g keeps states positive, as the paper's scan in log space needs (appendix B); here the scan is linear, which gives
the same states.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from seqgen.cells import Array, Arrays, Cell, Parts, Shapes, linear, sigmoid

if TYPE_CHECKING:
    from torch import nn


@final
@dataclass(frozen=True)
class MinGRU(Cell):
    """Minimal gated recurrent unit: what it keeps depends on what it reads alone."""

    reads = (("linear.weight", "linear.bias"),)

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return {"linear.weight": (2 * hidden, inputs), "linear.bias": (2 * hidden,)}

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        import torch
        from torch import Tensor, nn

        from seqgen.cells._scan import full, scan

        class Layer(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.linear = nn.Linear(inputs, 2 * hidden)

            def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
                z, n = full(self.linear(x)).chunk(2, -1)
                z, n = z.sigmoid(), torch.where(n >= 0, n + 0.5, n.sigmoid())
                y = scan(1 - z, z * n, *state)
                return y, (y[-1],)

        return Layer()

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        z, _ = np.split(linear(x, weights["linear.weight"], weights["linear.bias"]), 2, axis=-1)
        return {"update": sigmoid(z)}

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        z, n = np.split(linear(x, weights["linear.weight"], weights["linear.bias"]), 2, axis=-1)
        z, n = sigmoid(z), np.where(n >= 0, n + 0.5, sigmoid(n))
        h = state[0] + z * (n - state[0])
        return h, (h,)
