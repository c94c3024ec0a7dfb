"""What the sampling loop yields: the tokens of one step, why a stream ended, and what a stream became."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Ids

Reason = Literal["length", "end", "stop", "interrupted"]


class Step(NamedTuple):
    """One step of all streams.

    Attributes:
        ids: (B,) the token of each stream; −1 where it has ended. An end token is not shown.
        log_probabilities: (B,) nats, under the model before rules; NaN where a stream has ended. None if not wanted.
        finished: Stream index → why it ended, for the streams that ended with this step.
        entropies: (B,) nats, of the model's distribution before rules; as `log_probabilities`.
        likeliest: Of a single stream the (K,) likeliest tokens at this place and their (K,) log-probabilities, the
            likeliest first, before rules. None if not wanted.
    """

    ids: Ids
    log_probabilities: NDArray[np.float32] | None
    finished: Mapping[int, Reason]
    entropies: NDArray[np.float32] | None = None
    likeliest: tuple[Ids, NDArray[np.float32]] | None = None


@dataclass
class SampledStream:
    """What one stream became.

    Attributes:
        ids: The tokens after the prompt.
        log_probabilities: Nats of each under the model before rules; empty if not wanted.
        finished: Why it ended.
    """

    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    finished: Reason = "interrupted"
