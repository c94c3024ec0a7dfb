"""A network as pure functions of tensors, one token at a time, for work that is captured once and replayed.

`PlainNetwork` runs the layers' own modules, of any cell. `StackedNetwork`, for cells with a form for it, makes a step
of few large operations, for devices on which starting one costs as much as doing it:

- the embedding and the first layer's input product are one table, a row a token;
- all that multiplies one layer's hidden state lies in one matrix, and so is one product a layer: the layer's own
  recurrent weights and, below them, the next layer's input weights or the output layer. The recurrent product is
  thus made a token early and waits in the state;
- what remains of a layer is element by element, and may be fused into one kernel by the compiler.

Its weights and products may be in half precision; memories, gates and logits are float32.
"""

import abc
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqgen.cells import INPUT, RECURRENT, Cell, DeviceForm
from seqgen.generation.engine import Weights
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM, load_weights

State = list[Tensor]  # logits (B, V), then what the layers carry, (B, ·) each; never changed
VARIANTS = 64  # of compiled code: layers and sizes of batches differ in shapes and strides; 8 are usual
TABLE_LIMIT = 1 << 30  # bytes; a larger table is not made, its rows are computed as they are needed


class Network(abc.ABC):
    """The weights of one model on a device, and one step with them.

    Attributes:
        device: Where they lie.
        vocab_size: Ids are below it.
        failure: Why a part runs uncompiled although the other was wanted, or None.
    """

    device: torch.device
    vocab_size: int

    @property
    @abc.abstractmethod
    def failure(self) -> str | None: ...

    @abc.abstractmethod
    def start(self, batch: int) -> State:
        """The state of `batch` streams before their first token: hidden states of zero, and no logits yet."""

    @abc.abstractmethod
    def advance(self, ids: Tensor, state: State) -> State:
        """The state after one more token of each stream, ids (B,)."""


class PlainNetwork(Network):
    """Any cell, by its own module, in float32.

    Args:
        cell: The recurrence.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them.
        device: Where they lie.
    """

    failure = None

    def __init__(self, cell: Cell, settings: ModelSettings, weights: Weights, device: torch.device) -> None:
        self.device, self.vocab_size = device, len(weights["embedding.weight"])
        self.network = RecurrentLM(cell, settings, self.vocab_size)
        load_weights(self.network, weights)
        self.network.to(device).eval()
        self.parts = [len(each) for each in self.network.initial_state(1)]

    def start(self, batch: int) -> State:
        carried = [part.clone() for parts in self.network.initial_state(batch) for part in parts]
        return [torch.zeros(batch, self.vocab_size, device=self.device), *carried]

    def advance(self, ids: Tensor, state: State) -> State:
        ends = list(itertools.accumulate(self.parts, initial=1))
        carried = [tuple(state[begin:end]) for begin, end in itertools.pairwise(ends)]
        logits, after = self.network(ids[:, None], tuple(carried))
        return [logits[:, 0], *(part for parts in after for part in parts)]


class StackedNetwork(Network):
    """A cell with a `device_form`.

    Args:
        form: What is done element by element.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them.
        device: Where they lie.
        precision: Of weights and products.
        fuse: Whether the elementwise part is compiled into one kernel.
    """

    def __init__(
        self,
        form: DeviceForm,
        settings: ModelSettings,
        weights: Weights,
        device: torch.device,
        precision: torch.dtype,
        fuse: bool,
    ) -> None:
        self.device, self.precision = device, precision
        self.memories, self.hidden = form.memories, settings.hidden
        self.gates = len(weights[f"layers.0.{RECURRENT[0]}"])
        given = {name: torch.tensor(np.asarray(value, np.float32)).to(device) for name, value in weights.items()}
        self.vocab_size = len(given["embedding.weight"])
        self.table = self._table(given)
        self.embedding = None if self.table is not None else given["embedding.weight"].to(precision)
        self.first = tuple(given[f"layers.0.{name}"].to(precision) for name in INPUT)
        self.products = [
            tuple(part.contiguous().to(precision) for part in _stacked(settings, given, layer))
            for layer in range(settings.layers)
        ]
        self.output = None
        if settings.projected:
            self.output = (given["embedding.weight"].to(precision), given["output.bias"].to(precision))
        self.update = Fused(form.update, fuse)  # late: it imports the compiler

    @property
    def failure(self) -> str | None:
        return self.update.failure

    def start(self, batch: int) -> State:
        state = [torch.zeros(batch, self.vocab_size, device=self.device)]
        for _, bias in self.products:
            state.append(bias[: self.gates].repeat(batch, 1))  # W·0 + b
            state += [torch.zeros(batch, self.hidden, device=self.device) for _ in range(self.memories)]
        return state

    def advance(self, ids: Tensor, state: State) -> State:
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
        weight, bias = (given[f"layers.0.{name}"] for name in INPUT)
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
    recurrent, bias = (given[f"layers.{layer}.{name}"] for name in RECURRENT)
    if layer + 1 < settings.layers:
        after, after_bias = (given[f"layers.{layer + 1}.{name}"] for name in INPUT)
    elif settings.projected:
        after = given["projection.weight"]
        after_bias = after.new_zeros(len(after))
    else:
        after, after_bias = given["embedding.weight" if settings.tied else "output.weight"], given["output.bias"]
    return torch.cat([recurrent, after]), torch.cat([bias, after_bias])
