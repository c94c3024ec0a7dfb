"""Settings are frozen dataclasses; their field docs become the help.

A field is declared with `option(default, "what it does")` and validated in `__post_init__`. Values arrive as text
from `-P KEY VALUE`, as typed values from TOML and JSON; `parse` takes both.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from seqgen.errors import SettingError
from seqgen.registry import nearest

Settings = TypeVar("Settings")
SHOWN = 60  # characters of a wrong value
TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}


def option(default: Any, help: str) -> Any:
    """A dataclass field with a default and a line of help."""
    return dataclasses.field(default=default, metadata={"help": help})


def parse(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """An instance of a settings class from keys and values.

    Raises:
        SettingError: A key is unknown, or a value is not of its field's type or out of range.
    """
    known = fields(cls)
    for key in values:
        if key not in known:
            raise SettingError(f"no setting is called {key!r}", nearest(key, sorted(known)))
    hints = typing.get_type_hints(cls)
    return cls(**{key: convert(key, value, hints[key]) for key, value in values.items()})


def distribute(values: Mapping[str, Any], *classes: type) -> list[dict[str, Any]]:
    """Each value to the one of several settings classes that knows its key, in the order of `classes`.

    Raises:
        SettingError: No class knows a key.
    """
    shares: list[dict[str, Any]] = [{} for _ in classes]
    known = sorted({name for cls in classes for name in fields(cls)})
    for key, value in values.items():
        owners = [share for share, cls in zip(shares, classes) if key in fields(cls)]
        if not owners:
            raise SettingError(f"no setting is called {key!r}", nearest(key, known))
        owners[0][key] = value
    return shares


def fields(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """The fields of a settings class by name."""
    return {field.name: field for field in dataclasses.fields(cls)}


def document(cls: type) -> list[tuple[str, str, str]]:
    """(name, default, help) of each field, for help texts and documentation."""
    rows = []
    for field in dataclasses.fields(cls):
        default = "" if field.default is dataclasses.MISSING else text(field.default)
        rows.append((field.name, default, field.metadata.get("help", "")))
    return rows


def text(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def convert(key: str, value: Any, wanted: Any) -> Any:
    """`value` as the type `wanted`, read from text where it is text."""
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        return _convert_union(key, value, wanted)
    if origin is typing.Literal:
        return _choice(key, value, typing.get_args(wanted))
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(convert(key, item, typing.get_args(wanted)[0]) for item in items if item != "")
    if wanted is bool:
        return _convert_bool(key, value)
    if wanted is str and isinstance(value, str):
        return value
    try:
        if isinstance(value, bool) or (wanted is int and isinstance(value, float) and not value.is_integer()):
            raise ValueError
        return wanted(value)
    except (TypeError, ValueError):
        name = {int: "a whole number", float: "a number"}.get(wanted, wanted.__name__)
        raise SettingError(f"{key} is {_short(value)}, expected {name}") from None
    except OverflowError:
        raise SettingError(f"{key} is {_short(value)}, expected a smaller number") from None


def _short(value: Any) -> str:
    """A value for a sentence: the beginning of a long one."""
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def _convert_union(key: str, value: Any, wanted: Any) -> Any:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    members = [member for member in typing.get_args(wanted) if member is not type(None)]
    return convert(key, value, members[0])


def _convert_bool(key: str, value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE | FALSE:
        raise SettingError(f"{key} is {value!r}, expected true or false")
    return word in TRUE


def _choice(key: str, value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if str(choice) == str(value):
            return choice
    raise SettingError(f"{key} is {value!r}, expected one of {', '.join(map(str, choices))}")


def require(condition: bool, key: str, value: Any, expected: str) -> None:
    """Raise the standard sentence for a value out of range."""
    if not condition:
        raise SettingError(f"{key} is {text(value)}, expected {expected}")
