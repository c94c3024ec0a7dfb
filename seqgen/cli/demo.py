"""`seqgen demo`: plays, C and chorales, from files to generated files, on real corpora."""

import click

from seqgen.cli._observer import Printer
from seqgen.cli._options import note
from seqgen.cli._paths import Command, Kind, Output


@click.command(cls=Command, short_help="Plays, C and chorales: from corpora to new files.")
@click.option(
    "-o", "--output", default="demo", show_default=True, type=Output(Kind.PLACE), metavar="FOLDER",
    help="Where the files go.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Under 60 seconds instead of 5 minutes; rougher results.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
def command(output: str, quick: bool, seed: int, device: str) -> None:
    """Fetch two corpora, train two small models, and generate a scene, a C file and a chorale.

    Everything is written below the output folder; report.html shows it all on one page. The second run needs no
    network. Files of an earlier demo in the same folder are replaced.
    """
    from seqgen.jobs.demo import Demo

    demo = Demo(output, quick, seed, device, Printer())
    for path in demo.run():
        click.echo(path)
    note(f"\nOpen {demo.folder / 'report.html'} in a browser: it shows and plays everything above.")
