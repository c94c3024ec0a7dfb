"""The options of `seqgen generate` that are about music."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from seqgen.cli._options import setting
from seqgen.errors import UsageError
from seqgen.music.request import Music

Function = TypeVar("Function", bound=Callable[..., Any])
OPTIONS = ("instruments", "key", "scale", "tempo", "meter", "density", "minutes", "seconds", "bars", "form", "grid")


def _meter(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Numerator and denominator."""
    if value is None:
        return None
    over, _, under = value.partition("/")
    if not all(number.isascii() and number.isdecimal() and len(number) < 3 and int(number) for number in (over, under)):
        raise click.BadParameter(f"{value!r} is no meter, expected two numbers such as 6/8")
    return int(over), int(under)


def music_options(function: Function) -> Function:
    """`--instruments`, `--key` and so on."""
    options = [
        setting(Music, "instruments", "--instruments", metavar="NAMES"),
        setting(Music, "key", "--key", metavar="KEY"),
        setting(Music, "scale", "--scale", metavar="SCALE"),
        setting(Music, "tempo", "--tempo", type=float, metavar="BPM"),
        setting(Music, "meter", "--meter", callback=_meter, metavar="6/8"),
        setting(Music, "density", "--density", metavar="1..8"),
        click.option("--minutes", type=float, help="Music: end after so long, with a cadence."),
        setting(Music, "seconds", "--seconds", type=float),
        setting(Music, "bars", "--bars"),
        setting(Music, "form", "--form", metavar="AABA"),
        setting(Music, "grid", "--grid", metavar="16"),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def music_of(options: dict[str, Any]) -> Music | None:
    """What was asked of music; takes its options out of the others. None where nothing was.

    Raises:
        UsageError: A value makes no sense, or two lengths were given.
    """
    given = {name: options.pop(name) for name in OPTIONS}
    if all(value is None for value in given.values()):
        return None
    minutes = given.pop("minutes")
    if minutes is not None and given["seconds"] is not None:
        raise UsageError("both --minutes and --seconds were given, expected one of them")
    if minutes is not None:
        given["seconds"] = 60 * minutes
    return Music(**given)
