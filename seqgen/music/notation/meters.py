"""From written bars to a meter map whose bar lines are the written ones. Knows lengths and meters, no notes.

A bar whose length is that of its written meter has that meter. Any other (an upbeat, the two parts of a bar that a
repeat sign divides, a bar without a time signature) has the simplest meter of its real length, and the written meter
is said again after it. The last bar of a piece may be shorter than its meter: it ends there, or goes on as a prompt.
"""

from collections.abc import Iterable, Sequence

from seqgen.music.faults import Faults
from seqgen.music.notation.bars import Bar

MAX_OVER = 64  # the largest numerator that every reader and codec takes
UNDER = (4, 8, 16, 32, 64, 2, 1)  # denominators, the simplest first
FINEST = 8  # 32nd notes in a quarter note: bars are as long as so many

Meter = tuple[int, int]


def bar_ticks(meter: Meter, ticks_per_quarter: int) -> int:
    """The length of a bar."""
    return 4 * ticks_per_quarter * meter[0] // meter[1]


def simplest(ticks: int, ticks_per_quarter: int) -> Meter | None:
    """The meter of a bar of so many ticks, in quarters where they go up; None where no meter is so long."""
    for under in UNDER:
        over, rest = divmod(ticks * under, 4 * ticks_per_quarter)
        if rest == 0 and 1 <= over <= MAX_OVER:
            return over, under
    return None


def in_force(changes: Iterable[Sequence[tuple[int, Meter | None]]], first: Meter | None) -> list[list[Meter | None]]:
    """For each written bar the meters that hold in it: at its beginning, then what it changes to.

    Args:
        changes: For each bar, ticks in it and new meters, sorted; None is free meter.
        first: What holds before any change.
    """
    meter, found = first, []
    for bar in changes:
        held = [] if bar and bar[0][0] == 0 else [meter]
        held += [new for _, new in bar]
        meter = held[-1]
        found.append(held)
    return found


def rounded(length: int, meters: Iterable[Meter | None], ticks_per_quarter: int) -> int:
    """The length of a bar: of one of its meters where less than a 32nd note keeps them apart, else whole 32nd notes.

    A bar that lasts a 64th or some thirds more is rounded, or a slip of who wrote it: no meter is so long.
    """
    for meter in meters:
        full = bar_ticks(meter, ticks_per_quarter) if meter else 0
        if 0 < abs(length - full) * FINEST < ticks_per_quarter:
            return full
    unit = ticks_per_quarter // FINEST
    return max((2 * length + unit) // (2 * unit), int(length > 0)) * unit


def meter_map(
    order: Sequence[int],
    starts: Sequence[int],
    bars: Sequence[Bar],
    meters: Sequence[Sequence[Meter | None]],
    ticks_per_quarter: int,
    faults: Faults,
) -> list[tuple[int, Meter]]:
    """From which tick on which meter holds, as the bars are played; the first is at tick 0.

    Args:
        order, starts: Of the played bars, see `bars.starts_of`.
        bars: As written.
        meters: For each written bar those that hold in it, see `in_force`.
        ticks_per_quarter: Of the score.
        faults: Where bars are counted whose length no meter has.
    """
    played: list[tuple[int, Meter]] = []
    place = 0
    while place < len(order):
        begin, first = starts[place], order[place]
        while bars[order[place]].open and place + 1 < len(order):  # it goes on after the ending's number
            place += 1
        place += 1
        length, count = starts[place] - begin, bars[first].count
        if length:
            meter = _meter(length // count, meters[first], starts[place] == starts[-1], ticks_per_quarter)
            faults.mended("bar of no meter", int(meter is None))
            held = meter or next((each for each in meters[first] if each), None) or (4, 4)
            if not played or played[-1][1] != held:
                played.append((begin, held))
    return played or [(0, next((each for bar in meters for each in bar if each), (4, 4)))]


def _meter(length: int, written: Sequence[Meter | None], last: bool, ticks_per_quarter: int) -> Meter | None:
    """The meter of a bar: a written one of its length, of the last bar one that is longer, else the simplest."""
    for meter in written:
        full = bar_ticks(meter, ticks_per_quarter) if meter else 0
        if meter and (length == full or (last and length < full)):
            return meter
    return simplest(length, ticks_per_quarter)
