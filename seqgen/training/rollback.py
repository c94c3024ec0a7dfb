"""A loss that becomes NaN or explodes: back to the last good state, with a smaller step, and on.

While a run is healthy its whole state is copied in memory at each log line. When the loss since then is not finite,
or far above both what it was lately and where it began, the copy is put back and the learning rate halved. The same
data then come again; where they make the loss explode time after time, they are left out. A run never ends by this.

It knows losses and tensors; when to look is the trainer's business.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from seqgen.training import snapshot
from seqgen.training.step import Step

MEMORY = 20  # losses that say what is normal
MARGIN = 0.5  # nats above the median that are always normal
SPREAD = 8 * 1.4826  # median absolute deviations above the median that are normal: eight sigma of a normal distribution
UNIFORM = 0.75  # share of ln V; a run is not "where it began" below that, however well it began
WORSE = 1.05  # times where it began
SMALLER = 0.5  # what a rollback makes of the learning rate
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

    It is when it is not a number, or both far above the median of recent losses and above where the run began. Both,
    since a hard stretch of data or a new epoch may do the first, and a model that is trained further on another
    corpus the second.

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
    began = max(start, UNIFORM * math.log(max(vocab_size, 2)))
    return nats > WORSE * began and nats > middle + max(MARGIN, SPREAD * spread)


class LastGood:
    """The last good state of a run, in memory: as large as weights, optimizer and average together.

    Attributes:
        tensors: What `snapshot.capture` found, copied.
        place: Where it stood then.
    """

    def __init__(self) -> None:
        self.tensors: snapshot.Tensors = {}
        self.place: Place | None = None

    def keep(self, step: Step, place: Place) -> None:
        """This state is good."""
        snapshot.copy_into(self.tensors, snapshot.capture(step))
        self.place = place

    def put_back(self, step: Step) -> Place:
        """Make the last good state the present one."""
        assert self.place is not None
        snapshot.restore(step, self.tensors)
        step.steps = self.place.updates
        return self.place
