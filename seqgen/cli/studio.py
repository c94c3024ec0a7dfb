"""`seqgen studio`: a page on this machine that plays with models."""

import functools
import sys
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._options import setting
from seqgen.cli._paths import Command, Input
from seqgen.errors import UsageError
from seqgen.studio.settings import StudioJob

_given = functools.partial(setting, StudioJob)


@click.command("studio", cls=Command, short_help="Play with models on a page in your browser.")
@click.argument("checkpoint", type=Input(), required=False, shell_complete=_completion.checkpoints)
@_given("port", "--port", show_default=True)
@_given("host", "--host", show_default=True)
@_given("token", "--token")
@click.option("--no-browser", is_flag=True, help="Print the address alone.")
def command(checkpoint: str | None, no_browser: bool, **options: Any) -> None:
    """Open a page, on this machine alone, where models play: text coloured by surprise, music on a piano roll that
    sounds, with the sliders of `seqgen jam`. CHECKPOINT is the one it begins with. Ctrl-C ends it.

    \b
      seqgen studio
      seqgen studio bach-chorales
      seqgen studio checkpoints/mine --port 8000 --no-browser
    """
    job = StudioJob(checkpoint=checkpoint, browser=not no_browser, **options)
    try:
        from seqgen.studio.serving import Studio
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed", "pip install 'seqgen-art[studio]'") from None
    if checkpoint is not None:
        from seqgen.checkpoint import Checkpoint

        Checkpoint.load(checkpoint)  # a wrong name, and what is no model, is told here, before a page opens
    studio = Studio(job, Printer())
    click.echo(studio.address)
    sys.stdout.flush()
    studio.run()
