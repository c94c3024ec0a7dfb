"""Settings are frozen dataclasses; their field docs become the help.

A field is declared with `option(default, "what it does")` and validated in `__post_init__`. Values arrive as text
from `-P KEY VALUE`, as typed values from TOML and JSON; `parse` takes both.
"""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from seqgen.errors import SettingError
from seqgen.registry import nearest

Settings = TypeVar("Settings")
Values: TypeAlias = dict[str, object]  # settings by name, as text or as they are; `parse` and `convert` check them
SHOWN = 60  # characters of a wrong value
MOST_BITS = 64  # of a whole number: what seeds have
ABSURD = 10**15  # no setting may be that, above or below 0
MOST_TOML = 1 << 13  # bytes: ten times what is ever needed; keys of many dots take quadratic time
TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}


def option(
    default: Any, help: str, formerly: str | None = None, *, least: int | None = None, most: int | None = None
) -> Any:
    """A dataclass field with a default and a line of help.

    Args:
        default: What it is where nothing is said.
        help: For people.
        formerly: A name that old files know it by.
        least, most: What a number may be, for whoever reads it.
    """
    return dataclasses.field(
        default=default, metadata={"help": help, "formerly": formerly, "least": least, "most": most}
    )


def parse(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """An instance of a settings class from keys and values.

    Raises:
        SettingError: A key is unknown, or a value is not of its field's type or out of range.
    """
    known = fields(cls)
    if not isinstance(values, Mapping):
        raise SettingError(f"{_short(values)} is no table where one is expected")
    values = renamed(values, cls)
    for key in values:
        if key not in known:
            raise SettingError(f"no setting is called {_short(key)}", nearest(str(key), sorted(known)))
    hints = typing.get_type_hints(cls)
    return cls(**{key: convert(key, value, hints[key]) for key, value in values.items()})


def read_toml(path: Path) -> dict[str, Any]:
    """The keys and values of a TOML file.

    Raises:
        SettingError: It cannot be read, is no TOML, or too long.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_TOML + 1)
        if len(data) > MOST_TOML:
            raise SettingError(f"{path}: is longer than settings may be ({MOST_TOML:,} bytes)", "is it another file?")
        return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: not a TOML file ({error})") from error
    except ValueError as error:
        raise SettingError(f"{path}: holds a number of more digits than can be read") from error
    except RecursionError as error:
        raise SettingError(f"{path}: not a TOML file of settings (it is nested too deeply)") from error


def distribute(values: Mapping[str, Any], *classes: type) -> list[Values]:
    """Each value to the one of several settings classes that knows its key, in the order of `classes`.

    Raises:
        SettingError: No class knows a key.
    """
    shares: list[Values] = [{} for _ in classes]
    values = renamed(values, *classes)
    known = sorted({name for cls in classes for name in fields(cls)})
    for key, value in values.items():
        owners = [share for share, cls in zip(shares, classes) if key in fields(cls)]
        if not owners:
            raise SettingError(f"no setting is called {key!r}", nearest(key, known))
        owners[0][key] = value
    return shares


def renamed(values: Mapping[str, Any], *classes: type) -> Values:
    """The same values, each under the name that its setting has today. Where both names are given, today's counts."""
    today = former_names(*classes)
    moved = {today[key]: value for key, value in values.items() if key in today}
    return moved | {key: value for key, value in values.items() if key not in today}


def former_names(*classes: type) -> dict[str, str]:
    """Former name → today's, of every setting of these classes that was renamed."""
    known = [field for cls in classes for field in dataclasses.fields(cls)]
    return {field.metadata["formerly"]: field.name for field in known if field.metadata.get("formerly")}


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


def expected(cls: type) -> dict[str, str]:
    """What each number of a settings class may be, in the words of its own check: it is asked with two absurd ones."""
    hints, found = typing.get_type_hints(cls), dict[str, str]()
    for name in fields(cls):
        if choices(cls, name):
            continue
        for absurd in (ABSURD, -ABSURD):
            try:
                cls(**{name: convert(name, absurd, hints[name])})
            except SettingError as error:
                head, _, words = error.message.partition(", expected ")
                if words and head.startswith(f"{name} is "):
                    found[name] = words
            except (ArithmeticError, TypeError, ValueError):  # a class that checks nothing, and counts with it
                continue
    return found


def choices(cls: type, name: str) -> tuple[str, ...]:
    """The values that a field can have, as a person would type them, where there are only some; else none."""
    wanted = typing.get_type_hints(cls)[name]
    if wanted is bool:
        return "true", "false"
    return tuple(map(text, typing.get_args(wanted))) if typing.get_origin(wanted) is typing.Literal else ()


def text(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(text, value))
    if value is None:
        return "none"
    return _short(value) if isinstance(value, int) and value.bit_length() > MOST_BITS else str(value)


def convert(key: str, value: Any, wanted: Any) -> Any:
    """`value` as the type `wanted`, read from text where it is text."""
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        return _convert_union(key, value, wanted)
    if origin is typing.Literal:
        return _choice(key, value, typing.get_args(wanted))
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        return tuple(convert(key, item, typing.get_args(wanted)[0]) for item in items if item != "")
    if wanted is bool:
        return _convert_bool(key, value)
    if wanted is str and isinstance(value, str):
        return value
    try:
        if isinstance(value, bool) or (wanted is int and isinstance(value, Real) and value % 1 != 0):
            raise ValueError
        if not isinstance(value, str | Real):  # a list, a table, a date, which `str` would take
            raise TypeError
        found = wanted(value)
        if isinstance(found, int) and found.bit_length() > MOST_BITS:
            raise OverflowError
        return found
    except (TypeError, ValueError):
        name = {int: "a whole number", float: "a number", str: "a text"}.get(wanted, wanted.__name__)
        raise SettingError(f"{key} is {_short(value)}, expected {name}") from None
    except OverflowError:
        raise SettingError(f"{key} is {_short(value)}, expected a smaller number") from None


def _short(value: Any) -> str:
    """A value for a sentence: the beginning of a long one."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes, lists in lists in lists
        return "too long to be shown"
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def _convert_union(key: str, value: Any, wanted: Any) -> Any:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    members = [member for member in typing.get_args(wanted) if member is not type(None)]
    return convert(key, value, members[0])


def _convert_bool(key: str, value: Any) -> bool:
    word = str(value).lower() if isinstance(value, str | bool) or value in (0, 1) else ""
    if word not in TRUE | FALSE:
        raise SettingError(f"{key} is {_short(value)}, expected true or false")
    return word in TRUE


def _choice(key: str, value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if value == choice or str(choice) == value:
            return choice
    raise SettingError(f"{key} is {_short(value)}, expected one of {', '.join(map(str, choices))}")


def require(condition: bool, key: str, value: Any, expected: str) -> None:
    """Raise the standard sentence for a value out of range."""
    if not condition:
        raise SettingError(f"{key} is {text(value)}, expected {expected}")
