"""Performance RNN's codec: one instrument, notes switched on and off, steps of 10 ms.

A document is { SHIFT… { OFF } { [VEL] ON } }.

- Times are rounded to steps before differences are taken. SHIFTs of a second, then one of what is left. At one time
  offs stand before ons, each by pitch. VEL stands only where the velocity changes.
- All instruments become one, and drums are left out: both are counted. The sustain pedal is folded into the lengths.
- A key that is struck while it sounds ends the note before; of notes of one pitch that begin together one is kept.
- A pause of more than 60 s is cut. Nothing counts the piece down to its end, unlike in `midi` and `midi_bar`.

`decode` closes what still sounds at the end, and writes 500 ticks a quarter note at 120 beats a minute.
Vocabulary: Oore et al. 2018 ("This Time with Feeling", p. 8).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen import clock as c
from seqgen.codecs import Grammar, Ids, Mask, PageForm
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.codecs.midi.decoding import (
    LAST_STEP,
    MAX_NOTES,
    TICKS_PER_QUARTER,
    TICKS_PER_STEP,
    bounded,
    by_token,
    latest,
    numbered,
)
from seqgen.codecs.midi.encoding import ABSENT, changed
from seqgen.codecs.midi.vocabulary import Ints, velocity_index, velocity_of
from seqgen.codecs.midi_388 import vocabulary as v
from seqgen.codecs.midi_388.grammar import EventGrammar
from seqgen.music.bounds import Bounds, most_together
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

Seconds = NDArray[np.float64]

_STEPS = 100  # a second
_DEFAULT_VELOCITY = 16


@dataclass(frozen=True)
class Midi388Options:
    """The codec has no settings."""


class Midi388(ScoreCodec):
    """Piano music as 388 kinds of events, as Performance RNN has them."""

    Options = Midi388Options

    @property
    def vocab_size(self) -> int:
        return v.SIZE

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        ids = encode_score(score, faults)
        last = np.flatnonzero(ids < v.OFF)
        return ids[: last[-1] + 1] if ongoing and len(last) else ids

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        return decode_score(np.asarray(ids), Faults(report))

    def placed(self, ids: Ids) -> tuple[Score, NDArray[np.int64]]:
        return by_token(decode_score(np.asarray(ids), Faults(None), placed=True))

    def vocabulary(self) -> list[str]:
        return v.names()

    def grammar(self) -> EventGrammar:
        return EventGrammar()

    def clock(self) -> c.Clock:
        """Bars by time, of 2.56 s each."""
        clock = c.silent(v.SIZE)
        clock[v.SHIFT : v.VEL, c.ADVANCE] = range(1, 101)
        clock[v.ON : v.SHIFT, c.COUNTS] = 1
        return clock

    def bounds(self, ids: Ids) -> dict[str, int]:
        token = np.asarray(ids).astype(np.int64)
        moved = ((token >= v.SHIFT) & (token < v.VEL)) | (token >= v.SIZE)
        instant = np.cumsum(moved, dtype=np.int64)[token < v.OFF]
        return most_together(instant, np.zeros_like(instant))

    def within(self, bounds: Mapping[str, int], seen: Mask | None = None) -> EventGrammar:
        return EventGrammar(Bounds.of(bounds), seen)

    def page_form(self, grammar: Grammar | None) -> PageForm | None:
        if not isinstance(grammar, EventGrammar):
            return None
        data = {"longestRest": v.LONGEST_REST, "grammar": grammar.page_form()}
        return PageForm("midi_388", data, grammar=True, primer=True)

    def drawable(self, seen: Mask) -> Mask:
        """A note-off follows any note that sounds, and a prompt may hold notes that training never saw."""
        mask = seen.copy()
        mask[v.OFF : v.SHIFT] = True
        return mask


def encode_score(score: Score, faults: Faults) -> Ids:
    """(N,) uint16 ids of a score's pitched notes. An onset moves by at most 5 ms, a velocity by at most 2."""
    pitched = score.program != DRUMS
    faults.left_out("drum", int((~pitched).sum()))
    faults.mended("note of another instrument", int((score.program[pitched] != 0).sum()))
    if not pitched.any():
        faults.left_out("document without notes")
        return np.zeros(0, np.uint16)
    begin = score.seconds(score.onset[pitched])
    end = score.seconds((score.onset + score.duration)[pitched])
    pitch, velocity = score.pitch[pitched].astype(np.int64), score.velocity[pitched].astype(np.int64)
    start, stop, pitch, velocity = _apart(begin, end, pitch, velocity, faults)
    # Offs before ons at one time, each by pitch.
    step, kind = np.concatenate((stop, start)), np.repeat([0, 1], len(start))
    rows = np.argsort((step << 8) | (kind << 7) | np.tile(pitch, 2))
    pitch, velocity = np.tile(pitch, 2)[rows], np.tile(velocity_index(velocity), 2)[rows]
    on, rest = kind[rows] == 1, np.diff(step[rows], prepend=0)
    faults.mended("rest longer than 60 s", int((rest > v.LONGEST_REST * _STEPS).sum()))
    seconds, hundredths = np.divmod(np.minimum(rest, v.LONGEST_REST * _STEPS), _STEPS)
    columns = [
        *(np.where(seconds > place, v.SECOND, ABSENT) for place in range(int(seconds.max()))),
        np.where(hundredths, v.SHIFT + hundredths - 1, ABSENT),
        np.where(changed(velocity, on), v.VEL + velocity, ABSENT),
        np.where(on, v.ON, v.OFF) + pitch,
    ]
    table = np.stack(columns, axis=1).astype(np.uint16)
    return np.asarray(table[table != ABSENT])


