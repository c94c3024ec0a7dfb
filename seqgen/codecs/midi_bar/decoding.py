"""Score tokens to a score, all in numpy. Any ids will do: what makes no sense is dropped and counted."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi.decoding import MAX_NOTES, latest, numbered
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.bars import Bars, Clock, Meter
from seqgen.codecs.midi_bar.encoding import settled, single
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.music.faults import Faults
from seqgen.music.score import DEFAULT_TEMPO, DRUMS, MAX_SECONDS, Score

TICKS_PER_QUARTER = 480
TICKS_PER_STEP = TICKS_PER_QUARTER // v.QUARTER
DRUM_STEPS = 6
_DEFAULT_VELOCITY = 8

Where = NDArray[np.bool_]


def decode_score(ids: Ids, roster: Roster, faults: Faults, placed: bool = False) -> Score:
    """The score that (N,) token ids stand for. Never raises on ids in [0, SIZE).

    With `placed` the names of its parts are those of its notes' tokens, see `seqgen.codecs.midi.decoding.by_token`.
    """
    token = ids.astype(np.int64)
    at, length = _sounding(token, faults)
    faults.left_out("note past the limits of a file", max(0, len(at) - MAX_NOTES))
    at, length = at[:MAX_NOTES], length[:MAX_NOTES]
    if len(at) == 0:
        return Score.from_notes(TICKS_PER_QUARTER, np.zeros((0, 5), np.int64))
    bar = np.maximum(np.cumsum(token == v.BAR) - 1, 0)
    bars, arguments = _meters(token, bar, faults)
    step = bars.step(bar) + _inside(token, bars.steps[bars.stretch(bar)], arguments)
    when = Clock.of(bars, step[at])
    onset = when.steps(step[at])
    drum = (token[at] >= v.DRUM) & (token[at] < v.DUR)
    pitch = token[at] - np.where(drum, v.DRUM, v.PITCH)
    part, program = _parts(token, at, drum)
    kept, end = single(part << 15 | program << 7 | pitch, onset, onset + length)
    faults.left_out("note doubled in its part", len(at) - len(kept))
    drum, onset = drum[kept], onset[kept]
    line = _last_line(when, int(np.where(drum, onset + 1, end).max()))
    end = np.where(drum, np.minimum(end, line), end)  # no drum makes an empty bar
    columns = (
        onset * TICKS_PER_STEP,
        (end - onset) * TICKS_PER_STEP,
        pitch[kept],
        v.velocity_of(latest(token, v.VEL, v.PITCH, _DEFAULT_VELOCITY)[at[kept]]),
        program[kept],
    )
    tempo_step, tempo = _tempos(token, step, when, int(onset.max()))
    meter_step, meter = _played_meters(when)
    score = Score.from_notes(
        TICKS_PER_QUARTER,
        np.stack(columns, axis=1),
        tempo_tick=tempo_step * TICKS_PER_STEP,
        tempo=tempo,
        meter_tick=meter_step * TICKS_PER_STEP,
        meter=meter,
        kit=_kit(token) if drum.any() else 0,
        length=line * TICKS_PER_STEP,
        part=(at if placed else part)[kept],
        names=numbered(len(token)) if placed else _titles(roster, part, program),
    )
    return _within_a_day(score, faults)


def _parts(token: Ints, at: Ints, drum: Where) -> tuple[Ints, Ints]:
    """(K,) parts, PARTS for drums, and (K,) programs of the notes at (K,) places."""
    now = latest(token, v.PART, v.INST, 0)
    part = np.where(drum, v.PARTS, now[at])
    program = np.full(len(at), DRUMS)
    said = np.flatnonzero((token >= v.INST) & (token < v.VEL))
    said = said[said > 0] if _kit(token) else said
    for number in np.unique(part[~drum]).tolist():
        own, here = said[now[said] == number], np.flatnonzero(part == number)
        last = np.searchsorted(own, at[here]) - 1
        program[here] = np.where(last >= 0, np.append(token[own], v.INST)[last] - v.INST, 0)
    return part, program


def _titles(roster: Roster, part: Ints, program: Ints) -> list[str]:
    """(PARTS,) what the parts are called."""
    found, first = np.unique(part, return_index=True)
    at = dict(zip(found.tolist(), program[first].tolist()))
    return [roster.title(slot, at[slot]) if slot in at else "" for slot in range(v.PARTS)]


def _kit(token: Ints) -> int:
    """The kit of the drums: an INST before the first BAR."""
    first = int(token[0]) if len(token) > 1 and token[1] == v.BAR else 0
    return first - v.INST if v.INST <= first < v.VEL else 0


def _sounding(token: Ints, faults: Faults) -> tuple[Ints, Ints]:
    """Where the notes and drums stand, and how many steps each lasts."""
    pitch, drum = (token >= v.PITCH) & (token < v.DRUM), (token >= v.DRUM) & (token < v.DUR)
    value = (token >= v.DUR) & (token < v.TIE)
    tie = (token == v.TIE) & _after(value) & np.append(value[1:], False)[: len(token)]
    goes_on = tie | (value & _after(tie))  # belongs to the chain of the token before it
    head = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(token)))) if len(token) else token
    followed = pitch & np.append(value[1:], False)[: len(token)]
    owned = np.append(False, followed[:-1])[: len(token)][head] & (value | tie)
    faults.left_out("pitch without a duration", int(pitch.sum() - followed.sum()))
    faults.left_out("duration without a pitch", int((value & ~owned).sum()))
    faults.left_out("tie of nothing", int(((token == v.TIE) & ~(tie & owned)).sum()))
    steps = np.where(value, v.DURATIONS[np.where(value, token - v.DUR, 0)], 0)
    total = np.bincount(head, steps, minlength=len(token)).astype(np.int64)
    at = np.flatnonzero(followed | drum)
    following = np.append(total, 0)[at + 1]
    length = np.where(drum[at], DRUM_STEPS, np.clip(following, 1, v.LONGEST))
    return at, length


def _after(where: Where) -> Where:
    """(N,) the places behind the marked ones."""
    return np.concatenate(([False], where[:-1]))[: len(where)]


def _inside(token: Ints, steps: Ints, arguments: Where) -> Ints:
    """(N,) the position in the bar that holds at each token."""
    said = (token >= v.POS) & (token < v.PART) & ~arguments
    moved = said | (token == v.BAR)
    where = np.maximum.accumulate(np.where(moved, np.arange(len(token)), -1))
    found = np.where((where >= 0) & said[where], token[where] - v.POS, 0)
    return np.minimum(found, steps - 1)


def _meters(token: Ints, bar: Ints, faults: Faults) -> tuple[Bars, Where]:
    """The bars with their meters, and where POS tokens spell a meter."""
    arguments = np.zeros(len(token), np.bool_)
    stretches: list[tuple[int, Meter]] = [(0, v.METERS[0])]
    wanted = np.flatnonzero((token >= v.METER) & (token < v.TEMPO))
    first = 0  # the bar at which the last stretch begins
    for at in wanted.tolist():
        meter = _meter(token, at)
        if meter is None or at == 0 or token[at - 1] != v.BAR:
            faults.left_out("meter that makes no sense")
            continue
        if token[at] == v.METER + v.OTHER:
            arguments[at + 1 : at + 3] = True
        begin, current = stretches[-1]
        here = int(bar[at])
        if here == 0:
            stretches = [(0, meter)]
        elif meter != current:
            stretches.append((begin + (here - first) * v.bar_steps(*current), meter))
            first = here
    return Bars.of(stretches), arguments


def _meter(token: Ints, at: int) -> Meter | None:
    index = int(token[at]) - v.METER
    if index < v.OTHER:
        return v.METERS[index]
    over, power = (token[at + 1 : at + 3] - v.POS).tolist() if at + 2 < len(token) else (0, 0)
    sane = 1 <= over <= v.MAX_METER[0] and 0 <= power <= v.MAX_METER[1]
    return (over, 1 << power) if sane and v.sayable(over, 1 << power) else None


def _tempos(token: Ints, step: Ints, when: Clock, last: int) -> tuple[Ints, Ints]:
    """(T,) steps and (T,) microseconds a quarter note, up to the last onset."""
    found = np.flatnonzero((token >= v.TEMPO) & (token < v.POS))
    at = when.steps(step[found])
    order = np.argsort(at, kind="stable")
    at, index = at[order], token[found][order] - v.TEMPO
    at, index = at[at <= last], index[at <= last]
    if len(at) == 0 or at[0] > 0:
        default = v.tempo_index(np.array([DEFAULT_TEMPO]))
        at, index = np.append(0, at), np.append(default, index)
    at, index = settled(at, index)
    return at, v.TEMPOS[index]


def _played_meters(when: Clock) -> tuple[Ints, Ints]:
    """(M,) steps and (M, 2) the meters of the kept bars, where they change."""
    stretch = when.bars.stretch(when.kept)
    meter = np.array(when.bars.meter, np.int64)[stretch]
    new = np.any(np.diff(meter, axis=0, prepend=0) != 0, axis=1)
    return when.begin[new], meter[new]


def _last_line(when: Clock, end: int) -> int:
    """The step of the bar line that ends the last bar, or the bar in which the last note ends."""
    begin = int(when.begin[-1])
    bar = int(when.bars.steps[when.bars.stretch(when.kept[-1:])][0])
    return begin + bar * max(-(-(end - begin) // bar), 1)


def _within_a_day(score: Score, faults: Faults) -> Score:
    """The score without the notes that end after a day."""
    if score.duration_seconds <= MAX_SECONDS:
        return score
    kept = score.seconds(score.onset + score.duration) <= MAX_SECONDS
    faults.left_out("note past the limits of a file", int((~kept).sum()))
    every = ("onset", "duration", "pitch", "velocity", "program", "part")
    columns = {name: getattr(score, name)[kept] for name in every}
    last = int(columns["onset"].max(initial=0))
    return dataclasses.replace(
        score,
        **columns,
        length=int((columns["onset"] + columns["duration"]).max(initial=0)),  # no bar line in the middle of a cut
        tempo=score.tempo[score.tempo_tick <= last],
        tempo_tick=score.tempo_tick[score.tempo_tick <= last],
        meter=score.meter[score.meter_tick <= last],
        meter_tick=score.meter_tick[score.meter_tick <= last],
    )
