"""Music as a page draws and plays it: notes in seconds, bars, names of parts; of a whole file, or while it comes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seqgen.codecs.midi.controlled import ControlledCodec
from seqgen.music import programs
from seqgen.music.played import Played
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

DIGITS = 4  # behind the point, of seconds
MOST_BARS = 20_000
QUARTER = 0.5  # seconds, where a piece says no tempo
Row = list[float | int]  # start, duration, pitch, velocity, program, part, whether it is a drum


def sheet(data: bytes) -> dict[str, Any]:
    """A MIDI file as {"notes": [row…], "bars", "names", "seconds", "tempo"}: rows as `Row` has them, in seconds."""
    score = read_score(data, Report())
    begins = score.seconds(score.onset)
    lengths = score.seconds(score.onset + score.duration) - begins
    columns = (begins.round(DIGITS), lengths.round(DIGITS), score.pitch, score.velocity, score.program, score.part)
    rows = zip(*(column.tolist() for column in columns))
    return {
        "notes": [[*row[:4], 0 if row[4] == DRUMS else row[4], row[5], int(row[4] == DRUMS)] for row in rows],
        "bars": bars(score),
        "names": names(score),
        "seconds": round(score.duration_seconds, DIGITS),
        "tempo": round(60e6 / float(score.tempo[0]), 2),
    }


def names(score: Score) -> list[str]:
    """What each part is called: by its name, else by its instrument."""
    found, first = np.unique(score.part, return_index=True)
    named = [""] * (int(found.max(initial=-1)) + 1)
    for part, program in zip(found.tolist(), score.program[first].tolist()):
        own = score.names[part] if part < len(score.names) else ""
        named[part] = own.strip()[:40] or programs.name(program)
    return named


def bars(score: Score) -> list[float]:
    """Seconds at which bars begin, the end of the last one included; none where there are absurdly many."""
    end, found = score.length, list[float]()
    following = [*score.meter_tick.tolist()[1:], end]
    for first, stop, (over, under) in zip(score.meter_tick.tolist(), following, score.meter.tolist()):
        length = 4 * score.ticks_per_quarter * over / under if over > 0 and under > 0 else 0.0
        if length < 1 or (stop - first) / length > MOST_BARS - len(found):
            return []
        found += np.arange(first, min(stop, end), length).tolist()
    return [round(each, DIGITS) for each in score.seconds(np.array([*found, end])).tolist()] if found else []


class Coming:
    """Notes while a model draws its tokens, as near as is known then.

    Args:
        codec: Of the tokens.
        prompt: What the music goes on from, tokens of the codec alone.
    """

    def __init__(self, codec: ControlledCodec, prompt: Iterable[int]) -> None:
        self._playing = codec.playing()
        self._beat = self._second = 0.0  # a place whose time is known; from there the present tempo counts
        self._tempo: float | None = None
        self.opening = [row for token in prompt for row in self.take(int(token))]

    def take(self, token: int) -> list[Row]:
        """The notes that a token completes."""
        notes = self._playing.take(token)
        if self._playing.tempo != self._tempo:
            self._second = self._at(self._playing.now)
            self._beat, self._tempo = self._playing.now, self._playing.tempo
        return self._rows(notes)

    def settle(self) -> list[Row]:
        """The notes that nothing can make longer any more."""
        return self._rows(self._playing.settle())

    @property
    def seconds(self) -> float:
        """How far it is."""
        return self._at(self._playing.now)

    def _rows(self, notes: Sequence[Played]) -> list[Row]:
        return [
            [
                round(self._at(note.at), DIGITS), round(self._at(note.at + note.length) - self._at(note.at), DIGITS),
                note.pitch, note.velocity, 0 if note.program == DRUMS else note.program, note.part,
                int(note.program == DRUMS),
            ]
            for note in notes
        ]  # fmt: skip

    def _at(self, beat: float) -> float:
        return self._second + (beat - self._beat) * (QUARTER if self._tempo is None else 60 / self._tempo)
