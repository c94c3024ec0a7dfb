"""What a rule is, and what rules share: they import it from `seqgen.rules`, as packages do."""

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen import settings

Logits = NDArray[np.float32]
History = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Ids = NDArray[np.integer[Any]]
Chances = NDArray[np.float64]
Memory = NDArray[Any]
NEVER = np.float32(-np.inf)


@dataclass(frozen=True, eq=False)
class Scope:
    """What rules are told once, before the first token.

    Attributes:
        names: (V,) readable token names.
        token_bytes: (V,) the bytes of each token where tokens spell text, else None.
        classes: Class name → (V,) mask; no token is in two of them.
        length: Tokens of a sample at most; None: no limit.
    """

    names: Sequence[str]
    token_bytes: Sequence[bytes] | None = None
    classes: Mapping[str, Mask] = field(default_factory=dict)
    length: int | None = None


@dataclass(frozen=True)
class Contract:
    """What the tests hold a rule to, beside the promises of all rules.

    Attributes:
        neutral: The value at which it changes nothing.
        values: Values to try, schedules among them.
        chances: Its definition: (the chances (V,) before it in descending order, the value, the tokens so far) → what
            the chances after it are in proportion to. None where more than these decide, as a vocabulary does: then
            the rule has tests of its own.
    """

    neutral: Any
    values: tuple[Any, ...]
    chances: Callable[[Chances, Any, Sequence[int]], Chances] | None = None


@dataclass(frozen=True)
class Rule(abc.ABC):
    """A map of logits.

    Class attributes:
        contract: What the tests hold it to; None, as in a rule that only stands in for another, makes them fail.
        window: How many of the latest tokens the rule looks at; the loop keeps no more.
        early: Whether the rule means the model's own logits, and so stands before a temperature that is added to the
            list: at temperature 0 there would be nothing left to choose from.
    """

    contract: ClassVar[Contract | None] = None
    window: ClassVar[int] = 0
    early: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, logits: Logits, history: History) -> Logits:
        """The logits that remain; the argument is left as it is.

        Args:
            logits: (B, V) float32, at least one finite in each row.
            history: (B, n) the latest tokens of each stream, the last one last, prompt included; n ≥ 0. A stream
                shorter than n is filled up in front with −1.
        """

    @classmethod
    def read(cls, value: Any) -> "Rule":
        """The rule at a value given as text or as a number.

        Raises:
            SettingError: The value is of another type, or out of range.
        """
        (only,) = dataclasses.fields(cls)
        return settings.parse(cls, {only.name: value})

    def bind(self, scope: Scope) -> "Rule":
        """The rule for one vocabulary and length: the rule itself, where it needs to know neither.

        Raises:
            SettingError: The value names what this vocabulary does not have.
        """
        return self

    def at(self, position: int) -> "Rule":
        """The rule as it is after `position` tokens of a sample: the rule itself, where it does not change."""
        return self

    def extremes(self) -> tuple["Rule", ...]:
        """The rules between which this one changes along a sample; the rule itself alone, where it does not."""
        return (self,)


class AdaptiveRule(Rule):
    """A rule that learns from what is drawn: the tokens, and how much each surprised the model.

    The rule itself stays as it is, for it may serve several runs at once. What it remembers is an array whose rows are
    the streams of one run: the loop keeps it, lets streams that have ended fall out of it, and takes a row several
    times where a beam splits. It goes on where the value changes along a schedule or by hand.
    """

    @abc.abstractmethod
    def start(self, streams: int) -> Memory:
        """(streams, …) what it remembers of each before its first token. Prompts are not observed."""

    @abc.abstractmethod
    def apply(self, logits: Logits, history: History, memory: Memory) -> Logits:
        """As `Rule.__call__`, knowing the (B, …) memory."""

    @abc.abstractmethod
    def observe(self, memory: Memory, ids: Ids, surprise: NDArray[np.float32]) -> Memory:
        """(B, …) what it remembers after one more token of each stream; the argument is left as it is.

        Args:
            memory: (B, …) before it.
            ids: (B,) the tokens.
            surprise: (B,) nats, −ln of the probability of each under the model before all rules.
        """

    def __call__(self, logits: Logits, history: History) -> Logits:
        return self.apply(logits, history, self.start(len(logits)))


def keep_at_least(logits: Logits, threshold: NDArray[np.floating[Any]] | np.float32) -> Logits:
    """The logits, those below their row's threshold, a number or (B, 1), made −inf."""
    return np.where(logits >= threshold, logits, NEVER)


def unless_empty(kept: Logits, before: Logits) -> Logits:
    """`kept`, but `before` in the rows of which nothing is left: a rule that would leave nothing gives way."""
    highest = np.maximum.reduce(kept, axis=-1)
    if (highest[0] if len(highest) == 1 else highest.min()) > NEVER:
        return kept
    return np.where((highest > NEVER)[:, None], kept, before)
