"""The training loop: truncated back-propagation through time with a carried hidden state.

It knows a network, ids and a budget, and gives what happens on the way as events: whoever runs it logs, shows and saves
between two steps. What a validation is, a function says that it is given.

Stopped after any step and resumed, a run comes to the same bits as one that was not, on the same CPU and with the same
number of threads, where its budget is in steps or epochs. A budget in minutes makes the learning rate and the
validations follow the clock, which no two runs have in common.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from seqgen.errors import SeqgenError
from seqgen.models.network import RecurrentLM
from seqgen.training import feeding, packing, rollback
from seqgen.training.augmentation import Augmented
from seqgen.training.data import Epoch, Material
from seqgen.training.muon import reach
from seqgen.training.optimizer import learning_rate
from seqgen.training.packing import PackedEpoch
from seqgen.training.parallel import ALONE, Ranks
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import (
    Checked,
    Event,
    Incident,
    Line,
    Logged,
    Progress,
    Remarked,
    RolledBack,
    SaveDue,
    Shrunk,
)
from seqgen.training.rollback import LastGood, Place
from seqgen.training.saving import Saves
from seqgen.training.step import Step

LOG_EVERY = 20  # steps between two log lines; reading the loss more often would hold a GPU up


class Trainer:
    """One run over one corpus.

    Args:
        network: The model, on the device where it is to be trained.
        material: What it learns from.
        plan: How, how long, in which order.
        validate: Nats per token of the network on the held-out part.
        ranks: The processes that train this network together.
        saves: Tells when it is time to save; None: it never is.

    Attributes:
        stopping: To be set from outside, at any time: the run ends after the step at hand.
        averaged_is_best: Whether the last validation liked the averaged weights better.
    """

    def __init__(
        self,
        network: RecurrentLM,
        material: Material,
        plan: TrainPlan,
        validate: Callable[[RecurrentLM], float],
        ranks: Ranks = ALONE,
        saves: Saves | None = None,
    ) -> None:
        self.network, self.spans, self.validate, self.ranks, self.saves = (
            network,
            material.spans,
            validate,
            ranks,
            saves,
        )
        self.settings, self.budget, self.seed = plan.train, plan.budget, plan.seed
        self.step = Step(network, plan.train, ranks)
        self.infilled = material.infilled
        plain = self.infilled is None
        self.feed = feeding.choose(material.ids, material.end_id, self.step.device, resident=plain)
        self.packed = packing.PackedFeed(material.ids, material.end_id, self.step.device)
        if material.tables is not None:
            self.feed = Augmented(self.feed, material.tables, self.spans, self.seed, self.step.device)
        self.progress = Progress()
        self.good = LastGood()
        self.stopping = self.averaged_is_best = False
        self.start_epoch()
        exact = torch.float32 if self.step.device.type == "mps" else torch.float64
        self.losses = torch.zeros((), dtype=exact, device=self.step.device)  # this rank's, since the last log line
        self.targets = 0  # of all ranks, since the last log line
        self._clock, self._remark = time.perf_counter(), ""
        self._share, self._halted, self._due = 0.0, False, False

    def run(self) -> Iterator[Event]:
        """Train until the budget is used up, validation stops improving, or `stopping` is set.

        Gives what happens, between two steps.
        """
        self._clock = time.perf_counter() - self.progress.seconds
        self.network.train()
        if self.good.place is None:
            self.keep()
        self._steer()
        while not self._halted and self._share < 1 and not self.out_of_patience():
            yield from self._advance()
            if self.step.remark != self._remark:
                self._remark = self.step.remark
                yield Remarked(self._remark)
            self._steer()
            check = self._share >= 1 or int(self._share * self.settings.validations) > self.progress.checks
            if check or self.progress.total_steps % LOG_EVERY == 0:
                yield from self._look(check)
            if self._due:
                yield SaveDue()
        if not self._halted and self.progress.total_steps > self.progress.checked:
            yield from self._look(True)

    def used(self) -> float:
        """The share of the budget that is used, 1 or more when it is used up."""
        budget, progress = self.budget, self.progress
        used = [0.0]
        if budget.minutes is not None:
            used.append(progress.seconds / (60 * budget.minutes) if budget.minutes else 1.0)
        if budget.steps is not None:
            used.append(progress.total_steps / budget.steps if budget.steps else 1.0)
        if budget.epochs is not None:
            done = progress.epoch + progress.step / self._epoch.steps
            used.append(done / budget.epochs if budget.epochs else 1.0)
        return max(used)

    def start_epoch(self) -> None:
        """Lay out the epoch that `progress` names."""
        self._epoch = self.laid_out(self.progress.epoch)

    def laid_out(self, number: int) -> Epoch | PackedEpoch:
        """The order of an epoch."""
        settings, fresh = self.settings, self.settings.reset == "document"
        ids, spans = (None, self.spans) if self.infilled is None else self.infilled.epoch(number)
        if settings.pack:
            return PackedEpoch(spans, settings.batch, settings.window, self.seed, number, ids)
        chance = settings.reset_probability
        return Epoch(spans, settings.batch, settings.window, self.seed, number, fresh, chance, ids)

    def _steer(self) -> None:
        """Settle with the other ranks how far the run is and whether it stops: all must do the same at each step."""
        self.progress.seconds = time.perf_counter() - self._clock
        used = self.used()
        due = self.saves is not None and self.saves.due(used)
        self._share, self._halted, self._due = self.ranks.sync_progress(used, self.stopping, due)
        self.stopping = self.stopping or self._halted

    def _advance(self) -> Iterator[Event]:
        """One step: the windows that come next, learned from."""
        progress, settings = self.progress, self.settings
        rate, rows = progress.damping * learning_rate(settings, self._share), self.ranks.rows(settings.batch)
        loss: Tensor | None = None
        try:
            if isinstance(self._epoch, PackedEpoch):
                some = self.packed.packed(self._epoch, progress.step, rows)
                loss, count = self.step.packed(some.groups, some.count, rate), some.count
            else:
                window = self.feed.window(self._epoch, progress.step, rows)
                loss, count = self.step(window.x, window.y, window.keep, window.count, rate), window.count
        except torch.cuda.OutOfMemoryError:
            count = 0
        if loss is None:  # past the handler, which holds on to what the step had in memory
            yield self._shrink()
            return
        self.losses += loss
        self.targets += count
        progress.tokens += count
        if progress.start is None:
            progress.start = _number(self.ranks.total(float(loss)) / max(count, 1))
        self._move(1)

    def resize(self, batch: int) -> None:
        """Read so many streams from now on, and lay the epoch out anew."""
        self.settings = dataclasses.replace(self.settings, batch=batch)
        self.step.resize(batch)
        self.start_epoch()

    def _shrink(self) -> Shrunk:
        """Go on with half the streams, about where in the epoch the run is: the device cannot hold all of them."""
        progress, batch = self.progress, self.settings.batch
        if batch < 2 or self.ranks.count > 1:
            hint = "choose a smaller model, -P window or -P batch" if batch < 2 else f"give -P batch {batch // 2}"
            raise SeqgenError(f"the device has too little memory for a step of {batch} streams", hint)
        share, progress.batch = progress.step / self._epoch.steps, batch // 2
        self.resize(progress.batch)
        torch.cuda.empty_cache()
        progress.step = int(share * self._epoch.steps)
        self.keep()
        return Shrunk({"step": progress.total_steps, "event": "memory", "batch": progress.batch})

    def _move(self, steps: int) -> None:
        """Go on in the data."""
        progress = self.progress
        progress.total_steps += steps
        progress.step += steps
        while progress.step >= self._epoch.steps:
            progress.epoch, progress.step = progress.epoch + 1, progress.step - self._epoch.steps
            self.start_epoch()

    def _look(self, check: bool) -> Iterator[Event]:
        """Read the loss: go back where it has exploded, else log it, and validate where that is due."""
        # A rank whose weights or hidden states are spoilt makes the sum not a number, and so all ranks go back.
        moved = self.progress.total_steps - (self.good.place.total_steps if self.good.place is not None else 0)
        spoilt = self.good.spoilt(self.step, moved * self.settings.learning_rate * reach(self.step.optimizer))
        losses = self.ranks.total(math.nan if spoilt else float(self.losses))
        nats = losses / self.targets if self.targets else None
        progress = self.progress
        self.losses.zero_()
        self.targets = 0
        if nats is not None:
            if self._exploded(nats):
                yield self._roll_back(nats)
                return
            progress.recent = [*progress.recent, nats][-rollback.MEMORY :]
            progress.stuck, progress.damping = 0, min(1.0, progress.damping * rollback.LARGER_AGAIN)
            self.keep()
        line: Line = {
            "step": progress.total_steps,
            "epoch": round(progress.epoch + progress.step / self._epoch.steps, 4),
            "tokens": progress.tokens,
            "seconds": round(progress.seconds, 2),
            "learning_rate": progress.damping * learning_rate(self.settings, self._share),
            "nats": nats,
        }
        yield Logged(line, self._share)
        if check:
            yield self._check(line)

    def _check(self, line: Line) -> Checked:
        """Validate, and tell whether this is the best so far."""
        raw, averaged = self._validate()
        found = [nats for nats in (raw, averaged) if nats is not None and math.isfinite(nats)]
        nats = min(found, default=math.inf)
        progress = self.progress
        progress.checks = max(progress.checks + 1, int(self._share * self.settings.validations))
        progress.checked = progress.total_steps
        improved = nats < (math.inf if progress.best is None else progress.best)
        progress.bad_checks = 0 if improved else progress.bad_checks + 1
        if improved:
            progress.best = nats
        self.averaged_is_best = averaged is not None and averaged == nats
        line = {**line, "validation_nats": nats if found else None}
        if averaged is not None:
            line = {**line, "raw_nats": _number(raw), "averaged_nats": _number(averaged)}
        progress.history.append(line)
        return Checked(line, improved)

    def _validate(self) -> tuple[float, float | None]:
        """Nats per token on the held-out part: of the weights, and of their average where there is one."""
        self.network.eval()
        average, averaged = self.step.average, None
        raw = self.ranks.run_on_main(lambda: self.validate(self.network))
        if average is not None:
            with average.in_place():
                averaged = self.ranks.run_on_main(lambda: self.validate(self.network))
        self.network.train()
        return raw, averaged

    def _exploded(self, nats: float) -> bool:
        start = self.progress.start if self.progress.start is not None else math.inf
        recent = self.progress.recent or [start]
        return rollback.exploded(nats, recent, start, self.network.vocab_size)

    def keep(self) -> None:
        """The state at hand is good: what comes may go back to it."""
        progress = self.progress
        place = Place(progress.epoch, progress.step, progress.total_steps, progress.tokens, self.step.steps)
        self.good.keep(self.step, place)

    def _roll_back(self, nats: float) -> RolledBack:
        """Back to the last good state, with a smaller step; past the data, where that has not helped."""
        progress, reached = self.progress, self.progress.total_steps
        place = self.good.put_back(self.step)
        progress.epoch, progress.step = place.epoch, place.step
        progress.total_steps, progress.tokens = place.total_steps, place.tokens
        progress.rollbacks, progress.stuck = progress.rollbacks + 1, progress.stuck + 1
        progress.damping *= rollback.SMALLER
        self.start_epoch()
        line: Incident = {"step": reached, "event": "rollback", "to": place.total_steps, "loss": _number(nats)}
        if progress.stuck > rollback.STUBBORN:
            line["event"], progress.stuck = "skip", 0
            self._move(reached - place.total_steps)
            self.step.state = self.network.initial_state(self.ranks.share_of(self.settings.batch))
            self.keep()
        self._steer()
        if not progress.stuck:  # a validation that was due among them is left out too
            progress.checks = max(progress.checks, int(self._share * self.settings.validations))
        return RolledBack({**line, "damping": progress.damping})

    def out_of_patience(self) -> bool:
        """Whether validation has not improved for as long as it may."""
        return 0 < self.settings.patience <= self.progress.bad_checks


def _number(value: float | None) -> float | None:
    """A value as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None
