"""The performance grammar with an extra mask: music that keeps to `Controls`, whatever the model would rather play.

It wraps `PerformanceGrammar`, whose countdown is made to follow the clock: with the time that has passed known, the
bounds of the time to go are narrowed to those of the length asked for, and the grammar itself then sees to it that
the last onset comes when it has to. The last onset lies at 95.5 % to 98.5 % of the length, and no note outlasts 103 %.

- Instruments, scale and velocities are masks over tokens; drums have no scale. Each instrument sounds (`entries`).
- A tempo is a speed: the file plays what is sampled so much faster, so lengths and densities asked for are of that.
- A density bounds how many notes there are by now from both sides, with a grace of eight.
- The last notes belong to the triad of the key, that asked for or that heard (`tonality`), the first of them, mostly
  the lowest, is its tonic, and they last half a second at least: a cadence rather than a cut.
"""

from typing import Any, NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi import grammar as g
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.entries import Due, Entries
from seqgen.errors import UsageError
from seqgen.music.controls import Controls
from seqgen.music.score import DRUMS
from seqgen.music.tonality import heard_key, triad

FIRST, LAST, SILENCE = 0.955, 0.985, 1.03  # of the length: the last onset's bounds, and the end of every note
MIDDLE = 0.97  # of the length: about where the last onset is
HELD = 50  # steps that the last notes last at least
GRACE = 8  # notes that a piece is ahead of its density at most, so that the last onset need not make up for many
LATE = 0.03  # of the length: how much later than it should the last onset may be
_SHIFTS = v.STEPS[v.SHIFT : v.INST]
_CLASSES = np.arange(128) % 12
_WAITING = (g.TENS, g.SECONDS)  # phases after which more shifts may come
_SOUNDED = (g.NOTE, g.DRUM, g.PEDAL)
_OPEN = (g.TENS, g.SECONDS, g.SHIFTED, g.READY)
_MOST = np.append(v.REMAIN_EDGES, g.ENDLESS)  # (16,) the most of each class of REMAIN


class Place(NamedTuple):
    """Where a steered document stands.

    Attributes:
        inner: Where the grammar stands.
        elapsed: Steps since the beginning.
        notes: Notes and drums so far.
        first: The step of the first of them, or −1.
        heard: How often each pitch class was played.
        due: The steps by which instruments are to sound.
    """

    inner: g.State
    elapsed: int = 0
    notes: int = 0
    first: int = -1
    heard: tuple[int, ...] = (0,) * 12
    due: Due = ()


