"""`seqgen render`: music as sound, as a picture, or printed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqgen.cli._options import note
from seqgen.cli._paths import Command, Input, Output
from seqgen.errors import MidiError, UsageError
from seqgen.files import STANDARD, size, write_bytes

if TYPE_CHECKING:
    from seqgen.music.score import Score

KINDS = ("wav", "png", "svg", "musicxml", "abc")


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
    kinds = [kind or _kind(output) for output in outputs]
    score = _read(file)
    if grid is not None:
        from seqgen.music.convert import on_grid

        score = on_grid(score, grid)
    _say_what_is_left_out(file, score)
    for output, wanted in zip(outputs, kinds):
        if wanted == "wav":
            _write_sound(score, output, Path(soundfont) if soundfont else None, rate)
        elif wanted in ("musicxml", "abc"):
            _print(score, output, wanted)
        else:
            _write_picture(score, output, wanted, title or score.title or _name(file))
        if output != STANDARD:
            note(f"wrote {output} ({size(Path(output).stat().st_size)})")


def _kind(output: str) -> str:
    """The kind that a file name asks for."""
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix in KINDS:
        return suffix
    known = ", ".join(f".{kind}" for kind in KINDS)
    raise UsageError(f"{output}: cannot tell what to render from its name, expected one of {known}", "or give --format")


def _read(file: str) -> "Score":
    from seqgen.music.chunks import MAX_BYTES
    from seqgen.music.read import read_score
    from seqgen.report import Report

    with click.open_file(file, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)  # the reader refuses one byte more than it takes
    report = Report()
    try:
        score = read_score(data, report)
    except MidiError as error:
        raise MidiError(f"{_name(file)}: {error.message}", "choose another file, or mend this one") from error
    for fault, count in sorted((report.repaired + report.dropped).items()):
        note(f"{_name(file)}: {count} × {fault}")
    if not len(score):
        raise MidiError(f"{_name(file)}: holds no notes, so there is nothing to hear or to see", "choose another file")
    return score


def _name(file: str) -> str:
    return "standard input" if file == STANDARD else file


def _say_what_is_left_out(file: str, score: "Score") -> None:
    from seqgen.render.window import shortened

    if sentence := shortened(score):
        note(f"{_name(file)}: {sentence}")


def _write_sound(score: "Score", output: str, soundfont: Path | None, rate: int) -> None:
    from seqgen.render import audio, fluid

    found = fluid.find(soundfont)
    note(f"synth: FluidSynth with {found}" if found else "synth: built in (no SoundFont)")
    audio.write_wav(output, audio.synthesize(score, found, rate), rate)


def _print(score: "Score", output: str, kind: str) -> None:
    from seqgen.music.convert import WRITERS

    write_bytes(output, WRITERS[f".{kind}"](score))


def _write_picture(score: "Score", output: str, kind: str, title: str) -> None:
    from seqgen.render import piano_roll

    write_bytes(output, piano_roll.png_bytes(score, title) if kind == "png" else piano_roll.svg_bytes(score, title))
