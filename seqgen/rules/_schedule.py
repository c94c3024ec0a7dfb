"""Values that change along a sample: a ramp or a cosine cycle of any rule's number.

0.6..1.2        from 0.6 to 1.2, evenly over the length of the sample
0.6..1.2/500    the same over the first 500 tokens, then 1.2
0.6~1.2/200     0.6, after 100 tokens 1.2, after 200 again 0.6, along a cosine, and so on
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from seqgen import settings
from seqgen.errors import SettingError
from seqgen.rules._rule import History, Logits, Rule, Scope

FORMS = "a number, or a schedule such as 0.6..1.2, 0.6..1.2/500 or 0.6~1.2/200"
SPAN_DIGITS = 12


@dataclass(frozen=True)
class Curve:
    """A number as a function of the position.

    Attributes:
        begin, end: Its values at the beginning and at the end of a ramp, or in the middle of a cycle.
        span: Tokens of a ramp or a cycle; None: the length of the sample, which `bound` puts in.
        cycle: A cycle instead of a ramp.
    """

    begin: float
    end: float
    span: int | None = 1
    cycle: bool = False

    def __call__(self, position: int) -> float:
        """The value after `position` tokens."""
        if self.begin == self.end:
            return self.begin
        if self.span is None:
            raise SettingError("a schedule has no span", "give one: 0.6..1.2/500")
        share = position / self.span
        share = (1 - math.cos(2 * math.pi * share)) / 2 if self.cycle else min(1.0, share)
        return self.begin + (self.end - self.begin) * share

    def bound(self, length: int | None) -> "Curve":
        """The curve over a sample of `length` tokens. The last of them has the end's value.

        Raises:
            SettingError: The curve has no span of its own, and the sample no length.
        """
        if self.span is not None:
            return self
        if length is None:
            text = f"{self.begin:g}..{self.end:g}"
            raise SettingError(f"the schedule {text} goes over a sample without end", f"give it a span: {text}/500")
        return replace(self, span=max(1, length - 1))


def is_schedule(value: Any) -> bool:
    """Whether a value has the form of a schedule rather than of a number."""
    return isinstance(value, str) and _parts(value) is not None


def _parts(text: str) -> tuple[str, str, int | None, bool] | None:
    """(begin, end, span, whether it is a cycle) as they are written; None where it is no schedule's form."""
    curve, slash, span = text.partition("/")
    cycle = "~" in curve
    mark, width = (curve.find("~"), 1) if cycle else (curve.find("..", 1), 2)
    begin, end = curve[:mark], curve[mark + width :]
    if mark < 1 or not end or "~" in end or "=" in curve or "," in curve:
        return None
    if slash and not (span.isdecimal() and len(span) <= SPAN_DIGITS):
        return None
    return begin, end, int(span) if slash else None, cycle


def read_curve(key: str, value: Any) -> Curve:
    """A schedule, or a number as a curve that does not change.

    Raises:
        SettingError: It is neither, or its span does not fit.
    """
    parts = _parts(value) if isinstance(value, str) else None
    try:
        if parts is None:
            number = settings.convert(key, value, float)
            return Curve(number, number)
        begin, end = (settings.convert(key, number, float) for number in parts[:2])
    except SettingError:
        raise SettingError(f"{key} is {value!r}, expected {FORMS}") from None
    span, cycle = parts[2:]
    if span is None and cycle:
        raise SettingError(f"{key} is {value!r}, a cycle without its length", f"say after how many tokens: {value}/200")
    settings.require(math.isfinite(begin) and math.isfinite(end), key, value, "a schedule between finite numbers")
    settings.require(span is None or span > 0, key, value, "a span of at least one token")
    return Curve(begin, end, span, cycle)


@dataclass(frozen=True)
class Scheduled(Rule):
    """A rule whose number follows a curve.

    Attributes:
        kind: The rule.
        curve: Its number.
    """

    kind: type[Rule]
    curve: Curve

    @classmethod
    def of(cls, kind: type[Rule], value: Any) -> "Scheduled":
        """The rule `kind` along the schedule `value`; both of its ends must be values that the rule takes."""
        (key,) = settings.fields(kind)
        rule = cls(kind, read_curve(key, value))
        rule.extremes()
        return rule

    @property
    def window(self) -> int:  # type: ignore[override]
        """The rule's."""
        return self.kind.window

    @property
    def early(self) -> bool:  # type: ignore[override]
        """The rule's."""
        return self.kind.early

    def __call__(self, logits: Logits, history: History) -> Logits:
        return self.made(self.curve.begin)(logits, history)

    def bind(self, scope: Scope) -> Rule:
        return replace(self, curve=self.curve.bound(scope.length))

    def at(self, position: int) -> Rule:
        return self.made(self.curve(position))

    def extremes(self) -> tuple[Rule, ...]:
        return self.made(self.curve.begin), self.made(self.curve.end)

    def made(self, value: float) -> Rule:
        """The rule at one value of the curve."""
        (only,) = settings.fields(self.kind).values()
        return self.kind(round(value) if only.type in (int, "int") else value)  # type: ignore[call-arg]
