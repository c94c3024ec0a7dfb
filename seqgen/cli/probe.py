"""`seqgen probe`: labels read out of a model's hidden state."""

import json
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._options import folder_options, json_option
from seqgen.cli._paths import Command, Input, Output
from seqgen.terminal.text import harmless


@click.command("probe", cls=Command, short_help="Read labels out of a model's hidden state.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("source", nargs=-1, required=True, type=Input(), shell_complete=_completion.sources)
@click.option("--val", "held_out", multiple=True, type=Input(), metavar="SOURCE", help="Measure on this, not a tenth.")
@click.option("--field", metavar="NAME", help="Of a table: the column of the text.")
@click.option("--label-field", metavar="NAME", help="Of a table: the column of the label.")
@click.option("--tune", is_flag=True, help="Tune the network end to end, too.")
@click.option("--sentence", "sentences", multiple=True, metavar="TEXT", help="Tell this text, and what speaks for it.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of split and tuning.")
@click.option("-o", "--output", type=Output(), metavar="FILE", help="An HTML page.")
@folder_options
@json_option
def command(checkpoint: str, as_json: bool, **given: Any) -> None:
    """Read the labels of SOURCE out of the hidden state of CHECKPOINT.

    A label is the folder that a file lies in, or a column of a table. A linear read-out over the mean, largest,
    smallest and last state of each layer, and of what the first reads, is trained; with --tune the whole network is.
    Chance and a naive Bayes over n-grams stand beside.

    \b
      seqgen probe checkpoints/reviews movie-reviews --tune --field text \\
        --label-field sentiment
      seqgen probe classical-styles quartets/
    """
    from seqgen.jobs.probe import ProbeJob, probe

    found = probe(ProbeJob(checkpoint, **given), Printer())
    if as_json:
        click.echo(json.dumps(found.to_json()))
        return
    click.echo(f"  {'':14}{'accuracy':>10}{'95 %':>18}{'F1':>8}")
    for each in found.results:
        interval = f"{each.low:.3f} to {each.high:.3f}"
        click.echo(f"  {each.name:14}{each.accuracy:>10.3f}{interval:>18}{each.f1:>8.3f}")
    for told in found.sentences:
        click.echo(harmless(f"{told['text']}: {told['label']}"))
