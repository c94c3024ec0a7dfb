"""Recurrent language models: token ids and a hidden state in, logits and the next hidden state out.

This is all around a cell, the same for every one: embedding, a stack of layers, output layer. Here are its shape and
the names of its weights, without torch; `network` is the module, `dropout` what it drops while it trains, `graph` how
a GPU repeats its work, `trial` whether it does so rightly.

This room knows ids only; it never imports codecs.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqgen import registry
from seqgen.cells import Cell
from seqgen.memories import PREFIX, Memory
from seqgen.settings import Values, option, require, text


@dataclass(frozen=True)
class ModelSettings:
    """The shape of a model, whatever its cell."""

    hidden: int = option(512, "units in each recurrent layer")
    layers: int = option(1, "recurrent layers")
    embedding: int | None = option(None, "size of the token embedding; none: as hidden")
    tied: bool = option(True, "the output layer shares the embedding's weights (Press & Wolf 2017)")
    memory: str | None = option(
        None,
        "what it keeps of the document beside its hidden states: attention, lookback, lookahead (with holes), none",
    )
    memory_length: int = option(256, "tokens that the memory reaches back")

    def __post_init__(self) -> None:
        require(1 <= self.hidden <= 1 << 14, "hidden", self.hidden, "1 to 16384")
        require(1 <= self.layers <= 64, "layers", self.layers, "1 to 64")
        size = self.embedding
        require(size is None or 1 <= size <= 1 << 14, "embedding", size, "none or 1 to 16384")
        length, known = self.memory_length, (None, *registry.own("memories"))
        require(self.memory in known, "memory", self.memory, ", ".join(map(text, known)))
        require(1 <= length <= 1 << 20, "memory_length", length, "1 to 1048576")

    @property
    def embedding_size(self) -> int:
        """Columns of the embedding matrix."""
        return self.hidden if self.embedding is None else self.embedding

    @property
    def projected(self) -> bool:
        """Whether a linear map takes the last layer to the embedding's size, as tied weights then need."""
        return self.tied and self.embedding_size != self.hidden

    def made_memory(self) -> Memory | None:
        """The memory beside the cell, or None."""
        if self.memory is None:
            return None
        made = registry.load("memories", self.memory)(self.memory_length)
        assert isinstance(made, Memory)
        return made

    def to_json(self) -> Values:
        """The settings by name; where there is no memory nothing is said of one, as in older files."""
        found = dataclasses.asdict(self)
        return found if self.memory is not None else {key: found[key] for key in found if not key.startswith("memory")}


def memory_size(memory: Memory, settings: ModelSettings) -> int:
    """How many numbers there are in what a memory changes: a token embedding or a hidden state."""
    return settings.embedding_size if memory.side == "input" else settings.hidden


def weight_shapes(cell: Cell, settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight, as a checkpoint holds them."""
    hidden, size = settings.hidden, settings.embedding_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocab_size, size)}
    for layer in range(settings.layers):
        own = cell.weights(hidden if layer else size, hidden)
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in own.items()}
    if memory := settings.made_memory():
        own = memory.weights(memory_size(memory, settings), vocab_size)
        shapes |= {PREFIX + name: shape for name, shape in own.items()}
    if settings.projected:
        shapes["projection.weight"] = (size, hidden)
    if not settings.tied:
        shapes["output.weight"] = (vocab_size, hidden)
    shapes["output.bias"] = (vocab_size,)
    return shapes


def parameters(shapes: dict[str, tuple[int, ...]]) -> int:
    """How many numbers the weights hold."""
    return sum(int(np.prod(shape)) for shape in shapes.values())