class SteeredPerformance:
    """A grammar of the performance vocabulary that keeps to controls.

    Args:
        inner: The grammar as it is.
        controls: What to keep to.
        begin: The last onset of the prompt, in steps; what is asked for concerns what follows.

    Raises:
        UsageError: The length asked for is too short for any music.
    """

    def __init__(self, inner: g.PerformanceGrammar, controls: Controls, begin: int = 0) -> None:
        self.inner, self.controls, self.begin = inner, controls, begin
        self._least = self._most = self._silent = None if controls.seconds is None else 0
        if controls.seconds is not None:
            self._least, self._most, self._silent = self._window(controls.seconds)
        length = 0.0 if controls.seconds is None else controls.seconds * controls.speed
        self._late = int(min(g.LATE, LATE * length * v.SECOND))
        self._sounds, self._pitches, self._drums = _static(controls, inner.seen)
        self._entries = Entries(controls, begin)

    def start(self) -> Place:
        return Place(self._bounded(self.inner.start(), 0), due=self._entries.first())

    def step(self, state: Place, token: int) -> Place:
        inner = self._bounded(self.inner.step(state.inner, token), state.elapsed + int(v.STEPS[token]))
        if v.SHIFT <= token < v.INST:
            return state._replace(inner=inner, elapsed=state.elapsed + int(v.STEPS[token]))
        if not (v.PITCH <= token < v.DUR or v.DRUM <= token < v.PEDAL):
            return state._replace(inner=inner)
        heard, first = state.heard, state.elapsed if state.first < 0 else state.first
        if token < v.DUR:
            pitch = (token - v.PITCH) % 12
            heard = (*heard[:pitch], heard[pitch] + 1, *heard[pitch + 1 :])
        due = self._entries.after(state.due, inner.program if token < v.DUR else DRUMS, state.elapsed)
        return Place(inner, state.elapsed, state.notes + 1, first, heard, due)

    def allowed(self, state: Place) -> Mask:
        mask = self.inner.allowed(state.inner).copy()
        phase = state.inner.phase
        if phase == g.BEGIN:
            if self.controls.density is not None:
                mask &= np.arange(v.SIZE) == v.DENSITY + self._density()
        elif phase == g.HEAD:
            if self._most is not None:
                least, most = (v.REMAIN + int(np.searchsorted(v.REMAIN_EDGES, each)) for each in self._to_go(0))
                mask[v.REMAIN : least] = mask[most + 1 : v.SHIFT] = False
        elif phase == g.PITCH:
            self._bound_durations(mask, state)
        else:
            self._choose_sounds(mask, state)
            self._keep_time(mask, state)
            self._keep_density(mask, state)
        return mask

    def adopted(self, state: Place) -> Place:
        """Where a document stands that went on to here under other controls: all that is asked for is due anew."""
        return state._replace(due=self.start().due)

    def lean(self, state: Place) -> tuple[int, float] | None:
        """Nothing is likelier than the model says."""
        return None

    def may_end(self, state: Place) -> bool:
        if not self.inner.may_end(state.inner):
            return False
        return not self._behind(state) or not any(self.inner.room(state.inner))

    def _window(self, seconds: float) -> tuple[int, int, int]:
        """(first step of the last onset, last step of it, step by which all is silent)."""
        steps = seconds * self.controls.speed * v.SECOND
        least, most = int(np.ceil(FIRST * steps)), int(np.floor(LAST * steps))
        if least > most or steps < v.SECOND:
            raise UsageError(f"a piece of {seconds:g} s is too short to end when it should", "ask for 10 s at least")
        return self.begin + least, self.begin + most, self.begin + int(SILENCE * steps)

    def _to_go(self, elapsed: int) -> tuple[int, int]:
        assert self._least is not None
        assert self._most is not None
        return max(self._least - elapsed, 0), max(self._most - elapsed, 0)

    def _bounded(self, inner: g.State, elapsed: int) -> g.State:
        """The grammar's state with a countdown that follows the clock."""
        least, most = inner.least, inner.most
        if self._most is not None:
            bounds = self._to_go(elapsed)
            both = max(bounds[0], least), min(bounds[1], most)
            least, most = both if both[0] <= both[1] else bounds
        return inner if (least, most) == (inner.least, inner.most) else inner._replace(least=least, most=most)

    def _bound_durations(self, mask: Mask, state: Place) -> None:
        """No note outlasts the piece; the last ones are held."""
        if self._silent is None:
            return
        room = max(self._silent - state.elapsed, 1)
        mask[v.DUR : v.DRUM] &= room >= v.DURATIONS
        if state.inner.remain == 0:
            held = mask[v.DUR : v.DRUM] & (min(HELD, room // 2) <= v.DURATIONS)
            if held.any():
                mask[v.DUR : v.DRUM] = held

    def _choose_sounds(self, mask: Mask, state: Place) -> None:
        """Instruments, scale and velocities; VEL only where something can follow it."""
        inner, programs = state.inner, self.controls.programs
        mask &= self._sounds
        pitches = self._pitches
        if inner.remain == 0 and self._most is not None and inner.fresh | (inner.pitch < g.ALL):
            key = self.controls.tonic or heard_key(state.heard)
            chord = np.isin(_CLASSES, triad(key)[: 1 if inner.together == 0 else 3])
            pitches = pitches & chord if bool((pitches & chord).any()) else pitches
        pitched, drums = self.inner.room(inner)
        possible = pitched and (programs is None or inner.program in programs)
        possible = possible and bool(pitches[inner.pitch :].any())
        mask[v.PITCH : v.DUR] &= pitches & possible
        if not possible:
            mask[v.PEDAL :] = False
            if not (self._drums and drums):
                mask[v.VEL : v.PITCH] = False
        if inner.remain:
            self._entries.insist(mask, inner, state.due, state.elapsed)

    def _keep_time(self, mask: Mask, state: Place) -> None:
        """The last onset hardly too late."""
        if self._most is not None and state.inner.remain == 1:
            kept = mask[v.SHIFT : v.INST] & (state.inner.most + self._late >= _SHIFTS)
            mask[v.SHIFT : v.INST] = kept if kept.any() else mask[v.SHIFT : v.INST]

    def _edges(self) -> tuple[float, float]:
        """Notes a second as sampled: at least, and fewer than."""
        assert self.controls.density is not None
        edges = [0.0, *v.DENSITY_EDGES.tolist(), np.inf]
        low, high = edges[self.controls.density - 1 : self.controls.density + 1]
        return low / self.controls.speed, high / self.controls.speed

    def _density(self) -> int:
        """The class of the density as sampled: that of its middle."""
        low, high = self._edges()
        middle = low * 1.25 if np.isinf(high) else (low + high) / 2
        return int(np.searchsorted(v.DENSITY_EDGES, middle, side="right"))

    def _behind(self, state: Place) -> bool:
        """Whether there are too few notes by now for the density."""
        if self.controls.density is None or state.first < 0:
            return False
        passed = state.elapsed - state.first + v.SECOND
        goal = self._edges()[0] * passed + (self._ahead(passed) if state.inner.remain else 0)
        return bool(state.notes * v.SECOND < goal)

    def _ahead(self, passed: Any) -> Any:
        """By how much more than the least there is to be before the last onset; 0 where there is no least."""
        least, most = self._edges()
        return np.minimum(GRACE * v.SECOND, (most - least) / 2 * passed) if least else 0 * passed

    def _keep_density(self, mask: Mask, state: Place) -> None:
        """Neither more notes than the density has nor fewer; where that leaves nothing it gives way."""
        if self.controls.density is None or state.first < 0:
            return
        inner, (least, most) = state.inner, self._edges()
        passed = state.elapsed - state.first + v.SECOND
        more = state.notes * v.SECOND  # one note more is allowed where this is below so much
        room, last = most * passed - v.SECOND, most * (passed + inner.most) - 2 * v.SECOND
        kept = mask.copy()
        if inner.phase in _SOUNDED and (more >= room or (inner.remain and more >= last)):
            kept[v.INST :] = False
        if inner.phase in _OPEN and inner.remain and more >= last:  # only the last notes have room
            kept[v.INST :] = False
            kept[v.REMAIN + 1 : v.SHIFT] = False
        kept[v.REMAIN + 1 : v.SHIFT] &= more < most * (passed + _MOST[1:]) - 2 * v.SECOND
        needed = 0 if np.isinf(most) else int((more + v.SECOND) // most - passed + 1)  # steps to the next note
        needed = max(needed, inner.least if more >= last else 0)
        shifts = needed <= _SHIFTS
        shifts |= (_SHIFTS >= v.SECOND) & (needed - _SHIFTS < v.SECOND)  # and then more
        shifts[-1] |= needed > _SHIFTS[-1]
        enough = more + GRACE * v.SECOND >= least * (passed + _SHIFTS) + self._ahead(passed)
        shifts &= enough if enough.any() else self.inner.shortest >= _SHIFTS
        if inner.phase in _WAITING and needed > 0:
            kept[v.REMAIN : v.SHIFT] = kept[v.INST :] = False
        kept[v.SHIFT : v.INST] &= shifts
        if self._behind(state) and inner.phase in _SOUNDED and bool(kept[v.INST :].any()):
            kept[v.SHIFT : v.INST] = False
        if kept.any() or self.may_end(state):
            mask[:] = kept


def _static(controls: Controls, seen: Mask) -> tuple[Mask, Mask, bool]:
    """((SIZE,) tokens that may come, (128,) pitches that may, whether drums may); of the scale what was `seen`."""
    sounds = np.ones(v.SIZE, np.bool_)
    drums = controls.programs is None or DRUMS in controls.programs
    if controls.programs is not None:
        sounds[v.INST : v.VEL] = np.isin(np.arange(128), list(controls.programs))
        sounds[v.DRUM : v.PEDAL] = drums
    if controls.velocities is not None:
        low, high = ((np.clip(each, 1, 127) - 1) // 4 for each in controls.velocities)
        sounds[v.VEL : v.PITCH] = (np.arange(32) >= low) & (np.arange(32) <= high)
    pitches = np.ones(128, np.bool_) if controls.scale is None else np.isin(_CLASSES, list(controls.scale))
    known = pitches & seen[v.PITCH : v.DUR]
    return sounds, known if known.any() else pitches, drums
