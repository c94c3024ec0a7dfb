"""The options of how to sample that `seqgen generate` shares with commands that fill something."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seqgen.arguments import MOST
from seqgen.cli._options import setting, whole
from seqgen.cli._paths import Input, Kind, Output
from seqgen.cli._variants import Listing, complete_rules

if TYPE_CHECKING:
    from seqgen.jobs.observer import Observer
    from seqgen.jobs.sample.audience import Audience

Function = TypeVar("Function", bound=Callable[..., Any])


def length(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A number of tokens, or inf."""
    if value is None or value.lower() == "inf":
        return None if value is None else float("inf")
    number = whole(value)
    if number is None:
        raise click.BadParameter(f"{value!r} is not a number of tokens, expected 0 to {MOST}, or inf")
    return number


def temperature(ctx: click.Context, parameter: click.Parameter, value: str) -> float | str:
    """A number, or a schedule as it is."""
    try:
        return float(value)
    except ValueError:
        return value


def copied(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """A number of tokens, or of bars as it is."""
    if value is None:
        return None
    word = value.lower().removesuffix("bars").removesuffix("bar").strip()
    number = whole(word)
    if not number:
        raise click.BadParameter(f"{value!r} is neither a number of tokens from 1 to {MOST} nor of bars, as in 8bars")
    return number if word == value.strip() else f"{number}bars"


def filling_options(kind: type) -> Callable[[Function], Function]:
    """Those of a job that fills: everything about how to sample, where to and what with.

    Args:
        kind: The job's settings.
    """
    options = [
        setting(kind, "samples", "-n", "--samples", show_default=True),
        setting(kind, "length", "-l", "--length", callback=length, metavar="TOKENS"),
        setting(kind, "temperature", "-t", "--temperature", callback=temperature, default="0.8", show_default=True),
        setting(
            kind, "rules", "-r", "--rule", cls=Listing, kind="rules", nargs=2, multiple=True, metavar="RULE VALUE",
            shell_complete=complete_rules,
        ),
        setting(kind, "output", "-o", "--output", type=Output(Kind.PLACE), metavar="OUT"),
        click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Same seed, same result.  [default: fresh]"),
        setting(kind, "max_copy", "--max-copy", callback=copied, metavar="N"),
        setting(kind, "best_of", "--best-of", metavar="N"),
        setting(kind, "label", "--label"),
        setting(kind, "mix", "--mix", multiple=True, type=Input(), metavar="CHECKPOINT[:WEIGHT]"),
        setting(kind, "average", "--average", type=click.Choice(["logits", "probabilities"]), show_default=True),
        setting(kind, "grammar", "--grammar", metavar="NAME", default="auto", show_default=True),
        click.option("--no-grammar", "free", is_flag=True, help="Let code, music and UTF-8 break their grammar."),
        setting(kind, "unseen", "--unseen"),
        click.option("--no-memory", "bare", is_flag=True, help="The network alone, without counts."),
        setting(kind, "engine", "--engine", type=click.Choice(["auto", "numpy", "torch", "cuda"]), show_default=True),
        setting(kind, "device", "--device", show_default=True),
        setting(kind, "no_take", "--no-take"),
    ]  # fmt: skip

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def given(
    checkpoint: str, seed: int | None, grammar: str, free: bool, bare: bool, options: dict[str, Any]
) -> dict[str, Any]:
    """What was asked for, by the names of the job's fields."""
    kept: bool | str = False if free else grammar == "auto" or grammar
    more = {} if seed is None else {"seed": seed}
    return {**options, **more, "checkpoint": checkpoint, "grammar": kept, "memory": not bare}


def listeners(as_json: bool) -> "tuple[Audience, Observer]":
    """Who is shown what a command fills, and who is told of it."""
    from seqgen.cli._audience import audience
    from seqgen.cli._observer import Printer

    return audience(as_json, events=False), Printer()
