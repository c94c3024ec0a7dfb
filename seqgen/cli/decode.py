"""`seqgen decode`: a `.tokens` file in, files out."""

import click

from seqgen.cli._observer import Printer
from seqgen.cli._paths import Command, Input, Kind, Output


@click.command(cls=Command, short_help="Turn a stream of token ids back into files.")
@click.argument("file", metavar="FILE.tokens", type=Input())
@click.option(
    "-o",
    "--output",
    required=True,
    type=Output(Kind.PLACE),
    metavar="OUT",
    help="A file, a new folder, or - for stdout.",
)
def command(file: str, output: str) -> None:
    """Turn a stream of token ids back into files.

    One document becomes one file. Several become a new folder OUT with one file each, named after its source; where
    OUT has a suffix or is -, they are written one after the other, which text allows and MIDI does not.

    \b
      seqgen decode plays.tokens -o plays-again/
      seqgen decode one.tokens -o one.txt
      seqgen decode tune.tokens -o tune.musicxml
    """
    from seqgen.jobs.decode import decode

    decode(file, output, Printer())
