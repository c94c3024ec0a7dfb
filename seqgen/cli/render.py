"""`seqgen render`: music as sound, as a picture, or printed."""

import click

from seqgen.cli._observer import Printer
from seqgen.cli._paths import Command, Input, Output
from seqgen.jobs.render import KINDS, RenderJob, render


@click.command(
    "render", cls=Command, short_help="Make music heard (.wav), seen (.png, .svg) or printed (.musicxml, .abc)."
)
@click.argument("file", type=Input(exists=True, dir_okay=False))
@click.option(
    "-o", "--out", "outputs", required=True, multiple=True, type=Output(), help="Where to; give it again for more."
)
@click.option("--format", "kind", type=click.Choice(KINDS), help="What to write; else guessed from the name.")
@click.option("--soundfont", type=Input(), help="Play with FluidSynth and this .sf2 or .sf3 file.")
@click.option("--rate", type=click.IntRange(8000, 96000), default=44100, show_default=True, help="Samples a second.")
@click.option("--title", default="", help="Heading of the picture.")
@click.option("--grid", type=click.IntRange(1, 96), metavar="16", help="Put onsets and ends on sixteenths first.")
def command(
    file: str,
    outputs: tuple[str, ...],
    kind: str | None,
    soundfont: str | None,
    rate: int,
    title: str,
    grid: int | None,
) -> None:
    """Make music heard (.wav), seen (.png or .svg: a piano roll) or printed (.musicxml, .abc).

    FILE may be "-" for standard input. Sound needs nothing but seqgen; with pyfluidsynth and a SoundFont
    (--soundfont, SEQGEN_SOUNDFONT, or one that the system has) real instruments play.
    """
    render(RenderJob(file, outputs, kind, soundfont, rate, title, grid), Printer())
