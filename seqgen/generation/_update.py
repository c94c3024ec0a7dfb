"""How the numpy engine advances one layer: the cell's equations on preallocated arrays.

Any cell runs by its own `step`. An LSTM, which most people sample from, has a second form here with a third of the
numpy calls: σ(z) = (tanh(z/2) + 1)/2, the halves being folded into the weights. Halves and doubles are exact in
floating point, so both forms differ by rounding in the sum of a gate alone; a test holds them together.
"""

import abc

import numpy as np
from numpy.typing import NDArray

from seqgen.models import Cell
from seqgen.models.lstm import LSTM

Floats = NDArray[np.float32]


class Update(abc.ABC):
    """One layer of B streams, advanced in place.

    Attributes:
        hidden: (B, H+1) the hidden state and a constant 1, whose product with a matrix is W h + b.
        parts: All arrays of the state, `hidden` first.
    """

    hidden: Floats
    parts: tuple[Floats, ...]

    @abc.abstractmethod
    def __call__(self, x: Floats, r: Floats) -> None:
        """Advance by one token: (B, gates·H) input product and recurrent product, biases included."""


class StepUpdate(Update):
    """Any cell, by its own `step`."""

    def __init__(self, cell: Cell, batch: int, size: int) -> None:
        self.cell = cell
        self.hidden = _hidden(batch, size)
        self.rest = tuple(np.zeros((batch, size), np.float32) for _ in range(cell.parts - 1))
        self.parts = (self.hidden, *self.rest)
        self.views = (self.hidden[:, :-1], *self.rest)

    def __call__(self, x: Floats, r: Floats) -> None:
        for view, after in zip(self.views, self.cell.step(x, r, self.views)):
            view[:] = after


class LstmUpdate(Update):
    """An LSTM whose weights went through `fold_gates`; `hidden` holds 2h, for which `fold_inputs` allows."""

    def __init__(self, batch: int, size: int) -> None:
        self.hidden = _hidden(batch, size)
        self.memory = np.zeros((batch, size), np.float32)
        self.parts = (self.hidden, self.memory)
        self.h = self.hidden[:, :-1]
        self.z = np.empty((batch, 4 * size), np.float32)
        self.doubled = self.z[:, : 3 * size]
        self.i, self.f, self.o, self.g = (self.z[:, k * size : (k + 1) * size] for k in range(4))

    def __call__(self, x: Floats, r: Floats) -> None:
        np.add(x, r, out=self.z)
        np.tanh(self.z, out=self.z)
        np.add(self.doubled, ONE, out=self.doubled)  # 2σ of i, f, o
        np.multiply(self.i, self.g, out=self.g)
        np.multiply(self.f, self.memory, out=self.memory)
        np.add(self.memory, self.g, out=self.memory)
        np.multiply(self.memory, HALF, out=self.memory)  # c = (2f c + 2i g) / 2
        np.tanh(self.memory, out=self.g)
        np.multiply(self.o, self.g, out=self.h)  # 2h = 2o tanh c


ONE, HALF = np.float32(1), np.float32(0.5)


def update(cell: Cell, batch: int, size: int) -> Update:
    """The fastest form of a cell, at the state zero."""
    return LstmUpdate(batch, size) if isinstance(cell, LSTM) else StepUpdate(cell, batch, size)


def fold_gates(cell: Cell, matrix: Floats) -> Floats:
    """Columns (…, gates·H) of a layer's weights or biases, in the order and scale that its update takes."""
    if not isinstance(cell, LSTM):
        return matrix
    i, f, g, o = np.split(matrix, 4, axis=-1)
    return np.concatenate([i * HALF, f * HALF, o * HALF, g], axis=-1)


def fold_inputs(cell: Cell, matrix: Floats) -> Floats:
    """Rows (H, …) that multiply a hidden state, in the scale in which the update holds it."""
    return matrix * HALF if isinstance(cell, LSTM) else matrix


def _hidden(batch: int, size: int) -> Floats:
    hidden = np.zeros((batch, size + 1), np.float32)
    hidden[:, -1] = 1
    return hidden
