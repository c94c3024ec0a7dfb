"""Music as sound, as a picture, or printed: what `seqgen render` does. What it needs is imported when it is called."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seqgen.errors import MidiError, UsageError
from seqgen.files import STANDARD, size, write_bytes
from seqgen.jobs.observer import SILENT, Observer

if TYPE_CHECKING:
    from seqgen.music.score import Score

KINDS = ("wav", "png", "svg", "musicxml", "abc")


@dataclass(frozen=True)
class RenderJob:
    """What to render, and where to.

    Attributes:
        file: A MIDI, MusicXML or ABC file; "-": standard input.
        outputs: The files to write; "-": standard output.
        kind: What to write, one of KINDS; None: as each name says.
        soundfont: Play with FluidSynth and this file; None: with what the system has, else the built-in synthesizer.
        rate: Samples a second.
        title: Heading of the picture.
        grid: Put onsets and ends on this part of a whole note first; None: as they are.
    """

    file: str
    outputs: Sequence[str]
    kind: str | None = None
    soundfont: str | None = None
    rate: int = 44100
    title: str = ""
    grid: int | None = None

    @property
    def name(self) -> str:
        """What the file is called, for people."""
        return "standard input" if self.file == STANDARD else self.file


def render(job: RenderJob, observer: Observer = SILENT) -> None:
    """Write each output.

    Raises:
        UsageError: The name of an output does not say what it is to be.
        MidiError: The file cannot be read, or holds no notes.
        OutputError: An output cannot be written.
    """
    kinds = [job.kind or _kind(output) for output in job.outputs]
    score = _read(job, observer)
    if job.grid is not None:
        from seqgen.music.convert import on_grid

        score = on_grid(score, job.grid)
    from seqgen.render.window import shortened

    if sentence := shortened(score):
        observer.note(f"{job.name}: {sentence}")
    for output, kind in zip(job.outputs, kinds):
        _write(job, score, output, kind, observer)
        if output != STANDARD:
            observer.note(f"wrote {output} ({size(Path(output).stat().st_size)})")


def _kind(output: str) -> str:
    """The kind that a file name asks for."""
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix in KINDS:
        return suffix
    known = ", ".join(f".{kind}" for kind in KINDS)
    raise UsageError(f"{output}: cannot tell what to render from its name, expected one of {known}", "or give --format")


def _read(job: RenderJob, observer: Observer) -> "Score":
    from seqgen.music.chunks import MAX_BYTES
    from seqgen.music.read import read_score
    from seqgen.report import Report

    most = MAX_BYTES + 1  # the reader refuses one byte more than it takes
    if job.file == STANDARD:
        data = sys.stdin.buffer.read(most)
    else:
        with Path(job.file).open("rb") as stream:
            data = stream.read(most)
    report = Report()
    try:
        score = read_score(data, report)
    except MidiError as error:
        raise MidiError(f"{job.name}: {error.message}", "choose another file, or mend this one") from error
    for fault, count in sorted((report.repaired + report.dropped).items()):
        observer.note(f"{job.name}: {count} × {fault}")
    if not len(score):
        raise MidiError(f"{job.name}: holds no notes, so there is nothing to hear or to see", "choose another file")
    return score


def _write(job: RenderJob, score: "Score", output: str, kind: str, observer: Observer) -> None:
    if kind == "wav":
        from seqgen.render import audio, fluid

        found = fluid.find(Path(job.soundfont) if job.soundfont else None)
        observer.note(f"synth: FluidSynth with {found}" if found else "synth: built in (no SoundFont)")
        audio.write_wav(output, audio.synthesize(score, found, job.rate), job.rate)
    elif kind in ("musicxml", "abc"):
        from seqgen.music.convert import WRITERS

        write_bytes(output, WRITERS[f".{kind}"](score))
    else:
        from seqgen.render import piano_roll

        draw = piano_roll.png_bytes if kind == "png" else piano_roll.svg_bytes
        write_bytes(output, draw(score, job.title or score.title or job.name))
