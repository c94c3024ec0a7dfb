"""Dynamic evaluation: a network that goes on learning from what it has just been measured on.

Krause, Kahembwe, Murray & Renals (2018), "Dynamic evaluation of neural sequence models", section 3. The text is read
in segments, the state carried (protocol B). Each segment is scored first and learned from afterwards, so no
prediction is made with weights that have seen its answer:

    θ ← θ + λ' (θ₀ − θ) − η g / (RMS + ε)        g: gradient of the segment's nats, per token of a full segment
    λ' = min(λ RMS / mean RMS, 1)                θ₀: the trained weights

RMS is the root mean square of each weight's gradient over segments of the training text: what used to move much may
move at ease and comes back fast. Where no training text is at hand, plain gradient steps take its place, RMS + ε and
λ'/λ being one. Weights are carried from document to document, the state is not. Knows ids, not media.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqgen.errors import SettingError
from seqgen.evaluation.protocols import Device, Ints, Score, Watch, one_torch_thread
from seqgen.models.network import RecurrentLM, detach
from seqgen.settings import option, require

Tensors = list[Tensor]
Listen = Callable[[int, Tensor], None]  # (at, logits (n, V)) of what comes after ids[at : at + n]; at 0 all begins anew

RATE = 1.5e-3  # η with gradient statistics: how far a weight moves with a gradient of usual size
PLAIN_RATE = 0.3  # η without
ATTEMPTS = 4  # rates that are tried where none was given, each a quarter of the one before
PATIENCE = 2_000  # predictions, before which a network is not called diverging unless it is not a number
FLOOR = 0.1  # ε as a share of the mean RMS: weights that hardly ever had a gradient do not leap at their first


@dataclass(frozen=True)
class DynamicSettings:
    """How a network learns while it is measured. Defaults were chosen by measurement; a changed `segment` wants
    another `learning_rate`, in proportion to its root."""

    learning_rate: float | None = option(
        None, f"η; none: {RATE:g}, without gradient statistics {PLAIN_RATE:g}, less where it diverges"
    )
    decay: float = option(0.003, "λ, the share of the way back to the trained weights with each segment")
    segment: int = option(64, "tokens that are scored before they are learned from")
    statistics: int = option(20_000, "training tokens for the gradient statistics; 0: plain gradient steps")

    def __post_init__(self) -> None:
        rate = self.learning_rate
        require(rate is None or 0 <= rate <= 1e3, "learning_rate", rate, "none or 0 to 1000")
        require(0 <= self.decay <= 1, "decay", self.decay, "0 to 1")
        require(1 <= self.segment <= 1 << 14, "segment", self.segment, "1 to 16384")
        require(0 <= self.statistics <= 1 << 30, "statistics", self.statistics, "0 to 2^30")


@dataclass(frozen=True)
class DynamicScore:
    """What dynamic evaluation came to, and how.

    Attributes:
        nats: Nats per token under protocol B, each token predicted before it was learned from.
        settings: As they were resolved: `learning_rate` is a number, `statistics` the tokens in fact read.
        counted: With the counts of the corpus, and with those of the document, too; None: the model has none.
    """

    nats: float
    settings: DynamicSettings
    counted: tuple[float, float] | None = None

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        found: dict[str, object] = {"nats_per_token": self.nats, **asdict(self.settings)}
        if self.counted is not None:
            found |= {key: {"nats_per_token": each} for key, each in zip(("corpus", "document"), self.counted)}
        return found


class Adaptive:
    """A copy of a network with the weights that it has now, and those to which it is drawn back.

    Args:
        network: It is left as it is.
        settings: How to learn.
    """

    def __init__(self, network: RecurrentLM, settings: DynamicSettings) -> None:
        self.network = copy.deepcopy(network).eval()
        self.weights: Tensors = list(self.network.parameters())  # tied weights once
        self.trained = [weight.detach().clone() for weight in self.weights]
        self.settings = settings
        self.rate = PLAIN_RATE if settings.learning_rate is None else settings.learning_rate  # η
        self.scales: Tensors | None = None  # per weight 1 / (RMS + ε); None: one for all
        self.returns: Tensors | None = None  # per weight λ'; None: λ for all

    def read(
        self,
        ids: Ints,
        starts: Ints,
        device: Device,
        watch: Watch = lambda count: None,
        listen: Listen = lambda at, logits: None,
    ) -> Score:
        """Read a text, learn from it, and what it cost; at a smaller rate where it diverges and none was given.

        Raises:
            SettingError: It diverges all the same; the weights are as they were before.
        """
        before, tried = [weight.detach().clone() for weight in self.weights], self.rate
        for attempt in range(ATTEMPTS if self.settings.learning_rate is None else 1):
            self.rate = tried / 4**attempt
            score = _read_and_learn(self, ids, starts, device, watch, listen)
            if score is not None:
                return score
            self._take_back(before)
        smallest, self.rate = self.rate, tried
        raise SettingError(f"learning_rate {smallest:g} is too large: the network diverges", "try a tenth of it")

    @torch.no_grad()
    def _take_back(self, before: Tensors) -> None:
        for weight, value in zip(self.weights, before):
            weight.copy_(value)

    def segments(
        self, ids: Ints, starts: Ints, device: Device, listen: Listen = lambda at, logits: None
    ) -> Iterator[tuple[Tensor, int]]:
        """(summed nats, differentiable, and number of predictions) of each segment in turn."""
        size = self.settings.segment
        for begin, end in pairwise(np.unique(np.append(starts, len(ids))).tolist()):
            state = self.network.initial_state(1)
            for at in range(begin, end - 1, size):
                piece = torch.from_numpy(ids[at : min(at + size + 1, end)].astype(np.int64)).to(device)
                logits, state = self.network(piece[None, :-1], state)
                listen(at, logits[0].detach())
                yield functional.cross_entropy(logits[0].float(), piece[1:], reduction="sum"), len(piece) - 1
                state = detach(state)

    def gradients(self, nats: Tensor) -> Tensors:
        """Of nats per token of a full segment; a short one counts for less."""
        return list(torch.autograd.grad(nats / self.settings.segment, self.weights))

    def normalise(self, ids: Ints, starts: Ints, limit: int, device: Device, watch: Watch) -> int:
        """Take steps and decay by the weights' root mean square gradients over up to `limit` ids; how many it took."""
        squares = [torch.zeros_like(weight) for weight in self.weights]
        read = segments = 0
        for nats, size in self.segments(ids, starts, device):
            for square, gradient in zip(squares, self.gradients(nats)):
                square.addcmul_(gradient, gradient)
            read, segments = read + size, segments + 1
            watch(size)
            if read >= limit:
                break
        roots = [square.div_(max(segments, 1)).sqrt_() for square in squares]
        mean = sum(float(root.sum()) for root in roots) / sum(root.numel() for root in roots)
        if not 0 < mean < float("inf"):
            return 0
        self.rate = RATE if self.settings.learning_rate is None else self.settings.learning_rate
        self.scales = [1 / (root + FLOOR * mean) for root in roots]
        self.returns = [(self.settings.decay / mean * root).clamp_(max=1.0) for root in roots]
        return read

    @torch.no_grad()
    def learn(self, gradients: Tensors, share: float) -> None:
        """One step; `share` is how full the segment was."""
        for index, (weight, trained, gradient) in enumerate(zip(self.weights, self.trained, gradients)):
            if self.settings.decay:
                back = self.settings.decay if self.returns is None else self.returns[index]
                weight.lerp_(trained, back if share == 1 else back * share)
            if self.scales is None:
                weight.sub_(gradient, alpha=self.rate)
            else:
                weight.addcmul_(self.scales[index], gradient, value=-self.rate)


