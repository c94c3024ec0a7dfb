"""Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000).

i = σ(W_i x + U_i h + b_i)      input gate
f = σ(W_f x + U_f h + b_f)      forget gate
g = tanh(W_g x + U_g h + b_g)   candidate
o = σ(W_o x + U_o h + b_o)      output gate
c ← f ∘ c + i ∘ g               memory cell
h ← o ∘ tanh(c)                 hidden state
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqgen.models import Array, Cell, Parts, sigmoid
from seqgen.settings import option

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory: gates decide what a memory cell keeps, takes and shows."""

    forget_bias: float = option(1.0, "what the forget gate's bias starts at (Jozefowicz et al. 2015: 1)")

    gates = 4
    parts = 2

    def module(self, inputs: int, hidden: int) -> "nn.RNNBase":
        import torch
        from torch import nn

        layer = nn.LSTM(inputs, hidden)
        weights = dict(layer.named_parameters())
        with torch.no_grad():
            weights["bias_hh_l0"].zero_()
            weights["bias_ih_l0"].zero_()
            weights["bias_ih_l0"][hidden : 2 * hidden] = self.forget_bias
        return layer

    def step(self, x: Array, r: Array, state: Parts) -> Parts:
        i, f, g, o = np.split(x + r, 4, axis=-1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
