"""What an engine is: a network that is run a token at a time. And the types that all of this room shares."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError

Ids = NDArray[np.integer[Any]]
Logits = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]
State = TypeVar("State")


class Engine(abc.ABC, Generic[State]):
    """A network that is run a token at a time: ids in, logits out.

    States are opaque. A state that was given to `step` or `prefill` is used up: go on with the one returned. The
    logits returned may be overwritten by the next call. To keep either, copy it (`select` makes a copy of a state).
    """

    @property
    @abc.abstractmethod
    def vocab_size(self) -> int:
        """Ids are below it."""

    @abc.abstractmethod
    def start(self, batch: int) -> State:
        """The state of `batch` streams before their first token."""

    @abc.abstractmethod
    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """(B, V) float32 logits of the token after `ids` (B,), and the state after them."""

    @abc.abstractmethod
    def prefill(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """(1, V) logits after the last of `ids` (n,), n ≥ 1, read by the one stream of `state`, and the state."""

    def cells(self, state: State) -> list[tuple[NDArray[np.float32], ...]]:
        """Per layer the parts of its state, (B, H) each, in the order of the cell's `parts`.

        Raises:
            UsageError: It does not show them.
        """
        raise UsageError("this engine does not show its cells", "use the numpy or the torch engine: --engine numpy")

    def adopt(self, state: State) -> State:
        """The state of an engine of the same kind and shape whose weights were others, to go on from; used up."""
        return state

    @abc.abstractmethod
    def select(self, state: State, rows: Sequence[int]) -> State:
        """A new state of the streams `rows` of `state`, in that order; a stream may be taken more than once."""

    @abc.abstractmethod
    def join(self, states: Sequence[State]) -> State:
        """A new state that holds the streams of all `states`, in order."""
