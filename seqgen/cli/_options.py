"""Options and small habits that several commands share."""

import math
import re
import sys
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from seqgen.cli._paths import Command, Input
from seqgen.cli._terminal import harmless
from seqgen.errors import SettingError, UsageError
from seqgen.registry import nearest

Function = TypeVar("Function", bound=Callable[..., Any])

HELP = "help"
TOGETHER = re.compile(r"(\w+)=(.*)", re.DOTALL)  # no setting's name has an equals sign in it


class SettingsCommand(Command):
    """A command with `settings_option` that takes `-P KEY=VALUE` and `-P help` besides."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_apart(args)))


def _apart(arguments: list[str]) -> Iterator[str]:
    """The same words, with those after each -P as the two that click wants."""
    words = deque(arguments)
    while words:
        word = words.popleft()
        yield word
        if word == "--":
            yield from words
            return
        if word != "-P" or not words:
            continue
        together = TOGETHER.fullmatch(words[0])
        if together:
            words.popleft()
            yield from together.groups()
        elif words[0] == HELP:
            yield words.popleft()
            yield words.popleft() if words and words[0] == "true" else "true"
        else:  # a key and its value, whatever they look like
            yield from (words.popleft() for _ in range(min(2, len(words))))


class Positive(click.FloatRange):
    """A number above 0, and a finite one."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def settings_option(function: Function) -> Function:
    """`-P KEY VALUE`, as often as wanted, into `settings: dict[str, str]`; for a `SettingsCommand`."""
    decorate = click.option(
        "-P",
        "settings",
        nargs=2,
        multiple=True,
        metavar="KEY VALUE",
        callback=lambda ctx, parameter, pairs: dict([*(ctx.lookup_default("settings") or ()), *pairs]),
        help="A setting by name, also as KEY=VALUE; give it again for more.",
    )
    return decorate(function)


def json_option(function: Function) -> Function:
    """`--json` into `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")(function)


def follow_links_option(function: Function) -> Function:
    """`--follow-links` into `follow_links: bool`, for commands that take a SOURCE."""
    text = "Read what links in a folder lead to outside of it, too."
    return click.option("--follow-links", is_flag=True, help=text)(function)


def config_option(function: Function) -> Function:
    """`--config FILE.toml`: defaults for this command's options, below flags and environment."""
    decorate = click.option(
        "--config",
        type=Input(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="Defaults for these options, from a TOML file.",
    )
    return decorate(function)


def _read_config(ctx: click.Context, parameter: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    try:
        values = tomllib.loads(Path(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file ({error})") from error
    known = _keys(ctx.command)
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = known.get(key.replace("-", "_"))
        if name is None:
            raise SettingError(f"{path}: unknown key {key!r}", nearest(key, sorted(known)))
        found[name] = list(value.items()) if isinstance(value, dict) else value
    ctx.default_map = {**found, **(ctx.default_map or {})}


def _keys(command: click.Command) -> dict[str, str]:
    """What a file may call the parameters of a command → what click calls them: as its flags are called, or so too."""
    known = {str(parameter.name): str(parameter.name) for parameter in command.params}
    for parameter in command.params:
        known |= {flag[2:].replace("-", "_"): str(parameter.name) for flag in parameter.opts if flag.startswith("--")}
    return known


def note(message: str) -> None:
    """A remark for people, on stderr: stdout carries data only."""
    click.echo(harmless(message), err=True)


def progress_hidden() -> bool:
    """Progress bars vanish when stderr is no terminal."""
    return not sys.stderr.isatty()
