"""Chorales: four voices on a grid of sixteenths, a token for each voice at each step, soprano first.

A document is { S A T B }, each a PITCH or REST (id 128) or, with `hold`, HOLD (id 129) where the note before goes on.

- Onsets and ends move to the nearest sixteenth. Without `hold`, repeated notes become one: counted.
- The voices are those of `voices`. Of a voice's own chords the highest note is kept; what finds no voice is counted.
- Notes of more than four bars of 4/4 and silences of more than that are cut, and counted. Velocities, tempos, meters,
  programs and drums are not kept.

`decode` writes the voices as violin, viola, cello and contrabass at 120 beats a minute, 480 ticks a quarter note.
The grid is that of Boulanger-Lewandowski et al. 2012 ("Modeling temporal dependencies", section 6), on which the
chorales are mostly measured.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen import clock as c
from seqgen.codecs import Grammar, Ids, PageForm
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.codecs.midi.decoding import by_token, numbered
from seqgen.codecs.midi.vocabulary import Ints
from seqgen.codecs.midi_grid.grammar import GridGrammar
from seqgen.codecs.midi_grid.voices import LONGEST, PROGRAMS, VOICES, Notes, tightened, voices_of
from seqgen.music.faults import Faults, refuse
from seqgen.music.score import MAX_SECONDS, Score
from seqgen.report import Report
from seqgen.settings import option

REST, HOLD = 128, 129
TICKS_PER_QUARTER, TICKS_PER_STEP = 480, 120
VELOCITY = 80
BAR = 16  # steps
MAX_STEPS = 2_000_000
LAST_STEP = MAX_SECONDS * 8  # eight steps a second


@dataclass(frozen=True)
class MidiGridOptions:
    """Settings of the chorale codec."""

    hold: bool = option(False, "tell a note that goes on from one that is struck again")


class MidiGrid(ScoreCodec):
    """Four voices on a grid of sixteenths: chorales."""

    Options = MidiGridOptions
    tokens_per_byte: ClassVar[int] = 128  # a silence takes tokens, but no bytes

    @property
    def vocab_size(self) -> int:
        return HOLD + 1 if self._options.hold else HOLD

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        return encode_notes(voices_of(score, faults), faults, hold=self._options.hold)

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        return decode_score(np.asarray(ids), Faults(report))

    def placed(self, ids: Ids) -> tuple[Score, NDArray[np.int64]]:
        return by_token(decode_score(np.asarray(ids), Faults(None), placed=True))

    def vocabulary(self) -> list[str]:
        names = [f"PITCH_{pitch}" for pitch in range(128)] + ["REST_ON", "HOLD_ON"]
        return names[: self.vocab_size]

    def clock(self) -> c.Clock:
        """Bars by time, of a whole note each."""
        clock = c.silent(self.vocab_size)
        clock[:, c.ADVANCE] = c.PLACES // (VOICES * BAR)
        return clock

    def grammar(self) -> GridGrammar:
        return GridGrammar(hold=self._options.hold)

    def page_form(self, grammar: Grammar | None) -> PageForm:
        data = {"hold": self._options.hold, "longest": LONGEST, "programs": list(PROGRAMS)}
        return PageForm("midi_grid", data, grammar=True, primer=True)


def encode_notes(notes: Notes, faults: Faults, *, hold: bool) -> Ids:
    """(4 T,) uint16 ids of notes in voices."""
    if len(notes.begin) == 0:
        faults.left_out("document without notes")
        return np.zeros(0, np.uint16)
    steps = int(notes.end.max())
    if steps > MAX_STEPS:
        refuse(0, f"music is too long for a grid of sixteenths (expected at most {MAX_STEPS:,}, found {steps:,})")
    length = notes.end - notes.begin
    first = np.repeat(np.cumsum(length) - length, length)
    step = np.arange(int(length.sum())) - first + np.repeat(notes.begin, length)
    cell = step * VOICES + np.repeat(notes.voice, length)
    grid = np.full(steps * VOICES, REST, np.uint16)
    grid[cell] = np.repeat(notes.pitch, length)
    struck = np.zeros(len(grid), np.bool_)
    struck[notes.begin * VOICES + notes.voice] = True
    same = np.append(np.zeros(VOICES, np.bool_), grid[VOICES:] == grid[:-VOICES]) & (grid != REST)
    if hold:
        grid[same & ~struck] = HOLD
    else:
        faults.mended("repeated notes joined", int((same & struck).sum()))
    return grid


def decode_score(ids: Ids, faults: Faults, placed: bool = False) -> Score:
    """The score that (N,) token ids stand for. Never raises on ids in [0, vocab_size). `placed`: see `by_token`."""
    begin, length, pitch, voice = _runs(ids.astype(np.int64), faults)
    # A note lasts LONGEST at most; a longer run of one pitch is several notes, a longer HOLD ends.
    order = np.lexsort((voice, begin))
    notes = tightened(Notes(begin[order], (begin + length)[order], pitch[order], voice[order]), faults)
    kept = notes.end <= LAST_STEP
    faults.left_out("note past the limits of a file", int((~kept).sum()))
    columns = (
        notes.begin * TICKS_PER_STEP,
        (notes.end - notes.begin) * TICKS_PER_STEP,
        notes.pitch,
        np.full(len(kept), VELOCITY),
        np.array(PROGRAMS, np.int64)[notes.voice],
    )
    at = notes.begin * VOICES + notes.voice
    own = {"part": at[kept], "names": numbered(len(ids))} if placed else {}
    return Score.from_notes(TICKS_PER_QUARTER, np.stack(columns, axis=1)[kept], **own)


def _runs(token: Ints, faults: Faults) -> tuple[Ints, Ints, Ints, Ints]:
    """(N,) onset, length, pitch, voice of the notes in a grid."""
    steps = -(-len(token) // VOICES)
    faults.mended("step cut short", int(steps * VOICES != len(token)))
    cells = np.full(steps * VOICES, REST, np.int64)
    cells[: len(token)] = token
    cells = cells.reshape(steps, VOICES).T.reshape(-1)  # voice by voice
    place = np.arange(len(cells))
    inside = place % max(steps, 1)
    said = (cells != HOLD) | (inside == 0)
    faults.left_out("hold of nothing", int(((cells == HOLD) & (inside == 0)).sum()))
    value = np.where((cells == HOLD) & (inside == 0), REST, cells)
    held = "hold" if np.any(token == HOLD) else ""
    value = value[np.maximum.accumulate(np.where(said, place, 0))] if len(cells) else cells
    new = (inside == 0) | np.append(True, value[1:] != value[:-1])[: len(cells)]
    if held:
        new |= cells < REST
    begin = np.flatnonzero(new)
    length = np.diff(np.append(begin, len(cells)))
    if held:
        faults.mended("note longer than four bars", int(((length > LONGEST) & (value[begin] != REST)).sum()))
        length = np.minimum(length, LONGEST)
    else:  # a long run of one pitch is several notes
        parts = -(-length // LONGEST)
        which = np.repeat(np.arange(len(begin)), parts)
        nth = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
        begin, length = begin[which] + nth * LONGEST, np.minimum(length[which] - nth * LONGEST, LONGEST)
    notes = value[begin] != REST
    begin, length = begin[notes], length[notes]
    return begin % max(steps, 1), length, value[begin], begin // max(steps, 1)
