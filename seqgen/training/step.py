"""One update: a window forward and backward, the gradient clipped, the optimizer's step, the average's.

It holds all that changes from step to step: weights, optimizer, hidden state, average, loss scale. What a window is
and when the run ends is the trainer's business.

The update itself reads and writes tensors that stay where they are, and never asks the device for an answer, so that
on a GPU it is captured once and replayed (`seqgen.models.graph`), if the first replay comes to what a plain call
comes to; elsewhere the very same function is called.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.models.dropout import activation_penalty
from seqgen.models.graph import Proof, Recorder, Repeated
from seqgen.models.network import RecurrentLM, State, detach, reset
from seqgen.models.trial import Written
from seqgen.training import device as devices
from seqgen.training.averaging import Average
from seqgen.training.data import IGNORED
from seqgen.training.optimizer import make_optimizer, set_learning_rate
from seqgen.training.parallel import ALONE, Ranks
from seqgen.training.scaling import LossScaler
from seqgen.training.settings import TrainSettings

# How far a replay may be from a plain call, relative. Sums in another order make 3 % in bfloat16 and 0.0004 % in
# float32, measured on a CPU (float32 on a GPU may be TF32, with float16's digits); other dropout masks make 300 %.
TOLERANCE = {torch.float32: 2e-2, torch.bfloat16: 1e-1, torch.float16: 1e-1}


class Step:
    """What is updated at each step, and how.

    Args:
        network: The model, on the device where it is to be trained.
        settings: How.
        ranks: The processes that share the work; B is then this one's share of the streams.
        capture: Whether to use a CUDA graph where that can be done.
        recorder: What makes graphs; None: CUDA, where that is the device.

    Attributes:
        average: The averaged weights, where they are wanted.
        scaler: The loss scale, where the precision is float16.
        steps: Updates so far.
        update: The work of a step; whether it is captured, and if not why, is known there.
    """

    def __init__(
        self,
        network: RecurrentLM,
        settings: TrainSettings,
        ranks: Ranks = ALONE,
        capture: bool = True,
        recorder: Recorder | None = None,
    ) -> None:
        self.network, self.settings, self.ranks = network, settings, ranks
        network.rates = settings.rates()
        self.device = network.embedding.weight.device
        self.precision = devices.choose_precision(network, settings)
        if self.device.type == "cpu":
            devices.keep_memory()
        network.by_loop = devices.loop_pays(network, self.precision)
        self.optimizer = make_optimizer(network, settings)
        self.average = None if settings.average == "none" else Average(network, settings)
        self.scaler = LossScaler(self.device) if self.precision == torch.float16 else None
        self.steps = 0
        proof = Proof(self._written, TOLERANCE[self.precision])
        alone = capture and ranks.count == 1
        self.update = Repeated(self._update, self.device, alone, proof=proof, recorder=recorder)
        self.resize(settings.batch)

    @property
    def state(self) -> State:
        """The hidden state that the next window begins with, B streams. Steps change these tensors in place."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        for kept, given in zip(self._state, state):
            torch._foreach_copy_(list(kept), list(given))

    @property
    def remark(self) -> str:
        """How steps are done on a GPU, in words for people; "" before that is settled, and where there is no choice."""
        if self.update.captured:
            return "Steps run as a CUDA graph: a replay came to what a plain step came to."
        return f"Steps run plainly, without a CUDA graph: {self.update.failure}." if self.update.failure else ""

    def resize(self, batch: int) -> None:
        """Read so many streams from now on, from fresh states. Weights and all that belongs to them stay."""
        rows, window = self.ranks.share_of(batch), self.settings.window
        self.optimizer.zero_grad(set_to_none=True)
        self.update.forget()
        self._state: State = tuple(tuple(part.clone() for part in parts) for parts in self.network.initial_state(rows))
        self._x = torch.zeros(rows, window, dtype=torch.int64, device=self.device)
        self._y = torch.zeros_like(self._x)
        self._keep = torch.ones(rows, device=self.device)
        self._count = torch.ones((), device=self.device)
        self._loss = torch.zeros((), device=self.device)

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
        self._x.copy_(x)
        self._y.copy_(y)
        if keep is None:
            self._keep.fill_(1)
        else:
            self._keep.copy_(keep)
        self._begin(count, rate)
        self.update()
        return self._loss.clone()

    def packed(self, groups: Sequence[tuple[Tensor, Tensor]], count: int, rate: float) -> Tensor:
        """Learn from whole documents, each from a fresh state; as a call otherwise.

        Args:
            groups: x, y of each, (n, L) inputs and targets on the device; targets to leave out are IGNORED.
            count: Targets that are not, of all ranks.
            rate: The learning rate.
        """
        self._begin(count, rate)
        self.optimizer.zero_grad(set_to_none=True)
        losses = torch.zeros_like(self._loss)
        size = sum(x.numel() for x, _ in groups)
        for x, y in groups:
            self._backward(x, y, self.network.initial_state(len(x)), x.numel() / size)
            losses += self._loss
        for weight in self.network.parameters():
            if weight.grad is None:  # of a rank that has none of these documents
                weight.grad = torch.zeros_like(weight)
        self._apply()
        return losses

    def _begin(self, count: int, rate: float) -> None:
        """One more step, over so many targets."""
        self._count.fill_(max(count, 1))
        set_learning_rate(self.optimizer, rate)
        self.steps += 1
        if self.average is not None:
            self.average.expect(self.steps)

    def _written(self) -> Written:
        """What `_update` writes."""
        weights = {name: weight.detach() for name, weight in self.network.named_parameters()}
        others = (
            {} if self.average is None else {f"the average of {name}": t for name, t in self.average.weights.items()}
        )
        for name, weight in self.network.named_parameters():
            others |= {f"{key} of {name}": tensor for key, tensor in self.optimizer.state.get(weight, {}).items()}
        outputs = {f"state {n}": part for n, part in enumerate(part for parts in self._state for part in parts)}
        if self.scaler is not None:
            outputs |= {f"the loss's {name}": tensor for name, tensor in self.scaler.tensors().items()}
        return Written(weights, others, outputs | {"the loss": self._loss})

    def _update(self) -> None:
        """The work of a step, from static tensors to static tensors."""
        self.optimizer.zero_grad(set_to_none=True)
        state = self._backward(self._x, self._y, reset(self._state, self._keep))
        self._apply()
        self.state = state

    def _apply(self) -> None:
        """The gradient of all ranks, clipped, into the weights and their average."""
        weights = list(self.network.parameters())
        self.ranks.add_gradients(weights)
        if self.scaler is not None:
            self.scaler.unscale([weight.grad for weight in weights if weight.grad is not None])
        norm = nn.utils.clip_grad_norm_(weights, self.settings.clip)
        # A gradient that is not finite spoils the weights, save in float16, where the scale makes that a common
        # thing. It is not looked for from here, where it would cost a GPU a wait at every step: the trainer sees it
        # in the loss, and rolls back.
        if self.scaler is not None:
            bad = (~torch.isfinite(norm)).float()
            setattr(self.optimizer, "found_inf", bad)  # noqa: B010  as torch.amp.GradScaler tells it to leave a step out
            self.scaler.update(bad)
        self.optimizer.step()
        if self.average is not None:
            self.average.update()

    def _backward(self, x: Tensor, y: Tensor, state: State, share: float = 1.0) -> State:
        """Gradients of a window or of a share of the documents of a step; the state after them."""
        settings = self.settings
        with devices.autocast(self.device, self.precision):
            dropped, raw, state = self.network.hidden(x, state)
            logits = self.network.output(self.network.out(dropped))  # (T, B, V)
        flat = logits.float().reshape(-1, logits.shape[-1])
        loss = functional.cross_entropy(flat, y.t().reshape(-1), ignore_index=IGNORED, reduction="sum")
        total = loss / self._count
        size, change = settings.activation_reg, settings.temporal_activation_reg
        if size or change:
            penalty = activation_penalty(raw, dropped, size, change)
            total = total + share * penalty / self.ranks.count
        if self.scaler is not None:
            total = total * self.scaler.scale
        total.backward()  # type: ignore[no-untyped-call]
        self._loss.copy_(loss.detach())
        return detach(state)
