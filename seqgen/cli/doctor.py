"""`seqgen doctor`: what is on this machine, and what to install for what is missing."""

import json
import os
import shutil
import sys
from collections.abc import Iterator

import click

from seqgen.cli._options import json_option
from seqgen.cli._paths import Command
from seqgen.terminal.text import harmless

KEY = 13
WIDTH = 80


@click.command(cls=Command, short_help="What is on this machine, and what is missing.")
@json_option
def command(as_json: bool) -> None:
    """Say which versions, devices, precisions, SoundFonts and MIDI ports there are, and how much disk is free.

    What is missing is named with what to install for it; nothing of it is needed to train and generate.
    """
    from seqgen.jobs import examine

    found = examine.examine()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    import textwrap

    for key, value in (*examine.rows(found), *_surroundings()):
        line = textwrap.wrap(harmless(value), WIDTH - KEY - 1, break_on_hyphens=False) or [""]
        click.echo(f"{key:{KEY}} " + f"\n{'':{KEY + 1}}".join(line))
    for each in found["missing"]:
        click.echo(textwrap.fill(harmless(f"Missing: {each['what']}. {each['hint']}."), WIDTH, subsequent_indent="  "))


def _surroundings() -> Iterator[tuple[str, str]]:
    """(what, in words) of where the output goes, and of what is set."""
    terminal = "a terminal" if sys.stdout.isatty() else "a file or pipe"
    yield "output", f"{terminal}, {sys.stdout.encoding}, {shutil.get_terminal_size().columns} columns"
    if os.environ.get("SEQGEN_CACHE"):
        yield "SEQGEN_CACHE", os.environ["SEQGEN_CACHE"]
