"""Recurrent layers on a CPU in bfloat16, each cell's as a loop over tokens with its own gradient.

The library's LSTM is slow where its weights outgrow a core's cache, and it has no kernel for the other cells; here
the weights are laid out once for all tokens of a window, each token is one matrix product and a few operations on
(B, H), and the gradient of the weights is one large product at the end. Hidden states are multiplied in bfloat16, as
mixed precision does everywhere. `benchmarks/README.md` says what is gained and from which width on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from seqgen.models import Cell
from seqgen.models._loops import gru, lstm, rnn
from seqgen.models._loops.products import available
from seqgen.models.gru import GRU
from seqgen.models.lstm import LSTM
from seqgen.models.rnn import RNN

Parts = tuple[Tensor, ...]


@dataclass(frozen=True)
class Loop:
    """How one kind of cell is run.

    Attributes:
        inputs: x (…, I) and a layer's weights → what `run` wants of a token, (…, ·) bfloat16.
        run: A cell, that over (T, B, ·), the recurrent weight and the state → hidden states (T, B, H), the state after.
        narrowest: Hidden units from which on it is quicker than the library's layer.
    """

    inputs: Callable[[Tensor, dict[str, Tensor]], Tensor]
    run: Callable[[Cell, Tensor, Tensor, Parts], tuple[Tensor, Parts]]
    narrowest: int


_LOOPS: dict[type[Cell], Loop] = {
    LSTM: Loop(lstm.inputs, lstm.run, lstm.NARROWEST),
    GRU: Loop(gru.inputs, gru.run, gru.NARROWEST),
    RNN: Loop(rnn.inputs, rnn.run, rnn.NARROWEST),
}


def loop_of(cell: Cell) -> Loop | None:
    """The loop for a cell, if there is one and this build of torch can run it."""
    return _LOOPS.get(type(cell)) if available() else None
