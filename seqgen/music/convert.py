"""Music as it is printed: a `Score` to MusicXML or ABC.

`bars` cuts a score into bars, parts and voices with the values that a printer has, `spelling` names its notes, and one
file a format writes them. Every note lies on a 24th of a quarter note; a performance has to be put on a grid first.
"""

from seqgen.music.notation.abc.write import write_abc
from seqgen.music.notation.musicxml.write import write_musicxml
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.report import Report

WRITERS = {
    ".mid": write_score,
    ".midi": write_score,
    ".musicxml": write_musicxml,
    ".xml": write_musicxml,
    ".abc": write_abc,
}


def converted(data: bytes, suffix: str, grid: int | None = None) -> bytes:
    """The file of a MIDI file's music in the format of a file name ending.

    Args:
        data: MIDI.
        suffix: One of WRITERS.
        grid: Put onsets and ends on that part of a whole note first, such as 16; None: leave them.

    Raises:
        MidiError: The music does not lie on a grid that can be printed.
    """
    if grid is None and suffix in (".mid", ".midi"):
        return data
    score = read_score(data, Report())
    return WRITERS[suffix](score if grid is None else on_grid(score, grid))


def on_grid(score: Score, grid: int) -> Score:
    """The score with onsets and ends on the nearest `grid`-th of a whole note, no note shorter than one."""
    from seqgen.music.notation.printing import quantized

    return quantized(score, grid)
