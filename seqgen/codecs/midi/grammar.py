"""Which performance tokens may follow which: the order that `performance` describes, as a small state machine.

Whatever it lets through decodes without a dropped token, and keeps its word: each REMAIN says between which bounds the
time to the last onset lies, shifts count both bounds down, and nothing may contradict them. So a piece ends when it
said it would, neither sooner nor later, but for this: in its last second the next onset may be LATE, and is the last
one then. (A model that is a few hundredths of a second off would else have no shift that it likes, and pile up notes.)

Within a step no key of a program sounds twice, nor do more notes begin than `Bounds` allows. What `encode` makes is
always let through where its notes keep to the bounds.
"""

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi import vocabulary as v
from seqgen.music.bounds import ANY, Bounds

NONE = -1  # no program or velocity yet
ALL = 129  # as `pitch`: none any more, for drums have begun; 128 is beyond the last of a program
ENDLESS = 1 << 40  # more steps than any piece has
LATE = v.SECOND // 2  # steps
MAX_TENS = v.LONGEST_REST // (10 * v.SECOND)

# Phases: what the last token was.
BEGIN, HEAD, TICK, TENS, SECONDS, SHIFTED, READY, CHOSEN, LOUD, CHOSEN_LOUD, PITCH, NOTE, DRUM, PEDAL = range(14)
_EDGES = v.REMAIN_EDGES.tolist()
_REACH = v.STEPS[v.SHIFT : v.INST]
_OPENING = (TICK, TENS, SECONDS, SHIFTED, READY)  # a step is open, and nothing of it has been said
SOUNDED = (NOTE, DRUM, PEDAL)


class State(NamedTuple):
    """Where a document stands.

    Attributes:
        phase: What may come next, in broad terms.
        program, velocity: What INST and VEL said last, or NONE.
        pitch: The lowest that may follow in this step and program, which is above the last note. ALL after a drum.
        drum: The lowest drum that may follow in this step.
        together, part: Notes and drums of this step so far; of them, those of the program, or the drums.
        fresh: Nothing has sounded in this step yet.
        remain: The class of time to go that was stated last.
        least, most: The bounds of the time to go, in steps.
        tens: Shifts of ten seconds just before.
        quiet: PEDAL tokens of this step and program: 0 none, 1 off, 2 on.
    """

    phase: int = BEGIN
    program: int = NONE
    velocity: int = NONE
    pitch: int = 0
    drum: int = 0
    together: int = 0
    part: int = 0
    fresh: bool = True
    remain: int = len(v.REMAIN_EDGES)
    least: int = 0
    most: int = ENDLESS
    tens: int = 0
    quiet: int = 0


