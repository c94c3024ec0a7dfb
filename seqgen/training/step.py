"""One update: a window forward and backward, the gradient clipped, the optimizer's step, the average's.

It holds all that changes from step to step: weights, optimizer, hidden state, average. What a window is and when the
run ends is the trainer's business.
"""

from torch import Tensor, nn
from torch.nn import functional

from seqgen.models._dropout import activation_penalty
from seqgen.models._network import RecurrentLM, State, detach, reset
from seqgen.training import device as devices
from seqgen.training.averaging import Average
from seqgen.training.data import IGNORED
from seqgen.training.optimizer import make_optimizer, set_learning_rate
from seqgen.training.parallel import ALONE, Ranks
from seqgen.training.settings import TrainSettings


class Step:
    """What is updated at each step, and how.

    Args:
        network: The model, on the device where it is to be trained.
        settings: How.
        ranks: The processes that share the work; B is then this one's share of the streams.

    Attributes:
        state: The hidden state that the next window begins with, B streams.
        average: The averaged weights, where they are wanted.
        steps: Updates so far.
    """

    def __init__(self, network: RecurrentLM, settings: TrainSettings, ranks: Ranks = ALONE) -> None:
        self.network, self.settings, self.ranks = network, settings, ranks
        network.rates = settings.rates()
        self.device = network.embedding.weight.device
        self.precision = devices.pick_precision(settings.precision, self.device)
        if self.device.type == "cpu":
            devices.keep_memory()
        network.by_loop = devices.loop_pays(network, self.precision)
        self.optimizer = make_optimizer(network, settings)
        self.average = None if settings.average == "none" else Average(network, settings)
        self.state: State = network.initial_state(ranks.share_of(settings.batch))
        self.steps = 0

    def __call__(self, x: Tensor, y: Tensor, keep: Tensor | None, count: int, rate: float) -> Tensor:
        """Learn from one window.

        Args:
            x, y: (B, T) inputs and targets on the device; targets to leave out are IGNORED.
            keep: (B,) 0 where a stream begins with a fresh state; None: nowhere.
            count: Targets that are not IGNORED, of all ranks.
            rate: The learning rate.

        Returns:
            () the summed loss in nats, on the device.
        """
        set_learning_rate(self.optimizer, rate)
        if keep is not None:
            self.state = reset(self.state, keep)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(x, y, count)
        self.ranks.add_gradients(self.network.parameters())
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        # A gradient that is not finite spoils the weights. That is not looked for here, where it would cost a GPU a
        # wait at every step: the trainer sees it in the loss, and rolls back.
        self.optimizer.step()
        self.steps += 1
        if self.average is not None:
            self.average.update(self.steps)
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
            penalty = activation_penalty(raw, dropped, settings.activation, settings.change)
            total = total + penalty / self.ranks.count
        total.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
