"""`seqgen export`: a model as one HTML page, or as an ES module."""

from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._observer import Printer
from seqgen.cli._paths import Command, Input, Output
from seqgen.errors import UsageError


@click.command("export", cls=Command, short_help="Make one HTML page, or an ES module, of a model.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.option(
    "-o", "--output", type=Output(), required=True, metavar="FILE", help="A .html page, or a .js module for yours."
)
@click.option("--format", "kind", type=click.Choice(["html", "js"]), help="Of FILE.  [default: by name]")
@click.option("--float32", is_flag=True, help="Weights as they are; twice as large.")
@click.option("--int8", is_flag=True, help="Weights in 8 bits a number; half as large.")
@click.option("--no-memory", "bare", is_flag=True, help="The network alone, without counts of corpus and document.")
@click.option("--licence", metavar="TEXT", help="The corpus's, as mit or cc-by-4.0, or in words.")
@click.option("--title", metavar="TEXT", help="What the page is called.  [default: as CHECKPOINT]")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="With which the page begins.")
def command(float32: bool, int8: bool, bare: bool, **options: Any) -> None:
    """Make one file of CHECKPOINT that runs in a browser, without Python and without a network.

    A page (.html) opens from the disk, by a double click: text that streams in coloured by surprise, or a piano roll
    that sounds, with prompt, label, seed, temperature, top-k, top-p, min-p, repetition and dry; what is made is
    downloaded as .txt, .c or .mid. With the same prompt, label, rules and length a seed gives the tokens of seqgen
    generate where weights are the same: with --float32, and of published models without --int8. The card of the model
    and the licence of its corpus are in it.

    A module (.js) has three functions for p5.js, Strudel or any page: load, stream and notes.

    \b
      seqgen export tiny-shakespeare -o shakespeare.html
      seqgen export bach-chorales -o chorales.html --int8
      seqgen export checkpoints/songs -o songs.js
    """
    from seqgen.jobs.export import ExportJob, export

    if float32 and int8:
        raise UsageError("both --float32 and --int8 were given", "choose one; without either weights have 16 bits")
    job = ExportJob(precision="float32" if float32 else "int8" if int8 else "float16", memory=not bare, **options)
    export(job, Printer())
