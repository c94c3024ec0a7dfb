"""Recurrent language models: token ids and a hidden state in, logits and the next hidden state out.

A cell is one file here. It tells its equations twice: as a torch module to train (`module`, which alone imports
torch) and as one numpy step to sample (`step`), so that generating on a CPU starts at once. Contract tests hold the
two together. Everything around the cell (embedding, stack, output layer) is the same for all: `_network.py`. A cell
may have a quicker way to be trained on a CPU besides: `_loops`.

This room knows ids only; it never imports codecs.
"""

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen.settings import option, require

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.floating[Any]]
Parts = tuple[Array, ...]  # the state of one layer: (h,) or (h, c), each (B, H)


class Cell(abc.ABC):
    """The recurrence of one layer. Variants are frozen dataclasses; their fields are settings (`-P KEY VALUE`).

    Class attributes:
        gates: How many blocks of H rows the weights have (4 for an LSTM).
        parts: How many (B, H) arrays the state of a layer has (2 for an LSTM).
    """

    gates: ClassVar[int]
    parts: ClassVar[int]

    @abc.abstractmethod
    def module(self, inputs: int, hidden: int) -> "nn.RNNBase":
        """A one-layer torch module, initialised, that takes (T, B, inputs)."""

    @abc.abstractmethod
    def step(self, x: Array, r: Array, state: Parts) -> Parts:
        """The next state from one step's products.

        Args:
            x: (B, gates·H) the input product, W_ih x + b_ih.
            r: (B, gates·H) the recurrent product, W_hh h + b_hh.
            state: The layer's state, h first.
        """


@dataclass(frozen=True)
class ModelSettings:
    """The shape of a model, whatever its cell."""

    hidden: int = option(512, "units in each recurrent layer")
    layers: int = option(1, "recurrent layers")
    embedding: int | None = option(None, "size of the token embedding; none: as hidden")
    tied: bool = option(True, "the output layer shares the embedding's weights (Press & Wolf 2017)")

    def __post_init__(self) -> None:
        require(1 <= self.hidden <= 1 << 14, "hidden", self.hidden, "1 to 16384")
        require(1 <= self.layers <= 64, "layers", self.layers, "1 to 64")
        size = self.embedding
        require(size is None or 1 <= size <= 1 << 14, "embedding", size, "none or 1 to 16384")

    @property
    def embedding_size(self) -> int:
        """Columns of the embedding matrix."""
        return self.hidden if self.embedding is None else self.embedding

    @property
    def projected(self) -> bool:
        """Whether a linear map takes the last layer to the embedding's size, as tied weights then need."""
        return self.tied and self.embedding_size != self.hidden


def weight_shapes(cell: Cell, settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight, as a checkpoint holds them."""
    rows, hidden, size = cell.gates * settings.hidden, settings.hidden, settings.embedding_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocab_size, size)}
    for layer in range(settings.layers):
        prefix = f"layers.{layer}."
        shapes[prefix + "weight_ih_l0"] = (rows, hidden if layer else size)
        shapes[prefix + "weight_hh_l0"] = (rows, hidden)
        shapes[prefix + "bias_ih_l0"] = (rows,)
        shapes[prefix + "bias_hh_l0"] = (rows,)
    if settings.projected:
        shapes["projection.weight"] = (size, hidden)
    if not settings.tied:
        shapes["output.weight"] = (vocab_size, hidden)
    shapes["output.bias"] = (vocab_size,)
    return shapes


def parameters(shapes: dict[str, tuple[int, ...]]) -> int:
    """How many numbers the weights hold."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def sigmoid(x: Array) -> Array:
    """The logistic function by way of tanh, which never overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5, x.dtype)
