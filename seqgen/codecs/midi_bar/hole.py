"""What may fill bars of a piece: the score grammar held to the meters, the parts and the range of what is around.

What a bar says of itself (BAR, METER, REMAIN) is told, not drawn, so that the filling has as many bars as the hole,
each of the meter that it had. No note outlasts the hole. A bar is over where the next one could begin; in the last one
the filling ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v

FREE = np.ones(v.SIZE, np.bool_)
FREE[v.BAR] = FREE[v.METER : v.POS] = FREE[v.REMAIN :] = False  # what bars say of themselves; no tempo is drawn
FREE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Held:
    """What notes in a hole keep to.

    Attributes:
        parts: (PARTS + 1,) which may play, drums being the last.
        programs: (PARTS, 128) which programs each may have.
        ranges: (PARTS, 128) which pitches each may have.
    """

    parts: Mask
    programs: NDArray[np.bool_]
    ranges: NDArray[np.bool_]

    def keep(self, mask: Mask, state: g.State) -> None:
        """Take from a mask (SIZE,) what does not keep to it."""
        part = max(state.part, 0)
        mask[v.PART : v.INST] &= self.parts[: v.PARTS]
        mask[v.INST : v.VEL] &= self.programs[part]
        mask[v.PITCH : v.DRUM] &= self.ranges[part] & self.parts[part]
        mask[v.DRUM : v.DUR] &= self.parts[v.PARTS]
        if not (mask[v.PITCH : v.DUR].any() or state.phase in (g.NAMED, g.CHOSEN)):
            mask[v.VEL : v.PITCH] = False


class Place(NamedTuple):
    """Where in a filling one is.

    Attributes:
        inner: Where the grammar stands.
        bar: Which bar of the hole.
        told: Tokens of what that bar says of itself that have been read.
        tokens: Of the filling so far.
    """

    inner: g.State
    bar: int = 0
    told: int = 0
    tokens: int = 0


@dataclass(frozen=True, eq=False)
class BarHole:
    """The grammar of what fills bars.

    Attributes:
        inner: The score grammar.
        begin: Where it stands behind what precedes the hole.
        heads: What each bar of the hole says of itself; of the first bar of a piece nothing, it was said before.
        steps: The length of each bar.
        held: What notes keep to.
        length: Tokens from which on bars are ended as soon as they may be.
    """

    inner: g.ScoreGrammar
    begin: g.State
    heads: Sequence[Sequence[int]]
    steps: Sequence[int]
    held: Held
    length: int

    @cached_property
    def _room(self) -> list[int]:
        """Steps from the beginning of each bar to the end of the hole."""
        return [sum(self.steps[bar:]) for bar in range(len(self.steps))]

    @property
    def longest(self) -> int:
        """Tokens within which a filling ends."""
        return self.length + 8 * sum(map(len, self.heads)) + 64 * len(self.heads)

    def start(self) -> Place:
        """The beginning of the hole."""
        return Place(self.begin)

    def step(self, state: Place, token: int) -> Place:
        """The state after one more token."""
        inner, bar, told = self.inner.step(state.inner, token), state.bar, state.told
        if told < len(self.heads[bar]):
            told += 1
        elif token == v.BAR and bar + 1 < len(self.heads):
            bar, told = bar + 1, 1
        return Place(inner, bar, told, state.tokens + 1)

    def allowed(self, state: Place) -> Mask:
        """(SIZE,) True where a token may follow; none may where the filling has to end."""
        head = self.heads[state.bar]
        if state.told < len(head):
            mask = np.zeros(v.SIZE, np.bool_)
            mask[head[state.told]] = True
            return mask
        mask = self.inner.allowed(state.inner) & FREE
        self.held.keep(mask, state.inner)
        bound_lengths(mask, state.inner, self._room[state.bar])
        over = bar_over(state.inner)
        if over and state.tokens >= self.length:
            mask[:] = False
        mask[v.BAR] = over and state.bar + 1 < len(self.heads)
        if not (mask.any() or over):
            mask[v.POS : v.PART] = self.inner.allowed(state.inner)[v.POS : v.PART]
        return mask

    def may_end(self, state: Place) -> bool:
        """In the last bar, where another could begin."""
        last = state.bar == len(self.heads) - 1 and state.told == len(self.heads[state.bar])
        return last and bar_over(state.inner) and (state.inner.sounded or state.inner.remain != 0)


def bar_over(state: g.State) -> bool:
    """Whether the next bar could begin here: behind a note, or where the bar has nothing in it."""
    return state.phase in (g.VALUE, g.DRUM, g.BAR, g.METER, g.REMAIN) or (state.phase == g.TEMPO and state.every == 0)


def bound_lengths(mask: Mask, state: g.State, room: int) -> None:
    """No note outlasts so many steps from the beginning of the bar."""
    left = room - max(state.inside, 0)
    if state.phase in (g.PITCH, g.TIE):
        left -= state.length if state.phase == g.TIE else 0
        fits = mask[v.DUR : v.TIE] & (left >= v.DURATIONS)
        if fits.any():
            mask[v.DUR : v.TIE] = fits
    elif state.phase == g.VALUE and left - state.length < v.DURATIONS[0]:
        mask[v.TIE] = False
