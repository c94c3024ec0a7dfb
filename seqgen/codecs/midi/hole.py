"""What may fill a stretch of time in a performance: its grammar, held to the instants between which the hole lies.

A filling goes on behind the last notes before the hole, and ends with the shift that leads to the first notes behind
it, so that nothing that follows is moved. Its first notes are struck where the hole begins or later, its last ones
before the hole ends, and none outlasts it. Where nothing follows it ends with notes at the very instant at which the
piece ended. How much time there is to go is known, so that REMAIN says what it has to.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.midi import grammar as g
from seqgen.codecs.midi import vocabulary as v

SHIFTING = (g.TENS, g.SECONDS, g.SHIFTED)
WHOLE = (g.CHOSEN, g.LOUD, g.CHOSEN_LOUD, g.PITCH)  # a note has begun to be told
_SHIFTS = v.STEPS[v.SHIFT : v.INST]
_TENS = _SHIFTS == 10 * v.SECOND
_LONG = (_SHIFTS >= v.SECOND) & ~_TENS  # hundredths may follow


class Moment(NamedTuple):
    """Where in a filling one is.

    Attributes:
        inner: Where the grammar of performances stands.
        at: Steps from the last notes before the hole.
        struck: Whether anything has been struck in the hole.
        tokens: Of the filling so far.
    """

    inner: g.State
    at: int = 0
    struck: bool = False
    tokens: int = 0


class Times(NamedTuple):
    """When things may happen, in steps from the last notes before the hole.

    Attributes:
        first, last: Notes may be struck from the one to the other, both included.
        until: None sounds longer than to here.
        next: Those behind the hole follow here; None: nothing follows, and the last ones are struck at `last`.
        left: Steps of the piece that are to go at 0, up to its last notes.
    """

    first: int
    last: int
    until: int
    next: int | None
    left: int


@dataclass(frozen=True, eq=False)
class TimeGrammar:
    """The grammar of what fills a stretch of time.

    Attributes:
        inner: That of performances.
        begin: Where it stands behind what precedes the hole.
        times: When things may happen.
        programs: (128,) which may play.
        ranges: (128, 128) which pitches each may have.
        drums: (128,) which may be struck.
        length: Tokens from which on the filling is brought to its end.
    """

    inner: g.PerformanceGrammar
    begin: g.State
    times: Times
    programs: Mask
    ranges: NDArray[np.bool_]
    drums: Mask
    length: int

    def start(self) -> Moment:
        """Behind what precedes the hole."""
        return Moment(self._timed(self.begin, 0))

    def step(self, state: Moment, token: int) -> Moment:
        """The state after one more token."""
        inner, at = self.inner.step(state.inner, token), state.at
        if v.SHIFT <= token < v.INST:
            at += int(v.STEPS[token])
            inner = self._timed(inner, at)
        struck = state.struck or v.PITCH <= token < v.DUR or v.DRUM <= token < v.PEDAL
        return Moment(inner, at, struck, state.tokens + 1)

    def allowed(self, state: Moment) -> Mask:
        """(SIZE,) True where a token may follow; none may where the filling has to end."""
        inner = state.inner
        mask = self.inner.allowed(inner).copy()
        mask[v.PEDAL :] = False
        if inner.phase == g.PITCH:
            fits = mask[v.DUR : v.DRUM] & (self.times.until - state.at >= v.DURATIONS)
            mask[v.DUR : v.DRUM] = fits if fits.any() else v.DURATIONS[0] == v.DURATIONS
            return mask
        mask[v.SHIFT : v.INST] &= self._shifts(state, hurried=state.tokens >= self.length)
        if not self.times.first <= state.at <= self.times.last:
            mask[: v.SHIFT] = mask[v.INST :] = False
        elif state.tokens >= self.length and inner.phase in g.SOUNDED and state.struck:
            mask[v.INST :] = False
        else:
            self._keep(mask, inner)
        return mask

    def may_end(self, state: Moment) -> bool:
        """Where what follows begins; where nothing does, behind the last notes."""
        if self.times.next is None:
            return state.at == self.times.last and state.struck and state.inner.phase in g.SOUNDED
        return state.at == self.times.next and state.inner.phase in SHIFTING

    def _timed(self, state: g.State, at: int) -> g.State:
        """The state with what is known of the time to go."""
        left = max(self.times.left - at, 0)
        return state._replace(least=left, most=left)

    def _shifts(self, state: Moment, hurried: bool) -> Mask:
        """(SHIFT tokens,) those after which notes may be struck, or what follows be met, by this shift or the next."""
        phase, times = state.inner.phase, self.times
        tens = state.inner.tens if phase == g.TENS else 0
        near = state.at + _SHIFTS
        far = near + np.where(_TENS, max(v.LONGEST_REST - 10 * v.SECOND * (tens + 1), 0), np.where(_LONG, 99, 0))
        begun = np.maximum(near, max(times.first, state.at + 1))
        inside = begun <= np.minimum(far, times.last)
        if times.next is None:
            aim = times.last
        elif state.struck:
            aim = times.next
            inside |= (near <= aim) & (aim <= far)
        else:
            return np.asarray(inside)
        if hurried:
            straight = (near <= aim) & (aim <= far)
            late = inside & (near == near[inside].max(initial=-1))
            return np.asarray(straight if straight.any() else late)
        return np.asarray(inside)

    def _keep(self, mask: Mask, inner: g.State) -> None:
        """Take from a mask what does not keep to the programs, ranges and drums of the piece."""
        mask[v.INST : v.VEL] &= self.programs
        own = self.ranges[max(inner.program, 0)].copy()
        own[: min(inner.pitch, 128)] = False
        drum = self.drums.copy()
        drum[: min(inner.drum, 128)] = False
        mask[v.PITCH : v.DUR] &= own
        mask[v.DRUM : v.PEDAL] &= drum
        pitched, drums = self.inner.room(inner)
        drums = drums and inner.phase not in (g.CHOSEN, g.CHOSEN_LOUD)
        if not ((pitched and own.any()) or (drums and drum.any())):
            mask[v.VEL : v.PITCH] = False
