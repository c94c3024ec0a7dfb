"""The simple recurrent network (Elman 1990).

h ← φ(W x + U h + b)    hidden state, φ = tanh or the positive part
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqgen.models import Array, Cell, Parts
from seqgen.settings import option, require

if TYPE_CHECKING:
    from torch import nn

IDENTITY = 0.01  # of a recurrent weight's diagonal, to begin with


@dataclass(frozen=True)
class RNN(Cell):
    """Simple recurrent network: one layer of units that sees itself a step ago."""

    nonlinearity: Literal["tanh", "relu"] = option("tanh", "tanh or relu")

    gates = 1
    parts = 1

    def __post_init__(self) -> None:
        known = self.nonlinearity in ("tanh", "relu")
        require(known, "nonlinearity", self.nonlinearity, "tanh or relu")

    def module(self, inputs: int, hidden: int) -> "nn.RNNBase":
        from torch import nn

        layer = nn.RNN(inputs, hidden, nonlinearity=self.nonlinearity)
        weights = dict(layer.named_parameters())
        if self.nonlinearity == "relu":
            # A small share of the identity, as Le, Jaitly & Hinton 2015 take for speech. With all of it the state,
            # which is carried from window to window here, adds up without end (benchmarks/README.md).
            nn.init.eye_(weights["weight_hh_l0"]).data.mul_(IDENTITY)
            nn.init.zeros_(weights["bias_ih_l0"])
            nn.init.zeros_(weights["bias_hh_l0"])
        else:
            nn.init.orthogonal_(weights["weight_hh_l0"])
        return layer

    def step(self, x: Array, r: Array, state: Parts) -> Parts:
        total = x + r
        return (np.tanh(total) if self.nonlinearity == "tanh" else np.maximum(total, 0),)
