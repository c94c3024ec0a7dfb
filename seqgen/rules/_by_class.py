"""A temperature for each class of tokens: `pitch=1.1,time=0.8`, and a bare number for all the others."""

from dataclasses import dataclass, replace

import numpy as np

from seqgen.errors import SettingError
from seqgen.registry import nearest
from seqgen.rules import NEVER, History, Ids, Logits, Rule, Scope
from seqgen.rules._schedule import Curve, read_curve
from seqgen.rules.temperature import Temperature


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
        ids: (k,) the tokens of each class; none before the rule is bound.
        position: How many tokens of the sample there are.
    """

    others: Curve
    classes: tuple[tuple[str, Curve], ...]
    ids: tuple[Ids, ...] = ()
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
        named = tuple((name, curve.bound(scope.length)) for name, curve in self.classes)
        ids = tuple(np.flatnonzero(scope.classes[name]) for name, _ in named)
        return replace(self, others=self.others.bound(scope.length), classes=named, ids=ids)

    def at(self, position: int) -> Rule:
        return replace(self, position=position)

    def __call__(self, logits: Logits, history: History) -> Logits:
        if len(self.ids) < len(self.classes):
            raise SettingError("a temperature by class is not bound to a vocabulary", "see seqgen.rules.bind")
        other = self.others(self.position)
        out = Temperature(other)(logits, history)
        out = out.copy() if out is logits else out
        for (_, curve), ids in zip(self.classes, self.ids):
            own = curve(self.position)
            if own != other and len(ids):
                tempered = Temperature(own)(_above(logits.take(ids, axis=-1)), history)
                share = _log_sum(out.take(ids, axis=-1)) - _log_sum(tempered)  # (B, 1)
                out[:, ids] = tempered + share
        return out


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
