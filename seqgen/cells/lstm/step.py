"""How the numpy engine advances one layer: the cell's equations on preallocated arrays.

Any cell runs by its own `step`. The LSTM and the GRU, which most people sample from, have a second form here with a
third of the numpy calls: σ(z) = (tanh(z/2) + 1)/2, the halves being folded into the weights. Halves and doubles are
exact in floating point, so both forms differ by the rounding of a few sums alone; a test holds them together.
"""

import abc
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen.models import Cell
from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM

Floats = NDArray[np.float32]
Blocks = tuple[
    tuple[int, float], ...
]  # (which block of rows of a weight, its scale), in the order in which a call wants them
# As arrays without axes: numpy takes half as long with them as with its own scalars, and less than with Python's.
ONE, HALF = np.array(1, np.float32), np.array(0.5, np.float32)


class Update(abc.ABC):
    """One layer of B streams, advanced in place, from the state zero.

    Class attributes:
        scale: What `hidden` holds is `scale`·h, which the weights that multiply it must allow for.
        input, recurrent: How a call takes the blocks of the input and of the recurrent product.

    Attributes:
        hidden: (B, H+1) the scaled hidden state and a constant 1, whose product with a matrix is W h + b.
        parts: All arrays of the state, `hidden` first.
    """

    scale: ClassVar[float] = 1
    input: ClassVar[Blocks] = ((0, 1),)
    recurrent: ClassVar[Blocks] = ((0, 1),)
    hidden: Floats
    parts: tuple[Floats, ...]

    @abc.abstractmethod
    def __call__(self, x: Floats, r: Floats) -> None:
        """Advance by one token: (B, gates·H) input product and recurrent product, biases included."""


class StepUpdate(Update):
    """Any cell, by its own `step`."""

    def __init__(self, cell: Cell, batch: int, size: int) -> None:
        self.step = cell.step
        self.hidden = _hidden(batch, size)
        rest = tuple(np.zeros((batch, size), np.float32) for _ in range(cell.parts - 1))
        self.parts = (self.hidden, *rest)
        self.views = (self.hidden[:, :-1], *rest)

    def __call__(self, x: Floats, r: Floats) -> None:
        for view, after in zip(self.views, self.step(x, r, self.views)):
            view[:] = after


class LstmUpdate(Update):
    """An LSTM. Gates come as o, i, f, g, the first three halved."""

    scale = 2
    input = recurrent = ((3, 0.5), (0, 0.5), (1, 0.5), (2, 1))

    def __init__(self, cell: Cell, batch: int, size: int) -> None:
        self.hidden = _hidden(batch, size)
        self.h = self.hidden[:, :-1]
        buffer = np.zeros((batch, 5 * size), np.float32)  # o, i, f, g, c, so that i, f meet g, c
        self.z, self.doubled = buffer[:, : 4 * size], buffer[:, : 3 * size]
        self.o, self.memory = buffer[:, :size], buffer[:, 4 * size :]
        self.gates, self.values = buffer[:, size : 3 * size], buffer[:, 3 * size :]
        self.i, self.f = buffer[:, size : 2 * size], buffer[:, 2 * size : 3 * size]
        self.parts = (self.hidden, self.memory)

    def __call__(self, x: Floats, r: Floats) -> None:
        z, memory, gates, i = self.z, self.memory, self.gates, self.i
        np.add(x, r, z)
        np.tanh(z, z)
        np.add(self.doubled, ONE, self.doubled)  # 2i, 2f, 2o
        np.multiply(gates, self.values, gates)  # 2i g, 2f c
        np.add(i, self.f, memory)
        np.multiply(memory, HALF, memory)  # c ← (2i g + 2f c) / 2
        np.tanh(memory, i)
        np.multiply(self.o, i, self.h)  # 2h ← 2o tanh c


class GruUpdate(Update):
    """A GRU. The gates r and z come halved, and so does the candidate's recurrent product."""

    input = ((0, 0.5), (1, 0.5), (2, 1))
    recurrent = ((0, 0.5), (1, 0.5), (2, 0.5))

    def __init__(self, cell: Cell, batch: int, size: int) -> None:
        self.hidden = _hidden(batch, size)
        self.parts = (self.hidden,)
        self.h = self.hidden[:, :-1]
        self.gates = np.empty((batch, 2 * size), np.float32)
        self.r, self.z = self.gates[:, :size], self.gates[:, size:]
        self.size = 2 * size

    def __call__(self, x: Floats, r: Floats) -> None:
        gates, n, z, h = self.gates, self.r, self.z, self.h
        np.add(x[:, : self.size], r[:, : self.size], gates)
        np.tanh(gates, gates)
        np.add(gates, ONE, gates)  # 2r, 2z
        np.multiply(n, r[:, self.size :], n)
        np.add(n, x[:, self.size :], n)
        np.tanh(n, n)
        np.subtract(h, n, h)
        np.multiply(h, z, h)
        np.multiply(h, HALF, h)
        np.add(h, n, h)  # h ← n + z (h − n)


def form(cell: Cell) -> type[StepUpdate] | type[LstmUpdate] | type[GruUpdate]:
    """The fastest form there is of a cell."""
    return LstmUpdate if isinstance(cell, LSTM) else GruUpdate if isinstance(cell, GRU) else StepUpdate


def _hidden(batch: int, size: int) -> Floats:
    hidden = np.zeros((batch, size + 1), np.float32)
    hidden[:, -1] = 1
    return hidden
