"""A step of the LSTM on preallocated arrays, with a third of the numpy calls of the plain step.

σ(z) = (tanh(z/2) + 1)/2, the halves being folded into the weights. Halves and doubles are exact in floating point, so
this differs from the plain step by the rounding of a few sums alone; a test holds the two together.
"""

import numpy as np

from seqgen.cells import NumpyForm, Update, hidden_array
from seqgen.cells._weights import HALF, ONE, Floats


class LSTMUpdate(Update):
    """An LSTM. Gates come as o, i, f, g, the first three halved."""

    def __init__(self, batch: int, size: int) -> None:
        self.hidden = hidden_array(batch, size)
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


BLOCKS = ((3, 0.5), (0, 0.5), (1, 0.5), (2, 1))
FORM = NumpyForm(LSTMUpdate, BLOCKS, BLOCKS, scale=2)
