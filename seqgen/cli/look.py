"""`seqgen look`: what goes on inside a model over a text."""

import json

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._options import json_option
from seqgen.cli._paths import Command, Input, Output
from seqgen.terminal.text import harmless

BEST = 12  # features that are printed
FURTHER = ("gradients", "saliency", "errors")


@click.command("look", cls=Command, short_help="See the cells of a model over a text.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("text", type=Input(), metavar="TEXT|FILE")
@click.option("-o", "--output", type=Output(), metavar="FILE", help="A .html page, a .png or .svg picture, or .json.")
@click.option(
    "--format", "kind", type=click.Choice(["html", "png", "svg", "json"]), help="Of FILE.  [default: by name]"
)
@click.option("--corpus", type=Input(), multiple=True, metavar="SOURCE", help="Search cells in this; else in the text.")
@click.option("--cell", "cells", multiple=True, metavar="NAME", help="Show this cell first: layer1:cell317.")
@click.option("--window", type=int, default=5000, show_default=True, help="Tokens that are shown, 20000 at most.")
@click.option("--at", type=click.IntRange(2), metavar="N", help="Explain the prediction of the N-th token.")
@click.option("--cells-only", is_flag=True, help="Leave gradients, saliency and kinds of errors out.")
@click.option("--label", help="Of the document, where the corpus had labels.")
@json_option
def command(
    checkpoint: str, text: str, output: str | None, corpus: tuple[str, ...], cells: tuple[str, ...], window: int,
    kind: str | None, at: int | None, cells_only: bool, label: str | None, as_json: bool,
) -> None:  # fmt: skip
    """See inside CHECKPOINT while it reads a text, or for music a file.

    The page shows the text coloured by cells, what each cell follows (quotes, brackets, columns; in music beats and
    pitches) beside chance, the five likeliest next tokens, gates, gradients, saliency and kinds of errors. Without -o
    the cells found are printed.

    \b
      seqgen look sqlite-c file.c -o page.html
      seqgen look folk-tunes tune.mid -o page.html
      seqgen look sqlite-c file.c --corpus src/ --cell layer1:cell12 -o cells.png
    """
    from seqgen.jobs.look.job import LookJob, look

    further = () if cells_only or (output is None and not as_json) else FURTHER
    found = look(LookJob(checkpoint, text, output, corpus, cells, window, label, further, at, kind), Printer())
    if as_json:
        click.echo(json.dumps(found.to_json()))
    elif output is None:
        click.echo(harmless(found.table(BEST)))
