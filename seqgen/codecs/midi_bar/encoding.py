"""A score to score tokens, all in numpy. Knows no files; the order of tokens is told in `codec`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi.encoding import changed
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.bars import Bars, Clock, on_grid, read_bars
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.music.arrays import differs
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score

ABSENT = np.uint16(0xFFFF)


@dataclass(frozen=True, eq=False)
class Rows:
    """What stands at positions, (R,) columns in canonical order: tempos before notes, drums after other notes.

    Attributes:
        step: From the beginning of the piece, long rests cut.
        bar, inside: The kept bar, and steps in it.
        part: Of a note; PARTS for drums, below 0 for a tempo.
        program, pitch, length, velocity: Of a note; `pitch` is the index of a tempo. `velocity` is an index.
    """

    step: Ints
    bar: Ints
    inside: Ints
    part: Ints
    program: Ints
    pitch: Ints
    length: Ints
    velocity: Ints


def encode_score(score: Score, roster: Roster, faults: Faults, *, to_come: int = 0, slots: Ints | None = None) -> Ids:
    """(N,) uint16 token ids of a score; `to_come` bars are to follow the last.

    `slots` are the PART tokens of its notes where they are others than the roster's, PARTS for drums.

    An onset and an end move to the nearest step: by nothing where they lie on a 24th of a quarter note. Velocities
    change by at most 4, tempos by at most 3.3 %.
    """
    if len(score) == 0:
        faults.left_out("document without notes")
        return np.zeros(0, np.uint16)
    onset = on_grid(score.onset, score.ticks_per_quarter)
    bars = read_bars(score, int(onset.max()), faults)
    kept, rows = _rows(score, roster.slots(score, faults) if slots is None else slots, onset, bars, faults)
    body, per_row = flat(row_columns(rows))
    head, per_bar = flat(_bar_columns(bars, kept, to_come))
    # Each token's place: behind the tokens of its own kind, and those of the other kind that stand before it.
    before_row = np.cumsum(per_bar)[rows.bar]
    row_ends = np.concatenate(([0], np.cumsum(per_row)))
    before_bar = row_ends[np.searchsorted(rows.bar, np.arange(len(kept)))]
    ids = np.empty(len(head) + len(body), np.uint16)
    ids[np.arange(len(body)) + np.repeat(before_row, per_row)] = body
    ids[np.arange(len(head)) + np.repeat(before_bar, per_bar)] = head
    kit = score.kit if np.any(score.program == DRUMS) else 0
    return np.concatenate((np.array([v.INST + kit] if kit else [], np.uint16), ids))


def _rows(score: Score, slots: Ints, onset: Ints, bars: Bars, faults: Faults) -> tuple[Ints, Rows]:
    """The bars that are kept, and what stands in them."""
    when = Clock.of(bars, onset)
    faults.mended(f"rest longer than {v.MAX_EMPTY} bars", when.cuts)
    tempo_step, tempo = _tempos(score, int(onset.max()), faults)
    notes = _notes(score, slots, onset, when, faults)
    at, tempo = settled(when.steps(tempo_step), tempo)
    zeros = np.zeros(len(at), np.int64)
    tempos = (at, zeros - 1, zeros, tempo, zeros, zeros)
    columns = [np.concatenate(pair) for pair in zip(tempos, notes)]
    step, part, program, pitch, length, velocity = columns
    order = np.argsort(step << 20 | (part + 1) << 15 | program << 7 | pitch)  # no two are equal
    step, part, program, pitch, length, velocity = (column[order] for column in columns)
    bar = np.repeat(np.arange(len(when.begin)), np.diff(np.append(np.searchsorted(step, when.begin), len(step))))
    return when.kept, Rows(step, bar, step - when.begin[bar], part, program, pitch, length, velocity)


def _notes(score: Score, part: Ints, onset: Ints, when: Clock, faults: Faults) -> tuple[Ints, ...]:
    """Step, part, program, pitch, length in steps and velocity of the notes, no key twice at a time."""
    program, pitch = score.program.astype(np.int64), score.pitch.astype(np.int64)
    drums = program == DRUMS
    end = np.maximum(on_grid(score.onset + score.duration, score.ticks_per_quarter), onset + 1)
    begin, end = when.steps(onset), when.steps(end)
    end = np.where(drums, begin + 1, np.maximum(end, begin + 1))
    kept, end = single((part << 15) | (program << 7) | pitch, begin, end)
    faults.mended("note doubled in its part", len(begin) - len(kept))
    begin, drums = begin[kept], drums[kept]
    length = np.where(drums, 0, end - begin)
    faults.mended("note longer than 256 bars", int((length > v.LONGEST).sum()))
    velocity = v.velocity_index(score.velocity[kept].astype(np.int64))
    return begin, part[kept], program[kept], pitch[kept], np.minimum(length, v.LONGEST), velocity


def single(key: Ints, begin: Ints, end: Ints) -> tuple[NDArray[np.intp], Ints]:
    """Notes such that no key sounds twice at a time.

    Args:
        key: (N,) what can sound but once: a pitch of a program of a part.
        begin, end: (N,) steps.

    Returns:
        (K,) indices of the notes that are kept, of several that begin at once the longest; and (K,) their ends, none
        after the key is struck again.
    """
    order = np.argsort(key << 40 | begin, kind="stable")
    same = key[order][1:] == key[order][:-1]
    if not np.any(same & (begin[order][1:] < end[order][:-1])):
        return np.arange(len(key)), end
    order = np.lexsort((end, begin, key))
    key, begin, end = key[order], begin[order], end[order]
    same = key[1:] == key[:-1]
    kept = np.append(~(same & (begin[1:] == begin[:-1])), True)
    order, key, begin, end = order[kept], key[kept], begin[kept], end[kept]
    same = key[1:] == key[:-1]
    end[:-1] = np.where(same, np.minimum(end[:-1], begin[1:]), end[:-1])
    return order, end


def _tempos(score: Score, last: int, faults: Faults) -> tuple[Ints, Ints]:
    """(T,) steps and (T,) indices of the tempos up to the last onset."""
    step = on_grid(score.tempo_tick, score.ticks_per_quarter)
    heard = step <= last
    faults.left_out("tempo after the last onset", int((~heard).sum()))
    tempo = np.maximum(score.tempo[heard], 1)
    faults.mended("tempo out of range", int(((tempo < 0.96 * v.TEMPOS[-1]) | (tempo > 1.04 * v.TEMPOS[0])).sum()))
    return step[heard], v.tempo_index(tempo)


def settled(step: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Of several values at one step the last; and only those that change anything."""
    last = np.append(step[1:] != step[:-1], True)
    step, value = step[last], value[last]
    new = differs(value)
    return step[new], value[new]


