"""The torch engine: the very module that was trained, on any device. The reference for the others."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen.cells import Cell
from seqgen.errors import UsageError
from seqgen.generation.engine import Engine, Ids, Logits, Weights
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM, load_weights
from seqgen.models.network import State as TorchState

CHUNK = 1024  # tokens of a prompt that the network reads in one call


class TorchEngine(Engine[TorchState]):
    """A network run by torch in float32.

    Args:
        cell: The recurrence.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them.
        device: cpu, cuda, cuda:1, mps.

    Raises:
        UsageError: There is no such device here.
    """

    def __init__(self, cell: Cell, settings: ModelSettings, weights: Weights, device: str = "cpu") -> None:
        self.network = RecurrentLM(cell, settings, len(weights["embedding.weight"]))
        load_weights(self.network, weights)
        try:
            self.device = torch.device(device)
            self.network.to(self.device).eval()
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"device {device!r} cannot be used here", "try --device cpu") from error

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return self.network.vocab_size

    def start(self, batch: int) -> TorchState:
        """The state of `batch` streams before their first token: hidden states of zero."""
        return self.network.initial_state(batch)

    def step(self, ids: Ids, state: TorchState) -> tuple[Logits, TorchState]:
        """(B, V) float32 logits after `ids` (B,), and the state after them."""
        return self._run(ids[:, None], state)

    def prefill(self, ids: Ids, state: TorchState) -> tuple[Logits, TorchState]:
        """(1, V) logits after the last of `ids` (n,), and the state, in constant memory."""
        for begin in range(0, len(ids), CHUNK):
            logits, state = self._run(ids[None, begin : begin + CHUNK], state)
        return logits, state

    def cells(self, state: TorchState) -> list[tuple[NDArray[np.float32], ...]]:
        """Per layer the parts of its state, (B, H) each."""
        layers = state[: self.network.settings.layers]
        return [tuple(part.float().cpu().numpy() for part in parts) for parts in layers]

    def select(self, state: TorchState, rows: Sequence[int]) -> TorchState:
        """A new state of the streams `rows`."""
        index = torch.tensor(list(rows), device=self.device)
        return tuple(tuple(part.index_select(0, index) for part in parts) for parts in state)

    def join(self, states: Sequence[TorchState]) -> TorchState:
        """A new state that holds the streams of all `states`."""
        return tuple(tuple(torch.cat(parts) for parts in zip(*layers)) for layers in zip(*states))

    @torch.inference_mode()
    def _run(self, ids: Ids, state: TorchState) -> tuple[Logits, TorchState]:
        tokens = torch.as_tensor(ids.astype(np.int64)).to(self.device)  # (B, T)
        features, state = self.network.features(tokens, state)
        logits: Tensor = self.network.output(features[-1])  # (B, V)
        return logits.float().cpu().numpy(), state
