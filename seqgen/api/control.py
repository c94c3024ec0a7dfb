"""Lines with which another program steers a sample while it runs. Pure functions of bytes: no threads, no streams.

A line is one JSON object; what it may hold, alone or together:

    {"temperature": 0.9}                a number, or a schedule as text
    {"rules": {"top_p": 0.9}}           rules by name, the others stay; null takes one away
    {"clamp": {"layer1:cell317": 0.9}}  cells that are held from here on; null lets one go
    {"gain": {"layer1:cell317": 2}}     cells that are heard louder or softer; null as it was
    {"prompt": "text"}                  text that the sample goes on with
    {"reset": true}                     forget everything and begin a new document
    {"pause": true}  {"resume": true}   wait; go on
    {"stop": true}                      end the sample

Where several stand in one line they work in the order of this list, but a reset comes before a prompt.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqgen.errors import SeqgenError, UsageError
from seqgen.inside.naming import MOST, read_name
from seqgen.registry import names, nearest
from seqgen.rules import parse

MAX_LINE = 1 << 16  # bytes
MAX_RULES = 64
MAX_CELLS = 1024
MAX_NAME = 40  # characters
FLAGS = ("reset", "pause", "resume", "stop")
KEYS = ("temperature", "rules", "clamp", "gain", "prompt", *FLAGS)
EXPECTED = 'one JSON object a line, such as {"temperature": 0.9}'


@dataclass(frozen=True)
class Control:
    """What a line asks for; what it leaves out stays as it is.

    Attributes:
        temperature: The new one, a number or a schedule as text; None: as it was.
        rules: (name, value) pairs; the value None takes the rule away.
        clamp, gain: (cell, value) pairs; None lets a cell go.
        prompt: Bytes that the sample goes on with.
        reset: Whether to begin a new document.
        pause: Whether to wait.
        resume: Whether to go on.
        stop: Whether to end the sample.
    """

    temperature: float | str | None = None
    rules: tuple[tuple[str, float | str | None], ...] = ()
    clamp: tuple[tuple[str, float | None], ...] = ()
    gain: tuple[tuple[str, float | None], ...] = ()
    prompt: bytes = b""
    reset: bool = False
    pause: bool = False
    resume: bool = False
    stop: bool = False


def parse_control(line: bytes) -> Control:
    """What a line asks for, every value checked.

    Raises:
        UsageError: It is too long, no JSON object, or holds a key or a value that makes no sense.
    """
    return control_of(read_line(line))


def read_line(line: bytes) -> dict[str, Any]:
    """The keys and values of a line, as they are.

    Raises:
        UsageError: It is too long, or no JSON object.
    """
    if len(line) > MAX_LINE:
        raise UsageError(f"a control line is longer than {MAX_LINE:,} bytes", "send a long prompt in several lines")
    try:
        given = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "it is no UTF-8, or nested too deeply"
        raise UsageError(f"a control line is no JSON: {reason}", EXPECTED) from None
    if not isinstance(given, dict):
        raise UsageError("a control line is no JSON object", EXPECTED)
    return given


def control_of(given: dict[str, Any]) -> Control:
    """What keys and values ask for, every value checked.

    Raises:
        UsageError: There is no such key, or a value makes no sense.
    """
    for key in given:
        if key not in KEYS:
            raise UsageError(f"no control is called {_short(key)}", nearest(key[:MAX_NAME], list(KEYS)))
    flags = {key: _flag(key, given[key]) for key in FLAGS if key in given}
    if flags.get("pause") and flags.get("resume"):
        raise UsageError("a control line says both pause and resume", "send one of them")
    clamp, gain = _cells(given, "clamp"), _cells(given, "gain")
    return Control(_temperature(given), _rules(given), clamp, gain, _prompt(given), **flags)


def changed(
    rules: tuple[tuple[str, Any], ...], changes: tuple[tuple[str, float | str | None], ...]
) -> tuple[tuple[str, Any], ...]:
    """The rules with changes: a known one keeps its place, a new one comes last, None takes one away."""
    changing = dict(changes)
    waiting = {name: value for name, value in changes if value is not None}
    merged: list[tuple[str, Any]] = []
    for name, value in rules:
        known = name.replace("-", "_")
        if known not in changing:
            merged.append((name, value))
        elif known in waiting:
            merged.append((known, waiting.pop(known)))
    return (*merged, *waiting.items())


def changed_cells(held: Mapping[str, float], changes: tuple[tuple[str, float | None], ...]) -> dict[str, float]:
    """Cells that are held, with changes; None lets one go."""
    merged: dict[str, float | None] = {**held, **dict(changes)}
    return {name: value for name, value in merged.items() if value is not None}


def _cells(given: dict[str, object], key: str) -> tuple[tuple[str, float | None], ...]:
    cells = given.get(key, {})
    if not isinstance(cells, dict) or len(cells) > MAX_CELLS:
        raise UsageError(f"{key} is {_short(cells)}, expected an object of at most {MAX_CELLS}, a number by cell")
    found: list[tuple[str, float | None]] = []
    for name, value in cells.items():
        cell = str(read_name(name[:MAX_NAME]))
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST
        if value is not None and not number:
            raise UsageError(
                f"{key} of {cell} is {_short(value)}, expected a number from -{MOST:g} to {MOST:g}, or null"
            )
        found.append((cell, None if value is None else float(value)))
    return tuple(found)


def _temperature(given: dict[str, object]) -> float | str | None:
    if "temperature" not in given:
        return None
    return _checked("temperature", given["temperature"])


def _rules(given: dict[str, object]) -> tuple[tuple[str, float | str | None], ...]:
    rules = given.get("rules", {})
    if not isinstance(rules, dict) or len(rules) > MAX_RULES:
        raise UsageError(f"rules is {_short(rules)}, expected an object of at most {MAX_RULES}, a value by name")
    pairs: list[tuple[str, float | str | None]] = []
    for name, value in rules.items():
        pairs.append((name.replace("-", "_"), None if value is None else _checked(name, value)))
    return tuple(pairs)


def _checked(name: str, value: Any) -> float | str:
    """A rule's value that makes sense."""
    if len(name) > MAX_NAME:
        raise UsageError(f"no rule is called {_short(name)}", nearest("", names("rules")))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{_short(name)} is {_short(value)}, expected a number or text")
    try:
        parse(name, value)
    except SeqgenError as error:
        raise UsageError(error.message[:300], error.hint[:600]) from None
    except (ValueError, TypeError, OverflowError, ImportError) as error:
        raise UsageError(f"{_short(name)} is {_short(value)}, which makes no sense ({type(error).__name__})") from None
    return value


def _prompt(given: dict[str, object]) -> bytes:
    prompt = given.get("prompt", "")
    if not isinstance(prompt, str):
        raise UsageError(f"prompt is {_short(prompt)}, expected text")
    return prompt.encode("utf-8", "surrogatepass")


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{key} is {_short(value)}, expected true")
    return value


def _short(value: Any, limit: int = 60) -> str:
    """A value for a message: one line, no longer than it needs to be."""
    text = ascii(value) if not isinstance(value, int) or -(10**40) < value < 10**40 else "a huge number"
    return text if len(text) <= limit else f"{text[:limit]}…"
