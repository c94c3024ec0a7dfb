"""`seqgen doctor`: what is on this machine, and what to install for what is missing."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import click

from seqgen.cli._options import json_option
from seqgen.cli._paths import Command
from seqgen.files import size
from seqgen.terminal.text import harmless

KEY = 13
WIDTH = 80
LITTLE = 2_000_000_000  # bytes of free disk below which a corpus or a run may not fit


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

    for key, value in _rows(found):
        line = textwrap.wrap(harmless(value), WIDTH - KEY - 1, break_on_hyphens=False) or [""]
        click.echo(f"{key:{KEY}} " + f"\n{'':{KEY + 1}}".join(line))
    for each in found["missing"]:
        click.echo(textwrap.fill(harmless(f"Missing: {each['what']}. {each['hint']}."), WIDTH, subsequent_indent="  "))


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(what, in words) of everything that was found."""
    versions = found["versions"]
    yield "seqgen", f"{versions['seqgen']}, Python {versions['python']}, {found['system']}"
    yield "packages", ", ".join(f"{name} {version or 'MISSING'}" for name, version in found["packages"].items())
    if usable := [each for each in found["extensions"] if each["fault"] is None]:
        yield "extensions", ", ".join(f"{each['kind']} {each['name']} ({each['package']})" for each in usable)
    yield from (("extensions", each["fault"]) for each in found["extensions"] if each["fault"] is not None)
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    yield "processor", f"{cores}, {size(found['memory'])} of memory" if found["memory"] else "unknown"
    for device in found["devices"]:
        chosen = " (chosen by auto)" if device["auto"] else ""
        yield device["name"], f"{device['about']}; trains in {device['precision']}{chosen}"
    yield "FluidSynth", "there" if found["fluidsynth"] else "not installed"
    yield "SoundFonts", ", ".join(found["soundfonts"]) or "none; the built-in synthesizer plays"
    ports = found["midi_ports"]
    yield "MIDI ports", "cannot be asked" if ports is None else ", ".join(ports["outputs"]) or "none"
    yield "cache", f"{found['cache']['path']}: {size(found['cache']['bytes'])} in {found['cache']['files']:,} files"
    for disk in found["disks"]:
        little = ", which is little" if disk["free"] < LITTLE else ""
        yield "free disk", f"{size(disk['free'])} for {disk['what']}{little}"
    terminal = "a terminal" if sys.stdout.isatty() else "a file or pipe"
    yield "output", f"{terminal}, {sys.stdout.encoding}, {shutil.get_terminal_size().columns} columns"
    if os.environ.get("SEQGEN_CACHE"):
        yield "SEQGEN_CACHE", os.environ["SEQGEN_CACHE"]
