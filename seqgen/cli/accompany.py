"""`seqgen accompany`: a tune in, the tune with other parts out."""

import functools
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._options import json_option, setting
from seqgen.cli._paths import Input
from seqgen.cli._sampling import filling_options, given, listeners
from seqgen.cli._variants import RulesCommand
from seqgen.errors import UsageError
from seqgen.jobs.fill.settings import AccompanyJob

_given = functools.partial(setting, AccompanyJob)


@click.command("accompany", cls=RulesCommand, short_help="Write other parts to a tune.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("file", type=Input())
@_given("parts", "--parts", metavar="NAMES")
@_given("bars", "--bars", metavar="FROM:TO")
@_given("free_voices", "--free-voices")
@filling_options(AccompanyJob)
@json_option
@config_option
def command(
    checkpoint: str, seed: int | None, grammar: str, free: bool, bare: bool, as_json: bool, **options: Any
) -> None:
    """Write parts to the piece in FILE with CHECKPOINT, which was trained with holes (-P infill 0.3).

    What the piece has stays as it is, note for note. Each bar is heard one bar ahead. Where the voices of the corpus
    do not cross, those that are written do not, nor do they move in fifths or octaves where anything else can be sung.

    \b
      seqgen accompany checkpoints/bach tune.mid --parts alto,bass -o trio.mid
    """
    from seqgen.jobs.fill.job import fill

    if options["parts"] is None:
        raise UsageError("no part is wanted", "name those to be written: --parts alto,tenor,bass")
    fill(AccompanyJob(**given(checkpoint, seed, grammar, free, bare, options)), *listeners(as_json), fresh=seed is None)
