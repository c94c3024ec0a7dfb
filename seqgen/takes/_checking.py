"""What a stranger says of a take, held against what a take can be. Knows no files and no tables.

Exports and lists of takes come from others, or are damaged; both are read through here, so that what is let in can be
shown, replayed and exported.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from seqgen.takes.record import (
    FINISHED,
    MAX_NAME,
    MAX_TEXT,
    OPEN,
    Beginning,
    Circumstances,
    Ending,
    Take,
    TakeSettings,
    TakeSource,
    is_id,
)

DEPTH = 32  # of settings inside settings
DIGITS = 24  # of a whole number; a seed has 20
YEARS = range(1970, 2200)
BIG = 1 << 62


class Fault(ValueError):
    """Something that no take can be. Its words go into a sentence."""


def plain_object(text: str | bytes) -> dict[str, object]:
    """An object of JSON.

    Raises:
        Fault: It is none, a number in it is not finite or too long, a key stands twice, or it is nested too deep.
    """
    try:
        found = json.loads(
            text, parse_float=_finite, parse_constant=_finite, parse_int=_whole, object_pairs_hook=_unique
        )
    except Fault:
        raise
    except (ValueError, RecursionError) as error:
        raise Fault("it is no JSON") from error
    if not isinstance(found, dict):
        raise Fault("it is no object of JSON")
    _require_flat(found)
    return found


def take_of(id: str, facts: Mapping[str, object], source: TakeSource, imported: bool = False) -> Take:
    """The take that has these facts, named as in `seqgen.takes.exchange`.

    Raises:
        Fault: One of them is out of range or of the wrong type.
    """
    settings, circumstances, made_by = (_object(facts, key) for key in ("settings", "circumstances", "versions"))
    versions = {key: value for key, value in made_by.items() if isinstance(value, str) and len(value) <= MAX_NAME}
    if len(versions) != len(made_by):
        raise Fault("versions are no text")
    beginning = Beginning(
        source,
        number(facts, "sample", 0, 1 << 40),
        number(facts, "seed", 0, 1 << 64),
        cast("TakeSettings", settings),  # whoever reads a key of them does so with distrust
        cast("Circumstances", circumstances),
    )
    return Take(id, _created(facts["created"]), beginning, _ending(facts), versions, _flag(facts, "starred"), imported)


def source_of(facts: Mapping[str, object]) -> TakeSource:
    """The checkpoint that has these facts; whether its tokenizer can be built is not looked at.

    Raises:
        Fault: One of them is of the wrong type or too long.
    """
    hash, name, corpus = facts["hash"], text(facts, "name"), text(facts, "corpus")
    if not isinstance(hash, str) or len(hash) != 64 or not set(hash) <= set("0123456789abcdef"):
        raise Fault(f"hash is {shown(hash)}, expected 64 hexadecimal digits")
    source = TakeSource(hash, name, corpus, _object(facts, "tokenizer"))
    if set(source.tokenizer) - {"documents", "signs"} != {"name", "options", "state", "labels"}:
        raise Fault("tokenizer is none of seqgen's")
    return source


def require_keys(facts: Mapping[str, object], wanted: set[str]) -> None:
    """Refuse what has other keys.

    Raises:
        Fault: One is missing, or one is too many.
    """
    if other := wanted ^ set(facts):
        key = min(other)
        raise Fault(f"{shown(key)} is {'missing' if key in wanted else 'unknown'}")


def require_name(id: object) -> None:
    """Refuse what no export calls a take.

    Raises:
        Fault: It is no id, and no place of one that was never finished.
    """
    if not is_id(id) and not (isinstance(id, str) and id.startswith(OPEN) and id.removeprefix(OPEN).isdecimal()):
        raise Fault(f"id is {shown(id)}, expected twelve hexadecimal digits")


def number(facts: Mapping[str, object], key: str, low: int, end: int) -> int:
    """A whole number from `low` to below `end`.

    Raises:
        Fault: It is none.
    """
    value = facts[key]
    if type(value) is not int or not low <= value < end:
        raise Fault(f"{key} is {shown(value)}, expected a whole number from {low} to {end - 1}")
    return value


def text(facts: Mapping[str, object], key: str) -> str:
    """A name.

    Raises:
        Fault: It is no text, or too long.
    """
    value = facts[key]
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise Fault(f"{key} is {shown(value)}, expected a text of {MAX_NAME:,} characters at most")
    return value


def shown(value: object) -> str:
    """A value for a message, cut short."""
    said = repr(value) if not isinstance(value, dict | list | bytes) else f"a {type(value).__name__}"
    return said if len(said) <= 40 else f"{said[:40]}…"


def _ending(facts: Mapping[str, object]) -> Ending:
    finished, seconds = facts["finished"], facts["seconds"]
    if finished not in FINISHED:
        raise Fault(f"finished is {shown(finished)}, expected one of {', '.join(FINISHED)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e12:
        raise Fault(f"seconds is {shown(seconds)}, expected a number that is not negative")
    prompt_tokens, tokens, excess = (number(facts, key, 0, BIG) for key in ("prompt_tokens", "tokens", "excess"))
    return Ending(finished, prompt_tokens, tokens, excess, float(seconds))


def _created(value: object) -> str:
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        when = None
    if when is None or when.tzinfo is None or when.year not in YEARS:
        raise Fault(f"created is {shown(value)}, expected a time such as 2026-01-31T12:00:00+00:00")
    return str(value)


def _flag(facts: Mapping[str, object], key: str) -> bool:
    if type(facts[key]) is not bool:
        raise Fault(f"{key} is {shown(facts[key])}, expected true or false")
    return bool(facts[key])


def _object(facts: Mapping[str, object], key: str) -> dict[str, object]:
    value = facts[key]
    if not isinstance(value, dict):
        raise Fault(f"{key} is {shown(value)}, expected an object")
    if len(json.dumps(value)) > MAX_TEXT:
        raise Fault(f"{key} is longer than {MAX_TEXT:,} characters")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Fault(f"{shown(text)} is no finite number")
    return number


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise Fault(f"{shown(text)} is too long for a number")
    return int(text)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Fault("a key stands twice in one object")
    return found


def _require_flat(value: dict[str, object]) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH):
        inside = [list(each.values()) if isinstance(each, dict) else each for each in level]
        level = [each for values in inside for each in values if isinstance(each, dict | list)]
        if not level:
            return
    raise Fault(f"it is nested deeper than {DEPTH} times")
