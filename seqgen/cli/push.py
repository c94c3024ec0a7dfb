"""`seqgen push`: a checkpoint and its card become a commit on the Hub."""

from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._options import note
from seqgen.cli._paths import Command, Input


@click.command("push", cls=Command, short_help="Put a model on the Hub.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.argument("repository", metavar="USER/NAME")
@click.option("--licence", metavar="TEXT", help="The corpus's, as mit or cc-by-4.0, or in words.")
@click.option("--private", is_flag=True, help="Make a repository that only you see.")
@click.option("--dry-run", is_flag=True, help="Print the card, and upload nothing.")
@click.option("--force", "replace", is_flag=True, help="Replace what seqgen did not put there, too.")
def command(dry_run: bool, **options: Any) -> None:
    """Put CHECKPOINT on the Hugging Face Hub as USER/NAME, with a card made from it.

    What goes out: the checkpoint file (weights, settings, the codec with its vocabulary and labels; no files of the
    corpus) and README.md. Whoever has the extra `hub` can then use hf://USER/NAME wherever a checkpoint is taken. The
    token is that of `hf auth login`, or HF_TOKEN. Each push is a commit; earlier ones stay in the history.

    \b
      seqgen push checkpoints/plays me/plays --licence mit
      seqgen push checkpoints/plays me/plays --dry-run
    """
    from seqgen.jobs import share

    job = share.PushJob(**options)
    if not dry_run:
        click.echo(share.push(job, Printer()))
        return
    parcel = share.prepare(job, Printer())
    click.echo(parcel.card, nl=False)
    note(f"Nothing was uploaded. A push puts model.safetensors and this README.md to {parcel.name}")
