"""`seqgen decode`: a `.tokens` file in, files out."""

import sys
from pathlib import Path

import click

from seqgen.cli._options import note
from seqgen.cli._paths import Command, Input, Kind, Output
from seqgen.files import STANDARD, atomic_write, guarding, standard_output


@click.command(cls=Command)
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
    from seqgen.jobs.formats import in_format_of
    from seqgen.stream import TokenStream
    from seqgen.tokenization.meaning import tokenizer_of
    from seqgen.tokenization.restoring import restore_all, restore_folder
    from seqgen.tokenization.sources import spooled

    stream = TokenStream.load(spooled(sys.stdin.buffer, "standard input") if file == STANDARD else file)
    tokenizer = tokenizer_of(stream)
    if output == STANDARD:
        with standard_output() as out:
            out.writelines(restore_all(stream, tokenizer))
    elif (stream.documents > 1 and not Path(output).suffix) or Path(output).is_dir():
        guarding.enter(output)
        count = restore_folder(stream, tokenizer, output)
        note(f"{output}: {count:,} files")
    else:
        guarding.claim(output)
        pieces = restore_all(stream, tokenizer)
        if tokenizer.codec.artifact == ".mid":  # whole at once, and perhaps to be printed
            pieces = iter([in_format_of(Path(output), b"".join(pieces), tokenizer.codec.artifact)])
        with atomic_write(output) as target:
            target.writelines(pieces)
        note(f"{output}: {Path(output).stat().st_size:,} bytes")
