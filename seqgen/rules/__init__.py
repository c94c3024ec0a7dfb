"""Rules change what is drawn next: logits in, logits out. Pure functions of logits and history, in numpy.

A rule is one file here. Its class is a frozen dataclass with one field, the value; at its neutral value it changes
nothing. Rules work in the order given, on (B, V) logits in which −inf stands for "never". A rule takes logits of
which each row has at least one finite number and leaves at least one, so no list of rules can leave nothing to draw.
What the tests hold a rule to stands in its `contract`.

What a rule may know beyond logits and history comes in two steps, and most rules pass both by:

    rule.bind(scope)       once, before the first token: the vocabulary's names, bytes and classes, the length
    rule.at(position)      before each token: the rule as it is after so many tokens of the sample

An `AdaptiveRule` also sees each token that was drawn, and its surprise; what it learns from them lies with the run.
Any rule with a number takes a schedule instead: `0.6..1.2`, `0.6..1.2/500`, `0.6~1.2/200` (see `_schedule`).

This room knows ids only; it never imports codecs, models or torch.
"""

from collections.abc import Sequence
from typing import Any

from seqgen import registry, settings
from seqgen.errors import SettingError
from seqgen.rules._rule import (
    NEVER,
    AdaptiveRule,
    Chances,
    Contract,
    History,
    Ids,
    Logits,
    Mask,
    Memory,
    Rule,
    Scope,
    keep_at_least,
    unless_empty,
)
from seqgen.rules._schedule import FORMS, Scheduled, is_schedule

__all__ = [
    "NEVER",
    "AdaptiveRule",
    "Chances",
    "Contract",
    "History",
    "Ids",
    "Logits",
    "Mask",
    "Memory",
    "Rule",
    "Scope",
    "bind",
    "chain",
    "keep_at_least",
    "parse",
    "unless_empty",
]


def parse(name: str, value: Any) -> Rule:
    """The rule called `name` at a value given as text or as a number: `-r top-p 0.9`.

    Raises:
        UsageError: There is no such rule; the hint lists those there are.
        SettingError: The value is not a number, or out of range.
    """
    kind: type[Rule] = registry.load("rules", name.replace("-", "_"))
    numeric = settings.fields(kind).popitem()[1].type in (int, float, "int", "float")
    try:
        return Scheduled.of(kind, value) if numeric and is_schedule(value) else kind.read(value)
    except SettingError as error:
        message = error.message if error.message.startswith(f"{name} ") else f"rule {name}: {error.message}"
        hint = error.hint or (f"it takes {FORMS}" if numeric and FORMS not in message else "")
        raise SettingError(message, hint) from None


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
