"""The weights of PyTorch's recurrent layers, which the cells `lstm`, `gru` and `rnn` have: shapes, and products."""

import numpy as np
from numpy.typing import NDArray

from seqgen.cells import INPUT, RECURRENT, Array, Arrays, Shapes, linear

Floats = NDArray[np.float32]
# As arrays without axes: numpy takes half as long with them as with its own scalars, and less than with Python's.
ONE, HALF = np.array(1, np.float32), np.array(0.5, np.float32)


def library_shapes(gates: int, inputs: int, hidden: int) -> Shapes:
    """The weights of one of PyTorch's recurrent layers, which has `gates` blocks of `hidden` rows."""
    rows = gates * hidden
    return {INPUT[0]: (rows, inputs), RECURRENT[0]: (rows, hidden), INPUT[1]: (rows,), RECURRENT[1]: (rows,)}


def products(weights: Arrays, x: Array, h: Array) -> tuple[Array, Array]:
    """The products of such a layer with what it reads and with its hidden state, biases included."""
    return linear(x, *(weights[name] for name in INPUT)), linear(h, *(weights[name] for name in RECURRENT))


def persistent_kernel(inputs: int, hidden: int, batch: int) -> bool:
    """Whether torch gives a layer in float16 to cuDNN's persistent kernel, which keeps recurrent weights on the chip.

    The conditions are those of `use_persist_common_heuristics` and `use_persist_device_heuristics` in PyTorch's
    `aten/src/ATen/native/cudnn/RNN.cpp` for compute capability 8 and above. One layer a module is a condition too.
    """
    return 0 < hidden <= 1024 and hidden % 128 == inputs % 128 == 0 and 0 < batch <= 128 and batch % 8 == 0
