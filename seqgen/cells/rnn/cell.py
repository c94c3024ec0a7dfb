"""The simple recurrent network (Elman 1990).

h ← φ(W x + U h + b)    hidden state, φ = tanh or the positive part
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

import numpy as np

from seqgen.cells import INPUT, RECURRENT, Array, Arrays, Cell, DeviceForm, NumpyForm, Parts, Shapes, TrainingLoop
from seqgen.cells._weights import library_shapes, persistent_kernel, products
from seqgen.settings import option, require

if TYPE_CHECKING:
    from torch import nn

IDENTITY = 0.01  # of a recurrent weight's diagonal, to begin with


@final
@dataclass(frozen=True)
class RNN(Cell):
    """Simple recurrent network: one layer of units that sees itself a step ago."""

    nonlinearity: Literal["tanh", "relu"] = option("tanh", "tanh or relu")

    recurrent = RECURRENT[:1]
    reads = INPUT, RECURRENT

    def __post_init__(self) -> None:
        known = self.nonlinearity in ("tanh", "relu")
        require(known, "nonlinearity", self.nonlinearity, "tanh or relu")

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return library_shapes(1, inputs, hidden)

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        from torch import nn

        from seqgen.cells._library import Layer

        layer = Layer(f"RNN_{self.nonlinearity.upper()}", inputs, hidden)
        weights = dict(layer.named_parameters())
        if self.nonlinearity == "relu":
            # A small share of the identity, as Le, Jaitly & Hinton 2015 take for speech. With all of it the state,
            # which is carried from window to window here, adds up without end (benchmarks/README.md).
            nn.init.eye_(weights[RECURRENT[0]]).data.mul_(IDENTITY)
            nn.init.zeros_(weights[INPUT[1]])
            nn.init.zeros_(weights[RECURRENT[1]])
        else:
            nn.init.orthogonal_(weights[RECURRENT[0]])
        return layer

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        total = np.add(*products(weights, x, state[0]))
        h = np.tanh(total) if self.nonlinearity == "tanh" else np.maximum(total, 0)
        return h, (h,)

    def persistent(self, inputs: int, hidden: int, batch: int) -> bool:
        return persistent_kernel(inputs, hidden, batch) and (batch < 96 or hidden < 896)

    def training_loop(self) -> TrainingLoop | None:
        from seqgen.cells._products import available
        from seqgen.cells.rnn import loop

        return loop.LOOPS[self.nonlinearity] if available() else None

    def numpy_form(self) -> NumpyForm:
        from seqgen.cells.rnn.step import FORMS

        return FORMS[self.nonlinearity]

    def device_form(self) -> DeviceForm:
        from seqgen.cells.rnn.device import FORMS

        return FORMS[self.nonlinearity]
