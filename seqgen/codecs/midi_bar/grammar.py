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
from seqgen.codecs.midi_bar import vocabulary as v

NONE = -1  # no program, velocity, tempo yet; no position in this bar yet
ALL = 128  # as `pitch`: beyond the last
ENDLESS = 1 << 40  # more bars than any piece has

# Phases: what the last token was.
BEGIN, KIT, BAR, OVER, UNDER, METER, REMAIN, POS, TEMPO, CHOSEN, LOUD, CHOSEN_LOUD, PITCH, VALUE, TIE, DRUM = range(16)
_EDGES = v.REMAIN_EDGES.tolist()
_SOUNDED = (VALUE, DRUM)
_LAST = len(v.DURATIONS) - 1
# Numerator → powers of two of the denominators that OTHER is for.
_OTHERS = {
    over: found
    for over in range(1, v.MAX_METER[0] + 1)
    if (
        found := [
            power
            for power in range(v.MAX_METER[1] + 1)
            if v.sayable(over, 1 << power) and (over, 1 << power) not in v.METERS
        ]
    )
}


class State(NamedTuple):
    """Where a document stands.

    Attributes:
        phase: What may come next, in broad terms.
        meter: That of this bar, (0, 0) before the first; while one is spelt, the numerator so far stands in `over`.
        over: See `meter`.
        inside: The position, or NONE.
        program, velocity, tempo: What INST, VEL and TEMPO said last, or NONE.
        pitch, value: The last note of this position and program, and the first DUR of its length: no lower one may
            follow. ALL after a drum.
        tied: The DUR said last.
        length: Steps of the last note so far.
        drum: The last drum of this position.
        fresh: Nothing has sounded at this position yet.
        sounded: Something has sounded in this bar.
        empty: Bars without an onset just before this one.
        remain: The class of bars to go that was stated last.
        least, most: The bounds of the bars to go after this one.
    """

    phase: int = BEGIN
    meter: tuple[int, int] = (0, 0)
    over: int = 0
    inside: int = NONE
    program: int = NONE
    velocity: int = NONE
    tempo: int = NONE
    pitch: int = 0
    value: int = 0
    tied: int = 0
    length: int = 0
    drum: int = 0
    fresh: bool = True
    sounded: bool = False
    empty: int = 0
    remain: int = len(v.REMAIN_EDGES) + 1
    least: int = 0
    most: int = ENDLESS


class ScoreGrammar:
    """The grammar of the score vocabulary."""

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
        if token < v.INST:
            return _position(state, token - v.POS)
        if token < v.REMAIN:
            return _sound(state, token)
        least, most = _narrowed(state, token - v.REMAIN)
        return state._replace(phase=REMAIN, remain=token - v.REMAIN, least=least, most=most)

    def allowed(self, state: State) -> Mask:
        """(SIZE,) True where a token may follow. Read-only, for it is shared."""
        return _mask(_reduced(state))

    def may_end(self, state: State) -> bool:
        """In the last bar, after a note."""
        return state.remain == 0 and state.phase in _SOUNDED


def lower(remain: int) -> int:
    """The least number of bars to go in a class."""
    return _EDGES[remain - 1] + 1 if 0 < remain <= len(_EDGES) else 0


def _upper(remain: int) -> int:
    return _EDGES[remain] if remain < len(_EDGES) else ENDLESS


def _narrowed(state: State, remain: int) -> tuple[int, int]:
    """The bounds of the bars to go once their class is known; those of the class alone where they contradict it."""
    both = max(lower(remain), state.least), min(_upper(remain), state.most)
    return both if both[0] <= both[1] else (lower(remain), _upper(remain))


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
    return state._replace(phase=POS, inside=inside, pitch=0, value=0, drum=0, fresh=True)


def _sound(state: State, token: int) -> State:
    if token < v.VEL:
        if state.phase == BEGIN:
            return state._replace(phase=KIT)
        return state._replace(phase=CHOSEN, program=token - v.INST, pitch=0, value=0)
    if token < v.PITCH:
        phase = CHOSEN_LOUD if state.phase == CHOSEN else LOUD
        return state._replace(phase=phase, velocity=token - v.VEL)
    if token < v.DRUM:
        value = state.value if token - v.PITCH == state.pitch else 0
        return state._replace(phase=PITCH, pitch=token - v.PITCH, value=value)
    if token < v.DUR:
        return state._replace(phase=DRUM, drum=token - v.DRUM, pitch=ALL, fresh=False, sounded=True)
    if token == v.TIE:
        return state._replace(phase=TIE)
    tied, steps = token - v.DUR, int(v.DURATIONS[token - v.DUR])
    if state.phase == TIE:
        return state._replace(phase=VALUE, tied=tied, length=min(state.length + steps, v.LONGEST))
    return state._replace(phase=VALUE, value=tied, tied=tied, length=steps, fresh=False, sounded=True)


def _class(bars: int) -> int:
    return bisect_left(_EDGES, bars)


def _reduced(state: State) -> State:
    """The state with what does not matter to the next token left out, so that many states share a mask.

    `least` and `most` become the classes that REMAIN may state, `empty` whether the next bar may begin.
    """
    if state.phase == PITCH:
        return State(phase=PITCH, value=state.value)
    if state.phase == TIE:
        return State(phase=TIE, tied=state.tied, length=state.length)
    if state.phase in (OVER, UNDER):
        return State(phase=state.phase, meter=state.meter, over=state.over)
    due = state.phase in (BAR, METER) and state.most < lower(state.remain)
    full = state.empty >= v.MAX_EMPTY and not state.sounded
    # `over` tells here whether the next REMAIN is due.
    return state._replace(
        over=int(due), least=_class(state.least), most=_class(state.most), empty=int(full), value=0,
        length=int(state.length >= v.LONGEST), remain=min(state.remain, len(_EDGES) + 1),
    )  # fmt: skip


@lru_cache(maxsize=16384)
def _mask(state: State) -> Mask:
    """The mask of a reduced state."""
    mask = np.zeros(v.SIZE, np.bool_)
    phase = state.phase
    if phase == BEGIN:
        mask[v.BAR] = mask[v.INST + 1 : v.VEL] = True
    elif phase == KIT:
        mask[v.BAR] = True
    elif phase == PITCH:
        mask[v.DUR + state.value : v.TIE] = True
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
            _allow_sounds(mask, state)
    mask.flags.writeable = False
    return mask


def _allow_spelling(mask: Mask, state: State) -> None:
    """The two POS of a METER without a token of its own."""
    if state.phase == UNDER:
        for power in _OTHERS.get(state.over, [2]):
            mask[v.POS + power] = (state.over, 1 << power) != state.meter
        return
    for over, powers in _OTHERS.items():
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


def _allow_sounds(mask: Mask, state: State) -> None:
    """INST, VEL, PITCH and DRUM, in the order that a position has them."""
    phase = state.phase
    if state.tempo == NONE:
        return
    loud = state.velocity != NONE
    if phase not in (CHOSEN, LOUD, CHOSEN_LOUD) and state.pitch < ALL:
        mask[v.INST + (0 if state.fresh else state.program + 1) : v.VEL] = True
        if state.program != NONE:
            mask[v.INST + state.program] = False
    if phase not in (LOUD, CHOSEN_LOUD):
        mask[v.VEL : v.PITCH] = True
        if loud:
            mask[v.VEL + state.velocity] = False
    if state.program != NONE and state.pitch < ALL and loud:
        mask[v.PITCH + state.pitch : v.DRUM] = True
    if loud and phase not in (CHOSEN, CHOSEN_LOUD):
        mask[v.DRUM + state.drum : v.DUR] = True
