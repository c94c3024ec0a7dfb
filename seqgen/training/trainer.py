"""The training loop: truncated back-propagation through time with a carried hidden state.

It knows a network, ids and a budget. What happens around it (bars, samples, files) hangs on an `Observer`; what a
validation is, on a function it is given.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from seqgen.models._network import RecurrentLM, State, detach, reset
from seqgen.training import device as devices
from seqgen.training.data import IGNORED, Epoch, Spans, gather
from seqgen.training.optimizer import learning_rate, make_optimizer, set_learning_rate
from seqgen.training.settings import TrainSettings

LOG_EVERY = 20  # steps between two log lines; reading the loss more often would hold a GPU up


@dataclass(frozen=True)
class Budget:
    """When training ends: whichever of these comes first. None: no such bound."""

    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None


@dataclass
class Progress:
    """Where a run stands; saved whole, so that it can go on."""

    epoch: int = 0
    step: int = 0  # within the epoch
    total_steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    checks: int = 0
    bad_checks: int = 0
    skipped: int = 0  # steps left out because their gradient was not finite
    best: float | None = None  # nats per token on the validation split
    history: list[dict[str, Any]] = field(default_factory=list)


class Observer(Protocol):
    """What wants to know how a run goes."""

    def stepped(self, progress: Progress, share: float, line: dict[str, Any]) -> None:
        """Every LOG_EVERY steps: where the run stands, the share of the budget used, a log line."""
        ...

    def checked(self, progress: Progress, line: dict[str, Any], improved: bool) -> None:
        """After each validation."""
        ...

    def close(self) -> None:
        """When the run ends or stops."""
        ...


class Trainer:
    """One run over one corpus.

    Args:
        network: The model, on the device where it is to be trained.
        ids: (N,) the token stream, memory-mapped or not.
        spans: What of it to train on.
        end_id: The document token.
        settings, budget, seed: How, how long, in which order.
        validate: Nats per token of the network on the held-out part.
        observer: Told of every log line and validation.
    """

    def __init__(
        self,
        network: RecurrentLM,
        ids: NDArray[np.unsignedinteger],
        spans: Spans,
        end_id: int,
        settings: TrainSettings,
        budget: Budget,
        seed: int,
        validate: Callable[[RecurrentLM], float],
        observer: Observer,
    ) -> None:
        self.network, self.ids, self.spans, self.end_id = network, ids, spans, end_id
        self.settings, self.budget, self.seed = settings, budget, seed
        self.validate, self.observer = validate, observer
        self.device = network.embedding.weight.device
        self.precision = devices.pick_precision(settings.precision, self.device)
        self.optimizer = make_optimizer(network, settings)
        self.progress = Progress()
        self.state: State = network.initial_state(settings.batch)
        self.stopping = False
        self.start_epoch()
        self._losses: list[tuple[Tensor, int]] = []
        self._latest: float | None = None  # the last training loss that was read
        self._clock = time.perf_counter()

    def run(self) -> None:
        """Train until the budget is used up, validation stops improving, or `stopping` is set."""
        self._clock = time.perf_counter() - self.progress.seconds
        self.network.train()
        while not self.stopping and self.share() < 1 and not self._out_of_patience():
            self._step()
            if self.progress.total_steps % LOG_EVERY == 0:
                self._log()
            if int(self.share() * self.settings.checks) > self.progress.checks:
                self.check()
        if not self.stopping and self._losses:
            self.check()
        self.observer.close()

    def share(self) -> float:
        """The share of the budget that is used, 1 or more when it is used up."""
        budget, progress = self.budget, self.progress
        self.progress.seconds = time.perf_counter() - self._clock
        used = [0.0]
        if budget.minutes is not None:
            used.append(progress.seconds / (60 * budget.minutes) if budget.minutes else 1.0)
        if budget.steps is not None:
            used.append(progress.total_steps / budget.steps if budget.steps else 1.0)
        if budget.epochs is not None:
            done = progress.epoch + progress.step / self._epoch.steps
            used.append(done / budget.epochs if budget.epochs else 1.0)
        return max(used)

    def check(self) -> None:
        """Validate, and tell the observer whether this is the best so far."""
        line = self._log()
        self.network.eval()
        nats = self.validate(self.network)
        self.network.train()
        progress = self.progress
        progress.checks = max(progress.checks + 1, int(self.share() * self.settings.checks))
        improved = math.isfinite(nats) and (progress.best is None or nats < progress.best)
        progress.bad_checks = 0 if improved else progress.bad_checks + 1
        if improved:
            progress.best = nats
        line = line | {"validation_nats": nats}
        progress.history.append(line)
        self.observer.checked(progress, line, improved)

    def _step(self) -> None:
        progress, settings = self.progress, self.settings
        set_learning_rate(self.optimizer, learning_rate(settings, self.share()))
        begin, length, fresh = self._epoch.windows(progress.step)
        inputs, targets = gather(self.ids, begin, length, settings.window, self.end_id)
        count = int((targets != IGNORED).sum())
        x = torch.from_numpy(inputs).to(self.device, non_blocking=True)
        y = torch.from_numpy(targets).to(self.device, non_blocking=True)
        if fresh.any():
            self.state = reset(self.state, torch.from_numpy(~fresh).to(self.device))
        loss = self._learn(x, y, count)
        self._losses.append((loss, count))
        progress.tokens += count
        progress.total_steps += 1
        progress.step += 1
        if progress.step >= self._epoch.steps:
            progress.epoch, progress.step = progress.epoch + 1, 0
            self.start_epoch()

    def _learn(self, x: Tensor, y: Tensor, count: int) -> Tensor:
        """One update from (B, T) inputs and targets; returns the summed loss in nats."""
        with devices.autocast(self.device, self.precision):
            logits, state = self.network(x, self.state)
        self.state = detach(state)
        flat = logits.float().reshape(-1, logits.shape[-1])
        loss = functional.cross_entropy(flat, y.reshape(-1), ignore_index=IGNORED, reduction="sum")
        self.optimizer.zero_grad(set_to_none=True)
        (loss / max(count, 1)).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
        else:
            # One bad window must not end a long run: leave the step out and begin from a clean state.
            self.progress.skipped += 1
            self.state = self.network.initial_state(self.settings.batch)
        return loss.detach()

    def _log(self) -> dict[str, Any]:
        share, progress = self.share(), self.progress
        total = float(sum(float(loss) for loss, _ in self._losses))
        count = sum(number for _, number in self._losses)
        self._losses.clear()
        self._latest = total / count if count else self._latest
        line = {
            "step": progress.total_steps,
            "epoch": round(progress.epoch + progress.step / self._epoch.steps, 4),
            "tokens": progress.tokens,
            "seconds": round(progress.seconds, 2),
            "learning_rate": learning_rate(self.settings, share),
            "nats": self._latest,
        }
        self.observer.stepped(progress, share, line)
        return line

    def start_epoch(self) -> None:
        """Lay out the epoch that `progress` names."""
        settings, fresh = self.settings, self.settings.reset == "document"
        self._epoch = Epoch(self.spans, settings.batch, settings.window, self.seed, self.progress.epoch, fresh)

    def _out_of_patience(self) -> bool:
        return 0 < self.settings.patience <= self.progress.bad_checks
