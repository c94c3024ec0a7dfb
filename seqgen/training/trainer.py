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
from torch import Tensor

from seqgen.models._network import RecurrentLM
from seqgen.training.data import IGNORED, Epoch, Spans, gather
from seqgen.training.optimizer import learning_rate
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

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
        self.step = Step(network, settings)
        self.progress = Progress()
        self.stopping = False
        self.start_epoch()
        self.averaged_is_best = False  # whether the last validation liked the averaged weights better
        self._losses: list[tuple[Tensor, int]] = []
        self._latest: float | None = None  # the last training loss that was read
        self._clock = time.perf_counter()

    def run(self) -> None:
        """Train until the budget is used up, validation stops improving, or `stopping` is set."""
        self._clock = time.perf_counter() - self.progress.seconds
        self.network.train()
        while not self.stopping and self.share() < 1 and not self._out_of_patience():
            self._advance()
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
        raw, averaged = self._validate()
        found = [nats for nats in (raw, averaged) if nats is not None and math.isfinite(nats)]
        nats = min(found, default=math.inf)
        progress = self.progress
        progress.checks = max(progress.checks + 1, int(self.share() * self.settings.checks))
        improved = nats < (math.inf if progress.best is None else progress.best)
        progress.bad_checks = 0 if improved else progress.bad_checks + 1
        if improved:
            progress.best = nats
        self.averaged_is_best = averaged is not None and averaged == nats
        line = line | {"validation_nats": nats if found else None}
        if averaged is not None:
            line |= {"raw_nats": raw, "averaged_nats": averaged}
        progress.history.append(line)
        self.observer.checked(progress, line, improved)

    def _advance(self) -> None:
        """One step: the windows that come next, learned from."""
        progress, settings, device = self.progress, self.settings, self.step.device
        begin, length, fresh = self._epoch.windows(progress.step)
        inputs, targets = gather(self.ids, begin, length, settings.window, self.end_id)
        count = int((targets != IGNORED).sum())
        x = torch.from_numpy(inputs).to(device, non_blocking=True)
        y = torch.from_numpy(targets).to(device, non_blocking=True)
        keep = torch.from_numpy(~fresh).to(device) if fresh.any() else None
        loss = self.step(x, y, keep, count, learning_rate(settings, self.share()))
        self._losses.append((loss, count))
        progress.tokens += count
        progress.total_steps += 1
        progress.step += 1
        if progress.step >= self._epoch.steps:
            progress.epoch, progress.step = progress.epoch + 1, 0
            self.start_epoch()

    def _validate(self) -> tuple[float, float | None]:
        """Nats per token on the held-out part: of the weights, and of their average where there is one."""
        self.network.eval()
        raw, average = self.validate(self.network), self.step.average
        averaged = None
        if average is not None:
            with average.in_place():
                averaged = self.validate(self.network)
        self.network.train()
        return raw, averaged

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
        shape = settings.batch, settings.window, self.seed, self.progress.epoch
        self._epoch = Epoch(self.spans, *shape, fresh, settings.reset_probability)

    def _out_of_patience(self) -> bool:
        return 0 < self.settings.patience <= self.progress.bad_checks
