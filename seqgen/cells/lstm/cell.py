"""Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000).

i = σ(W_i x + U_i h + b_i)      input gate
f = σ(W_f x + U_f h + b_f)      forget gate
g = tanh(W_g x + U_g h + b_g)   candidate
o = σ(W_o x + U_o h + b_o)      output gate
c ← f ∘ c + i ∘ g               memory cell
h ← o ∘ tanh(c)                 hidden state
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from seqgen.cells import (
    INPUT,
    RECURRENT,
    Array,
    Arrays,
    Cell,
    DeviceForm,
    NumpyForm,
    Parts,
    Shapes,
    TrainingLoop,
    sigmoid,
)
from seqgen.cells._weights import library_shapes, persistent_kernel, products
from seqgen.settings import option

if TYPE_CHECKING:
    from torch import nn


@final
@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory: gates decide what a memory cell keeps, takes and shows."""

    forget_bias: float = option(1.0, "what the forget gate's bias starts at (Jozefowicz et al. 2015: 1)")

    recurrent = RECURRENT[:1]
    parts = "hidden", "memory"
    reads = INPUT, RECURRENT

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return library_shapes(4, inputs, hidden)

    def state(self, hidden: int) -> tuple[int, ...]:
        return hidden, hidden

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        import torch

        from seqgen.cells._library import Layer

        layer = Layer("LSTM", inputs, hidden)
        weights = dict(layer.named_parameters())
        with torch.no_grad():
            weights["bias_hh_l0"].zero_()
            weights["bias_ih_l0"].zero_()
            weights["bias_ih_l0"][hidden : 2 * hidden] = self.forget_bias
        return layer

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        h, c = state
        i, f, g, o = np.split(np.add(*products(weights, x, h)), 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return h, (h, c)

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        i, f, _, o = np.split(np.add(*products(weights, x, state[0])), 4, axis=-1)
        return {"input": sigmoid(i), "forget": sigmoid(f), "output": sigmoid(o)}

    def persistent(self, inputs: int, hidden: int, batch: int) -> bool:
        return persistent_kernel(inputs, hidden, batch)

    def training_loop(self) -> TrainingLoop | None:
        from seqgen.cells._products import available
        from seqgen.cells.lstm import loop

        return loop.LOOP if available() else None

    def numpy_form(self) -> NumpyForm:
        from seqgen.cells.lstm.step import FORM

        return FORM

    def device_form(self) -> DeviceForm:
        from seqgen.cells.lstm.device import FORM

        return FORM
