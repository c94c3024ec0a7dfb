"""Gated recurrent unit (Cho et al. 2014), in the form that cuDNN computes.

r = σ(W_r x + U_r h + b_r)              reset gate
z = σ(W_z x + U_z h + b_z)              update gate
n = tanh(W_n x + b_n + r ∘ (U_n h + b)) candidate; the reset gate acts on the product, not on h
h ← (1 − z) ∘ n + z ∘ h                 hidden state
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
from seqgen.cells._weights import library_shapes, products

if TYPE_CHECKING:
    from torch import nn


@final
@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit: two gates, no separate memory cell."""

    recurrent = RECURRENT[:1]
    reads = INPUT, RECURRENT

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return library_shapes(3, inputs, hidden)

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        from seqgen.cells._library import Layer

        return Layer("GRU", inputs, hidden)

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        (h,) = state
        (x_r, x_z, x_n), (h_r, h_z, h_n) = (np.split(each, 3, axis=-1) for each in products(weights, x, h))
        z = sigmoid(x_z + h_z)
        n = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        h = n + z * (h - n)
        return h, (h,)

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        r, z, _ = np.split(np.add(*products(weights, x, state[0])), 3, axis=-1)
        return {"reset": sigmoid(r), "update": sigmoid(z)}

    def training_loop(self) -> TrainingLoop | None:
        from seqgen.cells._products import available
        from seqgen.cells.gru import loop

        return loop.LOOP if available() else None

    def numpy_form(self) -> NumpyForm:
        from seqgen.cells.gru.step import FORM

        return FORM

    def device_form(self) -> DeviceForm:
        from seqgen.cells.gru.device import FORM

        return FORM
