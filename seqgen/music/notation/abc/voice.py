"""One voice of an ABC tune: signs in order to written bars. Knows what signs mean, not how they are spelt.

Source: the ABC music standard 2.1 (2011), section 4. An accidental holds to the end of its bar, in all octaves (the
default of section 11.3); a tie carries it over the bar line.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from seqgen.music.faults import refuse
from seqgen.music.notation.abc.fields import Key
from seqgen.music.notation.bars import BY_TIME, MAX_NOTES, MAX_QUARTERS, VELOCITY, Bar, Note, place_graces
from seqgen.music.notation.meters import rounded

TICKS = 10080  # a quarter note: divisible by 1 to 10 and by 32
WHOLE = 4 * TICKS
MAX_BARS_OF_REST = 1000

Ratio = tuple[int, int]  # a numerator and a denominator; `Fraction` is slow
ONE: Ratio = (1, 1)

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Settings:
    """What fields have set for the notes that follow.

    `unit` is in whole notes, `meter` None where free. `transpose` comes with a clef, a voice or a key, and `shift` from
    a directive.
    """

    key: Key
    unit: Fraction
    meter: Ratio | None
    program: int = 0
    transpose: int = 0
    shift: int = 0
    velocity: int = VELOCITY


@dataclass
class _Group:
    """The notes that sound together last: what a tie or a broken rhythm after them applies to."""

    first: int
    end: int
    duration: int
    steps: list[tuple[str, int]] = field(default_factory=list)  # letter and octave of each
    tied: bool = False


class Count:
    """How many notes a tune has so far, all voices together."""

    def __init__(self) -> None:
        self._notes = 0

    def one_more(self) -> None:
        """Raises MidiError past MAX_NOTES."""
        self._notes += 1
        if self._notes > MAX_NOTES:
            refuse(0, f"tune has too many notes (expected at most {MAX_NOTES:,}, found {self._notes:,} and more)")


class Voice:
    """Reads one voice.

    Args:
        name: Tells it from the others; a short one, for each note has it.
        settings: What holds at its beginning.
        count: Of the tune's notes.

    Attributes:
        settings: What holds now.
        bars: The bars so far; the last is open.
        tempos, meters: For each bar, ticks in it and new values; a meter of None is free.
        first_meter: What holds at its beginning.
        title: What the voice is called, or "".
    """

    def __init__(self, name: str, settings: Settings, count: Count, title: str = "") -> None:
        self.settings = settings
        self.first_meter = settings.meter
        self.title = title
        self.bars = [Bar()]
        self.tempos: list[list[tuple[int, int]]] = [[]]
        self.meters: list[list[tuple[int, Ratio | None]]] = [[]]
        self._name = name
        self._lines = 0  # how many overlays this bar has
        self._count = count
        self.started = False  # whether there is a note yet
        self._at = 0  # ticks in the open bar
        self._altered: dict[str, int] = {}  # accidentals in this bar, by letter
        self._tied: dict[tuple[str, int], int] = {}  # letter and octave → pitch, from the group before
        self._last = _Group(0, 0, 0)
        self._broken: Ratio = ONE  # what a broken rhythm makes of the next length
        self._tuplet: tuple[Ratio, int] = (ONE, 0)  # a factor, and how many groups it still holds for
        self._chord: list[tuple[Note, tuple[str, int]]] | None = None
        self._chord_length: Ratio = ONE
        self._graces: list[list[Note]] | None = None

    def set(self, **changes: Any) -> None:
        """Change settings from here on, by name."""
        self.settings = replace(self.settings, **changes)
        if "meter" in changes:
            self.meters[-1].append((self._at, changes["meter"]))

    def set_tempo(self, tempo: int) -> None:
        """Microseconds a quarter note from here on."""
        self.tempos[-1].append((self._at, tempo))

    def note(self, letter: str, octave: int, accidental: int | None, length: Ratio) -> bool:
        """A note, a grace note or a note of a chord; whether it could be taken. `octave` 4 begins at middle C."""
        pitch = self._pitch(letter, octave, accidental)
        ticks = self._ticks(length) if self._chord is None and self._graces is None else 1
        if not 0 <= pitch <= 127 or ticks is None:
            return False
        self.started = True
        self._count.one_more()
        name = f"{self._name}&{self._lines}" if self._lines else self._name
        note = Note(self._at, ticks, pitch, self.settings.velocity, self.settings.program, name, False, True)
        if self._chord is not None:
            if not self._chord:
                self._chord_length = length
            self._chord.append((note, (letter, octave)))
        elif self._graces is not None:
            self._graces.append([note])
        else:
            self._sound([(note, (letter, octave))], ticks)
        return True

    def rest(self, length: Ratio) -> bool:
        """A rest; whether its length makes sense."""
        ticks = self._ticks(length)
        if ticks is not None:
            self._sound([], ticks)
        return ticks is not None

    def bars_of_rest(self, count: int) -> None:
        """Whole bars of rest, kept as one long bar."""
        above, below = self.settings.meter or (4, 4)
        count = min(count, MAX_BARS_OF_REST)
        self.bars[-1].count = max(count, 1) if self._at == 0 else 1
        self._sound([], count * WHOLE * above // below)

    def open_chord(self) -> None:
        """What follows sounds together."""
        self._chord = []

    def close_chord(self, length: Ratio) -> bool:
        """The chord is whole, as long as its first note times `length`; whether it could be taken."""
        chord, self._chord = self._chord or [], None
        if self._graces is not None:
            self._graces += [[note for note, _ in chord]] if chord else []
            return True
        ticks = self._ticks((self._chord_length[0] * length[0], self._chord_length[1] * length[1])) if chord else None
        if ticks is not None:
            self._sound([(note._replace(duration=ticks), step) for note, step in chord], ticks)
        return ticks is not None

    def open_graces(self) -> None:
        """What follows are grace notes."""
        self._graces = []

    def close_graces(self) -> None:
        """The grace notes end where the next note begins."""
        graces, self._graces = self._graces or [], None
        self.bars[-1].notes += place_graces([(self._at, graces)], TICKS)

    def tie(self) -> None:
        """The notes before go on into the next ones of their pitch."""
        if self._chord:
            note, step = self._chord[-1]
            self._chord[-1] = note._replace(tied_on=True), step
        elif self._graces is None and not self._last.tied:
            self._last.tied = True
            last, notes = self._last, self.bars[-1].notes
            for index, step in zip(range(last.first, last.end), last.steps):
                notes[index] = notes[index]._replace(tied_on=True)
                self._tied[step] = notes[index].pitch

    def broken(self, dots: int) -> None:
        """A broken rhythm: the notes before are lengthened by `dots` dots, the next shortened; below 0 otherwise."""
        if self._broken != ONE:
            return
        long, short = (2 ** (abs(dots) + 1) - 1, 2 ** abs(dots)), (1, 2 ** abs(dots))
        before, self._broken = (long, short) if dots > 0 else (short, long)
        last, notes = self._last, self.bars[-1].notes
        grown = last.duration * before[0] // before[1] - last.duration
        for index in range(last.first, last.end):
            notes[index] = notes[index]._replace(duration=notes[index].duration + grown)
        for index in range(last.end, len(notes)):  # grace notes of the next one
            notes[index] = notes[index]._replace(at=notes[index].at + grown)
        self._at += grown
        last.duration += grown

    def tuplet(self, count: int, time: int, groups: int) -> None:
        """The next `groups` take `time` lengths in place of `count`."""
        self._tuplet = (time, count), groups

    def bar_line(self, passes: int, begins: bool, closes: bool) -> None:
        """A bar line.

        Args:
            passes: How often the section before is played; 0 where no repeat ends.
            begins: Whether a repeated section begins.
            closes: Whether it is a double bar line, which ends an ending.
        """
        bar = self.bars[-1]
        empty = not (self._at or bar.notes)
        if passes and not (empty and len(self.bars) == 1):
            self.bars[-2 if empty else -1].passes = passes
        self._next_bar(frozenset() if closes or passes or begins else bar.endings)
        self.bars[-1].begins |= begins
        self.bars[-1].may_begin |= closes
        self._altered = {}

    def ending(self, numbers: frozenset[int]) -> None:
        """An ending begins here, bar line or not."""
        self.bars[-1].open = self._at > 0
        self._next_bar(numbers)

    def overlay(self) -> None:
        """Back to the beginning of the bar, with another line of notes."""
        self.bars[-1].length = max(self.bars[-1].length, self._at)
        self._at = 0
        self._lines += 1

    def end(self) -> None:
        """The tune is over. A sign that would begin a repeat here means the end of one."""
        self._next_bar(frozenset())
        if self.bars[-1].begins and len(self.bars) > 1:
            self.bars[-2].passes = self.bars[-2].passes or 2

    def _next_bar(self, endings: frozenset[int]) -> None:
        bar = self.bars[-1]
        bar.length = max(bar.length, self._at)
        if not bar.open:
            bar.length = rounded(bar.length, [self.settings.meter], TICKS)
        if bar.length or bar.notes:
            if self._lines:
                bar.notes.sort(key=BY_TIME)
            self.bars.append(Bar())
            self.tempos.append([])
            self.meters.append([])
        self.bars[-1].endings = endings
        self._at, self._lines = 0, 0
        self._last = replace(self._last, first=0, end=0, duration=0)

    def _pitch(self, letter: str, octave: int, accidental: int | None) -> int:
        if accidental is not None:
            self._altered[letter] = accidental
        elif (letter, octave) in self._tied:
            return self._tied[letter, octave]
        alter = self._altered.get(letter, self.settings.key.get(letter, 0))
        return 12 * (octave + 1) + _SEMITONES[letter] + alter + self.settings.transpose + self.settings.shift

    def _ticks(self, length: Ratio) -> int | None:
        """The length of the next group, to the nearest tick; None where it makes no sense."""
        (times, of), left = self._tuplet
        unit = self.settings.unit
        above = length[0] * unit.numerator * self._broken[0] * (times if left else 1) * WHOLE
        below = length[1] * unit.denominator * self._broken[1] * (of if left else 1)
        ticks = (2 * above + below) // (2 * below) if below else 0
        return ticks if 1 <= ticks <= MAX_QUARTERS * TICKS else None

    def _sound(self, group: list[tuple[Note, tuple[str, int]]], ticks: int) -> None:
        """Notes that sound together, or a rest where there are none; then time goes on."""
        notes = self.bars[-1].notes
        first = len(notes)
        notes += [note for note, _ in group]
        self._last = _Group(first, len(notes), ticks, [step for _, step in group])
        self._tied = {step: note.pitch for note, step in group if note.tied_on}
        self._at += ticks
        self._broken = ONE
        factor, left = self._tuplet
        self._tuplet = (factor, left - 1) if left > 1 else (ONE, 0)
