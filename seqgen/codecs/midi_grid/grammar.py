"""Which tokens of a chorale may follow: four voices in turn, holds of what sounds, silences that end."""

from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_grid.voices import LONGEST, VOICES

REST, HOLD = 128, 129


class State(NamedTuple):
    """Where a document stands.

    Attributes:
        voice: Whose turn it is; 0 is the soprano.
        lasting: For each voice, how many steps its note has lasted; 0 where it rests.
        silent: Steps of silence just before this one.
        heard: Whether this step has a note so far.
    """

    voice: int = 0
    lasting: tuple[int, ...] = (0,) * VOICES
    silent: int = 0
    heard: bool = False


class GridGrammar:
    """The grammar of the chorale vocabulary.

    Args:
        hold: Whether there is a HOLD.
    """

    def __init__(self, *, hold: bool) -> None:
        self._hold = hold

    def start(self) -> State:
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, whatever it is."""
        before = state.lasting[state.voice]
        now = 0 if token == REST else 1 if token < REST else min(before + 1, LONGEST) if before else 0
        lasting = (*state.lasting[: state.voice], now, *state.lasting[state.voice + 1 :])
        heard = state.heard or now > 0
        if state.voice < VOICES - 1:
            return State(state.voice + 1, lasting, state.silent, heard)
        return State(0, lasting, 0 if heard else min(state.silent + 1, LONGEST))

    def allowed(self, state: State) -> Mask:
        """(V,) True where a token may follow."""
        mask = np.ones(HOLD + 1 if self._hold else HOLD, np.bool_)
        mask[REST] = state.voice < VOICES - 1 or state.heard or state.silent < LONGEST
        if self._hold:
            mask[HOLD] = 0 < state.lasting[state.voice] < LONGEST
        return mask

    def may_end(self, state: State) -> bool:
        """After a step in which something sounds."""
        return state.voice == 0 and any(state.lasting)
