"""What may fill bars of a piece: the score grammar held to the meters, the parts and the range of what is around.

What a bar says of itself (BAR, METER, REMAIN) is told, not drawn, so that the filling has as many bars as the hole,
each of the meter that it had. No note outlasts the hole. Voices sing as `singing` says, and go on from what
stands before. A bar is over where the next one could begin; in the last one the filling ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.singing import Singing, Sung

FREE = np.ones(v.SIZE, np.bool_)
FREE[v.BAR] = FREE[v.METER : v.POS] = FREE[v.REMAIN :] = False  # what bars say of themselves; no tempo is drawn
FREE.setflags(write=False)


class Place(NamedTuple):
    """Where in a filling one is.

    Attributes:
        inner: Where the grammar stands.
        bar: Which bar of the hole.
        told: Tokens of what that bar says of itself that have been read.
        tokens: Of the filling so far.
        sung: What the parts sang so far.
    """

    inner: g.State
    bar: int = 0
    told: int = 0
    tokens: int = 0
    sung: Sung = Sung()


@dataclass(frozen=True, eq=False)
class BarHole:
    """The grammar of what fills bars.

    Attributes:
        inner: The score grammar.
        begin: Where it stands behind what precedes the hole.
        heads: What each bar of the hole says of itself; of the first bar of a piece nothing, it was said before.
        singing: What the parts keep to, in the bars of the hole.
        before: What they sang before it.
        length: Tokens from which on bars are ended as soon as they may be, though a voice be silent.
    """

    inner: g.ScoreGrammar
    begin: g.State
    heads: Sequence[Sequence[int]]
    singing: Singing
    before: Sung
    length: int

    @property
    def longest(self) -> int:
        """Tokens within which a filling ends."""
        return self.length + 8 * sum(map(len, self.heads)) + 64 * len(self.heads)

    def start(self) -> Place:
        """The beginning of the hole."""
        return Place(self.begin, sung=self.before)

    def step(self, state: Place, token: int) -> Place:
        """The state after one more token."""
        inner, bar, told = self.inner.step(state.inner, token), state.bar, state.told
        sung = self.singing.heard(state.sung, token, inner, bar)
        if told < len(self.heads[bar]):
            told += 1
        elif token == v.BAR and bar + 1 < len(self.heads):
            bar, told, sung = bar + 1, 1, self.singing.next_bar(sung, bar)
        return Place(inner, bar, told, state.tokens + 1, sung)

    def allowed(self, state: Place) -> Mask:
        """(SIZE,) True where a token may follow; none may where the filling has to end."""
        head = self.heads[state.bar]
        if state.told < len(head):
            mask = np.zeros(v.SIZE, np.bool_)
            mask[head[state.told]] = True
            return mask
        mask = self.inner.allowed(state.inner) & FREE
        over = self._kept(mask, state)
        if over and state.tokens >= self.length:
            mask[:] = False
        mask[v.BAR] = over and state.bar + 1 < len(self.heads)
        if not (mask.any() or over):
            mask[v.POS : v.PART] = self.inner.allowed(state.inner)[v.POS : v.PART]
        return mask

    def may_end(self, state: Place) -> bool:
        """In the last bar, where another could begin."""
        last = state.bar == len(self.heads) - 1 and state.told == len(self.heads[state.bar])
        ended = last and (state.inner.sounded or state.inner.remain != 0)
        return ended and self._kept(self.inner.allowed(state.inner) & FREE, state)

    def _kept(self, mask: Mask, state: Place) -> bool:
        """Take from a mask (SIZE,) what notes and voices keep from; whether the bar may be over."""
        inner, bar = state.inner, state.bar
        self.singing.held.keep(mask, inner)
        bound_lengths(mask, inner, self.singing.room(mask, inner, bar, state.sung))
        sung = state.tokens >= self.length or self.singing.keep(mask, inner, bar, state.sung)
        return sung and bar_over(inner)


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
