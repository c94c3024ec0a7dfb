"""`seqgen pull`: a model of the Hub in a folder of its own."""

import click

from seqgen.cli._observer import Printer
from seqgen.cli._paths import Command, Kind, Output


@click.command("pull", cls=Command, short_help="Fetch a model from the Hub.")
@click.argument("repository", metavar="USER/NAME[@REVISION]")
@click.option("-o", "--output", type=Output(Kind.FOLDER), metavar="DIR", help="[default: checkpoints/NAME]")
def command(repository: str, output: str | None) -> None:
    """Fetch the model USER/NAME from the Hugging Face Hub into a new folder, and print the folder.

    A revision is a branch, a tag or a commit. Without a folder of your own, hf://USER/NAME does wherever a
    checkpoint is taken.

    \b
      seqgen pull me/plays
      seqgen generate checkpoints/plays
    """
    from seqgen.jobs.share import pull

    click.echo(pull(repository, output, Printer()))
