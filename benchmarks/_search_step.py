"""What a step of the search may do otherwise: another loss, and smaller pieces of what it is given.

A block of (B, T) tokens is laid out at the largest size and learned from in pieces of fewer streams or fewer tokens,
each an update of its own, the hidden state carried on. So batches and windows that grow read the same tokens in the
same order as those that do not, each once.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqgen.models.network import RecurrentLM, State, detach, reset
from seqgen.training.data import IGNORED, Spans
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (N, V), targets (N,) → () summed, targets that are IGNORED left out
Sizes = tuple[tuple[int, int], ...]  # (streams, tokens) of an update, one a phase; phases are equally long


def smoothed(share: float) -> Loss:
    """Cross-entropy against targets of which `share` is spread over all tokens (Szegedy et al. 2016, section 7)."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        kept = targets != IGNORED
        nats = -functional.log_softmax(logits[kept], -1)
        wanted = nats.gather(-1, targets[kept, None]).sum()
        return (1 - share) * wanted + share * nats.mean(-1).sum()

    return loss


def with_z(weight: float) -> Loss:
    """Cross-entropy, and `weight` times the square of the softmax's log-sum (Chowdhery et al. 2022, section 5)."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        plain = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        return plain + weight * logits[targets != IGNORED].logsumexp(-1).square().sum()

    return loss


def cut(spans: Spans, size: int) -> Spans:
    """Documents in pieces of `size` tokens, the last of each shorter; an epoch orders them like documents."""
    pairs = list(zip(spans.begin.tolist(), spans.end.tolist()))
    begin = np.concatenate([np.arange(at, end, size) for at, end in pairs])
    end = np.concatenate([np.minimum(np.arange(at, end, size) + size, end) for at, end in pairs])
    return Spans(begin, end)


class SearchStep(Step):
    """A step in float32 on a CPU, of another loss or in pieces.

    Args:
        network, settings: As of `Step`.
        loss: What is minimised; None: cross-entropy. The loss that is given back is always that.
        sizes: Of the updates, by phase; empty: the whole block.
        share: The share of the run that is over, which says the phase.
    """

    def __init__(
        self,
        network: RecurrentLM,
        settings: TrainSettings,
        loss: Loss | None,
        sizes: Sizes,
        share: Callable[[], float],
    ) -> None:
        super().__init__(network, settings)
        assert self.precision == torch.float32
        self.loss, self.sizes, self.share = loss, sizes, share

    def __call__(self, x: Tensor, y: Tensor, keep: Tensor | None, count: int, rate: float) -> Tensor:
        """See `Step`."""
        rows, tokens = self._size(*x.shape)
        total = torch.zeros(())
        for at in range(0, x.shape[1], tokens):
            for row in range(0, len(x), rows):
                streams, window = slice(row, row + rows), slice(at, at + tokens)
                fresh = None if keep is None or at else keep[streams]
                total += self._learn(x[streams, window], y[streams, window], streams, fresh, rate)
        return total

    def _size(self, rows: int, tokens: int) -> tuple[int, int]:
        if not self.sizes:
            return rows, tokens
        return self.sizes[min(int(self.share() * len(self.sizes)), len(self.sizes) - 1)]

    def _learn(self, x: Tensor, y: Tensor, streams: slice, keep: Tensor | None, rate: float) -> Tensor:
        """One update from some streams: the summed loss."""
        state: State = tuple(tuple(part[streams] for part in parts) for parts in self._state)
        self._begin(int((y != IGNORED).sum()), rate)
        self.optimizer.zero_grad(set_to_none=True)
        after = self._backward(x, y, state if keep is None else reset(state, keep))
        self._apply()
        for parts, found in zip(self._state, after):
            for part, new in zip(parts, found):
                part[streams] = new
        return self._loss.clone()

    def _backward(self, x: Tensor, y: Tensor, state: State, share: float = 1.0) -> State:
        if self.loss is None:
            return super()._backward(x, y, state, share)
        features, state = self.network.features(x, state)
        logits, targets = self.network.output(features), y.t().reshape(-1)
        flat = logits.reshape(-1, logits.shape[-1])
        (self.loss(flat, targets) / self._count).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self._loss.copy_(functional.cross_entropy(flat, targets, ignore_index=IGNORED, reduction="sum"))
        return detach(state)
