"""`seqgen inspect`: what a file is and what it holds: a token stream, a checkpoint, music, or a corpus."""

import json
import textwrap
from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._options import folder_options, json_option
from seqgen.cli._paths import Command, Input
from seqgen.terminal.text import harmless

WIDTH = 80
KEY = 19


@click.command("inspect", cls=Command, short_help="Say what FILE is and what it holds.")
@click.argument("file", type=Input(), shell_complete=_completion.both)
@folder_options
@json_option
def command(file: str, as_json: bool, **folders: Any) -> None:
    """Say what FILE is and what it holds.

    FILE is a .tokens file, a checkpoint or its run folder, a MIDI, MusicXML or ABC file, or a corpus: any other
    file or folder, a glob, or a corpus by name.
    """
    from seqgen.jobs.describe.facts import describe
    from seqgen.jobs.describe.rows import titled
    from seqgen.jobs.folders import InFolders

    found = describe(file, InFolders(**folders).choice, Printer())
    if as_json:
        click.echo(json.dumps(found))
        return
    title, rows = titled(found)
    click.echo(harmless(f"{file}: {title}"))
    for key, value in rows:
        click.echo(harmless(_filled(f"  {key:{KEY}}", value)))


def _filled(key: str, value: str) -> str:
    """A row, wrapped; what a list holds between commas stays together where it can."""
    together = ",  ".join(item.replace(" ", "\xa0") if len(item) < WIDTH // 3 else item for item in value.split(",  "))
    lines = textwrap.wrap(together, WIDTH - len(key), break_on_hyphens=False) or [""]
    return key + f"\n{'':{len(key)}}".join(lines).replace("\xa0", " ")
