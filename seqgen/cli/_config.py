"""`--config FILE.toml`: what it holds as the words that would have been typed, so that click reads both alike."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from seqgen.cli._paths import Input
from seqgen.errors import SettingError
from seqgen.registry import nearest
from seqgen.settings import MOST_BITS, read_toml, text

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """`--config FILE.toml`: defaults for this command's options, below flags and environment."""
    decorate = click.option(
        "--config",
        type=Input(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Defaults for these options, from a TOML file.",
    )
    return decorate(function)


def _read(ctx: click.Context, parameter: click.Parameter, path: str | None) -> None:
    if path is None or ctx.resilient_parsing:  # while a shell completes words, nothing is refused
        return
    known = _keys(ctx.command)
    found: dict[str, object] = {}
    for key, value in read_toml(Path(path)).items():
        name = known.get(key.replace("-", "_"))
        if name is None:
            raise SettingError(f"{path}: unknown key {key!r}", nearest(key, sorted(known)))
        wanted = next(each for each in ctx.command.params if each.name == name)
        try:
            found[name] = _typed(key, value, wanted)
        except SettingError as error:
            raise SettingError(f"{path}: {error.message}", error.hint) from error
    ctx.default_map = {**found, **(ctx.default_map or {})}


def _keys(command: click.Command) -> dict[str, str]:
    """What a file may call the parameters of a command → what click calls them: as its flags are called, or so too."""
    known = {str(parameter.name): str(parameter.name) for parameter in command.params}
    for parameter in command.params:
        known |= {flag[2:].replace("-", "_"): str(parameter.name) for flag in parameter.opts if flag.startswith("--")}
    return known


def _typed(key: str, value: Any, wanted: click.Parameter) -> Any:
    """A value of the file as the words for a parameter.

    Raises:
        SettingError: It is of another kind than the parameter takes.
    """
    if getattr(wanted, "is_flag", False):
        if not isinstance(value, bool):
            raise SettingError(f"{key} is {_kind(value)}, expected true or false")
        return value
    if wanted.nargs == 2:
        return list(_pairs(key, value))
    if getattr(wanted, "multiple", False) or wanted.nargs == -1:
        return [_word(key, item) for item in (value if isinstance(value, list) else [value])]
    return _word(key, value)


def _pairs(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Names and values, from a table or from a list of pairs, whose order and repetition may count."""
    items = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise SettingError(f"{key} is {_kind(value)}, expected a table", f"as in: [{key}]")
    for item in items:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise SettingError(f"{key} holds {_kind(item)}, expected names with a value each", f"as in: [{key}]")
        name, given = item
        listed = isinstance(given, list)
        words = [_word(f"{key}.{name}", each, flag=True) for each in (given if listed else [given])]
        yield _word(key, name), ",".join(words)


def _word(key: str, value: Any, flag: bool = False) -> str:
    """A single value, as it would be typed."""
    number = isinstance(value, int | float) and (flag or not isinstance(value, bool))
    if not (number or isinstance(value, str)):
        raise SettingError(f"{key} is {_kind(value)}, expected a single text or number")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise SettingError(f"{key} is a number of {value.bit_length():,} bits, expected a smaller one")
    if isinstance(value, str) and "\0" in value:
        raise SettingError(f"{key} holds a NUL, which no option can")
    return text(value)


def _kind(value: Any) -> str:
    """What a value is, for a sentence."""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or a time")
