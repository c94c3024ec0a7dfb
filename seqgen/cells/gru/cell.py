"""Gated recurrent unit (Cho et al. 2014), in the form that cuDNN computes.

r = σ(W_r x + U_r h + b_r)              reset gate
z = σ(W_z x + U_z h + b_z)              update gate
n = tanh(W_n x + b_n + r ∘ (U_n h + b)) candidate; the reset gate acts on the product, not on h
h ← (1 − z) ∘ n + z ∘ h                 hidden state
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqgen.models import Array, Cell, Parts, sigmoid

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit: two gates, no separate memory cell."""

    gates = 3
    parts = 1

    def module(self, inputs: int, hidden: int) -> "nn.RNNBase":
        from torch import nn

        return nn.GRU(inputs, hidden)

    def step(self, x: Array, r: Array, state: Parts) -> Parts:
        x_r, x_z, x_n = np.split(x, 3, axis=-1)
        h_r, h_z, h_n = np.split(r, 3, axis=-1)
        z = sigmoid(x_z + h_z)
        n = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        return (n + z * (state[0] - n),)
