"""Temperature: how bold the draw is, at all times or along a schedule, for all tokens or for each class of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from seqgen.errors import SettingError
from seqgen.registry import nearest
from seqgen.rules import NEVER, Chances, Contract, History, Ids, Logits, Rule, Scope, keep_at_least
from seqgen.rules._schedule import Curve, read_curve
from seqgen.settings import require

COLD = 0.01  # below it the quotient could overflow, so the maximum is taken off first


def _definition(p: Chances, value: float, past: object) -> Chances:
    return np.asarray((p / p.max()) ** (1 / max(value, 1e-300)))


@dataclass(frozen=True)
class Temperature(Rule):
    """Divide the logits: below 1 the likely grows likelier, above 1 all grow alike, 0 leaves the maximum alone.

    Takes `0.6..1.2` and `0.6~1.2/200` (see `_schedule`), and `0.8,pitch=1.1,time=0.7..0.9` (see `ByClass`).
    """

    contract = Contract(1, (0, 1e-300, 1e-6, 0.3, 0.8, 1, 1.7, 100, "0.5..1.5", "0.5~1.5/8"), _definition)
    temperature: float

    def __post_init__(self) -> None:
        require(0 <= self.temperature <= 100, "temperature", self.temperature, "0 to 100")

    @classmethod
    def read(cls, value: Any) -> Rule:
        if isinstance(value, str) and ("=" in value or "," in value):
            return ByClass.read(value)
        return super().read(value)

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.temperature >= COLD:
            return logits if self.temperature == 1 else logits * self._factor
        highest = logits.max(axis=-1, keepdims=True)
        if self.temperature == 0:
            return keep_at_least(logits, highest)
        with np.errstate(over="ignore"):  # to −inf, which is what it means
            return np.asarray((logits - highest) / np.float64(self.temperature), np.float32)

    @cached_property
    def _factor(self) -> Logits:
        """1 / T as an array without axes, with which numpy multiplies in half the time that a scalar takes."""
        return np.array(1 / self.temperature, np.float32)


@dataclass(frozen=True, eq=False)
class ByClass(Rule):
    """Temper each named class within itself; how likely a class is as a whole is for the others' temperature alone.

    All logits are divided by the others' temperature, as `Temperature` does. Then the chance that a named class has
    as a whole is dealt out anew among its tokens, in the proportions that its own temperature gives. So a bolder
    choice of pitches changes neither how many notes there are nor when they come; and if all temperatures are
    the same, the rule is `Temperature`.

    Attributes:
        others: The temperature of whatever has no class here, and between classes.
        classes: (name, temperature) of each class.
        ids: The tokens of each class, in the order of the vocabulary; none before the rule is bound.
        position: How many tokens of the sample there are.
    """

    others: Curve
    classes: tuple[tuple[str, Curve], ...]
    ids: tuple[Ids | slice, ...] = ()
    position: int = 0

    @classmethod
    def read(cls, value: str) -> "ByClass":
        others, named = Curve(1, 1), {}
        bare = 0
        for item in value.split(","):
            name, equals, temperature = (part.strip() for part in item.partition("="))
            if name in named or (not equals and (bare := bare + 1) > 1):
                raise SettingError(f"temperature is {value!r}, in which {name!r} is one too many")
            curve = read_curve("temperature", temperature if equals else name)
            for end in (curve.begin, curve.end):
                Temperature(end)
            if equals:
                named[name] = curve
            else:
                others = curve
        return cls(others, tuple(named.items()))

    def bind(self, scope: Scope) -> Rule:
        for name, _ in self.classes:
            if name not in scope.classes:
                known = sorted(scope.classes)
                hint = nearest(name, known) if known else "these tokens have no classes"
                raise SettingError(f"no class of tokens is called {name!r}", hint)
        named = [(name, curve.bound(scope.length)) for name, curve in self.classes if scope.classes[name].any()]
        ids = tuple(_part(np.flatnonzero(scope.classes[name])) for name, _ in named)
        return replace(self, others=self.others.bound(scope.length), classes=tuple(named), ids=ids)

    def at(self, position: int) -> Rule:
        return ByClass(self.others, self.classes, self.ids, position)  # `replace` takes longer than a draw

    def __call__(self, logits: Logits, history: History) -> Logits:
        if len(self.ids) < len(self.classes):
            raise SettingError("a temperature by class is not bound to a vocabulary", "see seqgen.rules.bind")
        other = self.others(self.position)
        out = Temperature(other)(logits, history)
        out = out.copy() if out is logits else out
        for (_, curve), ids in zip(self.classes, self.ids):
            own = curve(self.position)
            if own == other:
                continue
            part = logits[:, ids]
            highest = np.maximum.reduce(part, axis=-1, keepdims=True)
            if own >= COLD and other >= COLD and highest.min() > NEVER:
                out[:, ids] = _dealt(part - highest, highest, own, other)
            else:
                tempered = Temperature(own)(_above(part), history)
                out[:, ids] = tempered + (_log_sum(out[:, ids]) - _log_sum(tempered))
        return out


def _part(ids: Ids) -> Ids | slice:
    """The same tokens as a slice where they stand in a row, as a class of tokens mostly does: it costs no copy."""
    first, last = int(ids[0]), int(ids[-1])
    return slice(first, last + 1) if last - first + 1 == len(ids) else ids


def _dealt(below: Logits, highest: Logits, own: float, other: float) -> Logits:
    """(B, k) a class at its own temperature, with the chance as a whole that it has at the other one.

    Args:
        below: (B, k) the logits, 0 being each row's highest.
        highest: (B, 1) what was taken off.
    """
    tempered = below * np.float32(1 / own)
    mass = np.add.reduce(np.exp(below * np.float32(1 / other)), axis=-1, keepdims=True)
    mass /= np.add.reduce(
        np.exp(tempered), axis=-1, keepdims=True
    )  # both sums are 1 at least: the highest is among them
    tempered += highest * np.float32(1 / other) + np.log(mass)
    return tempered


def _above(logits: Logits) -> Logits:
    """(B, k) logits, 0 being each row's highest; a row without any, which has no chance anyway, is all 0."""
    highest = logits.max(axis=-1, keepdims=True)
    possible = highest > NEVER
    return np.where(possible, logits - np.where(possible, highest, 0), np.float32(0))


def _log_sum(logits: Logits) -> Logits:
    """(B, 1) the logarithm of the sum of the exponentials; −inf for a row without any, and no warning."""
    highest = logits.max(axis=-1, keepdims=True)
    base = np.where(highest > NEVER, highest, 0)
    total = np.exp(logits - base).sum(axis=-1, keepdims=True)
    return np.where(highest > NEVER, base + np.log(np.maximum(total, np.float32(1e-30))), NEVER).astype(np.float32)
