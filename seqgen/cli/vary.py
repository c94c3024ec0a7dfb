"""`seqgen vary`: a file in, variations of it out."""

import functools
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._options import json_option, setting
from seqgen.cli._paths import Input
from seqgen.cli._sampling import filling_options, given, listeners
from seqgen.cli._variants import RulesCommand
from seqgen.jobs.fill.settings import VaryJob

_given = functools.partial(setting, VaryJob)


@click.command("vary", cls=RulesCommand, short_help="Make some lines or bars of a file anew.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("file", type=Input())
@_given("amount", "--amount", type=float, show_default=True, metavar="SHARE")
@_given("like", "--like", type=Input(), metavar="FILE")
@_given("free_voices", "--free-voices")
@_given("left_alone", "--left-alone")
@filling_options(VaryJob)
@json_option
@config_option
def command(
    checkpoint: str, seed: int | None, grammar: str, free: bool, bare: bool, as_json: bool, **options: Any
) -> None:
    """Keep a share of FILE's lines, or bars, and fill the rest with CHECKPOINT, trained with holes (-P infill 0.3).

    Which ones are made anew follows from the seed; several variations differ in that, too.

    \b
      seqgen vary checkpoints/plays sonnet.txt --amount 0.3 -n 3 -o new.txt
      seqgen vary checkpoints/chorales chorale.mid --amount 0.5 -o new.mid
    """
    from seqgen.jobs.fill.vary import vary

    vary(VaryJob(**given(checkpoint, seed, grammar, free, bare, options)), *listeners(as_json), fresh=seed is None)
