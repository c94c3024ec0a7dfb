"""Generation: a model, a prompt and rules become a stream of token ids, one step at a time.

    prompts ─► engine.prefill ─► logits ─► grammar, bans ─► rules ─► draw ─► ids ─► engine.step ─► logits …

An engine (`_numpy_engine`, `_step_engine`, `_torch_engine`, `_cuda_engine`) runs the network; `sampling` draws; `loop`
joins them, and where an engine can draw by itself, `_blocks` does. This room knows ids only: what they stand for is the
codec's business, and it never imports codecs.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqgen.cells import Cell
from seqgen.models import ModelSettings

Ids = NDArray[np.integer[Any]]
Logits = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]
State = TypeVar("State")
EngineName = Literal["auto", "numpy", "torch", "cuda"]


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

    @abc.abstractmethod
    def select(self, state: State, rows: Sequence[int]) -> State:
        """A new state of the streams `rows` of `state`, in that order; a stream may be taken more than once."""

    @abc.abstractmethod
    def join(self, states: Sequence[State]) -> State:
        """A new state that holds the streams of all `states`, in order."""


def load(name: EngineName, cell: Cell, settings: ModelSettings, weights: Weights, device: str = "cpu") -> Engine[Any]:
    """An engine by name; `auto` is numpy on the CPU and torch elsewhere.

    Args:
        weights: As `seqgen.models.weight_shapes` names them.
        device: Where torch runs: cpu, cuda, cuda:1, mps. The cuda engine runs on any of them, without graphs.

    Raises:
        UsageError: There is no such device here.
    """
    if name == "numpy" or (name == "auto" and device == "cpu"):
        if cell.numpy_form() is None:
            from seqgen.generation._step_engine import StepEngine

            return StepEngine(cell, settings, weights)
        from seqgen.generation._numpy_engine import NumpyEngine

        return NumpyEngine(cell, settings, weights)
    if name == "cuda":
        from seqgen.generation._cuda_engine import CudaEngine

        return CudaEngine(cell, settings, weights, device)
    from seqgen.generation._torch_engine import TorchEngine

    return TorchEngine(cell, settings, weights, device)
