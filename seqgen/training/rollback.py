"""A loss that becomes NaN or explodes: back to the last good state, with a smaller step, and on.

While a run is healthy its whole state is copied in memory at each log line. When the loss since then is not finite,
or far above what it was lately and far worse than guessing, or the weights have become what no update can make of them,
the copy is put back and the learning rate halved. The same data then come again; where they make the loss explode time
after time, they are left out. The learning rate comes back slowly. A run never ends by this.

It knows losses and tensors; when to look is the trainer's business.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch

from seqgen.training import snapshot
from seqgen.training.step import Step

MEMORY = 20  # losses that say what is normal
MARGIN = 0.5  # nats above the median that are always normal
SPREAD = 8 * 1.4826  # median absolute deviations above the median that are normal: eight sigma of a normal distribution
WORSE = 1.5  # times the loss of guessing, which data alone hardly reach in a mean over many windows, however foreign
LARGER, FURTHER = (
    2.0,
    2.0,
)  # times a weight's size, and times the optimizer's longest way, that a weight is never beyond
SMALLER = 0.5  # what a rollback makes of the learning rate
LARGER_AGAIN = 2 ** (1 / 100)  # what a healthy log line makes of it: all is forgotten in time
STUBBORN = 3  # rollbacks to one place before the data after it are left out


@dataclass(frozen=True)
class Place:
    """Where in the data a run stands, and how many updates its average has seen."""

    epoch: int
    step: int
    total_steps: int
    tokens: int
    updates: int


def exploded(nats: float, recent: Sequence[float], start: float, vocab_size: int) -> bool:
    """Whether a loss is that of a network that has lost what it knew.

    It is when it is not a number, or both far above the median of recent losses and far worse than guessing and than
    where the run began. Both, since a hard stretch of data or a new epoch may do the first, and a model that is
    trained further on another corpus the second. The bounds are wide: a false alarm slows a run down that is well,
    and weights that have run away give losses of tens and hundreds of nats.

    Args:
        nats: The mean training loss since the last log line, nats per token.
        recent: The losses before it.
        start: The loss of the run's first step.
        vocab_size: V; guessing costs ln V.
    """
    if not math.isfinite(nats):
        return True
    middle = median(recent)
    spread = median(abs(loss - middle) for loss in recent)
    worst = max(start, math.log(vocab_size))
    return nats > WORSE * worst and nats > middle + max(MARGIN, SPREAD * spread)


class LastGood:
    """The last good state of a run, in memory: as large as weights, optimizer and average together.

    Attributes:
        tensors: What `snapshot.capture` found, copied.
        place: Where it stood then.
    """

    _sizes = torch.zeros(0)

    def __init__(self) -> None:
        self.tensors: snapshot.Tensors = {}
        self.place: Place | None = None

    def keep(self, step: Step, place: Place) -> None:
        """This state is good."""
        snapshot.copy_into(self.tensors, snapshot.capture(step))
        self.place, self._sizes = place, snapshot.sizes(step)

    def spoilt(self, step: Step, way: float) -> bool:
        """Whether weights or hidden states are no numbers, or weights are larger than the optimizer can have made them.

        The loss has not seen the last update yet, so it alone cannot tell that a state is good.

        Args:
            step: The state at hand.
            way: Learning rate times updates since the last good state, times `muon.reach`.
        """
        sizes, weights = snapshot.sizes(step), sum(1 for _ in step.network.parameters())
        limit = LARGER * self._sizes[:weights] + FURTHER * way + MARGIN
        return not bool(torch.isfinite(sizes).all() and (sizes[:weights] <= limit).all())

    def put_back(self, step: Step) -> Place:
        """Make the last good state the present one."""
        assert self.place is not None
        snapshot.restore(step, self.tensors)
        step.steps = self.place.updates
        return self.place
