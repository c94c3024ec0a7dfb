"""What Python callers pass, held to the types that are written down: what the command line refuses, Python refuses.

A frozen dataclass calls `check_types(self)` first in its `__post_init__`; what takes keywords makes the dataclass by
`made`; a public function is decorated with `checked`. Nothing is converted: `settings.parse` does that, for values
that come as text.
"""

import builtins
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from seqgen.errors import SettingError, UsageError
from seqgen.registry import nearest

Made = TypeVar("Made")
Given = ParamSpec("Given")
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "True or False", Path: "a Path", Any: "anything"}
PLURALS = {str: "texts", int: "whole numbers", float: "numbers"}
SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
SHOWN = 60  # characters of a wrong value
MOST = 10**15  # of a number of tokens, bars, steps
MOST_WORKERS = 1024


def made(kind: type[Made], *values: Any, **named: Any) -> Made:
    """An instance of a dataclass from a call's arguments.

    Raises:
        UsageError: A name is unknown; the hint names the nearest.
        SettingError: A value is not of its field's type or out of range.
    """
    where: Any = kind  # a type is hashable, which its checker does not see here
    known = list(_hints(where))
    for name in named:
        if name not in known:
            raise UsageError(f"no argument is called {name!r}", nearest(name, known))
    return kind(*values, **named)


def check_types(instance: Any) -> None:
    """Refuse values of a dataclass that are not of their fields' types.

    Raises:
        SettingError: One is not.
    """
    where: Any = type(instance)
    for name, wanted in _hints(where).items():
        _check(name, getattr(instance, name), wanted)


def finite(name: str, value: float | None, expected: str, *, least: float, most: float) -> None:
    """Refuse a number that is there and not within [least, most], or no number at all (nan).

    Raises:
        SettingError: It is not.
    """
    if value is not None and not least <= value <= most:
        raise SettingError(f"{name} is {_short(value)}, expected {expected}")


def checked(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """A public function that refuses wrong arguments by UsageError, where Python would raise TypeError or go on."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*values: Given.args, **named: Given.kwargs) -> Made:
        try:
            given = signature.bind(*values, **named).arguments
        except TypeError as error:
            raise UsageError(f"{function.__name__}: {error}", _names_hint(named, list(signature.parameters))) from None
        for name, wanted in _hints(function).items():
            if name in given and signature.parameters[name].kind not in SEVERAL:
                _check(name, given[name], wanted)
        return function(*values, **named)

    return call


class _Names(dict[str, Any]):
    """Names in annotations: builtins and those of the module; what only type checkers import fits everything."""

    def __missing__(self, name: str) -> Any:
        return vars(builtins).get(name, Any)


@functools.cache
@functools.cache
def _hints(where: Any) -> dict[str, Any]:
    """Name → type of a dataclass's fields or a function's arguments."""
    names: dict[str, Any] = {}
    for base in reversed(where.__mro__) if isinstance(where, type) else (where,):
        names |= vars(sys.modules[base.__module__])
    found = typing.get_type_hints(where, localns=_Names(names))
    if isinstance(where, type):
        return {name: found[name] for name in vars(where).get("__dataclass_fields__", {})}
    return {name: found[name] for name in found if name not in ("return", "self")}


def _check(name: str, value: Any, wanted: Any) -> None:
    if not _fits(value, wanted):
        raise SettingError(f"{name} is {_short(value)}, expected {_described(wanted)}", _hint(name, value, wanted))


def _names_hint(given: Mapping[str, Any], known: list[str]) -> str:
    strange = [name for name in given if name not in known]
    return nearest(strange[0], known) if strange else ""


def _fits(value: Any, wanted: Any) -> bool:
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if origin is tuple and parts[-1:] != (...,):
        return isinstance(value, tuple | list) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin in (tuple, Sequence):
        fits = isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
        return fits and all(_fits(each, parts[0]) for each in value)
    if origin is Callable:
        return callable(value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(each, parts[0]) for each in value)
    if wanted is None or wanted is type(None):
        return value is None
    if wanted in (int, float):  # numpy's numbers are numbers too, and truth is none
        return isinstance(value, Integral if wanted is int else Real) and not isinstance(value, bool)
    return wanted is Any or not isinstance(wanted, type) or isinstance(value, wanted)


def _described(wanted: Any) -> str:
    """A type in words."""
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_described(part) for part in parts))
    if origin is Literal:
        return " or ".join(repr(part) for part in parts)
    if origin is tuple and parts[-1:] != (...,):
        return "a pair" if len(parts) == 2 else f"{len(parts)} values"
    if origin in (tuple, Sequence):
        inner = parts[0]
        pairs = typing.get_origin(inner) is tuple
        return "a list of (name, value) pairs" if pairs else f"a list of {PLURALS.get(inner, _described(inner))}"
    if origin in (Mapping, Callable):
        return "a dict" if origin is Mapping else "a function"
    if wanted is None or wanted is type(None):
        return "None"
    return WORDS.get(wanted) or str(getattr(wanted, "__name__", wanted))


def _hint(name: str, value: Any, wanted: Any) -> str:
    """How the same is written rightly, where it can be seen what was meant."""
    parts = typing.get_args(wanted)
    if typing.get_origin(wanted) is not Sequence:
        return ""
    if isinstance(value, Mapping):
        return f"{name}={list(value.items())!r}"[:SHOWN] if typing.get_origin(parts[0]) is tuple else ""
    return f"{name}=[{value!r}]" if isinstance(value, str) and _fits(value, parts[0]) else ""


def _short(value: Any) -> str:
    """A value for a sentence: the beginning of a long one."""
    try:
        shown = repr(value)
    except Exception:  # a number of more digits than Python writes, lists in lists in lists, a foreign class
        return f"a {type(value).__name__}"
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
