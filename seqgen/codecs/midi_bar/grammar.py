"""Which score tokens may follow which: the order that `codec` describes, as a small state machine.

Whatever it lets through decodes without a dropped token, and keeps its word: each REMAIN says between which bounds the
number of bars to the last onset lies, bars count both bounds down, and nothing may contradict them. No more than
MAX_EMPTY bars in a row are empty. What `encode` makes is always let through.
"""

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi.grammar import beyond
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.music.bounds import ANY, Bounds

NONE = -1  # no program, velocity, tempo yet; no position in this bar yet
ALL = 128  # as `pitch`: beyond the last
ENDLESS = 1 << 40  # more bars than any piece has

# Phases: what the last token was. CHOSEN: an INST, NAMED: a PART; LOUD: a VEL, by itself or after one of these.
(
    BEGIN, KIT, BAR, OVER, UNDER, METER, REMAIN, POS, TEMPO, NAMED, CHOSEN, LOUD, CHOSEN_LOUD, PITCH, VALUE, TIE, DRUM,
) = range(17)  # fmt: skip
_EDGES = v.REMAIN_EDGES.tolist()
_SOUNDED = (VALUE, DRUM)
_LAST = len(v.DURATIONS) - 1


class Limits(NamedTuple):
    """No pitch and no drum from these on may follow."""

    pitches: int = ALL
    drums: int = ALL


class State(NamedTuple):
    """Where a document stands.

    Attributes:
        phase: What may come next, in broad terms.
        meter: That of this bar, (0, 0) before the first; while one is spelt, the numerator so far stands in `over`.
        over: See `meter`.
        inside: The position, or NONE.
        part, velocity, tempo: What PART, VEL and TEMPO said last, or NONE.
        programs: (PARTS,) what INST said last of each part, or NONE.
        pitch: No lower note may follow at this position in this part and program. ALL after a drum.
        tied: The DUR said last.
        length: Steps of the last note so far.
        drum: No lower drum may follow at this position.
        low: No lower part may follow at this position; PARTS after a drum.
        fresh: Nothing has sounded at this position in this part yet.
        own, every: How many notes of this part, and of all and drums, have sounded at this position.
        sounded: Something has sounded in this bar.
        empty: Bars without an onset just before this one.
        remain: The class of bars to go that was stated last.
        least, most: The bounds of the bars to go after this one.
    """

    phase: int = BEGIN
    meter: tuple[int, int] = (0, 0)
    over: int = 0
    inside: int = NONE
    part: int = NONE
    programs: tuple[int, ...] = (NONE,) * v.PARTS
    velocity: int = NONE
    tempo: int = NONE
    pitch: int = 0
    tied: int = 0
    length: int = 0
    drum: int = 0
    low: int = 0
    fresh: bool = True
    own: int = 0
    every: int = 0
    sounded: bool = False
    empty: int = 0
    remain: int = len(v.REMAIN_EDGES) + 1
    least: int = 0
    most: int = ENDLESS


