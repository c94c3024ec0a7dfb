"""A score as bars of notes with values that can be printed: ties, rests, dots and triplets. Knows no format.

Time is counted in steps, 24 to a quarter note, which holds 32nd notes and triplets of 32nd notes exactly.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from seqgen.errors import MidiError
from seqgen.music import programs
from seqgen.music.score import DRUMS, Score

QUARTER = 24
# Steps → values without and with a dot; and those of a triplet, which last two thirds.
PLAIN = {
    192: ("breve", 0), 144: ("whole", 1), 96: ("whole", 0), 72: ("half", 1), 48: ("half", 0), 36: ("quarter", 1),
    24: ("quarter", 0), 18: ("eighth", 1), 12: ("eighth", 0), 9: ("16th", 1), 6: ("16th", 0), 3: ("32nd", 0),
}  # fmt: skip
TRIPLET = {64: "whole", 32: "half", 16: "quarter", 8: "eighth", 4: "16th", 2: "32nd", 1: "64th"}

Meter = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """A chord or a rest of one printed value.

    Attributes:
        at, steps: From the beginning of the bar, and how long.
        pitches: Of its notes, from low to high; none: a rest.
        velocity: Of the loudest.
        tied_back, tied_on: Whether it goes on from the event before, and whether the next one goes on from it.
    """

    at: int
    steps: int
    pitches: tuple[int, ...] = ()
    velocity: int = 0
    tied_back: bool = False
    tied_on: bool = False

    @property
    def triplet(self) -> bool:
        """Whether its value is one of a triplet."""
        return self.steps not in PLAIN


@dataclass(frozen=True)
class Bar:
    """A bar.

    Attributes:
        begin, steps: From the beginning of the piece, and how long.
        meter: The meter that it is printed in.
        short: Whether it is shorter than its meter, as an upbeat is.
        tempos: (step in the bar, quarter notes a minute) of tempos that begin in it.
    """

    begin: int
    steps: int
    meter: Meter
    short: bool = False
    tempos: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class PrintedPart:
    """A part.

    Attributes:
        name, program: As in `Score`; the program is DRUMS for drums.
        voices: For each voice, the events of each bar.
        mean: Of its pitches.
    """

    name: str
    program: int
    voices: tuple[tuple[tuple[Event, ...], ...], ...]
    mean: float


@dataclass(frozen=True)
class Print:
    """What is to be printed.

    Attributes:
        title: Of the piece.
        bars: All bars.
        parts: All parts, in order.
        counts: (12,) steps that each pitch class sounds, drums aside.
    """

    title: str
    bars: tuple[Bar, ...]
    parts: tuple[PrintedPart, ...]
    counts: tuple[int, ...] = field(default=(0,) * 12)


def quantized(score: Score, grid: int) -> Score:
    """The score with onsets and ends on the nearest `grid`-th of a whole note, no note shorter than one."""
    ticks = score.ticks_per_quarter * 4

    def moved(at: np.ndarray) -> np.ndarray:
        return (2 * at * grid + ticks) // (2 * ticks)

    onset, end = moved(score.onset), moved(score.onset + score.duration)
    unit = 96 // grid if 96 % grid == 0 else 0
    if not unit:
        raise MidiError(f"grid is {grid}, expected a divisor of 96", "16 for sixteenths, 12 for triplets of eighths")
    rows = np.stack((onset, np.maximum(end - onset, 1), score.pitch, score.velocity, score.program), axis=1)
    rows[:, :2] *= unit
    same = np.column_stack((score.part, rows[:, 0], rows[:, 2]))
    first = np.sort(np.unique(same, axis=0, return_index=True)[1])  # keys that now begin together sound once
    return Score.from_notes(
        QUARTER,
        rows[first],
        part=score.part[first],
        names=score.names,
        tempo_tick=moved(score.tempo_tick) * unit,
        tempo=score.tempo,
        meter_tick=moved(score.meter_tick) * unit,
        meter=score.meter,
        length=int(moved(np.array([score.length]))[0]) * unit,
        kit=score.kit,
        title=score.title,
    )


def printed(score: Score) -> Print:
    """The bars, parts and voices of a score.

    Raises:
        MidiError: It holds no notes, or some that lie on no 24th of a quarter note.
    """
    if len(score) == 0:
        raise MidiError("music holds no notes", "there is nothing to print")
    drums = score.program == DRUMS
    begin, end = _steps(score, score.onset), _steps(score, score.onset + np.where(drums, 0, score.duration))
    end = np.maximum(end, begin + 1)
    off = (begin < 0) | (end < 0)
    if off.any():
        said = f"{int(off.sum()):,} of {len(score):,} notes lie off the grid of 24ths of a quarter note"
        raise MidiError(f"music cannot be printed: {said}", "put it on a grid: --grid 16")
    bars = _bars(score, int(end.max()))
    parts = [_part(score, part, begin, end, bars) for part in np.unique(score.part).tolist()]
    lengths = np.where(drums, 0, end - begin)
    counts = np.bincount(score.pitch.astype(np.int64) % 12, lengths, minlength=12).astype(np.int64)
    return Print(score.title, tuple(bars), tuple(parts), tuple(counts.tolist()))


def _steps(score: Score, ticks: np.ndarray) -> np.ndarray:
    """(N,) steps, −1 where a tick lies on none (but for rounding)."""
    step = (2 * QUARTER * ticks + score.ticks_per_quarter) // (2 * score.ticks_per_quarter)
    exact = np.abs(step * score.ticks_per_quarter - QUARTER * ticks) * 480 <= QUARTER * score.ticks_per_quarter
    return np.where(exact, step, -1)


def _bars(score: Score, end: int) -> list[Bar]:
    """The bars up to `end`, a meter that begins inside a bar cutting it short."""
    changes = [
        (round(QUARTER * tick / score.ticks_per_quarter), (over, under))
        for tick, (over, under) in zip(score.meter_tick.tolist(), score.meter.tolist())
    ]
    changes = changes if changes and changes[0][0] == 0 else [(0, (4, 4)), *changes]
    bars: list[Bar] = []
    for (at, meter), following in zip(changes, [*(step for step, _ in changes[1:]), end]):
        length = max(4 * QUARTER * meter[0] // meter[1], 1)
        last = following if following != end or (at, meter) != changes[-1] else end
        while at < last:
            steps = length if (at, meter) == changes[-1] or last == end else min(length, last - at)
            bars.append(Bar(at, steps, meter, steps < length))
            at += steps
    return _with_upbeat(_with_tempos(score, bars))


def _with_upbeat(bars: list[Bar]) -> list[Bar]:
    """A first bar that is shorter than the second, whose meter is another, is an upbeat in that meter."""
    if len(bars) > 1 and bars[0].steps < bars[1].steps and bars[0].meter != bars[1].meter and not bars[1].short:
        bars[0] = dataclasses.replace(bars[0], meter=bars[1].meter, short=True)
    return bars


def _with_tempos(score: Score, bars: list[Bar]) -> list[Bar]:
    begins = np.array([bar.begin for bar in bars])
    found: dict[int, dict[int, float]] = {}
    for tick, tempo in zip(score.tempo_tick.tolist(), score.tempo.tolist()):
        step = round(QUARTER * tick / score.ticks_per_quarter)
        number = max(int(np.searchsorted(begins, step, side="right")) - 1, 0)
        if step - bars[number].begin < bars[number].steps:
            found.setdefault(number, {})[step - bars[number].begin] = 60_000_000 / tempo
    return [dataclasses.replace(bar, tempos=tuple(sorted(found.get(at, {}).items()))) for at, bar in enumerate(bars)]


def _part(score: Score, number: int, begin: np.ndarray, end: np.ndarray, bars: list[Bar]) -> PrintedPart:
    own = np.flatnonzero(score.part == number)
    program = int(score.program[own[0]])
    chords: dict[tuple[int, int], list[int]] = {}
    loud: dict[tuple[int, int], int] = {}
    for at in own.tolist():
        span = (int(begin[at]), int(end[at]))
        if program == DRUMS:
            span = (span[0], span[0] + 1)  # as long as there is room
        chords.setdefault(span, []).append(int(score.pitch[at]))
        loud[span] = max(loud.get(span, 0), int(score.velocity[at]))
    rows = [(first, last, tuple(sorted(set(pitches))), loud[first, last]) for (first, last), pitches in chords.items()]
    rows = _sustained(rows, bars) if program == DRUMS else rows
    voices = tuple(tuple(_filled(voice, bar) for bar in bars) for voice in _voices(rows))
    name = score.names[number] or programs.name(program)
    return PrintedPart(name, program, voices, float(score.pitch[own].mean()))


Row = tuple[int, int, tuple[int, ...], int]  # begin, end, pitches, velocity


def _sustained(rows: list[Row], bars: list[Bar]) -> list[Row]:
    """Drum hits that last until the next one, but not beyond their beat and their bar."""
    together: dict[int, tuple[set[int], int]] = {}
    for begin, _, pitches, velocity in rows:
        found, loud = together.get(begin, (set[int](), 0))
        together[begin] = found | set(pitches), max(loud, velocity)
    rows = [(at, at + 1, tuple(sorted(found)), loud) for at, (found, loud) in sorted(together.items())]
    begins = np.array([bar.begin for bar in bars])
    result = []
    for (begin, _, pitches, velocity), following in zip(rows, [*rows[1:], None]):
        bar = bars[int(np.searchsorted(begins, begin, side="right")) - 1]
        inside = (begin - bar.begin) % QUARTER
        end = min(begin + QUARTER - inside, bar.begin + bar.steps)
        result.append((begin, min(end, following[0]) if following else end, pitches, velocity))
    return result


def _voices(rows: list[Row]) -> list[list[Row]]:
    """Rows of which none in one voice overlap: each goes to the first voice that is free."""
    voices: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: (row[0], -row[2][-1])):
        free = next((voice for voice in voices if voice[-1][1] <= row[0]), None)
        if free is None:
            voices.append([row])
        else:
            free.append(row)
    return voices


def _filled(voice: list[Row], bar: Bar) -> tuple[Event, ...]:
    """The events of a voice in a bar, rests included; nothing where the voice is silent all through it."""
    stop = bar.begin + bar.steps
    events: list[Event] = []
    at = bar.begin
    for begin, end, pitches, velocity in _within(voice, bar.begin, stop):
        first, last = max(begin, bar.begin), min(end, stop)
        events += _rest(at - bar.begin, first - bar.begin)
        pieces = list(values(first - bar.begin, last - bar.begin))
        for index, (where, steps) in enumerate(pieces):
            back, on = index > 0 or begin < bar.begin, index < len(pieces) - 1 or end > stop
            events.append(Event(where, steps, pitches, velocity, back, on))
        at = last
    return (*events, *_rest(at - bar.begin, bar.steps)) if events else ()


def _within(voice: list[Row], begin: int, end: int) -> Iterator[Row]:
    """The rows that sound between two steps; a voice is sorted."""
    low, high = 0, len(voice)
    while low < high:  # the first row that ends after `begin`
        middle = (low + high) // 2
        low, high = (middle + 1, high) if voice[middle][1] <= begin else (low, middle)
    for row in voice[low:]:
        if row[0] >= end:
            return
        yield row


def _rest(begin: int, end: int) -> list[Event]:
    return [Event(at, steps) for at, steps in values(begin, end)]


def values(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """(where, steps) of values that can be printed, one after the other, from one step of a bar to another.

    What begins on a beat, or in the middle of one and keeps to eighths, may cross beats; nothing else does, so that
    triplets lie within theirs.
    """
    at = begin
    while at < end:
        left, inside = end - at, at % QUARTER
        free = inside == 0 or (inside == QUARTER // 2 and left % 12 == 0)
        room = left if free else min(left, QUARTER - inside)
        if free and room >= QUARTER:
            unit = 12 if left % 12 == 0 else QUARTER
            steps = max(value for value in PLAIN if value <= room and value % unit == 0)
        else:
            steps = max(value for value in (TRIPLET if inside % 3 or room % 3 else PLAIN) if value <= room)
        yield at, steps
        at += steps
