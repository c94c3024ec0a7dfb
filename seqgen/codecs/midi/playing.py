"""The performance codec token by token: notes as they are completed, and the tokens of notes that are played."""

import numpy as np

from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.decoding import DRUM_STEPS
from seqgen.music.played import SECONDS_A_QUARTER, Mask, Played, Playing
from seqgen.music.score import DRUMS

QUARTER = SECONDS_A_QUARTER * v.SECOND  # steps
OPENING = 3, len(v.REMAIN_EDGES) - 5  # density and time to go of a document that begins with what is played
BAR = 4.0  # quarter notes: there are no bars, so that this is what counts as one


class PlayingPerformance(Playing):
    """A document of the performance vocabulary while it is read."""

    def __init__(self) -> None:
        self._steps = 0
        self._program, self._level, self._pitch = 0, 16, -1
        self._chosen = self._begun = False

    def take(self, token: int) -> list[Played]:
        pitch, self._pitch, self._begun = self._pitch, -1, True
        if v.SHIFT <= token < v.INST:
            self._steps += int(v.STEPS[token])
        elif v.INST <= token < v.VEL:
            self._program, self._chosen = token - v.INST, True
        elif v.VEL <= token < v.PITCH:
            self._level = token - v.VEL
        elif v.PITCH <= token < v.DUR:
            self._pitch = token - v.PITCH
        elif v.DUR <= token < v.DRUM and pitch >= 0:
            return [self._note(pitch, int(v.DURATIONS[token - v.DUR]), self._program)]
        elif v.DRUM <= token < v.PEDAL:
            return [self._note(token - v.DRUM, DRUM_STEPS, DRUMS)]
        return []

    def settle(self) -> list[Played]:
        return []

    def _note(self, pitch: int, steps: int, program: int) -> Played:
        return Played(self.now, steps / QUARTER, int(pitch), 4 * self._level + 2, program, program)

    @property
    def now(self) -> float:
        return self._steps / QUARTER

    @property
    def line(self) -> float:
        return self.now // BAR * BAR

    @property
    def bar(self) -> float:
        return BAR

    @property
    def tempo(self) -> float | None:
        return 60 / SECONDS_A_QUARTER if self._begun else None

    def moved(self, to: float) -> list[int]:
        found = [] if self._begun else [v.DENSITY + OPENING[0], v.REMAIN + OPENING[1]]
        rest = min(max(round(to * QUARTER) - self._steps, 0), v.LONGEST_REST)
        tens, rest = divmod(rest, 10 * v.SECOND)
        found += [v.TEN_SECONDS] * tens
        seconds, rest = divmod(rest, v.SECOND)
        if seconds:
            found.append(v.SHIFT + 99 if seconds == 1 else v.LONG_SHIFT + seconds - 2)
        return [*found, v.SHIFT + rest - 1] if rest else found

    def said(self, note: Played) -> list[int]:
        found, level = list[int](), (max(min(note.velocity, 127), 1) - 1) // 4
        drum = note.program == DRUMS
        if not drum and not (self._chosen and note.program == self._program):
            found.append(v.INST + note.program)
        if level != self._level or not self._chosen:
            found.append(v.VEL + level)
        if drum:
            return [*found, v.DRUM + note.pitch]
        steps = int(v.duration_index(np.array([round(note.length * QUARTER)]))[0])
        return [*found, v.PITCH + note.pitch, v.DUR + steps]

    def staying(self) -> Mask:
        return np.asarray((np.arange(v.SIZE) >= v.INST) & (np.arange(v.SIZE) < v.PEDAL))

    def moving(self) -> Mask:
        token = np.arange(v.SIZE)
        return np.asarray((token >= v.SHIFT) & (token < v.INST))

    def others(self) -> Mask:
        return np.zeros(v.SIZE, np.bool_)

    def without(self, part: int) -> Mask:
        return np.ones(v.SIZE, np.bool_)