def row_columns(rows: Rows) -> list[Ints]:
    """The columns of POS, PART, INST, VEL, the sound itself, and its length; ABSENT where a token does not stand."""
    note, drum = rows.part >= 0, rows.part == v.PARTS
    pitched = note & ~drum
    kind = np.where(note, np.where(drum, v.DRUM, v.PITCH), v.TEMPO)
    return [
        np.where(differs(rows.step), v.POS + rows.inside, ABSENT),
        np.where(changed(rows.part, pitched), v.PART + rows.part, ABSENT),
        np.where(_new_programs(rows, pitched), v.INST + rows.program, ABSENT),
        np.where(changed(rows.velocity, note), v.VEL + rows.velocity, ABSENT),
        kind + rows.pitch,
        *_durations(rows.length),
    ]


def _new_programs(rows: Rows, pitched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(R,) the notes whose program is another than that of the note before in their part."""
    chosen = np.flatnonzero(pitched)
    by_part = chosen[np.argsort(rows.part[chosen], kind="stable")]
    result = np.zeros(len(pitched), np.bool_)
    result[by_part] = differs(rows.part[by_part] << 8 | rows.program[by_part])
    return result


_FITTING = np.searchsorted(v.DURATIONS, np.arange(v.LONGEST + 1), side="right") - 1  # by steps, 0 to LONGEST
_FITS = np.where(_FITTING < 0, 0, v.DURATIONS[_FITTING])


def _durations(length: Ints) -> list[Ints]:
    """The columns of DUR and TIE: the longest value that fits, and the rest tied to it."""
    columns: list[Ints] = []
    left = length
    while True:
        index = _FITTING[left]
        columns.append(np.where(left > 0, v.DUR + index, ABSENT))
        left = left - _FITS[left]
        if not left.any():
            return columns
        columns.append(np.where(left > 0, v.TIE, ABSENT))


def _bar_columns(bars: Bars, kept: Ints, to_come: int) -> list[Ints]:
    """BAR, METER and REMAIN of each kept bar."""
    stretch = bars.stretch(kept)
    said = np.array([(v.meter_tokens(*meter) + [ABSENT, ABSENT])[:3] for meter in bars.meter], np.int64)
    kind = np.array([sorted(set(bars.meter)).index(meter) for meter in bars.meter], np.int64)
    new = differs(kind[stretch])
    left = np.arange(len(kept))[::-1] + to_come
    remain = np.searchsorted(v.REMAIN_EDGES, left)
    meters = [np.where(new, said[stretch, place], ABSENT) for place in range(3)]
    return [
        np.full(len(kept), v.BAR),
        *meters,
        np.where(differs(remain), v.REMAIN + remain, ABSENT),
    ]


def flat(columns: list[Ints]) -> tuple[Ids, Ints]:
    """The ids of a table row by row, absent ones left out, and how many each row has."""
    table = np.empty((len(columns[0]), len(columns)), np.uint16)
    for place, column in enumerate(columns):
        table[:, place] = column
    present = table != ABSENT
    return table[present], present.sum(axis=1)
