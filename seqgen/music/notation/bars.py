"""Written music to played notes: repeats and endings, ties, grace notes. Shared by the MusicXML and ABC readers.

Written music is a row of bars. A bar holds notes at ticks from its own beginning; a repeat plays it again. This module
knows neither of the two formats. Da capo and dal segno are followed by `jumps`.
"""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple, TypeVar

from seqgen.errors import MidiError
from seqgen.music.faults import SKIP
from seqgen.music.score import MAX_SECONDS, Score

MAX_BYTES = 64 << 20
MAX_NOTES = 500_000  # of one piece, written or played, all its parts together
MAX_PASSES = 8  # how often a section is repeated at most
MAX_QUARTERS = 1024  # of one note
MAX_TITLE = 200
VELOCITY = 80  # where no dynamics are given
# Velocities of dynamic marks: steps of 16 with mf at the default.
DYNAMICS = {
    "pppp": 10, "ppp": 20, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 122, "ffff": 126,
    "fp": 49, "sfp": 49,
}  # fmt: skip

NO_ENDING: frozenset[int] = frozenset()
NO_MARKS: frozenset[str] = frozenset()
Row = list[int]  # onset, duration, pitch, velocity, program
Line = tuple[str, str]  # the voice and the staff of a note
Value = TypeVar("Value")


class Note(NamedTuple):
    """A written note.

    Attributes:
        at: Ticks from the beginning of its bar; below 0 for a grace note before the first beat.
        duration: Ticks.
        pitch, velocity, program: As in `Score`.
        voice: Which line of the part it belongs to.
        tied_on: A tie leads on from it.
        tied_back: A tie may lead to it: it lengthens the tied note of its pitch that ends where it begins.
        lead: For the first of a group of grace notes, how many ticks they take before the beat; else 0.
        staff: Which of the staves of its part it stands on.
    """

    at: int
    duration: int
    pitch: int
    velocity: int
    program: int
    voice: str
    tied_on: bool
    tied_back: bool
    lead: int = 0
    staff: str = ""


BY_TIME = itemgetter(0)  # the key to sort notes by


@dataclass(slots=True)
class Bar:
    """What stands between two bar lines.

    Attributes:
        notes: In the order of their times, so that a tied note stands before the one it is tied to.
        length: Ticks.
        begins: A repeated section begins with this bar.
        may_begin: So it does where no other beginning is given (after a double bar line in ABC).
        passes: How often the section that ends with this bar is played; 0 where none ends.
        endings: In which passes this bar is played (first and second endings); empty: in all.
        count: How many bars of rest it stands for.
        open: No bar line stands at its end, only the number of an ending.
        marks: What it says of jumps; see `jumps.MARKS`.
    """

    notes: list[Note] = field(default_factory=list)
    length: int = 0
    begins: bool = False
    may_begin: bool = False
    passes: int = 0
    endings: frozenset[int] = NO_ENDING
    count: int = 1
    open: bool = False
    marks: frozenset[str] = NO_MARKS


@lru_cache(4096)
def ending_numbers(numbers: tuple[str | int, ...]) -> frozenset[int]:
    """The passes that an ending is played in; those that are never reached are all one."""
    return frozenset(min(int(number), MAX_PASSES + 1) for number in numbers)


