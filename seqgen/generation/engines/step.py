"""The numpy engine for any cell: its own step, layer after layer, a token at a time, without torch."""

from collections.abc import Sequence

import numpy as np

from seqgen.cells import Array, Cell, Parts, linear
from seqgen.generation.engine import Engine, Ids, Logits, Weights
from seqgen.generation.memory import Beside
from seqgen.models import ModelSettings

StepState = tuple[Parts, ...]  # per layer, then of the memory


class StepEngine(Engine[StepState]):
    """A network on the CPU, in float32.

    Args:
        cell: The recurrence.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them, of any floating type.
    """

    def __init__(self, cell: Cell, settings: ModelSettings, weights: Weights) -> None:
        self.cell, self.settings = cell, settings
        given = {name: np.ascontiguousarray(weight, np.float32) for name, weight in weights.items()}
        self.embedding, self.bias = given["embedding.weight"], given["output.bias"]
        self.output = self.embedding if settings.tied else given["output.weight"]
        self.projection = given["projection.weight"] if settings.projected else None
        self.memory = Beside(settings, given)
        prefixes = [f"layers.{layer}." for layer in range(settings.layers)]
        self.layers = [
            {name.removeprefix(prefix): weight for name, weight in given.items() if name.startswith(prefix)}
            for prefix in prefixes
        ]

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return len(self.embedding)

    def start(self, batch: int) -> StepState:
        """The state of `batch` streams before their first token: zeros."""
        sizes = self.cell.state(self.settings.hidden)
        layers = [tuple(np.zeros((batch, size), np.float32) for size in sizes) for _ in self.layers]
        return *layers, self.memory.start(batch)

    def step(self, ids: Ids, state: StepState) -> tuple[Logits, StepState]:
        """(B, V) float32 logits after `ids` (B,), and the state after them."""
        x, state = self._advance(ids, state)
        if self.projection is not None:
            x = linear(x, self.projection, np.zeros(len(self.projection), np.float32))
        return np.asarray(linear(x, self.output, self.bias), np.float32), state

    def prefill(self, ids: Ids, state: StepState) -> tuple[Logits, StepState]:
        """(1, V) logits after the last of `ids` (n,), and the state; the output layer is computed once."""
        for position in range(len(ids) - 1):
            _, state = self._advance(ids[position : position + 1], state)
        return self.step(ids[-1:], state)

    def cells(self, state: StepState) -> list[Parts]:
        """Per layer the parts of its state, (B, H) each."""
        return list(state[: self.settings.layers])

    def select(self, state: StepState, rows: Sequence[int]) -> StepState:
        """A new state of the streams `rows`."""
        return tuple(tuple(part[list(rows)] for part in parts) for parts in state)

    def join(self, states: Sequence[StepState]) -> StepState:
        """A new state that holds the streams of all `states`."""
        return tuple(tuple(np.concatenate(parts) for parts in zip(*layers)) for layers in zip(*states))

    def _advance(self, ids: Ids, state: StepState) -> tuple[Array, StepState]:
        """What the last layer gives out, (B, H), and the state after one more token."""
        x, kept = self.memory.before(self.embedding[ids], ids, state[-1])
        after = []
        for weights, parts in zip(self.layers, state):
            x, parts = self.cell.step(weights, x, parts)
            after.append(parts)
        x, kept = self.memory.behind(x, ids, kept)
        return x, (*after, kept)
