"""`seqgen merge`: the shards of a corpus in, one `.tokens` file out."""

from pathlib import Path

import click

from seqgen.cli._options import note
from seqgen.cli._paths import Command, Input, Output
from seqgen.cli.tokenize import target
from seqgen.files import own


@click.command(cls=Command, short_help="Join what `tokenize --shard` made.")
@click.argument("shards", nargs=-1, required=True, type=Input(), metavar="SHARD...")
@click.option(
    "-o", "--output", required=True, type=Output(container=own.STREAM), metavar="FILE.tokens", help="The whole stream."
)
def command(shards: tuple[str, ...], output: str) -> None:
    """Join all shards of a corpus to the stream that a single run would have made, byte for byte.

    \b
      seqgen tokenize corpus/ -o parts/1.tokens --shard 1/2
      seqgen tokenize corpus/ -o parts/2.tokens --shard 2/2
      seqgen merge parts/1.tokens parts/2.tokens -o corpus.tokens
    """
    from seqgen.jobs.tokenize import merge, summary

    with target(output) as path:
        stream = merge([Path(shard) for shard in shards], path)
    note(summary(stream, output))
