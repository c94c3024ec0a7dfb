"""An engine that shows some of its cells while another runs: what they are when a token is drawn."""

from collections.abc import Sequence
from typing import Any

from seqgen.generation.engine import Engine, Ids, Logits


class WatchingEngine(Engine[Any]):
    """The same network, watched; it knows cells by layer and place, from 0.

    Args:
        engine: What runs it, and shows its cells.
        cells: (layer, cell) of each that is watched, of the first stream.
        seen: Is given what each is after every token, in order.

    Raises:
        UsageError: The engine does not show its cells.
    """

    def __init__(self, engine: Engine[Any], cells: Sequence[tuple[int, int]], seen: list[float]) -> None:
        self.engine, self.watched, self.seen = engine, cells, seen
        self._look(engine.start(1))

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return self.engine.vocab_size

    def start(self, batch: int) -> Any:
        """The state of `batch` streams before their first token."""
        return self.engine.start(batch)

    def step(self, ids: Ids, state: Any) -> tuple[Logits, Any]:
        """(B, V) logits after `ids` (B,), and the state after them."""
        logits, state = self.engine.step(ids, state)
        self._look(state)
        return logits, state

    def prefill(self, ids: Ids, state: Any) -> tuple[Logits, Any]:
        """(1, V) logits after the last of `ids` (n,), and the state."""
        logits, state = self.engine.prefill(ids, state)
        self._look(state)
        return logits, state

    def adopt(self, state: Any) -> Any:
        """The state of an engine of the same kind whose weights were others."""
        return self.engine.adopt(state)

    def select(self, state: Any, rows: Sequence[int]) -> Any:
        """A new state of the streams `rows`."""
        return self.engine.select(state, rows)

    def join(self, states: Sequence[Any]) -> Any:
        """A new state that holds the streams of all `states`."""
        return self.engine.join(states)

    def _look(self, state: Any) -> None:
        parts = self.engine.cells(state)
        self.seen[:] = [round(float(parts[layer][0][0, cell]), 4) for layer, cell in self.watched]
