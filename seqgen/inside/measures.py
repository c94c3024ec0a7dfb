"""How well classes are told: accuracy with its interval, and F1."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NINETY_FIVE = 1.959964  # of the normal distribution


@dataclass(frozen=True)
class Told:
    """A classifier on examples that it has not seen.

    Attributes:
        name: Of it.
        accuracy: The share that is right.
        low, high: Its 95 % interval (Wilson 1927).
        f1: The mean over classes of the harmonic mean of precision and recall.
        examples: How many there were.
    """

    name: str
    accuracy: float
    low: float
    high: float
    f1: float
    examples: int

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        found = {"accuracy": self.accuracy, "low": self.low, "high": self.high, "f1": self.f1}
        return {**{key: round(value, 4) for key, value in found.items()}, "examples": self.examples}


def told(name: str, predicted: NDArray[np.int64], wanted: NDArray[np.int64], classes: int) -> Told:
    """Measure predictions (N,) against what is right (N,)."""
    count = len(wanted)
    share = float((predicted == wanted).mean())
    low, high = wilson(share, count)
    scores = []
    for number in range(classes):
        hit = int(((predicted == number) & (wanted == number)).sum())
        both = int((predicted == number).sum() + (wanted == number).sum())
        scores.append(2 * hit / both if both else 0.0)
    return Told(name, share, low, high, float(np.mean(scores)), count)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of `count`."""
    z2 = NINETY_FIVE**2 / count
    middle, half = share + z2 / 2, NINETY_FIVE * math.sqrt(share * (1 - share) / count + z2 / (4 * count))
    return (middle - half) / (1 + z2), (middle + half) / (1 + z2)
