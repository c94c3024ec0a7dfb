"""The time axis of a piano roll: bars where a piece has a meter or tempo of its own or keeps to beats, else seconds."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.music.metric import WRITTEN, on_beats
from seqgen.music.score import DEFAULT_TEMPO, Score
from seqgen.render._matplotlib import Axes
from seqgen.render.window import clock, window

Scale = Callable[[NDArray[np.int64]], NDArray[np.float64]]
MAX_BARS = 20_000
TICKS_PER_INCH = 1.4
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)  # seconds
BAR_STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


def time_axis(ax: Axes, score: Score) -> Scale:
    """Limits, ticks and label of the axis; returns what turns ticks of the score into its coordinate."""
    figure = ax.get_figure()
    assert figure is not None
    room = max(int(figure.get_figwidth() * TICKS_PER_INCH), 4)  # type: ignore[union-attr]
    starts = bar_starts(score) if _has_meter(score) else None
    if starts is None:
        _seconds_axis(ax, score, room)
        return lambda ticks: np.asarray(score.seconds(ticks))
    _bar_axis(ax, starts, room)
    if len(starts) <= 5 * room:
        ax.set_xticks(np.arange(1, len(starts) + 1), minor=True)
    return lambda ticks: np.interp(ticks, starts, np.arange(1, len(starts) + 1))


def _has_meter(score: Score) -> bool:
    """Whether the file says more than what every file says, 4/4 at 120 beats a minute; or its notes keep to that."""
    plain = len(score.tempo) == 1 and int(score.tempo[0]) == DEFAULT_TEMPO
    return not (plain and score.meter.tolist() == [[4, 4]]) or on_beats(score) > WRITTEN


def bar_starts(score: Score) -> NDArray[np.float64] | None:
    """(B + 1,) ticks where the shown bars begin, and where the last of them ends; a change of meter begins a new bar.

    None where there are absurdly many bars, or the shown stretch does not begin with the first.
    """
    begin, limit = window(score)
    end = int((score.onset + score.duration).max())
    bars: list[float] = []
    closing = 0.0
    following = [*score.meter_tick.tolist()[1:], end]
    for first, stop, (top, bottom) in zip(score.meter_tick.tolist(), following, score.meter.tolist()):
        length = 4 * score.ticks_per_quarter * top / bottom if top > 0 and bottom > 0 else 0.0
        stop = min(stop, end)
        if length < 1 or (stop - first) / length > MAX_BARS - len(bars):
            return None
        if first < stop:
            bars.extend(np.arange(first, stop, length).tolist())
            closing = bars[-1] + length
    shown = int((score.seconds(bars) < limit).sum())
    return np.array([*bars, closing])[: shown + 1] if bars and begin == 0 else None


def _bar_axis(ax: Axes, starts: NDArray[np.float64], room: int) -> None:
    bars = len(starts) - 1
    step = next((step for step in BAR_STEPS if bars / step <= room), BAR_STEPS[-1])
    ticks: Any = np.arange(1, bars + 1, step)
    ax.set_xlim(1, bars + 1)
    ax.set_xticks(ticks, [str(tick) for tick in ticks], ha="left")
    ax.set_xlabel("bar")


def _seconds_axis(ax: Axes, score: Score, room: int) -> None:
    start, end = window(score)
    step = next((step for step in STEPS if (end - start) / step <= room), STEPS[-1])
    ticks = np.arange(np.ceil(start / step), end / step + 1e-9) * step
    long = end > 120
    ax.set_xlim(start, end + 0.004 * (end - start))  # a last drum hit is not cut
    ax.set_xticks(ticks, [clock(tick) if long else f"{tick:g}" for tick in ticks])
    ax.set_xlabel("minutes and seconds" if long else "seconds")
