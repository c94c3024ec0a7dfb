"""A piece around a hole: its bars as tokens and as ticks, and the piece again with other notes in the hole."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.bars import Clock, on_grid, read_bars
from seqgen.codecs.midi_bar.decoding import DRUM_STEPS
from seqgen.codecs.midi_bar.encoding import Rows, encode_score
from seqgen.codecs.midi_bar.parting import Apart
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score


@dataclass(frozen=True, eq=False)
class Piece:
    """A score, and how the codec tells it.

    Attributes:
        score: As it was read.
        roster: The parts that tokens stand for.
        renamed: (N,) the PART token of each note, PARTS for drums; None: as the roster has it.
        heard: The same score with its pedal folded into the lengths of its notes, as it is told; None: it has none.
    """

    score: Score
    roster: Roster
    renamed: Ints | None = None
    heard: Score | None = None

    @cached_property
    def slots(self) -> Ints:
        """(N,) the PART token of each note; PARTS for drums."""
        return self.roster.slots(self.score, Faults(None)) if self.renamed is None else self.renamed

    @cached_property
    def ids(self) -> Ids:
        """(n,) the piece as tokens."""
        if self.heard is None:
            return encode_score(self.score, self.roster, Faults(None), slots=self.renamed)
        of_part = np.zeros(int(self.score.part.max(initial=0)) + 1, np.int64)
        of_part[self.score.part] = self.slots
        return encode_score(self.heard, self.roster, Faults(None), slots=of_part[self.heard.part])

    @cached_property
    def apart(self) -> Apart:
        """The same, taken apart."""
        return Apart.of(self.ids)

    @cached_property
    def _steps(self) -> Ints:
        return on_grid(self.score.onset, self.score.ticks_per_quarter)

    @cached_property
    def when(self) -> Clock:
        """Its bars, and which of them are told."""
        last = int(self._steps.max(initial=0))
        return Clock.of(read_bars(self.score, last, Faults(None)), self._steps)

    @property
    def count(self) -> int:
        """Bars that are told."""
        return len(self.when.kept)

    @cached_property
    def bar(self) -> Ints:
        """(N,) the bar of each note, among those that are told."""
        return np.searchsorted(self.when.kept, self.when.bars.place(self._steps)[0])

    @cached_property
    def lines(self) -> Ints:
        """(bars,) the token with which each bar begins."""
        return np.flatnonzero(self.ids == v.BAR)

    def bar_steps(self, bar: int) -> int:
        """The length of a bar."""
        bars = self.when.bars
        return int(bars.steps[bars.stretch(self.when.kept[bar : bar + 1])][0])

    def bar_seconds(self, bar: int) -> float:
        """When a bar begins as the score is played; behind the last one, when that ends."""
        last = min(bar, self.count - 1)
        step = self.when.bars.step(self.when.kept[last : last + 1]) + (self.bar_steps(last) if bar > last else 0)
        return float(self.score.seconds(_ticks(step, self.score.ticks_per_quarter))[0])

    def left(self, bar: int) -> Ids:
        """What stands before a bar; before the first one, what that says of itself and of the tempo."""
        if bar:
            return self.ids[: self.lines[bar]]
        tempo = np.flatnonzero((self.ids >= v.TEMPO) & (self.ids < v.POS))
        return self.ids[: int(tempo[0]) + 1]

    def right(self, bar: int) -> Ids:
        """What stands from a bar on; nothing behind the last one."""
        return self.ids[self.lines[bar] :] if bar < self.count else self.ids[:0]

    def with_notes(self, gone: NDArray[np.bool_], rows: Rows) -> Score:
        """The score without some notes (N,) and with others; what stays is as it was.

        A new note that would sound together with one that stays, in the same part at the same pitch, is left out.
        """
        score, bars, per_quarter = self.score, self.when.bars, self.score.ticks_per_quarter
        step = bars.step(self.when.kept[np.minimum(rows.bar, self.count - 1)]) + rows.inside
        drums = rows.part == v.PARTS
        length = np.where(drums, DRUM_STEPS, np.maximum(rows.length, 1))
        onset, end = (_ticks(each, per_quarter) for each in (step, step + length))
        program = np.where(drums, DRUMS, rows.program)
        made = np.stack([onset, end - onset, rows.pitch, v.velocity_of(rows.velocity), program], axis=1)
        kept = np.stack(
            [each.astype(np.int64)[~gone] for each in
             (score.onset, score.duration, score.pitch, score.velocity, score.program)], axis=1,
        )  # fmt: skip
        number, names = self._numbers(rows)
        free = ~_clashing(kept, score.part[~gone], made, number)
        whole = np.concatenate([kept, made[free]])
        part = np.concatenate([score.part[~gone], number[free]])
        rest = {name: getattr(score, name) for name in ("tempo_tick", "tempo", "meter_tick", "meter", "kit", "length")}
        return Score.from_notes(
            per_quarter, whole, part=part, names=names, title=score.title, pedal=score.pedal, **rest
        )

    def _numbers(self, rows: Rows) -> tuple[Ints, Sequence[str]]:
        """(K,) the score's part of each new note, and the names of all parts, with new ones behind."""
        score, names = self.score, list(self.score.names)
        number = np.zeros(len(rows.part), np.int64)
        for slot, program in sorted(set(zip(rows.part.tolist(), rows.program.tolist()))):
            here = (rows.part == slot) & (rows.program == program)
            old = np.flatnonzero((self.slots == slot) & ((score.program == program) | (slot == v.PARTS)))
            if not len(old):
                old = np.flatnonzero(self.slots == slot)
            if len(old):
                number[here] = score.part[old[0]]
                continue
            number[here] = len(names)
            names.append("" if slot == v.PARTS else self.roster.title(slot, program))
        return number, names


def _ticks(step: Ints, per_quarter: int) -> Ints:
    """(K,) ticks of steps, to the nearest."""
    return (2 * step * per_quarter + v.QUARTER) // (2 * v.QUARTER)


def _clashing(kept: Ints, kept_part: Ints, made: Ints, part: Ints) -> NDArray[np.bool_]:
    """(K,) the new notes of whose part and pitch another sounds meanwhile."""
    found = np.zeros(len(made), np.bool_)
    for place, (onset, duration, pitch) in enumerate(made[:, :3].tolist()):
        same = (kept_part == part[place]) & (kept[:, 2] == pitch)
        found[place] = bool((same & (kept[:, 0] < onset + duration) & (kept[:, 0] + kept[:, 1] > onset)).any())
    return found
