"""What stands beside the cell, for the engines that run in numpy: a memory on either side of the layers, or none."""

import numpy as np

from seqgen.cells import Array, Parts
from seqgen.generation.engine import Ids, Weights
from seqgen.memories import PREFIX, LinearForm, Memory
from seqgen.models import ModelSettings, memory_size


class Beside:
    """The memory of a network with its weights; where there is none, all passes through.

    Args:
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them, of any floating type.

    Attributes:
        on_input, on_output: Whether a memory stands there.
        form: The quicker way, where there is one.
    """

    def __init__(self, settings: ModelSettings, weights: Weights) -> None:
        self.memory: Memory | None = settings.made_memory()
        self.on_input = self.memory is not None and self.memory.side == "input"
        self.on_output = self.memory is not None and self.memory.side == "output"
        self.form: LinearForm | None = None
        self._sizes: tuple[int, ...] = ()
        if self.memory is not None:
            self._size = memory_size(self.memory, settings)
            self._sizes = self.memory.state(self._size)
            own = {name.removeprefix(PREFIX): weights[name] for name in weights if name.startswith(PREFIX)}
            own = {name: np.ascontiguousarray(weight, np.float32) for name, weight in own.items()}
            self._weights = self.memory.prepared(own)
            made = self.memory.linear_form()
            self.form = None if made is None else made(self._weights)

    def through(self, matrix: Array, bias: Array) -> bool:
        """Whether from now on `before` takes and gives embeddings that have gone through a matrix (E, ·) and a bias."""
        assert self.memory is not None
        found = self.memory.through(self._weights, matrix, bias)
        self._weights = self._weights if found is None else found
        return found is not None

    def start(self, batch: int) -> Parts:
        """What it carries of `batch` streams before their first token.

        Raises:
            UsageError: The machine has no room for that.
        """
        if self.memory is not None:
            self.memory.require_room(self._size, batch, copies=1)
        return tuple(np.zeros((batch, size), np.float32) for size in self._sizes)

    def before(self, x: Array, ids: Ids, parts: Parts) -> tuple[Array, Parts]:
        """(B, E) token embeddings as the first layer takes them, and what is carried after them."""
        return self._step(x, ids, parts) if self.on_input else (x, parts)

    def behind(self, x: Array, ids: Ids, parts: Parts) -> tuple[Array, Parts]:
        """(B, H) hidden states as the output layer takes them, and what is carried after them."""
        return self._step(x, ids, parts) if self.on_output else (x, parts)

    def _step(self, x: Array, ids: Ids, parts: Parts) -> tuple[Array, Parts]:
        assert self.memory is not None
        return self.memory.step(self._weights, x, ids, parts)
