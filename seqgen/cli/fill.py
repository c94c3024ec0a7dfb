"""`seqgen fill`: a file with a hole in, the file with the hole filled out."""

import functools
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._options import json_option, setting
from seqgen.cli._paths import Input
from seqgen.cli._sampling import filling_options, given, listeners
from seqgen.cli._variants import RulesCommand
from seqgen.jobs.fill.settings import FillJob

_given = functools.partial(setting, FillJob)


@click.command("fill", cls=RulesCommand, short_help="Fill a hole in a text, a C file or a piece of music.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("file", type=Input())
@_given("mark", "--mark", metavar="TEXT", show_default=True)
@_given("lines", "--lines", metavar="FROM:TO")
@_given("bars", "--bars", metavar="FROM:TO")
@_given("seconds", "--seconds", metavar="FROM:TO")
@_given("parts", "--parts", metavar="NAMES")
@_given("free_voices", "--free-voices")
@_given("left_alone", "--left-alone")
@filling_options(FillJob)
@json_option
@config_option
def command(
    checkpoint: str, seed: int | None, grammar: str, free: bool, bare: bool, as_json: bool, **options: Any
) -> None:
    """Fill the hole in FILE with CHECKPOINT, which was trained with holes (-P infill 0.3).

    The hole is where FILE says {{fill}}, or lines, bars, seconds or parts of it that are filled anew. All else stays
    as it is, byte for byte, in music note for note. In C a filling closes what it opens, and nothing else; in music it
    ends at its bar or second. The result goes to standard output, or to OUT; FILE is never changed.

    \b
      seqgen fill checkpoints/plays scene.txt
      seqgen fill checkpoints/code main.c --lines 10:20 -o new.c
      seqgen fill checkpoints/chorales chorale.mid --bars 5:8 -n 3 -o new.mid
    """
    from seqgen.jobs.fill.job import fill

    fill(FillJob(**given(checkpoint, seed, grammar, free, bare, options)), *listeners(as_json), fresh=seed is None)
