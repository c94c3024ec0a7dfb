"""The score codec token by token: notes as they are completed, and the tokens of notes that are played."""

import numpy as np

from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.decoding import DRUM_STEPS
from seqgen.music.played import Mask, Played, Playing
from seqgen.music.score import DEFAULT_TEMPO, DRUMS

MOST_BARS = 64  # that `moved` passes through


class PlayingScore(Playing):
    """A document of the score vocabulary while it is read."""

    def __init__(self) -> None:
        self._grammar = g.ScoreGrammar()
        self._state = self._grammar.start()
        self._line = 0  # steps
        self._held: Played | None = None  # a TIE may make it longer
        self._begun = False

    def take(self, token: int) -> list[Played]:
        before, self._state = self._state, self._grammar.step(self._state, token)
        found: list[Played] = []
        tied = token == v.TIE or before.phase == g.TIE
        if self._held is not None and not tied and before.phase == g.VALUE:
            found.append(self._held)
            self._held = None
        if token == v.BAR:
            self._line += v.bar_steps(*before.meter) if self._begun and before.meter != (0, 0) else 0
            self._begun = True
        elif v.DRUM <= token < v.DUR:
            found.append(self._note(token - v.DRUM, DRUM_STEPS, DRUMS, v.PARTS))
        elif v.DUR <= token < v.TIE and before.phase == g.PITCH:
            part = max(self._state.part, 0)
            program = max(self._state.programs[part], 0)
            self._held = self._note(before.pitch - 1, self._state.length, program, part)
        elif v.DUR <= token < v.TIE and before.phase == g.TIE and self._held is not None:
            self._held = self._held._replace(length=self._state.length / v.QUARTER)
        return found

    def settle(self) -> list[Played]:
        held, self._held = self._held, None
        return [] if held is None else [held]

    def _note(self, pitch: int, steps: int, program: int, part: int) -> Played:
        level = self._state.velocity if self._state.velocity != g.NONE else 8
        return Played(self.now, steps / v.QUARTER, int(pitch), 8 * level + 4, program, part)

    @property
    def now(self) -> float:
        return (self._line + max(self._state.inside, 0)) / v.QUARTER

    @property
    def line(self) -> float:
        return self._line / v.QUARTER

    @property
    def bar(self) -> float:
        return self._steps / v.QUARTER

    @property
    def tempo(self) -> float | None:
        index = self._state.tempo
        return None if index == g.NONE else 60_000_000 / float(v.TEMPOS[index])

    @property
    def _steps(self) -> int:
        meter = self._state.meter
        return v.bar_steps(*meter) if meter != (0, 0) else v.WHOLE

    def moved(self, to: float) -> list[int]:
        step, found = round(to * v.QUARTER), list[int]()
        line, inside = self._line, self._state.inside
        if not self._begun:
            found += [v.BAR, *v.meter_tokens(4, 4), v.REMAIN + len(v.REMAIN_EDGES) - 4, v.POS]
            found.append(v.TEMPO + int(v.tempo_index(np.array([DEFAULT_TEMPO]))[0]))
            inside = 0
        for _ in range(MOST_BARS):
            if step < line + self._steps:
                break
            found.append(v.BAR)
            line, inside = line + self._steps, g.NONE
        place = min(max(step - line, 0), self._steps - 1)
        return [*found, v.POS + place] if place > max(inside, 0) else found

    def said(self, note: Played) -> list[int]:
        found, level = list[int](), v.VEL + max(min(note.velocity, 127), 1) // 8
        if self._state.inside == g.NONE and self._begun:
            found.append(v.POS)
        if note.program == DRUMS:
            return [*found, *([] if level - v.VEL == self._state.velocity else [level]), v.DRUM + note.pitch]
        part = min(note.part, v.PARTS - 1)
        if part != self._state.part:
            found.append(v.PART + part)
        if self._state.programs[part] != note.program:
            found.append(v.INST + note.program)
        if level - v.VEL != self._state.velocity:
            found.append(level)
        steps = max(round(note.length * v.QUARTER), 1)
        value = int(np.searchsorted(v.DURATIONS, steps, side="right")) - 1
        return [*found, v.PITCH + note.pitch, v.DUR + max(value, 0)]

    def staying(self) -> Mask:
        return np.asarray((np.arange(v.SIZE) >= v.PART) & (np.arange(v.SIZE) < v.REMAIN))

    def moving(self) -> Mask:
        token = np.arange(v.SIZE)
        return np.asarray((token == v.BAR) | ((token >= v.POS) & (token < v.PART)))

    def others(self) -> Mask:
        mask = np.zeros(v.SIZE, np.bool_)
        mask[v.PART : v.INST] = True
        mask[v.PART + max(self._state.part, 0)] = False
        mask[v.DRUM : v.DUR] = True
        return mask

    def without(self, part: int) -> Mask:
        mask = np.ones(v.SIZE, np.bool_)
        mask[v.PART + part] = False
        if self._state.part == part:
            mask[v.INST : v.VEL] = mask[v.PITCH : v.DRUM] = False
        return mask
