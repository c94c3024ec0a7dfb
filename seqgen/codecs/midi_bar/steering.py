"""The score grammar with an extra mask: music that keeps to `Controls`, whatever the model would rather play.

It wraps `ScoreGrammar`, whose countdown is set to the number of bars that is asked for, so that the grammar itself
sees to it that the last onset comes in that bar. A length in seconds becomes a number of bars once meter and tempo are
known.

- Instruments, scale and velocities are masks over tokens; drums have no scale. Each instrument sounds (`entries`).
- A meter is stated in the first bar and kept; where a length in seconds is asked for, no meter changes after the
  second bar, which may follow an upbeat (`lengths`).
- A density bounds how many notes there are by now from both sides, with a grace of eight.
- A piece of a given length ends with a chord on the first beat of its last bar, which lasts that bar (`cadence`).
"""

import dataclasses

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi import vocabulary as seconds
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.cadence import Cadence
from seqgen.codecs.midi_bar.entries import Entries
from seqgen.codecs.midi_bar.lengths import BPM, Lengths
from seqgen.codecs.midi_bar.place import Place
from seqgen.errors import UsageError
from seqgen.music.controls import Controls
from seqgen.music.score import DRUMS

GRACE = 8  # notes that a piece may be behind its density
MOST_CHANGE = 3  # steps of TEMPO from the first one, where the length in seconds is asked for
_CLASSES = np.arange(128) % 12
_EDGES = [0.0, *seconds.DENSITY_EDGES.tolist(), np.inf]