def dynamic(
    network: RecurrentLM,
    ids: Ints,
    starts: Ints,
    settings: DynamicSettings,
    training: tuple[Ints, Ints] | None = None,
    device: Device = "cpu",
    watch: Watch = lambda count: None,
    listen: Listen = lambda at, logits: None,
) -> tuple[Score, DynamicSettings]:
    """Protocol B with dynamic evaluation, and the settings as they were resolved.

    Args:
        network: On `device`; it is left as it is.
        ids: (N,) codec ids, see `protocols.unframed`.
        starts: (D,) or (D+1,) where documents begin.
        settings: How to learn.
        training: (ids, starts) of training documents, at least `settings.statistics` ids of which the gradient
            statistics are taken, or None.
        device: Where to compute; a CPU computes on one thread.
        watch: Takes the number of predictions made since it was last called, those on training ids included.
        listen: Takes what is predicted, see `Listen`.

    Raises:
        SettingError: The learning rate makes the network diverge; where none was given, smaller ones do too.
    """
    with one_torch_thread() if torch.device(device).type == "cpu" else nullcontext():
        adaptive, read = Adaptive(network, settings), 0
        if training is not None and settings.statistics:
            read = adaptive.normalise(*training, settings.statistics, device, watch)
        score = adaptive.read(ids, starts, device, watch, listen)
        return score, replace(settings, learning_rate=adaptive.rate, statistics=read)


def _read_and_learn(
    adaptive: Adaptive, ids: Ints, starts: Ints, device: Device, watch: Watch, listen: Listen
) -> Score | None:
    """One pass over the text; None as soon as the network diverges."""
    total, count = 0.0, 0
    blind = 2 * np.log(adaptive.network.vocab_size)  # guessing blindly costs half of it; NaN is not less
    for nats, size in adaptive.segments(ids, starts, device, listen):
        total += float(nats.detach())
        count += size
        if not total <= blind * max(count, PATIENCE):
            return None
        adaptive.learn(adaptive.gradients(nats), size / adaptive.settings.segment)
        watch(size)
    whole = all(bool(weight.isfinite().all()) for weight in adaptive.weights)
    return Score(total, count) if whole and total <= blind * count else None
