"""Performance tokens to a score, all in numpy. Any ids will do: what makes no sense is dropped and counted."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.keys import once_at_a_time
from seqgen.codecs.midi.vocabulary import Ints
from seqgen.music.arrays import gaps
from seqgen.music.faults import Faults
from seqgen.music.score import DEFAULT_TEMPO, DRUMS, MAX_SECONDS, Score

TICKS_PER_STEP = 10  # a tick is 1 ms at 120 beats a minute
TICKS_PER_QUARTER = DEFAULT_TEMPO * v.SECOND * TICKS_PER_STEP // 1_000_000
DRUM_STEPS = 10
MAX_NOTES = 900_000  # two events each: what the reader takes back
LAST_STEP = MAX_SECONDS * v.SECOND - 2 * v.LONGEST
_DEFAULT_VELOCITY = 16


def decode_score(ids: Ids, faults: Faults, placed: bool = False) -> Score:
    """The score that (N,) token ids stand for. Never raises on ids in [0, SIZE).

    With `placed` the names of its parts are those of its notes' tokens, see `by_token`.
    """
    token = ids.astype(np.int64)
    at, length = _sounding(token, faults)
    pedals = np.flatnonzero(token >= v.PEDAL)
    step = np.cumsum(v.STEPS[token])
    step = bounded(step, np.union1d(at, pedals))
    kept = (step[at] <= LAST_STEP) & (np.arange(len(at)) < MAX_NOTES)
    faults.left_out("note past the limits of a file", len(at) - int(kept.sum()))
    at, length = at[kept], length[kept]
    drum = token[at] >= v.DRUM
    current = latest(token, v.INST, v.VEL, 0)
    loudness = v.velocity_of(latest(token, v.VEL, v.PITCH, _DEFAULT_VELOCITY))
    pitch, program = token[at] - np.where(drum, v.DRUM, v.PITCH), np.where(drum, DRUMS, current[at])
    key = (program * 128 + pitch).astype(np.uint16)
    chosen, length = once_at_a_time(key, np.argsort(key, kind="stable"), step[at], length, loudness[at], faults)
    at, pitch, program = at[chosen], pitch[chosen], program[chosen]
    columns = (step[at] * TICKS_PER_STEP, length * TICKS_PER_STEP, pitch, loudness[at], program)
    held = _held(token, step, current, pedals, int((step[at] + length).max(initial=0)))
    own = {"part": at, "names": numbered(len(token))} if placed else {}
    return Score.from_notes(TICKS_PER_QUARTER, np.stack(columns, axis=1), pedal=held, **own)


def numbered(count: int) -> list[str]:
    """The numbers from 0 on, as names of parts of one note each."""
    return [str(number) for number in range(count)]


def by_token(score: Score) -> tuple[Score, Ints]:
    """A score whose parts are called by the tokens of their notes, as one part, and (K,) these tokens."""
    token = np.array([int(name) for name in score.names], np.int64)[score.part]
    return replace(score, part=np.zeros(len(score), np.int64), names=("",) * min(len(score), 1)), token


def _sounding(token: Ints, faults: Faults) -> tuple[Ints, Ints]:
    """Where the notes and drums stand, and how many steps each lasts."""
    pitch = (token >= v.PITCH) & (token < v.DUR)
    duration = (token >= v.DUR) & (token < v.DRUM)
    followed = pitch & np.append(duration[1:], False)[: len(token)]
    faults.left_out("pitch without a duration", int(pitch.sum() - followed.sum()))
    faults.left_out("duration without a pitch", int(duration.sum() - followed.sum()))
    drum = (token >= v.DRUM) & (token < v.PEDAL)
    at = np.flatnonzero(followed | drum)
    following = np.append(token, v.DUR)[at + 1] - v.DUR
    return at, np.where(drum[at], DRUM_STEPS, v.DURATIONS[np.where(drum[at], 0, following)])


def bounded(step: Ints, events: NDArray[np.intp]) -> Ints:
    """(N,) steps with rests between events cut to LONGEST_REST. Only the steps of events are of use."""
    rest = gaps(step[events])
    if not np.any(rest > v.LONGEST_REST):
        return step
    bounded = np.zeros_like(step)
    bounded[events] = np.cumsum(np.minimum(rest, v.LONGEST_REST))
    return bounded


def latest(token: Ints, start: int, stop: int, default: int) -> Ints:
    """(N,) the value of the latest token in [start, stop) up to each place."""
    inside = (token >= start) & (token < stop)
    where = np.maximum.accumulate(np.where(inside, np.arange(len(token)), -1))
    return np.asarray(np.where(where >= 0, token[where] - start, default)) if len(token) else token


def _held(token: Ints, step: Ints, program: Ints, pedals: NDArray[np.intp], end: int) -> Ints:
    """(P, 3) pedal intervals in ticks; a pedal that is never released ends with the last note."""
    rows, down = [], dict[int, int]()
    for at in pedals[step[pedals] <= min(end, LAST_STEP)][:MAX_NOTES].tolist():
        key, now = int(program[at]), int(step[at])
        if token[at] == v.PEDAL_ON:
            down.setdefault(key, now)
        elif key in down:
            rows.append((down[key], now - down.pop(key), key))
    rows += [(begin, end - begin, key) for key, begin in down.items()]
    table = np.array(sorted(rows), np.int64).reshape(-1, 3)
    return np.asarray(table[table[:, 1] > 0] * np.array([TICKS_PER_STEP, TICKS_PER_STEP, 1]))