def _apart(begin: Seconds, end: Seconds, pitch: Ints, velocity: Ints, faults: Faults) -> tuple[Ints, Ints, Ints, Ints]:
    """Steps of onsets and ends, pitches, velocities of notes such that a key sounds once at a time."""
    start = np.rint(begin * _STEPS).astype(np.int64)
    stop = np.maximum(np.rint(end * _STEPS).astype(np.int64), start + 1)
    order = np.lexsort((-stop, start, pitch))
    start, stop, pitch, velocity = start[order], stop[order], pitch[order], velocity[order]
    again = (np.diff(pitch, prepend=-1) == 0) & (np.diff(start, prepend=-1) == 0)
    faults.left_out("second note of one pitch at one time", int(again.sum()))
    start, stop, pitch, velocity = start[~again], stop[~again], pitch[~again], velocity[~again]
    following = np.where(np.append(pitch[1:], -1) == pitch, np.append(start[1:], 0), stop)
    faults.mended("overlapping notes of one pitch", int((following < stop).sum()))
    return start, np.minimum(stop, following), pitch, velocity


def decode_score(ids: Ids, faults: Faults, placed: bool = False) -> Score:
    """The score that (N,) token ids stand for. Never raises on ids in [0, SIZE). `placed`: see `by_token`."""
    token = ids.astype(np.int64)
    event = np.flatnonzero(token < v.SHIFT)
    shift = (token >= v.SHIFT) & (token < v.VEL)
    step = bounded(np.cumsum(np.where(shift, token - v.SHIFT + 1, 0)), event)
    end = int(step[event].max(initial=0))
    event = event[np.argsort(token[event] % 128, kind="stable")]  # by pitch, then in order
    pitch, on, now = token[event] % 128, token[event] < v.OFF, step[event]
    first = np.diff(pitch, prepend=-1) != 0
    orphan = ~on & (first | ~np.append(False, on[:-1])[: len(on)])
    faults.left_out("note-off without a note", int(orphan.sum()))
    closed = ~np.append(first[1:], True)[: len(first)]
    faults.mended("note never closed", int((on & ~closed).sum()))
    until = np.where(closed, np.append(now[1:], 0)[: len(now)], np.maximum(end, now + 1))
    kept = on & (until > now)
    faults.left_out("note of no length", int((on & ~kept).sum()))
    within = kept & (until <= LAST_STEP) & (np.cumsum(kept) <= MAX_NOTES)
    faults.left_out("note past the limits of a file", int(kept.sum() - within.sum()))
    velocity = velocity_of(latest(token, v.VEL, v.SIZE, _DEFAULT_VELOCITY))[event]
    columns = (now * TICKS_PER_STEP, (until - now) * TICKS_PER_STEP, pitch, velocity, np.zeros_like(now))
    own = {"part": event[within], "names": numbered(len(token))} if placed else {}
    return Score.from_notes(TICKS_PER_QUARTER, np.stack(columns, axis=1)[within], **own)
