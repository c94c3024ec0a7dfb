"""Recurrent language models: token ids and a hidden state in, logits and the next hidden state out.

This is all around a cell, the same for every one: embedding, a stack of layers, output layer. Here are its shape and
the names of its weights, without torch; `network` is the module, `dropout` what it drops while it trains, `graph` how
a GPU repeats its work, `trial` whether it does so rightly.

This room knows ids only; it never imports codecs.
"""

from dataclasses import dataclass

import numpy as np

from seqgen.cells import Cell
from seqgen.settings import option, require


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
    hidden, size = settings.hidden, settings.embedding_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocab_size, size)}
    for layer in range(settings.layers):
        own = cell.weights(hidden if layer else size, hidden)
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in own.items()}
    if settings.projected:
        shapes["projection.weight"] = (size, hidden)
    if not settings.tied:
        shapes["output.weight"] = (vocab_size, hidden)
    shapes["output.bias"] = (vocab_size,)
    return shapes


def parameters(shapes: dict[str, tuple[int, ...]]) -> int:
    """How many numbers the weights hold."""
    return sum(int(np.prod(shape)) for shape in shapes.values())
