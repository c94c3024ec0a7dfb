"""Rules that can be followed where the logits are, without the host: their counterparts in torch.

What a rule does becomes part of a CUDA graph; its number does not, but lies in a tensor, so that schedules and other
values need no new graph. Any other rule is followed on the host.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from seqgen.rules import Rule
from seqgen.rules.min_p import MinP
from seqgen.rules.temperature import COLD, Temperature
from seqgen.rules.top_a import TopA
from seqgen.rules.top_k import TopK
from seqgen.rules.top_p import TopP


class DeviceRule(NamedTuple):
    """One rule at one value.

    Attributes:
        kind: How it is computed, a key of `KINDS`.
        number: What with.
        neutral: Whether it changes nothing.
    """

    kind: str
    number: float
    neutral: bool = False


@dataclass(frozen=True)
class DeviceRules:
    """Rules that the device can follow, in order.

    Attributes:
        rules: Those that change anything.
        kinds: How each is computed, a key of `KINDS`.
        vocab_size: V.
    """

    rules: tuple[Rule, ...]
    kinds: tuple[str, ...]
    vocab_size: int

    def numbers(self, position: int, count: int) -> list[list[float]]:
        """(count, rules) what each takes at the positions from `position` on."""
        if all(len(rule.extremes()) == 1 for rule in self.rules):
            return [self._row(position)] * count
        return [self._row(position + step) for step in range(count)]

    def _row(self, position: int) -> list[float]:
        found = (_device_rule(rule.at(position), self.vocab_size) for rule in self.rules)
        return [each.number for each in found if each is not None]


def on_device(rules: Sequence[Rule], vocab_size: int) -> DeviceRules | None:
    """The rules, if the device can follow all of them.

    A schedule along which the kind changes, as at temperature 0, is none of these.
    """
    kept, kinds = [], []
    for rule in rules:
        found = [_device_rule(each, vocab_size) for each in rule.extremes()]
        first = found[0]
        if first is None or any(each is None or each.kind != first.kind for each in found):
            return None
        if not all(each.neutral for each in found if each):
            kept.append(rule)
            kinds.append(first.kind)
    return DeviceRules(tuple(kept), tuple(kinds), vocab_size)


def apply_rules(logits: Tensor, kinds: Sequence[str], numbers: Tensor) -> Tensor:
    """(B, V) float32 logits that remain; numbers (rules,) float64."""
    for index, kind in enumerate(kinds):
        logits = KINDS[kind](logits, numbers[index])
    return logits


def _device_rule(rule: Rule, vocab_size: int) -> DeviceRule | None:
    """How a rule is followed on the device, if it can be. A class made from one of these may do something else."""
    if type(rule) is Temperature:
        value = rule.temperature
        if value >= COLD:
            return DeviceRule("scaled", 1 / value, value == 1)
        return DeviceRule("cold", value) if value else DeviceRule("highest", 0)
    if type(rule) is TopK:
        return DeviceRule("top_k", rule.k) if 0 < rule.k < vocab_size else DeviceRule("top_k", vocab_size, True)
    if type(rule) is TopP:
        return DeviceRule("top_p", 1 - rule.p, rule.p == 1)
    if type(rule) is MinP:
        return DeviceRule("min_p", math.log(rule.p)) if rule.p else DeviceRule("min_p", -math.inf, True)
    if type(rule) is TopA:
        return DeviceRule("top_a", math.log(rule.a)) if rule.a else DeviceRule("top_a", -math.inf, True)
    return None


def _keep(logits: Tensor, threshold: Tensor) -> Tensor:
    """By a fill and not by `where` with a number, which a capture does not take: it copies from the host."""
    return logits.masked_fill(logits < threshold, -math.inf)


def _scaled(logits: Tensor, number: Tensor) -> Tensor:
    return logits * number.float()


def _cold(logits: Tensor, number: Tensor) -> Tensor:
    return ((logits - logits.amax(-1, keepdim=True)).double() / number).float()


def _highest(logits: Tensor, number: Tensor) -> Tensor:
    return _keep(logits, logits.amax(-1, keepdim=True))


def _top_k(logits: Tensor, number: Tensor) -> Tensor:
    descending = logits.sort(dim=-1, descending=True).values
    place = (number.long() - 1).expand(len(logits), 1)
    return _keep(logits, descending.gather(1, place))


def _top_p(logits: Tensor, number: Tensor) -> Tensor:
    ascending = logits.sort(dim=-1).values
    highest = ascending[:, -1:]
    mass = (ascending - highest).exp().cumsum(-1)
    gone = (mass <= mass[:, -1:] * number.float()) & (number > 0)
    return _keep(logits, torch.where(gone, highest, ascending).amin(-1, keepdim=True))


def _min_p(logits: Tensor, number: Tensor) -> Tensor:
    return _keep(logits, logits.amax(-1, keepdim=True) + number.float())


def _top_a(logits: Tensor, number: Tensor) -> Tensor:
    highest = logits.amax(-1, keepdim=True)
    surprise = (logits - highest).exp().sum(-1, keepdim=True).log()
    return _keep(logits, highest + (number.float() - surprise))


KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "scaled": _scaled,
    "cold": _cold,
    "highest": _highest,
    "top_k": _top_k,
    "top_p": _top_p,
    "min_p": _min_p,
    "top_a": _top_a,
}