class ScoreGrammar:
    """The grammar of the score vocabulary.

    Args:
        bounds: How many notes may begin at a position.
        seen: (SIZE,) tokens of which music is to be made; None: all. It never leads to where others alone can follow,
            but does not refuse them itself.
        played: (PARTS, 128) which programs a part may have; None: any.

    Attributes:
        own: The most notes of one part, or drums, at a position.
        every: The most notes and drums.
    """

    def __init__(self, bounds: Bounds = ANY, seen: Mask | None = None, played: Mask | None = None) -> None:
        self.own, self.every = bounds.part, bounds.together
        seen = np.ones(v.SIZE, np.bool_) if seen is None else seen
        pitches, drums = (beyond(seen[low : low + 128]) for low in (v.PITCH, v.DRUM))
        self._limits = Limits(pitches, drums) if pitches or drums else Limits()
        self._played = played
        self._tied = int(np.argmax(seen[v.DUR : v.TIE]))  # no TIE after a value up to the shortest

    def start(self) -> State:
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, whatever it is."""
        if token == v.BAR:
            return _next_bar(state)
        if token < v.TEMPO:
            return _meter(state, token - v.METER)
        if token < v.POS:
            return state._replace(phase=TEMPO, tempo=token - v.TEMPO)
        if token < v.PART:
            return _position(state, token - v.POS)
        if token < v.REMAIN:
            return _sound(state, token)
        least, most = _narrowed(state, token - v.REMAIN)
        return state._replace(phase=REMAIN, remain=token - v.REMAIN, least=least, most=most)

    def allowed(self, state: State) -> Mask:
        """(SIZE,) True where a token may follow. Read-only, for it is shared."""
        mask = _mask(_reduced(state, self.own, self.every), self._limits)
        ends = state.phase == VALUE and state.tied <= self._tied
        if not ends and (self._played is None or not mask[v.PART : v.VEL].any() or state.phase == BEGIN):
            return mask
        mask = mask.copy()
        mask[v.TIE] &= not ends
        if self._played is not None:
            mask[v.PART : v.INST] &= self._played.any(axis=1) | (np.array(state.programs) != NONE)
            mask[v.INST : v.VEL] &= self._played[max(state.part, 0)] if state.phase != BEGIN else True
        return mask

    def page_form(self) -> dict[str, object]:
        """Plain data for a page: what `ScoreGrammar` was made with; of each part the programs that it may have."""
        played = None if self._played is None else [np.flatnonzero(row).tolist() for row in self._played]
        return {"own": self.own, "every": self.every, "played": played, "tied": self._tied, **self._limits._asdict()}

    def may_end(self, state: State) -> bool:
        """In the last bar, after a note."""
        return state.remain == 0 and state.phase in _SOUNDED


def lower(remain: int) -> int:
    """The least number of bars to go in a class."""
    return _EDGES[remain - 1] + 1 if 0 < remain <= len(_EDGES) else 0


def upper(remain: int) -> int:
    """The most."""
    return _EDGES[remain] if remain < len(_EDGES) else ENDLESS


def _narrowed(state: State, remain: int) -> tuple[int, int]:
    """The bounds of the bars to go once their class is known; those of the class alone where they contradict it."""
    both = max(lower(remain), state.least), min(upper(remain), state.most)
    return both if both[0] <= both[1] else (lower(remain), upper(remain))


def _next_bar(state: State) -> State:
    opened = state._replace(phase=BAR, inside=NONE, sounded=False, over=0, tied=0, length=0)
    if state.phase in (BEGIN, KIT):
        return opened
    least, most = (max(bound - 1, 0) for bound in _narrowed(state, state.remain))
    empty = 0 if state.sounded else min(state.empty + 1, v.MAX_EMPTY)
    return opened._replace(empty=empty, least=least, most=ENDLESS if state.most >= ENDLESS else most)


def _meter(state: State, index: int) -> State:
    if index == v.OTHER:
        return state._replace(phase=OVER)
    return state._replace(phase=METER, meter=v.METERS[index])


def _position(state: State, inside: int) -> State:
    if state.phase == OVER:
        return state._replace(phase=UNDER, over=inside)
    if state.phase == UNDER:
        under = 1 << min(inside, v.MAX_METER[1])
        return state._replace(phase=METER, meter=(state.over, under) if v.sayable(state.over, under) else (4, 4))
    return state._replace(phase=POS, inside=inside, pitch=0, drum=0, low=0, fresh=True, own=0, every=0)


def _sound(state: State, token: int) -> State:
    if token < v.INST:
        return state._replace(phase=NAMED, part=token - v.PART, pitch=0, fresh=True, own=0)
    if token < v.VEL:
        if state.phase == BEGIN:
            return state._replace(phase=KIT)
        part = max(state.part, 0)
        programs = (*state.programs[:part], token - v.INST, *state.programs[part + 1 :])
        return state._replace(phase=CHOSEN, part=part, programs=programs, pitch=0)
    if token < v.PITCH:
        phase = CHOSEN_LOUD if state.phase in (NAMED, CHOSEN) else LOUD
        return state._replace(phase=phase, velocity=token - v.VEL)
    if token < v.DRUM:
        return state._replace(phase=PITCH, pitch=token - v.PITCH + 1)
    if token < v.DUR:
        own = state.own + 1 if state.drum else 1
        drum = token - v.DRUM + 1
        return state._replace(phase=DRUM, drum=drum, own=own, every=state.every + 1, sounded=True)
    if token == v.TIE:
        return state._replace(phase=TIE)
    tied, steps = token - v.DUR, int(v.DURATIONS[token - v.DUR])
    if state.phase == TIE:
        return state._replace(phase=VALUE, tied=tied, length=min(state.length + steps, v.LONGEST))
    return state._replace(
        phase=VALUE, tied=tied, length=steps, low=state.part + 1, fresh=False, sounded=True,
        own=state.own + 1, every=state.every + 1,
    )  # fmt: skip


def _class(bars: int) -> int:
    return bisect_left(_EDGES, bars)


def _reduced(state: State, own: int, every: int) -> State:
    """The state with what does not matter to the next token left out, so that many states share a mask.

    `least` and `most` become the classes that REMAIN may state, `empty` whether the next bar may begin, `own` and
    `every` whether there is no room for a note of this part, or for any; of programs that of this part is left.
    """
    if state.phase == PITCH:
        return State(phase=PITCH)
    if state.phase == TIE:
        return State(phase=TIE, tied=state.tied, length=state.length)
    if state.phase in (OVER, UNDER):
        return State(phase=state.phase, meter=state.meter, over=state.over)
    due = state.phase in (BAR, METER) and state.most < lower(state.remain)
    full = state.empty >= v.MAX_EMPTY and not state.sounded
    # `over` tells here whether the next REMAIN is due.
    return state._replace(
        over=int(due), least=_class(state.least), most=_class(state.most), empty=int(full),
        length=int(state.length >= v.LONGEST), remain=min(state.remain, len(_EDGES) + 1),
        programs=(state.programs[max(state.part, 0)],), own=int(state.own >= own), every=int(state.every >= every),
    )  # fmt: skip


@lru_cache(maxsize=1024)  # what comes again comes soon: 16 times as many are met by 1 to 4 % more of the tokens
def _mask(state: State, limits: Limits) -> Mask:
    """The mask of a reduced state."""
    mask = np.zeros(v.SIZE, np.bool_)
    phase = state.phase
    if phase == BEGIN:
        mask[v.BAR] = mask[v.INST + 1 : v.VEL] = True
    elif phase == KIT:
        mask[v.BAR] = True
    elif phase == PITCH:
        mask[v.DUR : v.TIE] = True
    elif phase == TIE:
        mask[v.DUR : v.DUR + state.tied] = True
        mask[v.DUR + _LAST] = state.tied == _LAST and state.length + int(v.DURATIONS[-1]) <= v.LONGEST
    elif phase in (OVER, UNDER):
        _allow_spelling(mask, state)
    elif state.meter == (0, 0):  # the first bar states its meter
        mask[v.METER : v.TEMPO] = True
    else:
        _allow_moves(mask, state)
        if phase not in (BAR, METER, REMAIN):
            _allow_sounds(mask, state, limits)
    mask.flags.writeable = False
    return mask


def _allow_spelling(mask: Mask, state: State) -> None:
    """The two POS of a METER without a token of its own."""
    if state.phase == UNDER:
        for power in v.SPELLED.get(state.over, [2]):
            mask[v.POS + power] = (state.over, 1 << power) != state.meter
        return
    for over, powers in v.SPELLED.items():
        mask[v.POS + over] = any((over, 1 << power) != state.meter for power in powers)


def _allow_moves(mask: Mask, state: State) -> None:
    """BAR, METER, REMAIN, POS and TEMPO."""
    phase, first = state.phase, state.tempo == NONE
    if phase == BAR:
        mask[v.METER : v.TEMPO] = True
        if state.meter in v.METERS:
            mask[v.METER + v.METERS.index(state.meter)] = False
    if phase in (BAR, METER):
        mask[v.REMAIN + state.least : v.REMAIN + min(state.most + 1, state.remain)] = True
        if state.over or state.remain > len(_EDGES):  # REMAIN is due
            return
    if phase == POS:
        mask[v.TEMPO : v.POS] = True
        mask[v.TEMPO + state.tempo if not first else v.TEMPO] = first
    if phase in (BAR, METER, REMAIN, TEMPO, *_SOUNDED):
        last = v.POS + (1 if first else v.bar_steps(*state.meter))  # the first position is 0, and states a tempo
        mask[v.POS + state.inside + 1 : last] = True
        mask[v.BAR] = state.remain != 0 and not state.empty and not first
    if phase == VALUE:
        mask[v.TIE] = not state.length and (state.tied > 0)


def _allow_sounds(mask: Mask, state: State, limits: Limits) -> None:
    """PART, INST, VEL, PITCH and DRUM, in the order that a position has them."""
    if state.tempo == NONE or state.every:
        return
    phase, (program,) = state.phase, state.programs
    loud, drummed = state.velocity != NONE, state.drum > 0
    playing = state.part != NONE and not state.own and not drummed and limits.pitches > 0
    pitched = playing and program != NONE and state.pitch < limits.pitches
    drums = phase not in (NAMED, CHOSEN, CHOSEN_LOUD) and state.drum < limits.drums and not (drummed and state.own)
    if phase not in (NAMED, CHOSEN, LOUD, CHOSEN_LOUD) and not drummed and limits.pitches:
        mask[v.PART + state.low : v.INST] = True
        mask[v.PART + max(state.part, 0)] &= state.part == NONE
    if phase not in (CHOSEN, LOUD, CHOSEN_LOUD) and playing:
        mask[v.INST + (0 if state.fresh else program + 1) : v.VEL] = True
        mask[v.INST + max(program, 0)] &= program == NONE
    if phase not in (LOUD, CHOSEN_LOUD):
        mask[v.VEL : v.PITCH] = pitched or drums
        mask[v.VEL + max(state.velocity, 0)] &= not loud
    mask[v.PITCH + min(state.pitch, ALL - 1) : v.DRUM] = pitched and loud
    mask[v.DRUM + min(state.drum, ALL - 1) : v.DUR] = drums and loud
