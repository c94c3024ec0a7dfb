"""Where the bars of a score lie on the grid of steps. Knows meters and times, no notes and no tokens."""

from dataclasses import dataclass

import numpy as np

from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.music.arrays import differs, gaps
from seqgen.music.faults import Faults
from seqgen.music.score import Score

Meter = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Bars:
    """Stretches of bars of one meter, (S,) each.

    Attributes:
        begin: Steps at which a stretch begins; the first is 0.
        steps: The length of its bars.
        count: How many bars stand before it.
        meter: Its meter, as in the score's notation.
    """

    begin: Ints
    steps: Ints
    count: Ints
    meter: tuple[Meter, ...]

    @classmethod
    def of(cls, stretches: list[tuple[int, Meter]]) -> "Bars":
        """From (step, meter), each of which begins where a bar of the one before ends."""
        begin = np.array([step for step, _ in stretches], np.int64)
        meters = tuple(meter for _, meter in stretches)
        steps = np.array([v.bar_steps(*meter) for meter in meters], np.int64)
        count = np.concatenate(([0], np.cumsum((begin[1:] - begin[:-1]) // steps[:-1])))
        return cls(begin, steps, count, meters)

    def place(self, step: Ints) -> tuple[Ints, Ints]:
        """(N,) bar and (N,) steps from its beginning, of steps from the beginning of the piece."""
        which = np.searchsorted(self.begin, step, side="right") - 1
        bars, inside = np.divmod(step - self.begin[which], self.steps[which])
        return self.count[which] + bars, inside

    def step(self, bar: Ints) -> Ints:
        """(N,) the step at which each bar begins."""
        which = self.stretch(bar)
        return self.begin[which] + (bar - self.count[which]) * self.steps[which]

    def stretch(self, bar: Ints) -> Ints:
        """(N,) the stretch that each bar belongs to."""
        return np.searchsorted(self.count, bar, side="right").astype(np.int64) - 1


def on_grid(ticks: Ints, ticks_per_quarter: int) -> Ints:
    """(N,) the nearest step of each tick; halves go up."""
    return (2 * v.QUARTER * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def read_bars(score: Score, last: int, faults: Faults) -> Bars:
    """The bars of a score up to step `last`, in meters that the vocabulary has.

    A meter that begins inside a bar cuts that bar short: it gets a meter of its own. Where that meter would have no
    name the new one begins with the next bar instead.
    """
    stretches: list[tuple[int, Meter]] = [(0, v.METERS[0])]
    steps = on_grid(score.meter_tick, score.ticks_per_quarter)
    for step, (over, under) in zip(steps.tolist(), score.meter.tolist()):
        if step > last:
            break
        _change(stretches, step, _sayable(over, under, faults), faults)
    return Bars.of(stretches)


def _change(stretches: list[tuple[int, Meter]], step: int, meter: Meter, faults: Faults) -> None:
    begin, current = stretches[-1]
    if meter == current:
        return
    inside = max(step - begin, 0) % v.bar_steps(*current)
    line = max(step, begin) - inside
    if inside:
        short = _meter_of(inside)
        if short is None:
            faults.mended("meter that begins inside a bar")
            line += v.bar_steps(*current)
        else:
            faults.mended("bar cut short by a meter")
            _put(stretches, line, short)
            line += inside
    _put(stretches, line, meter)


def _put(stretches: list[tuple[int, Meter]], step: int, meter: Meter) -> None:
    if stretches[-1][0] == step:
        stretches.pop()
    if not stretches or stretches[-1][1] != meter:
        stretches.append((step, meter))


def _meter_of(steps: int) -> Meter | None:
    """The simplest meter whose bar has so many steps, in quarters or shorter notes."""
    for under in (4, 8, 16, 32):
        over, rest = divmod(steps * under, v.WHOLE)
        if rest == 0 and v.sayable(over, under):
            return over, under
    return None


def _sayable(over: int, under: int, faults: Faults) -> Meter:
    """The meter, or one of shorter bars that fit into its own, or 4/4."""
    if v.sayable(over, under):
        return over, under
    for part in range(over - 1, 0, -1):
        if over % part == 0 and v.sayable(part, under):
            faults.mended("meter of long bars")
            return part, under
    faults.mended("meter without a name")
    return v.METERS[0]


def kept_bars(sounding: Ints) -> Ints:
    """(K,) the bars to keep, given the (N,) sorted bars of onsets: of more than MAX_EMPTY empty ones the first."""
    bars = sounding[differs(sounding)]
    before = np.concatenate(([-1], bars[:-1]))
    counts = np.minimum(bars - before, v.MAX_EMPTY + 1)
    ends = np.cumsum(counts)
    inside = np.arange(int(ends[-1])) - np.repeat(ends - counts, counts)
    kept = np.repeat(before, counts) + 1 + inside
    kept[ends - 1] = bars
    return np.asarray(kept, np.int64)


@dataclass(frozen=True, eq=False)
class Clock:
    """From steps of a score to steps of the bars that are kept.

    Attributes:
        bars: All bars.
        kept: (K,) those kept; see `kept_bars`.
        begin: (K,) the step at which each begins once the others are cut.
    """

    bars: Bars
    kept: Ints
    begin: Ints

    @classmethod
    def of(cls, bars: Bars, onset: Ints) -> "Clock":
        """From the (N,) steps of onsets, at least one."""
        kept = kept_bars(np.sort(bars.place(onset)[0]))
        steps = bars.steps[bars.stretch(kept)]
        return cls(bars, kept, np.cumsum(steps) - steps)

    @property
    def cuts(self) -> int:
        """How many rests are cut."""
        return int(np.count_nonzero(gaps(self.kept, -1) > 1))

    def steps(self, step: Ints) -> Ints:
        """(N,) the same moments with long rests cut: what lies in a bar that is cut moves to the next one kept."""
        if self.kept[-1] == len(self.kept) - 1:
            return step
        bar, inside = self.bars.place(step)
        place = np.searchsorted(self.kept, bar)
        here = np.minimum(place, len(self.kept) - 1)
        found = self.begin[here] + np.where(self.kept[here] == bar, inside, 0)
        last = int(self.bars.step(self.kept[-1:])[0])
        return np.asarray(np.where(place == len(self.kept), step - last + self.begin[-1], found))
