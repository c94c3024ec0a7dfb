"""Options and small habits that several commands share."""

import dataclasses
import math
import re
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from seqgen.arguments import MOST
from seqgen.cli import _completion
from seqgen.cli._paths import Command
from seqgen.extensions import ExtensionWarning
from seqgen.terminal.text import brief, harmless

Function = TypeVar("Function", bound=Callable[..., Any])

_show_warning = warnings.showwarning
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
    """A number above 0 that can be counted with."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        if number > MOST:
            self.fail(f"{value} is more than {MOST}.", param, ctx)
        return number


def whole(text: str) -> int | None:
    """A whole number from 0 to MOST; None where `text` is none."""
    short = len(text) <= len(str(MOST)) and text.isascii() and text.isdecimal()
    return int(text) if short and int(text) <= MOST else None


def setting(kind: type, name: str, /, *flags: str, **more: Any) -> Callable[[Function], Function]:
    """An option for a field of a settings class: its default, its help and what numbers it takes are the field's."""
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    about, default = field.metadata, field.default
    if about["least"] is not None:
        more = {"type": click.IntRange(about["least"], MOST if about["most"] is None else about["most"]), **more}
    if default is False:
        more = {"is_flag": True, **more}
    more = {"default": None if default == () else default, "help": about["help"] or None, **more}
    return click.option(*flags, name, **more)


def settings_option(function: Function) -> Function:
    """`-P KEY VALUE`, as often as wanted, into `settings: dict[str, str]`; for a `SettingsCommand`."""
    decorate = click.option(
        "-P",
        "settings",
        nargs=2,
        multiple=True,
        metavar="KEY VALUE",
        shell_complete=_completion.settings,
        callback=lambda ctx, parameter, pairs: dict([*(ctx.lookup_default("settings") or ()), *pairs]),
        help="A setting by name, also as KEY=VALUE; give it again for more.",
    )
    return decorate(function)


def json_option(function: Function) -> Function:
    """`--json` into `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")(function)


def documents_option(function: Function) -> Function:
    """`--documents`, `--field` and `--label-field`, texts or None, for commands that tokenize."""
    text = "A document is a file, a line, what blank lines part (blank), or what TEXT parts.  [default: guessed]"
    for decorate in (
        click.option("--label-field", metavar="NAME", help="Tables: the field that is a record's label."),
        click.option("--field", metavar="NAME", help="Read CSV, TSV, JSON Lines or Parquet: the text of each record."),
        click.option("--documents", metavar="file|line|blank|TEXT", help=text),
    ):
        function = decorate(function)
    return function


def folder_options(function: Function) -> Function:
    """The fields of `seqgen.jobs.folders.InFolders`, for commands that take a SOURCE."""
    options = (
        click.option("--include", multiple=True, metavar="PATTERN", help="Read only files of folders that fit it."),
        click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files of folders that fit it."),
        click.option("--all", "everything", is_flag=True, help="Read what is hidden or made by a tool, too."),
        click.option("--follow-links", is_flag=True, help="Read what links in a folder lead to outside of it, too."),
    )
    for decorate in reversed(options):
        function = decorate(function)
    return function


def note(message: str) -> None:
    """A remark for people, on stderr: stdout carries data only."""
    click.echo(harmless(brief(message)), err=True)


def show_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """In place of `warnings.showwarning`: what is wrong with a package beside seqgen is a note, other things stay."""
    if issubclass(category, ExtensionWarning):
        note(str(message))
    else:
        _show_warning(message, category, *where, **more)


def progress_hidden() -> bool:
    """Progress bars vanish when stderr is no terminal."""
    return not sys.stderr.isatty()
