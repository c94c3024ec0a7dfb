"""Rules bend what may be drawn next: logits in, logits out. Pure functions of logits and history, in numpy.

A rule is one file here. Its class is a frozen dataclass with one field, the value; at its neutral value it changes
nothing. Rules work in the order given, on (B, V) logits in which −inf stands for "never". A rule takes logits of
which each row has at least one finite number and leaves at least one, so no list of rules can leave nothing to draw.

This room knows ids only; it never imports codecs, models or torch.
"""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen import registry, settings

Logits = NDArray[np.float32]
History = NDArray[np.integer[Any]]
NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class Rule(abc.ABC):
    """A map of logits.

    Class attributes:
        window: How many of the latest tokens the rule looks at; the loop keeps no more.
    """

    window: ClassVar[int] = 0

    @abc.abstractmethod
    def __call__(self, logits: Logits, history: History) -> Logits:
        """The logits that remain; the argument is left as it is.

        Args:
            logits: (B, V) float32, at least one finite in each row.
            history: (B, n) the latest tokens of each stream, the last one last, prompt included; n ≥ 0. A stream
                shorter than n is filled up in front with −1.
        """


def parse(name: str, value: Any) -> Rule:
    """The rule called `name` at a value given as text or as a number: `-r top-p 0.9`.

    Raises:
        UsageError: There is no such rule; the hint lists those there are.
        SettingError: The value is not a number, or out of range.
    """
    rule = registry.load("rules", name.replace("-", "_"))
    (field,) = settings.fields(rule)
    made = settings.parse(rule, {field: value})
    assert isinstance(made, Rule)
    return made


def keep_at_least(logits: Logits, threshold: NDArray[np.floating[Any]] | np.float32) -> Logits:
    """The logits, those below their row's threshold, a number or (B, 1), made −inf."""
    return np.where(logits >= threshold, logits, NEVER)
