"""A step of the simple recurrent network on preallocated arrays."""

import numpy as np

from seqgen.cells import NumpyForm, Update, hidden_array
from seqgen.cells._weights import Floats


class RNNUpdate(Update):
    """A simple recurrent network."""

    def __init__(self, batch: int, size: int) -> None:
        self.hidden = hidden_array(batch, size)
        self.h, self.parts = self.hidden[:, :-1], (self.hidden,)

    def __call__(self, x: Floats, r: Floats) -> None:
        np.add(x, r, self.h)
        self.squash()

    def squash(self) -> None:
        """φ, in place."""
        np.tanh(self.h, self.h)


class ReluUpdate(RNNUpdate):
    """The same with the positive part."""

    def squash(self) -> None:
        np.maximum(self.h, 0, out=self.h)


FORMS = {"tanh": NumpyForm(RNNUpdate), "relu": NumpyForm(ReluUpdate)}