def grace_ticks(count: int, ticks_per_quarter: int) -> int:
    """How long each of `count` grace notes is: a 32nd note, less where there are more than four."""
    return max(1, min(ticks_per_quarter // 8, ticks_per_quarter // (2 * max(count, 1))))


def place_graces(groups: Iterable[tuple[int, list[list[Note]]]], ticks_per_quarter: int) -> list[Note]:
    """Grace notes with their times.

    Args:
        groups: The onset of a main note, and the grace notes before it: a list of chords.
        ticks_per_quarter: Of the score.
    """
    placed = []
    for at, chords in groups:
        width = grace_ticks(len(chords), ticks_per_quarter)
        for index, chord in enumerate(chords):
            before = (len(chords) - index) * width
            lead = before if index == 0 else 0
            placed += [note._replace(at=at - before, duration=width, lead=lead) for note in chord]
    return placed


def play_order(bars: Sequence[Bar]) -> list[int]:
    """Indices of bars in the order in which they are played, repeats and endings followed."""
    order: list[int] = []
    passes = _all_passes(bars)
    section, times, at, jumped = 0, 1, 0, False
    while at < len(bars):
        bar = bars[at]
        if not jumped and at > section and _begins(bars, at, section):
            section, times = at, 1
        jumped = False
        if not bar.endings or times in bar.endings:
            order.append(at)
            if times < passes[at]:
                at, times, jumped = section, times + 1, True
                continue
            if bar.passes and not _further_ending(bars, at, times):
                section, times = at + 1, 1
        at += 1
    return order


def _begins(bars: Sequence[Bar], at: int, section: int) -> bool:
    """Whether a section begins with bar `at`, the last one having begun with bar `section`."""
    left_endings = bool(bars[at - 1].endings) and not bars[at].endings
    return left_endings or bars[at].begins or (bars[at].may_begin and not bars[section].begins)


def _all_passes(bars: Sequence[Bar]) -> list[int]:
    """For each bar that ends a section, how often the section is played: endings that stand together say so too."""
    passes = [min(bar.passes, MAX_PASSES) for bar in bars]
    first = 0
    for at in range(1, len(bars) + 1):
        together = at < len(bars) and bars[at - 1].endings and bars[at].endings and not bars[at].begins
        if not together:
            last = max((number for bar in bars[first:at] for number in bar.endings), default=0)
            for index in range(first, at) if last else ():
                passes[index] = min(max(last, 2), MAX_PASSES) if bars[index].passes else 0
            first = at
    return passes


def _further_ending(bars: Sequence[Bar], at: int, times: int) -> bool:
    """Whether the bar after `at` is another ending of this same section."""
    return at + 1 < len(bars) and bool(bars[at].endings) and times in bars[at + 1].endings


def starts_of(order: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """The tick at which each played bar begins, and the end of the last."""
    return list(accumulate((lengths[at] for at in order), initial=0))


def plays_of(order: Sequence[int], bars: int) -> list[list[int]]:
    """For each of so many bars, the places in the played order at which it is played."""
    places: list[list[int]] = [[] for _ in range(bars)]
    for place, at in enumerate(order):
        places[at].append(place)
    return places


def play(
    bars: Sequence[Sequence[Note]], plays: Sequence[Sequence[int]], starts: Sequence[int], room: int
) -> tuple[list[Row], list[Line]]:
    """The notes of one part as they are played, and their lines: bars in order, ties joined, graces before the beat.

    Args:
        bars: The notes of each written bar; bars without any cost nothing more.
        plays: For each bar, when it is played; see `plays_of`.
        starts: The tick at which each played bar begins.
        room: How many notes the piece may still have.

    Raises:
        MidiError: There are more.
    """
    played = sorted((place, at) for at, notes in enumerate(bars) if notes for place in plays[at])
    rows: list[Row] = []
    lines: list[Line] = []
    leads: list[tuple[str, int, int]] = []  # voice, where the grace notes begin, where their main note does
    tied: dict[tuple[int, int], Row] = {}  # (pitch, end) of a note from which a tie leads on
    for place, at in played:
        start = starts[place]
        for note in bars[at]:
            onset = max(0, start + note.at)
            end = onset + note.duration
            row = tied.pop((note.pitch, onset), None) if note.tied_back else None
            if row is not None:
                row[1] = end - row[0]
            else:
                row = [onset, note.duration, note.pitch, note.velocity, note.program]
                rows.append(row)
                lines.append((note.voice, note.staff))
            if note.tied_on:
                tied[note.pitch, end] = row
            if note.lead:
                leads.append((note.voice, onset, onset + note.lead))
        if len(rows) > room:
            found = f"found {MAX_NOTES - room + len(rows):,} and more"
            raise MidiError(f"music has too many notes (expected at most {MAX_NOTES:,}, {found})", "drop the file")
    if leads:
        _make_way(rows, lines, leads)
    return rows, lines


def _make_way(rows: list[Row], lines: list[Line], leads: list[tuple[str, int, int]]) -> None:
    """End the notes before a group of grace notes where it begins, so that they do not overlap."""
    groups: dict[tuple[str, int], list[int]] = {}  # onsets before one place from the last group back, while they rise
    for voice, onset, main in reversed(leads):
        onsets = groups.setdefault((voice, main), [])
        if not onsets or onset > onsets[-1]:
            onsets.append(onset)
    for row, (voice, _) in zip(rows, lines):
        onsets = groups.get((voice, row[0] + row[1]), [])
        at = bisect.bisect_right(onsets, row[0])
        if at < len(onsets):
            row[1] = onsets[at] - row[0]


def timeline(
    changes: Sequence[Sequence[tuple[int, Value]]], order: Sequence[int], starts: Sequence[int], first: Value
) -> list[tuple[int, Value]]:
    """What holds from which tick on, in played order; the first entry is at tick 0.

    Args:
        changes: For each written bar, ticks in the bar and new values, sorted.
        order, starts: Of the played bars.
        first: What holds before any change.
    """
    before: list[Value] = []
    value = first
    for bar in changes:
        before.append(value)
        value = bar[-1][1] if bar else value
    played: list[tuple[int, Value]] = [(0, first)]
    for at, start, end in zip(order, starts, starts[1:]):
        for tick, value in [(0, before[at]), *changes[at]]:
            tick = min(start + tick, end)
            if tick == played[-1][0]:
                played.pop()
            if not played or played[-1][1] != value:
                played.append((tick, value))
    return played


def checked(score: Score) -> Score:
    """The score, if it holds notes and is within a day. Raises MidiError otherwise."""
    if len(score) == 0:
        raise MidiError("music holds no notes", SKIP)
    if score.duration_seconds > MAX_SECONDS:
        hours = score.duration_seconds / 3600
        raise MidiError(f"music is too long (expected at most 24 hours, found {hours:.1f})", "drop the file")
    return score


def printable(text: str) -> str:
    """A title on one line, without control characters, of at most MAX_TITLE characters."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:MAX_TITLE]