class PerformanceGrammar:
    """The grammar of the performance vocabulary.

    Args:
        pedal: Whether PEDAL tokens are part of it.
        bounds: How many notes may begin together.
        seen: (SIZE,) tokens of which music is to be made; None: all. It never leads to where others alone can follow,
            as VEL does where all pitches above the last are strangers, but does not refuse them itself.

    Attributes:
        shortest: The steps of the shortest SHIFT among them.
    """

    def __init__(self, *, pedal: bool, bounds: Bounds = ANY, seen: Mask | None = None) -> None:
        self._pedal, self._bounds = pedal, bounds
        self.seen = np.ones(v.SIZE, np.bool_) if seen is None else seen
        self._pitches, self._drums = (beyond(self.seen[low : low + 128]) for low in (v.PITCH, v.DRUM))
        if not self._pitches and not self._drums:
            self._pitches = self._drums = 128
        shifts = _REACH[self.seen[v.SHIFT : v.INST]]
        self.shortest = int(shifts[0]) if len(shifts) else 1

    def start(self) -> State:
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, whatever it is."""
        if token < v.REMAIN:
            return state._replace(phase=HEAD)
        if token < v.SHIFT:
            phase = TICK if state.phase == HEAD else READY
            least, most = _narrowed(state, token - v.REMAIN)
            return state._replace(phase=phase, remain=token - v.REMAIN, least=least, most=most, tens=0)
        if token < v.INST:
            return _shift(state, token)
        return _sound(state, token)

    def allowed(self, state: State) -> Mask:
        """(SIZE,) True where a token may follow. Read-only, for it is shared."""
        if state.phase == PITCH:
            return _mask(State(phase=PITCH), 0, self._pedal, (False, False, False))
        least, most = _class(max(state.least, 0)), _class(state.most)
        furthest = max(state.most + (LATE if state.remain == 1 else 0), self.shortest)
        reach = int(np.searchsorted(_REACH, furthest, side="right"))
        another = state.together < self._bounds.together and self._pitches > 0
        reduced = state._replace(least=least, most=most, together=0, part=0)
        return _mask(reduced, reach, self._pedal, (*self.room(state), another))

    def room(self, state: State) -> tuple[bool, bool]:
        """Whether another note of the program, and whether another drum, may begin in this step."""
        if state.together >= self._bounds.together:
            return False, False
        full, drumming = state.part >= self._bounds.part, state.pitch == ALL
        pitched = state.program != NONE and state.pitch < self._pitches and not full
        return pitched, state.drum < self._drums and not (drumming and full)

    def page_form(self) -> dict[str, object]:
        """Plain data for a page: what `PerformanceGrammar` was made with."""
        bounds = {"together": self._bounds.together, "part": self._bounds.part}
        known = self.seen[v.PITCH : v.DUR]
        pitches = np.flatnonzero(known if known.any() else ~known).tolist()
        seen = {"pitches": self._pitches, "drums": self._drums, "seen": pitches, "shortest": self.shortest}
        return {"pedal": self._pedal, **bounds, **seen}

    def may_end(self, state: State) -> bool:
        """After the notes of the last onset."""
        return state.remain == 0 and state.phase in SOUNDED


def beyond(seen: Mask) -> int:
    """One more than the last that was seen, or 0."""
    return int(np.flatnonzero(seen)[-1]) + 1 if seen.any() else 0


def _class(steps: int) -> int:
    """The class of a time to go."""
    return bisect_left(_EDGES, steps)


def _bounds(remain: int) -> tuple[int, int]:
    """The least and the most steps to go in a class."""
    return (_EDGES[remain - 1] + 1 if remain else 0), (_EDGES[remain] if remain < len(_EDGES) else ENDLESS)


def _narrowed(state: State, remain: int) -> tuple[int, int]:
    """The bounds of the time to go once its class is known; those of the class alone where they contradict it."""
    least, most = _bounds(remain)
    both = max(least, state.least), min(most, state.most)
    return both if both[0] <= both[1] else (least, most)


def _shift(state: State, token: int) -> State:
    steps = int(v.STEPS[token])
    phase = TENS if token == v.TEN_SECONDS else SECONDS if steps >= v.SECOND else SHIFTED
    tens = min(state.tens + (phase == TENS), MAX_TENS)
    opened = State(phase, state.program, state.velocity, remain=state.remain, tens=tens)
    if state.most == ENDLESS:
        return opened._replace(least=max(state.least - steps, 0))
    return opened._replace(least=max(state.least - steps, 0), most=max(state.most - steps, 0))


def _sound(state: State, token: int) -> State:
    if token < v.VEL:
        return state._replace(phase=CHOSEN, program=token - v.INST, pitch=0, part=0, quiet=0, tens=0)
    if token < v.PITCH:
        phase = CHOSEN_LOUD if state.phase == CHOSEN else LOUD
        return state._replace(phase=phase, velocity=token - v.VEL, tens=0)
    if token < v.DUR:
        part, together = state.part + 1, state.together + 1
        return state._replace(phase=PITCH, pitch=token - v.PITCH + 1, part=part, together=together, tens=0)
    if token < v.DRUM:
        return state._replace(phase=NOTE, fresh=False)
    if token < v.PEDAL:
        part = state.part + 1 if state.pitch == ALL else 1
        drum, together = token - v.DRUM + 1, state.together + 1
        return state._replace(phase=DRUM, drum=drum, pitch=ALL, part=part, together=together, fresh=False, tens=0)
    return state._replace(phase=PEDAL, quiet=2 if token == v.PEDAL_ON else 1, fresh=False, tens=0)


@lru_cache(maxsize=1024)  # what comes again comes soon: 16 times as many are met by 1 to 4 % more of the tokens
def _mask(state: State, reach: int, pedal: bool, room: tuple[bool, bool, bool]) -> Mask:
    """The mask of a state whose `least` and `most` are classes of REMAIN.

    Args:
        state: Without counts of notes.
        reach: How many of the shifts do not lead too far.
        pedal: Whether there is a pedal.
        room: Whether another note of the program, another drum, another program may come.
    """
    mask = np.zeros(v.SIZE, np.bool_)
    if state.phase == BEGIN:
        mask[v.DENSITY : v.REMAIN] = True
    elif state.phase == HEAD:
        mask[v.REMAIN : v.SHIFT] = True
    elif state.phase == PITCH:
        mask[v.DUR : v.DRUM] = True
    else:
        _allow_shifts(mask, state, reach)
        if not (state.phase in _OPENING and state.most < state.remain):  # else the next REMAIN is due
            _allow_sounds(mask, state, pedal, room)
    mask.flags.writeable = False
    return mask


def _allow_shifts(mask: Mask, state: State, reach: int) -> None:
    """SHIFT after what has sounded, and after longer shifts; then REMAIN."""
    if state.remain == 0:
        return
    if state.phase in (TICK, *SOUNDED) or (state.phase == TENS and state.tens < MAX_TENS):
        mask[v.SHIFT : v.SHIFT + reach] = True
    elif state.phase == SECONDS:
        mask[v.SHIFT : v.SHIFT + min(reach, v.SECOND - 1)] = True
    if state.phase in (TENS, SECONDS, SHIFTED):
        mask[v.REMAIN + state.least : v.REMAIN + min(state.most + 1, state.remain)] = True


def _allow_sounds(mask: Mask, state: State, pedal: bool, room: tuple[bool, bool, bool]) -> None:
    """INST, VEL, PITCH, DRUM and PEDAL, in the order that a step has them."""
    phase, (pitched, drums, another) = state.phase, room
    drums = drums and phase not in (CHOSEN, CHOSEN_LOUD)
    loud = state.velocity != NONE
    if another and phase not in (CHOSEN, LOUD, CHOSEN_LOUD) and state.pitch < ALL:
        mask[v.INST + (0 if state.fresh else state.program + 1) : v.VEL] = True
        if state.program != NONE:
            mask[v.INST + state.program] = False
    if phase not in (LOUD, CHOSEN_LOUD) and (pitched or drums):
        mask[v.VEL : v.PITCH] = True
        if loud:
            mask[v.VEL + state.velocity] = False
    if pitched and loud:
        mask[v.PITCH + state.pitch : v.DUR] = True
    if drums and loud:
        mask[v.DRUM + state.drum : v.PEDAL] = True
    if pedal and state.program != NONE and phase in (*_OPENING, CHOSEN, PEDAL):
        mask[v.PEDAL_ON] = state.quiet < 2
        mask[v.PEDAL_OFF] = state.quiet == 0
