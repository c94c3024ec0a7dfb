"""A network as few large operations on tensors, for devices on which starting one costs as much as doing it.

- the embedding and the first layer's input product are one table, a row a token;
- all that multiplies one layer's hidden state lies in one matrix, and so is one product a layer: the layer's own
  recurrent weights and, below them, the next layer's input weights or the output layer. The recurrent product is
  thus made a token early and waits in the state;
- what remains of a layer is element by element, and may be fused into one kernel by the compiler.

Weights and products may be in half precision; memories, gates and logits are float32. Every function here is pure.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqgen.errors import UsageError
from seqgen.generation import Weights
from seqgen.models import Cell, ModelSettings
from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.cells.rnn import RNN

State = list[Tensor]  # logits (B, V), then per layer: recurrent product (B, gates·H), memories (B, H); never changed
Update = Callable[..., tuple[Tensor, ...]]
VARIANTS = 64  # of compiled code: layers and sizes of batches differ in shapes and strides; 8 are usual
TABLE_LIMIT = 1 << 30  # bytes; a larger table is not made, its rows are computed as they are needed


class Network:
    """The weights of one model on a device, and one step with them.

    Args:
        cell: An RNN, a GRU or an LSTM.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them.
        device: Where they lie.
        precision: Of weights and products.
        fuse: Whether the elementwise part is compiled into one kernel.

    Raises:
        UsageError: It is another cell.
    """

    def __init__(
        self,
        cell: Cell,
        settings: ModelSettings,
        weights: Weights,
        device: torch.device,
        precision: torch.dtype,
        fuse: bool,
    ) -> None:
        self.device, self.precision = device, precision
        update = update_of(cell)
        self.memories, self.hidden = 0 if isinstance(cell, RNN) else 1, settings.hidden
        self.gates = cell.gates * settings.hidden
        given = {name: torch.tensor(np.asarray(value, np.float32)).to(device) for name, value in weights.items()}
        self.vocab_size = len(given["embedding.weight"])
        self.table = self._table(given)
        self.embedding = None if self.table is not None else given["embedding.weight"].to(precision)
        self.first = tuple(given[f"layers.0.{kind}_ih_l0"].to(precision) for kind in ("weight", "bias"))
        self.products = [
            tuple(part.contiguous().to(precision) for part in _stacked(settings, given, layer))
            for layer in range(settings.layers)
        ]
        self.output = None
        if settings.projected:
            self.output = (given["embedding.weight"].to(precision), given["output.bias"].to(precision))
        self.update = Fused(update, fuse)  # late: it imports the compiler

    def start(self, batch: int) -> State:
        """The state of `batch` streams before their first token: hidden states of zero, and no logits yet."""
        state = [torch.zeros(batch, self.vocab_size, device=self.device)]
        for _, bias in self.products:
            state.append(bias[: self.gates].repeat(batch, 1))  # W·0 + b
            state += [torch.zeros(batch, self.hidden, device=self.device) for _ in range(self.memories)]
        return state

    def advance(self, ids: Tensor, state: State) -> State:
        """The state after one more token of each stream, ids (B,)."""
        x, after = self._input(ids), []
        width = 1 + self.memories
        for layer, (matrix, bias) in enumerate(self.products):
            recurrent, *memory = state[1 + layer * width : 1 + (layer + 1) * width]
            hidden, *memory = self.update(x, recurrent, *memory)
            product = functional.linear(hidden, matrix, bias)
            x = product[:, self.gates :]
            after += [product[:, : self.gates], *memory]
        if self.output is not None:
            x = functional.linear(x, *self.output)
        return [x.float(), *after]

    def _input(self, ids: Tensor) -> Tensor:
        """(B, gates·H) the first layer's input product."""
        if self.table is not None:
            return self.table.index_select(0, ids)
        assert self.embedding is not None
        return functional.linear(self.embedding.index_select(0, ids), *self.first)

    def _table(self, given: Mapping[str, Tensor]) -> Tensor | None:
        if self.vocab_size * self.gates * self.precision.itemsize > TABLE_LIMIT:
            return None
        weight, bias = given["layers.0.weight_ih_l0"], given["layers.0.bias_ih_l0"]
        return functional.linear(given["embedding.weight"], weight, bias).to(self.precision)


class Fused:
    """A pure function of tensors, compiled if that is wanted and can be done.

    Args:
        function: What is computed.
        wanted: Whether to try.

    Attributes:
        failure: Why it runs uncompiled although the other was wanted, or None.
    """

    def __init__(self, function: Callable[..., Any], wanted: bool) -> None:
        self.function = function
        self.compiled = torch.compile(function) if wanted else None
        self.failure: str | None = None

    def __call__(self, *args: Any) -> Any:
        """The function's value."""
        if self.compiled is not None:
            try:
                with torch._dynamo.config.patch(recompile_limit=VARIANTS):
                    return self.compiled(*args)
            except torch.cuda.OutOfMemoryError:
                raise
            except (RuntimeError, OSError, ImportError) as error:  # no Triton, no C compiler, no place for its cache
                self.compiled, self.failure = None, str(error).strip().partition("\n")[0]
        return self.function(*args)


def _stacked(settings: ModelSettings, given: Mapping[str, Tensor], layer: int) -> tuple[Tensor, Tensor]:
    """(columns, H) all that multiplies one layer's hidden state, and the biases (columns,)."""
    own, above = f"layers.{layer}.", f"layers.{layer + 1}."
    recurrent, bias = given[own + "weight_hh_l0"], given[own + "bias_hh_l0"]
    if layer + 1 < settings.layers:
        after, after_bias = given[above + "weight_ih_l0"], given[above + "bias_ih_l0"]
    elif settings.projected:
        after = given["projection.weight"]
        after_bias = after.new_zeros(len(after))
    else:
        after, after_bias = given["embedding.weight" if settings.tied else "output.weight"], given["output.bias"]
    return torch.cat([recurrent, after]), torch.cat([bias, after_bias])


def lstm(x: Tensor, r: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The hidden state in the precision of the products, and the memory cell; see `seqgen.cells.lstm`."""
    i, f, g, o = (x.float() + r.float()).chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return (o.sigmoid() * c.tanh()).to(r.dtype), c


def gru(x: Tensor, r: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """The hidden state in the precision of the products, and in float32; see `seqgen.cells.gru`."""
    x_r, x_z, x_n = x.float().chunk(3, dim=-1)
    h_r, h_z, h_n = r.float().chunk(3, dim=-1)
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    h = n + (x_z + h_z).sigmoid() * (h - n)
    return h.to(r.dtype), h


def tanh(x: Tensor, r: Tensor) -> tuple[Tensor]:
    """The hidden state in the precision of the products; see `seqgen.cells.rnn`."""
    return ((x.float() + r.float()).tanh().to(r.dtype),)


def relu(x: Tensor, r: Tensor) -> tuple[Tensor]:
    """The same with the positive part."""
    return ((x.float() + r.float()).relu().to(r.dtype),)


def update_of(cell: Cell) -> Update:
    """The elementwise part of a cell's step: products and memories in, hidden state and memories out.

    Raises:
        UsageError: There is none for this cell.
    """
    if isinstance(cell, LSTM):
        return lstm
    if isinstance(cell, GRU):
        return gru
    if isinstance(cell, RNN):
        return tanh if cell.nonlinearity == "tanh" else relu
    kind = type(cell).__name__
    raise UsageError(f"the cuda engine knows no cell called {kind}", "use the torch engine: --engine torch")
