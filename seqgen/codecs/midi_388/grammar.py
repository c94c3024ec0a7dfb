"""Which of the 388 events may follow which: only what sounds is switched off, and nothing sounds at the end.

Whatever it lets through decodes without a dropped token. What `encode` makes is always let through.
"""

from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_388 import vocabulary as v
from seqgen.music.bounds import ANY, Bounds

NONE = -1
TIME, MOVED, ENDED, LOUD, BEGUN = range(5)  # what the last token was: a second, another shift, OFF, VEL, ON
_EVERY = (1 << 128) - 1


class State(NamedTuple):
    """Where a document stands.

    Attributes:
        phase: What the last token was.
        pitch: The last pitch of this time that was switched the same way: only higher ones may follow.
        velocity: What VEL said last, or NONE.
        sounding: A bit for each pitch that sounds.
        seconds: Shifts of a second just before.
        together: Notes that have begun at this time.
    """

    phase: int = TIME
    pitch: int = NONE
    velocity: int = NONE
    sounding: int = 0
    seconds: int = 0
    together: int = 0


class EventGrammar:
    """The grammar of Performance RNN's events.

    Args:
        bounds: How many notes may begin together.
        seen: (SIZE,) events of which music is to be made; None: all. See `Codec.within`.
    """

    def __init__(self, bounds: Bounds = ANY, seen: Mask | None = None) -> None:
        self._together = bounds.together
        pitches = [] if seen is None else np.flatnonzero(seen[v.ON : v.OFF]).tolist()
        self._known = sum(1 << pitch for pitch in pitches) or _EVERY

    def start(self) -> State:
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, whatever it is."""
        if token < v.OFF:
            return State(BEGUN, token, state.velocity, state.sounding | 1 << token, together=state.together + 1)
        if token < v.SHIFT:
            pitch = token - v.OFF
            return State(ENDED, pitch, state.velocity, state.sounding & ~(1 << pitch))
        if token < v.VEL:
            whole = token == v.SECOND
            seconds = min(state.seconds + 1, v.LONGEST_REST) if whole else 0
            return State(TIME if whole else MOVED, NONE, state.velocity, state.sounding, seconds)
        pitch = state.pitch if state.phase == BEGUN else NONE
        return State(LOUD, pitch, token - v.VEL, state.sounding, together=state.together)

    def allowed(self, state: State) -> Mask:
        """(SIZE,) True where a token may follow."""
        mask = np.zeros(v.SIZE, np.bool_)
        above = state.pitch if state.phase in (BEGUN, LOUD) else NONE
        silent = (self._known & ~state.sounding) >> (above + 1) << (above + 1)
        silent = silent if state.together < self._together else 0
        if state.velocity != NONE:
            mask[v.ON : v.OFF] = _bits(silent)
        if state.phase != LOUD and silent:
            mask[v.VEL :] = True
            if state.velocity != NONE:
                mask[v.VEL + state.velocity] = False
        if state.phase in (TIME, MOVED, ENDED):
            above = state.pitch if state.phase == ENDED else NONE
            mask[v.OFF : v.SHIFT] = _bits(state.sounding >> (above + 1) << (above + 1))
        if state.phase in (TIME, ENDED, BEGUN) and state.seconds < v.LONGEST_REST:
            mask[v.SHIFT : v.VEL] = True
        return mask

    def may_end(self, state: State) -> bool:
        """After an OFF that leaves nothing sounding."""
        return state.phase == ENDED and not state.sounding

    def page_form(self) -> dict[str, object]:
        """Plain data for a page: how many notes may begin together, and the pitches of which music is made."""
        return {"together": self._together, "known": np.flatnonzero(_bits(self._known)).tolist()}


def _bits(pitches: int) -> Mask:
    """(128,) from a bit for each pitch."""
    return np.unpackbits(np.frombuffer(pitches.to_bytes(16, "little"), np.uint8), bitorder="little").astype(np.bool_)