class SteeredScore:
    """A grammar of the score vocabulary that keeps to controls.

    Args:
        inner: The grammar as it is.
        controls: What to keep to.
        begin: How many bars the prompt has; what is asked for concerns what follows.
        seen: (SIZE,) tokens of which music is to be made; None: all.

    Raises:
        UsageError: The meter asked for cannot be said in tokens.
    """

    def __init__(self, inner: g.ScoreGrammar, controls: Controls, begin: int = 0, seen: Mask | None = None) -> None:
        if controls.meter is not None and not v.sayable(*controls.meter):
            over, under = controls.meter
            raise UsageError(f"meter is {over}/{under}, which codec midi_bar cannot write", "such as 4/4, 3/4 or 6/8")
        if controls.bars is not None:  # then seconds are what they happen to be
            controls = dataclasses.replace(controls, seconds=None)
        self.inner, self.controls, self.begin = inner, controls, begin
        self._sounds, self._pitches = _static(controls)
        self._drums = controls.programs is None or DRUMS in controls.programs
        self._entries = Entries(controls.groups, begin, controls.bars)
        self._cadence = Cadence(inner, controls, self._pitches)
        self._timed = controls.bars is not None or controls.seconds is not None
        self._lengths = None if controls.seconds is None else Lengths(controls.seconds, controls.tempo, seen)

    def start(self) -> Place:
        last = -1 if self.controls.bars is None else self.begin + self.controls.bars - 1
        return Place(self.inner.start(), last=last, due=self._entries.first())

    def step(self, state: Place, token: int) -> Place:
        inner, before = self.inner.step(state.inner, token), state.inner
        if token == v.BAR:
            passed = self._seconds(before, v.bar_steps(*before.meter)) if state.bar >= 0 else 0.0
            state = state._replace(bar=state.bar + 1, clock=state.clock + passed)
        elif inner.phase == g.POS:
            state = state._replace(clock=state.clock + self._seconds(before, inner.inside))
        elif inner.phase == g.TEMPO and state.tempo < 0:
            state = state._replace(tempo=inner.tempo)
        elif v.PITCH <= token < v.DUR:
            state = self._sounded(state, token, inner)
        if self._lengths is not None:
            state = self._with_length(state, token, inner, self._lengths)
        return state._replace(inner=self._bounded(state, inner))

    def allowed(self, state: Place) -> Mask:
        mask = self.inner.allowed(state.inner).copy()
        phase = state.inner.phase
        if phase in (g.OVER, g.UNDER) or (phase in (g.BAR, g.METER) and state.bar >= 0):
            self._keep_meter(mask, state)
            self._keep_countdown(mask, state)
            if not self._cadence.here(state):
                self._entries.insist(mask, state.inner, state.due, state.bar)
        elif phase in (g.PITCH, g.TIE):
            self._bound_lengths(mask, state)
        elif phase not in (g.BEGIN, g.KIT):
            self._keep_tempo(mask, state)
            self._choose_sounds(mask, state)
            self._bound_ties(mask, state)
            self._keep_density(mask, state)
        return mask

    def adopted(self, state: Place) -> Place:
        """Where a document stands that went on to here under other controls: all that is asked for is due anew."""
        return state._replace(due=self.start().due)

    def lean(self, state: Place) -> tuple[int, float] | None:
        """Nothing is likelier than the model says."""
        return None

    def may_end(self, state: Place) -> bool:
        return self.inner.may_end(state.inner) and not (self._cadence.here(state) and self._cadence.missing(state))

    def until(self, state: Place, last: int) -> Place:
        """The place, the last bar being another."""
        state = state._replace(last=last)
        return state._replace(inner=self._bounded(state, state.inner))

    def _bounded(self, state: Place, inner: g.State) -> g.State:
        """The grammar's state with a countdown to the last bar."""
        if state.last < 0 or state.bar < self.begin - 1:
            return inner
        to_go = max(state.last - state.bar, 0)
        return inner._replace(least=to_go, most=to_go)

    def _sounded(self, state: Place, token: int, inner: g.State) -> Place:
        """The place after a note or a drum."""
        drum = token >= v.DRUM
        part = max(inner.part, 0)
        program = DRUMS if drum else inner.programs[part]
        due = self._entries.after(state.due, program, state.bar)
        first = state.clock if state.first < 0 else state.first
        state = state._replace(notes=state.notes + 1, first=first, due=due)
        if drum or self._cadence.here(state):  # the last chord does not change what it is made from
            return state
        pitch = token - v.PITCH
        count, total = state.pitches[part]
        return state._replace(
            heard=_with(state.heard, pitch % 12, state.heard[pitch % 12] + 1),
            pitches=_with(state.pitches, part, (count + 1, total + pitch)),
            played=_with(state.played, part, state.bar),
        )

    def _bpm(self, inner: g.State) -> float:
        """Quarter notes a minute that the file will have."""
        if self.controls.tempo is not None:
            return self.controls.tempo
        return float(BPM[inner.tempo]) if inner.tempo != g.NONE else 120.0

    def _bar_seconds(self, inner: g.State) -> float:
        over, under = inner.meter if inner.meter != (0, 0) else (4, 4)
        return 240.0 * over / under / self._bpm(inner)

    def _seconds(self, inner: g.State, step: int) -> float:
        """From this position to a step of the bar."""
        return (step - max(inner.inside, 0)) * 60 / (v.QUARTER * self._bpm(inner))

    def _with_length(self, state: Place, token: int, inner: g.State, lengths: Lengths) -> Place:
        """The place with the number of the last bar, once it is known how long a bar is."""
        if self.begin:
            if token == v.BAR and state.bar == self.begin:
                return state._replace(last=state.bar + lengths.bars(self._bar_seconds(inner), self._bar_seconds(inner)))
        elif state.bar == 0 and token == v.REMAIN:
            return state._replace(last=0)
        elif state.bar == 1 and inner.phase in (g.BAR, g.METER):
            return state._replace(last=lengths.bars(state.clock, self._bar_seconds(inner), inner.remain))
        return state

    def _keep_meter(self, mask: Mask, state: Place) -> None:
        """The meter asked for; no other where the length would not be what it is to be."""
        phase, asked = state.inner.phase, self.controls.meter
        if asked is None:
            if self._lengths is not None and state.inner.meter != (0, 0) and phase == g.BAR:
                self._keep_lasting_meter(mask, state, self._lengths)
            return
        tokens = v.meter_tokens(*asked)
        place = {g.BAR: 0, g.OVER: 1, g.UNDER: 2}.get(phase)
        if place is None:
            return
        kept = np.zeros_like(mask)
        if place < len(tokens):
            kept[tokens[place]] = mask[tokens[place]] and state.inner.meter != asked
        if state.inner.meter == (0, 0) or phase != g.BAR:
            mask &= kept
        else:
            mask[v.METER : v.TEMPO] &= kept[v.METER : v.TEMPO]

    def _keep_lasting_meter(self, mask: Mask, state: Place, lengths: Lengths) -> None:
        """After the first bar, which may be an upbeat, a meter with which the length is met; then no other."""
        if self.begin or state.bar != 1:
            mask[v.METER : v.TEMPO] = False
            return
        fits = lengths.meters(state.clock, 60 / self._bpm(state.inner), state.inner.remain)
        kept = np.zeros_like(mask)
        kept[v.METER : v.METER + v.OTHER] = mask[v.METER : v.METER + v.OTHER] & fits
        if lengths.upbeat(state.inner.meter) and kept.any():
            mask &= kept
        mask[v.METER : v.TEMPO] &= kept[v.METER : v.TEMPO]

    def _keep_countdown(self, mask: Mask, state: Place) -> None:
        """A REMAIN that the length in seconds can keep at some tempo."""
        if self._lengths is None or self.begin or state.bar or not mask[v.REMAIN :].any():
            return
        kept = self._lengths.classes(state.inner.meter)
        if (mask[v.REMAIN :] & kept).any():
            mask[v.REMAIN :] &= kept

    def _keep_tempo(self, mask: Mask, state: Place) -> None:
        """A tempo at which the length in seconds is so many bars; with both asked for, no change of it."""
        if self._lengths is None or not mask[v.TEMPO : v.POS].any():
            return
        if state.inner.tempo == g.NONE:
            if self.controls.tempo is not None:
                return
            fits = self._lengths.tempos(state.inner.meter, state.inner.remain)
            if (mask[v.TEMPO : v.POS] & fits).any():
                mask[v.TEMPO : v.POS] &= fits
        elif self.controls.tempo is not None:
            mask[v.TEMPO : v.POS] = False
        elif state.tempo >= 0:  # what is left of the length is made up for by the file's tempo
            mask[v.TEMPO : v.POS] &= np.abs(np.arange(len(v.TEMPOS)) - state.tempo) <= MOST_CHANGE

    def _choose_sounds(self, mask: Mask, state: Place) -> None:
        """Instruments, scale and velocities; nothing after which no note could follow."""
        inner, closing = state.inner, self._cadence.here(state)
        if inner.tempo == g.NONE:
            return
        mask &= self._sounds
        wanted, part = self.controls.programs, max(inner.part, 0)
        pitches = self._cadence.pitches(state) if closing else self._pitches
        known = inner.part != g.NONE and inner.programs[part] != g.NONE
        pitched = known and (wanted is None or inner.programs[part] in wanted) and inner.pitch < g.ALL
        pitched = pitched and inner.own < self.inner.own and not inner.drum
        pitched = pitched and bool(pitches[min(inner.pitch, 127) :].any())
        drums = self._drums and not (closing and self._cadence.missing(state))
        mask[v.PITCH : v.DRUM] &= pitches & pitched
        mask[v.DRUM : v.DUR] &= drums
        if not pitched and not (drums and inner.drum < g.ALL and inner.phase not in (g.NAMED, g.CHOSEN)):
            mask[v.VEL : v.PITCH] = False
        if wanted == frozenset({DRUMS}):
            mask[v.PART : v.VEL] = False
        elif wanted is not None and self.controls.same_parts:
            mask[v.PART : v.INST] &= np.array([program in wanted for program in inner.programs])
        if closing:
            self._cadence.keep(mask, state)
        else:
            self._entries.insist(mask, inner, state.due, state.bar)

    def _rates(self) -> tuple[float, float]:
        """Notes a second: at least, and fewer than."""
        assert self.controls.density is not None
        return _EDGES[self.controls.density - 1], _EDGES[self.controls.density]

    def _keep_density(self, mask: Mask, state: Place) -> None:
        """Neither more notes than the density has nor fewer; where that leaves nothing it gives way."""
        inner = state.inner
        if self.controls.density is None or state.first < 0 or inner.tempo == g.NONE or self._cadence.here(state):
            return
        least, most = self._rates()
        kept = mask.copy()
        passed = state.clock - state.first + 1
        after = passed + np.array([self._seconds(inner, 0), self._seconds(inner, 1)])
        times = after[0] + np.arange(v.LONGEST_BAR) * (after[1] - after[0])
        if inner.phase in (g.VALUE, g.DRUM) and state.notes + 1 > most * passed:
            kept[v.PART : v.DUR] = False
        early, late = state.notes + 1 > most * times, state.notes + GRACE < least * times
        late[: inner.inside + v.QUARTER // 4] = False  # what is behind goes on at once
        kept[v.POS : v.PART] &= ~early & ~late
        line = passed + self._seconds(inner, v.bar_steps(*inner.meter))
        if state.notes + GRACE < least * line and kept[v.POS : v.DUR].any():
            kept[v.BAR] = False
        if state.notes < least * passed and kept[v.PART : v.DUR].any():
            kept[v.POS : v.PART] = False
        if (kept & (np.arange(v.SIZE) != v.TIE)).any():
            mask[:] = kept

    def _bound_lengths(self, mask: Mask, state: Place) -> None:
        """No note outlasts the last bar, as far as meters do not change; those of the last chord fill it."""
        inner = state.inner
        if not self._timed or state.last < 0 or state.bar < self.begin:
            return
        bar = v.bar_steps(*inner.meter)
        room = bar * (state.last - state.bar + 1) - max(inner.inside, 0)
        room -= inner.length if inner.phase == g.TIE else 0
        kept = mask.copy()
        kept[v.DUR : v.TIE] &= room >= v.DURATIONS
        if self._cadence.here(state) and inner.phase == g.PITCH:
            longest = int(np.searchsorted(v.DURATIONS, room, side="right")) - 1
            kept[v.DUR : v.DUR + longest] = False
        if kept.any():
            mask[:] = kept

    def _bound_ties(self, mask: Mask, state: Place) -> None:
        """No tie where no value fits into what is left of the piece."""
        inner = state.inner
        if inner.phase != g.VALUE or not self._timed or state.last < 0 or state.bar < self.begin:
            return
        room = v.bar_steps(*inner.meter) * (state.last - state.bar + 1) - max(inner.inside, 0) - inner.length
        mask[v.TIE] &= room > 0


def _with(values: tuple, place: int, value: object) -> tuple:  # type: ignore[type-arg]
    """The tuple with another value at a place."""
    return (*values[:place], value, *values[place + 1 :])


def _static(controls: Controls) -> tuple[Mask, Mask]:
    """((SIZE,) tokens that may come, (128,) pitches that may)."""
    sounds = np.ones(v.SIZE, np.bool_)
    if controls.programs is not None:
        sounds[v.INST : v.VEL] = np.isin(np.arange(128), list(controls.programs))
        sounds[v.DRUM : v.DUR] = DRUMS in controls.programs
    if controls.velocities is not None:
        low, high = (np.clip(each, 1, 127) // 8 for each in controls.velocities)
        sounds[v.VEL : v.PITCH] = (np.arange(16) >= low) & (np.arange(16) <= high)
    pitches = np.ones(128, np.bool_) if controls.scale is None else np.isin(_CLASSES, list(controls.scale))
    return sounds, pitches
