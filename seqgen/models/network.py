"""The language model around a cell: embedding, a stack of one-layer recurrent modules, output layer.

    ids (B, T) ─► embedding (T, B, E) ─► layer 1 … layer L (T, B, H) ─► [projection (T, B, E)] ─► logits (B, T, V)

A memory, where there is one, stands before the layers or behind them (`seqgen.memories`).

One call trains and samples: T tokens at once equal T single steps. Layers are the modules of a cell. Inside, time comes
first, as kernels like it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from seqgen.cells import Cell, TrainingLoop
from seqgen.memories import CLOCK, PREFIX, SIGNS
from seqgen.models import ModelSettings, memory_size
from seqgen.models.dropout import NOTHING, Rates, embedding_dropout, variational_dropout, weight_drop

State = tuple[tuple[Tensor, ...], ...]  # per layer what its cell carries, (B, ·) each; then what a memory carries

# Standard deviations of fresh weights, small enough that logits start near zero and the loss near ln V.
EMBEDDING_SCALE = 0.1
OUTPUT_SCALE = 0.02
COPIES = 4  # of what a memory carries that are held at once: before a window, in order, with the window, after it


class RecurrentLM(nn.Module):
    """A recurrent language model over token ids.

    Args:
        cell: The recurrence, the same in every layer.
        settings: The shape.
        vocab_size: How many token ids there are, V.

    Attributes:
        rates: What is dropped in training mode.
        by_loop: Whether training goes through the cell's own loop instead of the layers' modules.
    """

    rates: Rates = NOTHING
    by_loop: bool = False

    def __init__(self, cell: Cell, settings: ModelSettings, vocab_size: int) -> None:
        super().__init__()
        self.cell, self.settings, self.vocab_size = cell, settings, vocab_size
        size, hidden = settings.embedding_size, settings.hidden
        self.embedding = nn.Embedding(vocab_size, size)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SCALE)
        self.layers = nn.ModuleList(cell.module(hidden if i else size, hidden) for i in range(settings.layers))
        self.beside = memory = settings.made_memory()
        self.memory = None if memory is None else memory.module(memory_size(memory, settings), vocab_size)
        self.projection = nn.Linear(hidden, size, bias=False) if settings.projected else None
        self.output = nn.Linear(size if settings.tied else hidden, vocab_size)
        nn.init.zeros_(self.output.bias)
        if settings.tied:
            self.output.weight = self.embedding.weight
        else:
            nn.init.normal_(self.output.weight, std=OUTPUT_SCALE)

    @property
    def carried(self) -> int:
        """Entries of a state: one a layer, and one of the memory."""
        return len(self.layers) + (self.beside is not None)

    def initial_state(self, batch: int) -> State:
        """Zeros: per layer what its cell carries, then what the memory carries, (batch, ·) each.

        Raises:
            UsageError: The machine has no room for what a memory carries of so many streams.
        """
        weight, memory = self.embedding.weight, self.beside
        sizes = [self.cell.state(self.settings.hidden)] * len(self.layers)
        if memory is not None:
            size = memory_size(memory, self.settings)
            memory.require_room(size, batch, COPIES)
            sizes.append(memory.state(size))
        zeros = {each: tuple(weight.new_zeros(batch, size) for size in each) for each in sizes}
        return tuple(zeros[each] for each in sizes)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the token after each of `ids` (B, T), and the state after the last."""
        x, state = self.features(ids, state)
        return self.output(x).transpose(0, 1), state

    def features(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """What the output layer sees, time first: (T, B, E) or (T, B, H)."""
        dropped, _, state = self.hidden(ids, state)
        return self.out(dropped), state

    def out(self, x: Tensor) -> Tensor:
        """(T, B, H) hidden states as the output layer takes them."""
        return self.projection(x) if self.projection is not None else x

    def hidden(self, ids: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """The last layer's hidden states (T, B, H), after dropout and before, and the state after the last token."""
        rates = self.rates if self.training else NOTHING
        table = embedding_dropout(self.embedding.weight, rates.embedding)
        loop = self.cell.training_loop() if self.by_loop and self.training else None
        at_input = self.beside is not None and self.beside.side == "input"
        if loop and not rates.input and not at_input and ids.numel() > len(table):
            x = raw = table  # a row a token of the vocabulary; see _product
        else:
            x = functional.embedding(ids.t(), table)  # (T, B, E)
            if at_input:
                x, kept = self._remember(x, ids, state)
            x = raw = variational_dropout(x, rates.input)
        after = []
        for layer, parts in zip(self.layers, state):
            changed = self._changed(layer, rates.recurrent)
            if loop:
                product = _product(loop, layer, x, ids)
                raw, parts = loop.run(product, dict(layer.named_parameters()) | changed, parts)
            elif changed:
                raw, parts = functional_call(layer, changed, (x, parts))
            else:
                raw, parts = layer(x, parts)
            after.append(parts)
            if len(after) < len(self.layers):
                x = variational_dropout(raw, rates.hidden)
        if self.beside is not None:
            if not at_input:
                raw, kept = self._remember(raw, ids, state)
            after.append(kept)
        return variational_dropout(raw, rates.output), raw, tuple(after)

    def _remember(self, x: Tensor, ids: Tensor, state: State) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What the memory makes of (T, B, ·), and what it carries after it."""
        assert self.memory is not None
        found: tuple[Tensor, tuple[Tensor, ...]] = self.memory(x, ids.t(), state[-1])
        return found

    def _changed(self, layer: nn.Module, rate: float) -> dict[str, Tensor]:
        """A layer's recurrent weights with a share `rate` of their connections dropped; none where none are."""
        names = self.cell.recurrent if rate else ()
        return {name: weight_drop(layer.get_parameter(name), rate) for name in names}


def _product(loop: TrainingLoop, layer: nn.Module, x: Tensor, ids: Tensor) -> Tensor:
    """What a loop wants of each token, (T, B, ·), of (T, B, inputs) or of the table (V, inputs) for `ids` (B, T).

    A corpus has fewer different tokens than a window has tokens, so the first layer's input product is made once for
    each token of the vocabulary and looked up.
    """
    product = loop.inputs(x, dict(layer.named_parameters()))
    return functional.embedding(ids.t(), product) if x.ndim == 2 else product


def tell_memory(network: RecurrentLM, clock: NDArray[np.int64], signs: Sequence[int] | None) -> None:
    """Tell a memory what it asks for of the vocabulary.

    Args:
        network: The network; without a memory nothing is told.
        clock: (V, 6) what each token does to bars or lines.
        signs: The ids of the infilling tokens, −1 for those that there are not; None: there are none.
    """
    told = {CLOCK: torch.from_numpy(clock)} | ({} if signs is None else {SIGNS: torch.tensor(signs)})
    for name, buffer in network.named_buffers():
        if (own := name.removeprefix(PREFIX)) != name and own in told:
            buffer.copy_(told[own])


def load_weights(network: RecurrentLM, weights: Mapping[str, NDArray[Any]]) -> None:
    """Put weights in, as `seqgen.models.weight_shapes` names them; tied ones have one name there, two here."""
    given = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in weights.items()}
    if network.settings.tied:
        given["output.weight"] = given["embedding.weight"]
    network.load_state_dict(given)


def detach(state: State) -> State:
    """The state without its history, in float32: where truncated back-propagation through time is truncated."""
    return tuple(tuple(part.detach().float() for part in parts) for parts in state)


def reset(state: State, keep: Tensor) -> State:
    """The state with the rows zeroed for which `keep` (B,) is 0."""
    return tuple(tuple(part * keep.to(part.dtype).unsqueeze(1) for part in parts) for parts in state)
