"""The language model around a cell: embedding, a stack of one-layer recurrent modules, output layer.

    ids (B, T) ─► embedding (T, B, E) ─► layer 1 … layer L (T, B, H) ─► [projection (T, B, E)] ─► logits (B, T, V)

One call trains and samples: T tokens at once equal T single steps. Layers are modules of one layer each, because
the fastest cuDNN kernel takes no other shape. Inside, time comes first, as the kernels like it.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.models import Cell, ModelSettings
from seqgen.models.dropout import NOTHING, Rates, embedding_dropout, variational_dropout, weight_drop
from seqgen.models._loops import Loop, loop_of

State = tuple[tuple[Tensor, ...], ...]  # per layer: (h,) or (h, c), each (B, H)

# Standard deviations of fresh weights, small enough that logits start near zero and the loss near ln V.
EMBEDDING_SCALE = 0.1
OUTPUT_SCALE = 0.02


class RecurrentLM(nn.Module):
    """A recurrent language model over token ids.

    Args:
        cell: The recurrence, the same in every layer.
        settings: The shape.
        vocab_size: How many token ids there are, V.

    Attributes:
        rates: What is dropped in training mode.
        by_loop: Whether training goes through a loop of `_loops` instead of the layers' own kernels.
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
        self.projection = nn.Linear(hidden, size, bias=False) if settings.projected else None
        self.output = nn.Linear(size if settings.tied else hidden, vocab_size)
        nn.init.zeros_(self.output.bias)
        if settings.tied:
            self.output.weight = self.embedding.weight
        else:
            nn.init.normal_(self.output.weight, std=OUTPUT_SCALE)

    def initial_state(self, batch: int) -> State:
        """Zeros: per layer a tuple of (batch, H)."""
        weight = self.embedding.weight
        zeros = weight.new_zeros(batch, self.settings.hidden)
        return tuple(tuple(zeros for _ in range(self.cell.parts)) for _ in self.layers)

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
        loop = loop_of(self.cell) if self.by_loop and self.training else None
        if loop and not rates.input and ids.numel() > len(table):
            x = raw = table  # a row a token of the vocabulary; see _product
        else:
            x = raw = variational_dropout(functional.embedding(ids.t(), table), rates.input)  # (T, B, E)
        after = []
        for layer, parts in zip(self.layers, state):
            if loop:
                product = _product(loop, layer, x, ids)
                weight = weight_drop(layer.get_parameter("weight_hh_l0"), rates.recurrent)
                raw, parts = loop.run(self.cell, product, weight, parts)
            else:
                raw, parts = _recur(layer, x, parts, rates.recurrent)
            after.append(parts)
            rate = rates.hidden if len(after) < len(self.layers) else rates.output
            x = variational_dropout(raw, rate)
        return x, raw, tuple(after)


def _recur(layer: nn.Module, x: Tensor, parts: tuple[Tensor, ...], rate: float) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over (T, B, inputs), with a share `rate` of its recurrent connections dropped."""
    assert isinstance(layer, nn.RNNBase)
    hx = tuple(part.unsqueeze(0) for part in parts)
    if rate or _needs_casting(x):
        x, *last = _by_function(layer, x, hx, rate)
    else:
        x, after = layer(x, hx if len(hx) > 1 else hx[0])
        last = list(after) if isinstance(after, tuple) else [after]
    return x, tuple(part.squeeze(0) for part in last)


def _needs_casting(x: Tensor) -> bool:
    """Whether autocast asks for a precision that it does not give: on CUDA it runs recurrent layers in float16 only."""
    return x.is_cuda and torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda") != torch.float16


def _by_function(layer: nn.RNNBase, x: Tensor, hx: tuple[Tensor, ...], rate: float) -> tuple[Tensor, ...]:
    """A layer by the function that the module itself calls, so that weights may be others than the module's own.

    On CUDA the weights go into one buffer, as cuDNN wants them; for float16 autocast does that.
    """
    given: dict[str, Tensor] = dict(layer.named_parameters())
    given["weight_hh_l0"] = weight_drop(given["weight_hh_l0"], rate)
    weights: list[Tensor] = list(given.values())
    kind = x.device.type
    mixed = torch.is_autocast_enabled(kind)
    precision = torch.get_autocast_dtype(kind) if mixed else x.dtype
    context: AbstractContextManager[object] = nullcontext()
    if x.is_cuda and not (mixed and precision == torch.float16):
        weights, x, hx = _packed(weights, precision), x.to(precision), tuple(part.to(precision) for part in hx)
        context = torch.autocast(kind, enabled=False)
    run = getattr(torch, layer.mode.lower())
    with context:
        done: tuple[Tensor, ...] = run(x, hx if len(hx) > 1 else hx[0], weights, True, 1, 0.0, True, False, False)
    return done


def _packed(weights: list[Tensor], precision: torch.dtype) -> list[Tensor]:
    """The same weights as views of one buffer, in the order in which cuDNN lays them out: matrices, then biases."""
    flat = torch.cat([weight.reshape(-1) for weight in weights]).to(precision)
    parts = flat.split_with_sizes([weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights)]


def _product(loop: Loop, layer: nn.Module, x: Tensor, ids: Tensor) -> Tensor:
    """What a loop wants of each token, (T, B, ·), of (T, B, inputs) or of the table (V, inputs) for `ids` (B, T).

    A corpus has fewer different tokens than a window has tokens, so the first layer's input product is made once for
    each token of the vocabulary and looked up.
    """
    product = loop.inputs(x, dict(layer.named_parameters()))
    return functional.embedding(ids.t(), product) if x.ndim == 2 else product


def detach(state: State) -> State:
    """The state without its history, in float32: where truncated back-propagation through time is truncated."""
    return tuple(tuple(part.detach().float() for part in parts) for parts in state)


def reset(state: State, keep: Tensor) -> State:
    """The state with the rows zeroed for which `keep` (B,) is 0."""
    return tuple(tuple(part * keep.to(part.dtype).unsqueeze(1) for part in parts) for parts in state)
