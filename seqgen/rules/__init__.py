"""Rules bend what may be drawn next: logits in, logits out. Pure functions of logits and history, in numpy.

A rule is one file here. Its class is a frozen dataclass with one field, the value; at its neutral value it changes
nothing. Rules work in the order given, on (B, V) logits in which −inf stands for "never". A rule takes logits of
which each row has at least one finite number and leaves at least one, so no list of rules can leave nothing to draw.

What a rule may know beyond logits and history comes in two steps, and most rules pass both by:

    rule.bind(scope)       once, before the first token: the vocabulary's names, bytes and classes, the length
    rule.at(position)      before each token: the rule as it is after so many tokens of the sample

Any rule with a number takes a schedule instead: `0.6..1.2`, `0.6..1.2/500`, `0.6~1.2/200` (see `_schedule`).

This room knows ids only; it never imports codecs, models or torch.
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen import registry, settings
from seqgen.errors import SettingError

Logits = NDArray[np.float32]
History = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Ids = NDArray[np.integer[Any]]
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
class Rule(abc.ABC):
    """A map of logits.

    Class attributes:
        window: How many of the latest tokens the rule looks at; the loop keeps no more.
        early: Whether the rule means the model's own logits, and so stands before a temperature that is added to the
            list: at temperature 0 there would be nothing left to choose from.
    """

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


def parse(name: str, value: Any) -> Rule:
    """The rule called `name` at a value given as text or as a number: `-r top-p 0.9`.

    Raises:
        UsageError: There is no such rule; the hint lists those there are.
        SettingError: The value is not a number, or out of range.
    """
    from seqgen.rules._schedule import FORMS, Scheduled, is_schedule

    kind: type[Rule] = registry.load("rules", name.replace("-", "_"))
    numeric = settings.fields(kind).popitem()[1].type in (int, float, "int", "float")
    try:
        return Scheduled.of(kind, value) if numeric and is_schedule(value) else kind.read(value)
    except SettingError as error:
        told = error.message if error.message.startswith(f"{name} ") else f"rule {name}: {error.message}"
        hint = error.hint or (f"it takes {FORMS}" if numeric and FORMS not in told else "")
        raise SettingError(told, hint) from None


def chain(temperature: Any, given: Sequence[tuple[str, Any]], scope: Scope) -> list[Rule]:
    """Rules by name and value, bound, in the order given; where no temperature is among them, one is put in.

    It stands before the first rule that is not early: bans, biases and penalties come before it, top-k and its like
    after it.
    """
    rules = [parse(name, value) for name, value in given]
    if not any(name == "temperature" for name, _ in given):
        rules = sorted([parse("temperature", temperature), *rules], key=lambda rule: not rule.early)
    return bind(rules, scope)


def bind(rules: Sequence[Rule], scope: Scope) -> list[Rule]:
    """The rules for one vocabulary and length; see `Rule.bind`."""
    return [rule.bind(scope) for rule in rules]


def keep_at_least(logits: Logits, threshold: NDArray[np.floating[Any]] | np.float32) -> Logits:
    """The logits, those below their row's threshold, a number or (B, 1), made −inf."""
    return np.where(logits >= threshold, logits, NEVER)


def unless_empty(kept: Logits, before: Logits) -> Logits:
    """`kept`, but `before` in the rows of which nothing is left: a rule that would leave nothing gives way."""
    highest = np.maximum.reduce(kept, axis=-1)
    if (highest[0] if len(highest) == 1 else highest.min()) > NEVER:
        return kept
    return np.where((highest > NEVER)[:, None], kept, before)
