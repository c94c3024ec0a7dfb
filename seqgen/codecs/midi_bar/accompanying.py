"""What may be made of a piece whose other parts are given: a script of bars that are told, and bars between to be made.

A document in parts is read as `seqgen.infilling` says. Its given bars are told, not drawn; in a bar that is made, the
score grammar says what may follow, at the meter that the given bar has. Bars of the made parts that are known already
are told, too. The token that comes next in the script ends a bar.

Voices sing as `singing` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.hole import FREE, bar_over, bound_lengths
from seqgen.codecs.midi_bar.singing import Singing, Sung
from seqgen.infilling import Signs

MOST_OF_A_BAR = 192  # tokens, from which on a bar is ended as soon as it may be


class Spot(NamedTuple):
    """Where in the script one is.

    Attributes:
        read: Tokens of the frame that are still to be read.
        inner: Where the grammar of the made parts stands.
        bar: The bar that is made, or told of next.
        told: Tokens that have been told before it.
        tokens: Of this bar so far.
        sung: What the parts sang so far.
    """

    read: int
    inner: g.State
    bar: int = 0
    told: int = 0
    tokens: int = 0
    sung: Sung = Sung()


@dataclass(frozen=True, eq=False)
class Accompaniment:
    """The grammar of a document in parts over the full vocabulary.

    Attributes:
        inner: The score grammar.
        given: What is told of each bar.
        known: The bars of the made parts that are told, by number; the others are made.
        meters: Of each bar.
        singing: What the parts keep to that are made.
        signs: The infilling tokens.
        frame: Tokens with which the document begins.
        document_id, vocab_size: Of the tokenizer.
    """

    inner: g.ScoreGrammar
    given: Sequence[Sequence[int]]
    known: Mapping[int, Sequence[int]]
    meters: Sequence[tuple[int, int]]
    singing: Singing
    signs: Signs
    frame: int
    document_id: int
    vocab_size: int

    @cached_property
    def script(self) -> list[list[int]]:
        """For each bar what is told before what is made of it; and behind the last one what follows it."""
        found: list[list[int]] = []
        for bar in range(len(self.given)):
            told = [] if bar else [self.signs.given, *self.given[0]]
            if bar + 1 < len(self.given):
                told += [self.signs.given, *self.given[bar + 1]]
            found.append([*told, self.signs.made, *self.known.get(bar, (v.BAR,))])
        return [*found, [self.document_id]]

    @property
    def longest(self) -> int:
        """Tokens within which all is made."""
        free = len(self.given) - len(self.known)
        return sum(map(len, self.script)) + free * 2 * MOST_OF_A_BAR

    def start(self) -> Spot:
        """Before the document."""
        return Spot(self.frame, self.inner.start())

    def step(self, state: Spot, token: int) -> Spot:
        """The state after one more token, taken to be what the script says where it says something."""
        if state.read:
            return state._replace(read=state.read - 1)
        if state.bar >= len(self.given):
            return state
        told, bar = state.told, state.bar
        if told == len(self.script[bar]):
            if token == self.script[bar + 1][0]:
                sung = self.singing.next_bar(state.sung, bar)
                return self._told(state._replace(bar=bar + 1, told=0, tokens=0, sung=sung), token)
            return self._made(state, token)
        return self._told(state, token)

    def allowed(self, state: Spot) -> Mask:
        """(V,) True where a token may follow."""
        mask = np.zeros(self.vocab_size, np.bool_)
        if state.bar >= len(self.given) or state.read:
            return mask
        script = self.script[state.bar]
        if state.told < len(script):
            mask[script[state.told]] = True
            return mask
        after = self.script[state.bar + 1][0]
        if state.bar in self.known:
            mask[after] = True
            return mask
        own = self.inner.allowed(state.inner) & FREE
        self.singing.held.keep(own, state.inner)
        bound_lengths(own, state.inner, self.singing.room(own, state.inner, state.bar, state.sung))
        over = self.singing.keep(own, state.inner, state.bar, state.sung) and bar_over(state.inner)
        if over and state.tokens >= MOST_OF_A_BAR:
            own[:] = False
        mask[: v.SIZE] = own
        mask[after] = over
        return mask

    def may_end(self, state: Spot) -> bool:
        """Behind the last bar."""
        last = len(self.given) - 1
        ended = state.bar == last and state.told == len(self.script[last])
        return ended and (last in self.known or bar_over(state.inner))

    def _told(self, state: Spot, token: int) -> Spot:
        """One more token of the script."""
        told, script = state.told + 1, self.script[min(state.bar, len(self.given))]
        made = self.signs.made in script[: told - 1] if state.bar < len(self.given) else False
        inner = state.inner
        if made and told > 1 + script.index(self.signs.made):
            state = self._made(state, token)
            inner = state.inner
            if token == v.BAR:
                over, tempo = self.meters[state.bar], max(inner.tempo, 0)
                inner = inner._replace(
                    phase=g.REMAIN, meter=over, tempo=tempo, remain=1, least=0, most=g.ENDLESS, empty=0, over=0
                )
        return state._replace(inner=inner, told=told, tokens=0)

    def _made(self, state: Spot, token: int) -> Spot:
        """One more token of a bar that is made."""
        inner = self.inner.step(state.inner, token)
        sung = self.singing.heard(state.sung, token, inner, state.bar)
        return state._replace(inner=inner, tokens=state.tokens + 1, sung=sung)
