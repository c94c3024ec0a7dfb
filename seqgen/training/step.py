"""One update: a window forward and backward, the gradient clipped, the optimizer's step, the average's.

It holds all that changes from step to step: weights, optimizer, hidden state, average. What a window is and when the
run ends is the trainer's business.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.models._dropout import activation_penalty
from seqgen.models._network import RecurrentLM, State, detach, reset
from seqgen.training import device as devices
from seqgen.training.averaging import Average
from seqgen.training.data import IGNORED
from seqgen.training.optimizer import make_optimizer, set_learning_rate
from seqgen.training.settings import TrainSettings


class Step:
    """What is updated at each step, and how.

    Args:
        network: The model, on the device where it is to be trained.
        settings: How.

    Attributes:
        state: The hidden state that the next window begins with, B streams.
        average: The averaged weights, where they are wanted.
        skipped: Updates left out because their gradient was not finite.
    """

    def __init__(self, network: RecurrentLM, settings: TrainSettings) -> None:
        self.network, self.settings = network, settings
        network.rates = settings.rates()
        self.device = network.embedding.weight.device
        self.precision = devices.pick_precision(settings.precision, self.device)
        self.optimizer = make_optimizer(network, settings)
        self.average = None if settings.average == "none" else Average(network, settings)
        self.state: State = network.initial_state(settings.batch)
        self.skipped = 0
        self.steps = 0

    def __call__(self, x: Tensor, y: Tensor, keep: Tensor | None, count: int, rate: float) -> Tensor:
        """Learn from one window.

        Args:
            x, y: (B, T) inputs and targets on the device; targets to leave out are IGNORED.
            keep: (B,) 0 where a stream begins with a fresh state; None: nowhere.
            count: Targets that are not IGNORED.
            rate: The learning rate.

        Returns:
            () the summed loss in nats, on the device.
        """
        set_learning_rate(self.optimizer, rate)
        if keep is not None:
            self.state = reset(self.state, keep)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(x, y, count)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
            self.steps += 1
            if self.average is not None:
                self.average.update(self.steps)
        else:
            # One bad window must not end a long run: leave the step out and begin from a clean state.
            self.skipped += 1
            self.state = self.network.initial_state(self.settings.batch)
        return loss

    def _backward(self, x: Tensor, y: Tensor, count: int) -> Tensor:
        settings = self.settings
        with devices.autocast(self.device, self.precision):
            dropped, raw, state = self.network.hidden(x, self.state)
            logits = self.network.output(self.network.out(dropped))  # (T, B, V)
        self.state = detach(state)
        flat = logits.float().reshape(-1, logits.shape[-1])
        loss = functional.cross_entropy(flat, y.t().reshape(-1), ignore_index=IGNORED, reduction="sum")
        total = loss / max(count, 1)
        if settings.activation or settings.change:
            total = total + activation_penalty(raw, dropped, settings.activation, settings.change)
        total.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
