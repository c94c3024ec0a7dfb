"""Which of four voices a note belongs to, and where on a grid of sixteenths it lies. Knows no tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi.vocabulary import Ints
from seqgen.errors import MidiError
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score

VOICES = 4
PROGRAMS = (40, 41, 42, 43)  # violin, viola, cello, contrabass
STEPS = 4  # of a quarter note
LONGEST = 64  # steps of a note, and of silence
MAX_STEPS = 2_000_000  # of all notes of a piece together; real ones have a tenth of that


@dataclass(frozen=True, eq=False)
class Notes:
    """(N,) steps of onsets and ends, pitches, voices (0 is the soprano); by onset."""

    begin: Ints
    end: Ints
    pitch: Ints
    voice: Ints

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Notes":
        """Some of them, or in another order."""
        return Notes(self.begin[which], self.end[which], self.pitch[which], self.voice[which])


def voices_of(score: Score, faults: Faults) -> Notes:
    """The pitched notes of a score in four voices, none of which has two at a time.

    A score of the programs that this codec writes, each in a part of its own, has its voices by program; one of
    four parts by part, the highest on average being the soprano; any other by pitch at each step.
    """
    pitched = score.program != DRUMS
    faults.left_out("drum", int((~pitched).sum()))
    begin, end = (
        (2 * STEPS * ticks[pitched] + score.ticks_per_quarter) // (2 * score.ticks_per_quarter)
        for ticks in (score.onset, score.onset + score.duration)
    )
    end = np.maximum(end, begin + 1)
    notes = Notes(begin, end, score.pitch[pitched].astype(np.int64), np.zeros(len(begin), np.int64))
    voice = _by_part(score, pitched)
    if voice is None:
        return _by_pitch(tightened(notes, faults), faults)
    notes = _single(Notes(begin, end, notes.pitch, voice), faults)
    return tightened(notes, faults)


def _by_part(score: Score, pitched: NDArray[np.bool_]) -> Ints | None:
    """(N,) voices by program or part, or None where neither tells them."""
    if len(score.part) != len(score) or not pitched.any():
        return None
    program, part, pitch = score.program[pitched].astype(np.int64), score.part[pitched], score.pitch[pitched]
    parts, which = np.unique(part, return_inverse=True)
    pairs = len(np.unique(which * 256 + program))
    if np.isin(program, PROGRAMS).all() and pairs == len(parts) == len(np.unique(program)):
        return program - PROGRAMS[0]
    if len(parts) != VOICES:
        return None
    mean = np.bincount(which, pitch) / np.bincount(which)
    rank = np.empty(VOICES, np.int64)
    rank[np.argsort(-mean, kind="stable")] = np.arange(VOICES)
    return rank[which]


def _single(notes: Notes, faults: Faults) -> Notes:
    """One note a voice at a time: the highest of those that begin together, until the next one."""
    order = np.lexsort((-notes.pitch, notes.begin, notes.voice))
    notes = notes.chosen(order)
    again = (np.diff(notes.voice, prepend=-1) == 0) & (np.diff(notes.begin, prepend=-1) == 0)
    faults.left_out("further note of a voice", int(again.sum()))
    notes = notes.chosen(~again)
    following = np.where(np.append(notes.voice[1:], -1) == notes.voice, np.append(notes.begin[1:], 0), notes.end)
    faults.mended("overlapping notes of a voice", int((following < notes.end).sum()))
    notes = Notes(notes.begin, np.minimum(notes.end, following), notes.pitch, notes.voice)
    return notes.chosen(np.lexsort((notes.voice, notes.begin)))


def _by_pitch(notes: Notes, faults: Faults) -> Notes:
    """Voices by pitch at each step: one note is the soprano's, the lowest of several the bass's."""
    length = notes.end - notes.begin
    if length.sum() > MAX_STEPS:
        problem = f"expected at most {MAX_STEPS:,} sixteenths, found {int(length.sum()):,}"
        raise MidiError(f"notes last too long together ({problem})", "drop the file")
    owner = np.repeat(np.arange(len(length)), length)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length) + notes.begin[owner]
    order = np.lexsort((owner, -notes.pitch[owner], step))
    owner, step = owner[order], step[order]
    first = np.flatnonzero(np.diff(step, prepend=-1) != 0)
    counts = np.diff(np.append(first, len(step)))
    rank = np.arange(len(step)) - np.repeat(first, counts)
    lowest = (rank == np.repeat(counts, counts) - 1) & (rank > 0)
    kept = lowest | (rank < VOICES - 1)
    owner, step, voice = owner[kept], step[kept], np.where(lowest, VOICES - 1, rank)[kept]
    faults.left_out("note beyond four voices", len(length) - len(np.unique(owner)))
    order = np.lexsort((step, voice, owner))  # each stay of a note in a voice is a note
    owner, step, voice = owner[order], step[order], voice[order]
    new = (np.diff(owner, prepend=-1) != 0) | (np.diff(voice, prepend=-1) != 0) | (np.diff(step, prepend=-1) != 1)
    begin = np.flatnonzero(new)
    size = np.diff(np.append(begin, len(step)))
    found = Notes(step[begin], step[begin] + size, notes.pitch[owner[begin]], voice[begin])
    faults.mended("note that changes its voice", len(begin) - len(np.unique(owner)))
    return found.chosen(np.lexsort((found.voice, found.begin)))


def tightened(notes: Notes, faults: Faults) -> Notes:
    """Notes and silences of LONGEST steps at most."""
    end = np.minimum(notes.end, notes.begin + LONGEST)
    faults.mended("note longer than four bars", int((end < notes.end).sum()))
    order = np.argsort(notes.begin, kind="stable")
    begin, end, pitch, voice = notes.begin[order], end[order], notes.pitch[order], notes.voice[order]
    heard = np.concatenate(([0], np.maximum.accumulate(end)[:-1])) if len(end) else end
    extra = np.maximum(begin - heard - LONGEST, 0)
    faults.mended("silence longer than four bars", int((extra > 0).sum()))
    shift = np.cumsum(extra)
    return Notes(begin - shift, end - shift, pitch, voice)
