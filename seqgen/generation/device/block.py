"""A block of draws and steps on the device: the work that one replay does, and what comes back from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqgen.generation.blocks import Block, Drawn
from seqgen.generation.device.network import Network, State
from seqgen.generation.device.noise import gumbel, signed
from seqgen.generation.device.rules import DeviceRules, apply_rules
from seqgen.generation.engine import Logits
from seqgen.generation.spelling import Spelling
from seqgen.models.graph import Repeated

WARM_UP = 1  # blocks before the capture


@dataclass(frozen=True)
class DrawPlan:
    """How tokens are drawn.

    Attributes:
        rules: Applied in order.
        banned: Ids that are never drawn.
        scores: Whether log-probabilities and entropies are wanted.
        spelled: What is drawn where instead, see `BlockEngine.plan`; None: there is no spelling.
    """

    rules: DeviceRules
    banned: tuple[int, ...]
    scores: bool
    spelled: "Spelled | None" = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DrawPlan) and self._captured == other._captured

    def __hash__(self) -> int:
        return hash(self._captured)

    @property
    def _captured(self) -> tuple[object, ...]:
        """What a graph holds of it; the rules' numbers and what is spelled how are not among it."""
        return self.rules.kinds, self.banned, self.scores, self.spelled is not None


@dataclass(frozen=True, eq=False)
class Spelled:
    """A spelling, and what is added to logits in each of its places, (S, V)."""

    spelling: Spelling
    penalties: Logits


class Drawing:
    """K draws and steps of B streams, over static tensors.

    Args:
        network: What runs.
        state: Where the state lies, (B, …) each; read and written. Places of the spelling are the last.
        plan: How tokens are drawn.
        count: K.
        capture: Whether to capture where that can be done.

    Attributes:
        ids: (K, B) int64, the tokens of the latest block.
        scores: (2, K, B) float32, their log-probabilities and the entropies before them, if wanted.
        work: Draws a block.
    """

    def __init__(self, network: Network, state: State, plan: DrawPlan, count: int, capture: bool) -> None:
        device, batch = network.device, len(state[0])
        self.network, self.state, self.plan, self.count = network, state, plan, count
        self.ids = torch.zeros(count, batch, dtype=torch.int64, device=device)
        self.scores = torch.zeros(2, count, batch, device=device)
        self.seed, self.position = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(2))
        self.streams = torch.zeros(batch, dtype=torch.int64, device=device)
        self.numbers = torch.zeros(count, len(plan.rules.kinds), dtype=torch.float64, device=device)
        self.banned: Tensor | None = None
        if plan.banned:
            self.banned = torch.zeros(network.vocab_size, dtype=torch.bool, device=device)
            self.banned[list(plan.banned)] = True
        if plan.spelled is not None:
            shape = plan.spelled.penalties.shape
            self.penalties = torch.zeros(shape, device=device)
            self.after = torch.zeros(shape, dtype=torch.int64, device=device)
        self.work = Repeated(self._work, device, capture, WARM_UP)
        self._uploaded: dict[str, object] = {}

    def prepare(self, seed: int, streams: Sequence[int], position: int, plan: DrawPlan) -> None:
        """Upload what is new: the rules' numbers, the spelling, and what determines the noise."""
        rules = plan.rules
        self.position.fill_(position)
        if self._new("seed", seed):
            self.seed.fill_(signed(seed))
        if self._new("streams", list(streams)):
            self.streams[: len(streams)].copy_(torch.tensor(streams, dtype=torch.int64))
        numbers = rules.numbers(position, self.count)
        if rules.kinds and self._new("numbers", numbers):
            self.numbers.copy_(torch.tensor(numbers, dtype=torch.float64))
        if plan.spelled is not None and self._new("spelled", plan.spelled):
            self.penalties.copy_(torch.from_numpy(plan.spelled.penalties))
            self.after.copy_(torch.from_numpy(plan.spelled.spelling.after.astype(np.int64)))

    def _new(self, name: str, value: object) -> bool:
        """Whether this is not what the device holds already; it is taken to be uploaded then."""
        if name in self._uploaded and self._uploaded[name] == value:
            return False
        self._uploaded[name] = value
        return True

    @torch.no_grad()
    def _work(self) -> None:
        """All of a block, without the host."""
        noise = gumbel(self.seed, self.streams, self.position, self.count, self.network.vocab_size)
        *state, places = self.state
        drawn, scores = [], []
        for index in range(self.count):
            logits = self._permitted(state[0], places)
            logits = apply_rules(logits, self.plan.rules.kinds, self.numbers[index])
            ids = (logits + noise[index]).argmax(dim=-1)
            drawn.append(ids)
            if self.plan.scores:
                scores.append(_scores(state[0], ids))
            state = self.network.advance(ids, state)
            if self.plan.spelled is not None:
                places = self.after[places, ids]
        self.ids.copy_(torch.stack(drawn))
        if scores:
            self.scores.copy_(torch.stack(scores, dim=1))
        for target, source in zip(self.state, [*state, places]):
            target.copy_(source)

    def _permitted(self, logits: Tensor, places: Tensor) -> Tensor:
        """(B, V) logits without what must not follow."""
        if self.plan.spelled is not None:
            return logits + self.penalties[places]
        return logits if self.banned is None else logits.masked_fill(self.banned, float("-inf"))


class DeviceBlock(Block):
    """A block on its way to the host, which needs not wait for it: the next may be begun before it is read.

    Args:
        drawing: What has just been launched.
        batch: How many of its streams are meant.
    """

    def __init__(self, drawing: Drawing, batch: int) -> None:
        self.arrived: torch.cuda.Event | None = None
        self.ids = _sent(drawing.ids[:, :batch])
        self.scores = _sent(drawing.scores[:, :, :batch]) if drawing.plan.scores else None
        if drawing.ids.is_cuda:
            self.arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self.arrived.record()

    def read(self) -> Drawn:
        """Wait for it."""
        if self.arrived is not None:
            self.arrived.synchronize()
        return Drawn(self.ids.numpy(), *(() if self.scores is None else self.scores.numpy()))


def _sent(values: Tensor) -> Tensor:
    """A copy on the host that is there when the device comes to it."""
    values = values.contiguous()
    if not values.is_cuda:
        return values.clone()
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)


def _scores(logits: Tensor, ids: Tensor) -> Tensor:
    """(2, B) nats: the log-softmax of (B, V) logits at `ids` (B,), and the entropy."""
    log_probabilities = logits.log_softmax(-1)
    entropies = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return torch.stack([log_probabilities.gather(1, ids[:, None])[:, 0], entropies])
