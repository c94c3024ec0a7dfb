"""Best of N: of several samples the one that the model finds likeliest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgen.errors import UsageError
from seqgen.generation.steps import SampledStream


@dataclass(frozen=True)
class Choice:
    """The best of a group.

    Attributes:
        index: Its place among all samples.
        sample: The sample.
        score: Nats a token, the mean of its log-probabilities under the model before rules, or what was given.
    """

    index: int
    sample: SampledStream
    score: float


def best_of(samples: Sequence[SampledStream], count: int, scores: Sequence[float] | None = None) -> list[Choice]:
    """The likeliest of each `count` samples in a row: give `generate` each prompt `count` times, and `scores`.

    Likelihood is counted by the token, or else the shortest would win. An empty sample is chosen only among its
    like. Of equals the first is chosen.

    Args:
        samples: All of them.
        count: How many there are of each.
        scores: One each, in the place of their likelihood.

    Raises:
        UsageError: The samples are not so many times `count`, or have no scores.
    """
    if count < 1 or len(samples) % count:
        raise UsageError(f"{len(samples)} samples do not make groups of {count}")
    if any(len(sample.ids) != len(sample.log_probabilities) for sample in samples):
        raise UsageError("the samples have no log-probabilities", "generate them with scores=True")
    if scores is None:
        scores = [float(np.mean(sample.log_probabilities)) if sample.ids else -np.inf for sample in samples]
    best = [max(range(first, first + count), key=scores.__getitem__) for first in range(0, len(samples), count)]
    return [Choice(index, samples[index], scores[index]) for index in best]
