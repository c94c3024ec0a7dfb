"""What may be made of a piece whose other parts are given: a script of bars that are told, and bars between to be made.

A document in parts is read as `seqgen.infilling` says. Its given bars are told, not drawn; in a bar that is made, the
score grammar says what may follow, at the meter that the given bar has. Bars of the made parts that are known already
are told, too. The token that comes next in the script ends a bar.

A voice that is never silent in the corpus while others sound is not silent here: where its note ends it sings the next
one, and no other before (`sounding`). Voices that do not cross in the corpus do not cross here (`voices`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.hole import FREE, Held, bar_over, bound_lengths
from seqgen.codecs.midi_bar.voices import NOTHING, Lately, Note, Voices, sung
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
        ends: For each part the step, from the beginning of the bar, at which its last note ends.
        lately: What each part sang last.
    """

    read: int
    inner: g.State
    bar: int = 0
    told: int = 0
    tokens: int = 0
    ends: tuple[int, ...] = (0,) * v.PARTS
    lately: Lately = NOTHING


@dataclass(frozen=True, eq=False)
class Accompaniment:
    """The grammar of a document in parts over the full vocabulary.

    Attributes:
        inner: The score grammar.
        given: What is told of each bar.
        known: The bars of the made parts that are told, by number; the others are made.
        meters: Of each bar.
        quiet: For each bar, (steps,) whether all that is given is silent.
        held: What notes keep to.
        sounding: The voices that are not silent while others sound.
        voices: What they keep to among each other; None: nothing.
        signs: The infilling tokens.
        frame: Tokens with which the document begins.
        document_id, vocab_size: Of the tokenizer.
    """

    inner: g.ScoreGrammar
    given: Sequence[Sequence[int]]
    known: Mapping[int, Sequence[int]]
    meters: Sequence[tuple[int, int]]
    quiet: Sequence[NDArray[np.bool_]]
    held: Held
    sounding: Sequence[int]
    voices: Voices | None
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

    @cached_property
    def _all_voices(self) -> bool:
        return set(np.flatnonzero(self.held.parts).tolist()) <= set(self.sounding)

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
                steps = v.bar_steps(*self.meters[bar])
                ends = tuple(max(end - steps, 0) for end in state.ends)
                return self._told(state._replace(bar=bar + 1, told=0, tokens=0, ends=ends), token)
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
        self.held.keep(own, state.inner)
        bound_lengths(own, state.inner, self._room(own, state))
        over = bar_over(state.inner)
        if self.sounding:
            self._one_by_one(own, state)
            over &= self._insist(own, state)
        if over and state.tokens >= MOST_OF_A_BAR:
            own[:] = False
        mask[: v.SIZE] = own
        mask[after] = over
        return mask

    @cached_property
    def _begins(self) -> list[int]:
        """The step at which each bar begins, and the last one ends."""
        return [0, *accumulate(len(quiet) for quiet in self.quiet)]

    def _room(self, mask: Mask, state: Spot) -> int:
        """Steps from the beginning of the bar that a note may last; takes pitches from a mask (SIZE,) besides."""
        inner, begin = state.inner, self._begins[state.bar]
        end, step = self._begins[-1], begin + max(inner.inside, 0)
        if self.voices is not None and inner.part >= 0:
            self.voices.keep(mask, inner.part, step, state.lately)
            if inner.phase in (g.PITCH, g.TIE, g.VALUE):
                end = min(end, self.voices.room(inner.part, inner.pitch - 1, step))
        return end - begin

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
        inner, ends, lately = self.inner.step(state.inner, token), state.ends, state.lately
        if v.DUR <= token < v.TIE and inner.part >= 0:
            end = max(inner.inside, 0) + inner.length
            ends = (*ends[: inner.part], max(end, ends[inner.part]), *ends[inner.part + 1 :])
            begin = self._begins[state.bar]
            lately = sung(lately, inner.part, Note(begin + end - inner.length, begin + end, inner.pitch - 1))
        return state._replace(inner=inner, tokens=state.tokens + 1, ends=ends, lately=lately)

    def _one_by_one(self, mask: Mask, state: Spot) -> None:
        """Take from a mask (SIZE,) what would have a voice sing two notes at once."""
        here = max(state.inner.inside, 0)
        for part in self.sounding:
            if state.ends[part] > here:
                mask[v.PART + part] = False
                if state.inner.part == part:
                    mask[v.INST : v.DRUM] = False
        if self._all_voices:  # no position at which none of them can begin
            mask[v.POS : v.POS + max(min(state.ends[part] for part in self.sounding), 0)] = False

    def _insist(self, mask: Mask, state: Spot) -> bool:
        """Take from a mask (SIZE,) what would leave a part silent; whether the bar may be over."""
        inner, quiet = state.inner, self.quiet[state.bar]
        if inner.phase not in (g.REMAIN, g.POS, g.VALUE, g.DRUM, g.NAMED, g.CHOSEN, g.LOUD, g.CHOSEN_LOUD):
            return True
        here = inner.inside
        wanted = {part: _next(quiet, state.ends[part]) for part in self.sounding}
        limit = min(wanted.values())
        due = [part for part, at in wanted.items() if at <= here]
        if not due:
            mask[v.POS + min(limit, len(quiet) - 1) + 1 : v.PART] = False
            return limit >= len(quiet)
        kept = mask.copy()
        first = min(due)
        kept[v.POS : v.PART] = kept[v.DRUM : v.DUR] = False
        kept[v.PART + first + 1 : v.INST] = False
        if inner.part > first and inner.phase not in (g.NAMED, g.CHOSEN, g.LOUD, g.CHOSEN_LOUD):
            kept[v.INST : v.DRUM] = False
        if kept.any():
            mask[:] = kept
            return False
        mask[v.POS + here + 2 : v.PART] = False  # it can play at this position no more: at the next one
        return True


def _next(quiet: NDArray[np.bool_], step: int) -> int:
    """The first step from one on at which something given sounds; the length of the bar where none does."""
    sounds = np.flatnonzero(~quiet[step:])
    return step + int(sounds[0]) if len(sounds) else max(len(quiet), step)
