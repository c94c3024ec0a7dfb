"""Loss curves as inline SVG that follows the page's colours and width. It knows numbers, and nothing of training.

The SVG is written by hand: a picture from a plotting library has its colours fixed, and would not turn dark with the
page. Colours are the classes `s0`, `s1`, … and `currentColor`, which `seqgen.render.report` styles.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 68.0, 14.0, 14.0, 52.0  # room for the larger letters of a narrow page
UPRIGHT, DIGIT = 30.0, 10.5  # of LEFT: what the y axis's label takes, and a digit of its ticks
MAX_POINTS = 400
HUES = 6  # classes s0 … s5


@dataclass(frozen=True)
class Series:
    """One curve: values over steps or tokens; values that are not finite are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Curve:
    """A chart of losses.

    Attributes:
        title: What is shown.
        series: Curves, the training loss first.
        baselines: (name, value) of horizontal lines, such as an n-gram model.
        x_label, y_label: What the axes count, with units.
    """

    title: str
    series: tuple[Series, ...]
    baselines: tuple[tuple[str, float], ...] = ()
    x_label: str = "steps"
    y_label: str = "nats per token"


def svg(curve: Curve) -> str:
    """The chart as one `<svg>` element without identifiers, so that many fit on one page."""
    points = [_points(series) for series in curve.series]
    x = np.concatenate([*(it[0] for it in points), np.zeros(1)])
    levels = [value for _, value in curve.baselines if np.isfinite(value)]
    y = np.concatenate([*(it[1] for it in points), np.array(levels, np.float64)])
    x_ticks, y_ticks = _ticks(0.0, float(x.max()), 6), _ticks(*_limits(y), 6)
    edge = max(LEFT, UPRIGHT + DIGIT * max(len(f"{tick:g}") for tick in y_ticks))
    plot = _Plot(0.0, max(float(x.max()), 1e-9), y_ticks[0], y_ticks[-1], edge)
    parts = [*_axes(plot, x_ticks, y_ticks, curve)]
    for place, (name, value) in enumerate(it for it in curve.baselines if np.isfinite(it[1])):
        parts.append(_baseline(plot, name, value, place))
    for place, (steps, losses) in enumerate(points):
        parts.append(_line(plot, steps, losses, _hue(place)))
    description = html.escape(f"{curve.title}: {curve.y_label} over {curve.x_label}", quote=True)
    opening = f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{description}" class="chart">'
    return "\n".join([opening, *parts, "</svg>"])


def legend(curve: Curve) -> str:
    """The names of the curves with their last values, as HTML that wraps on a narrow page."""
    entries = []
    for place, series in enumerate(curve.series):
        losses = _points(series)[1]
        last = f" {losses[-1]:.3f}" if len(losses) else ""
        entries.append(f'<span class="key {_hue(place)}">{html.escape(series.name)}{last}</span>')
    entries += [f'<span class="key dashed">{html.escape(name)} {value:.3f}</span>' for name, value in curve.baselines]
    return f'<p class="legend">{"".join(entries)}</p>'


@dataclass(frozen=True)
class _Plot:
    """Data coordinates to places in the picture, whose axis stands at `edge`."""

    left: float
    right: float
    low: float
    high: float
    edge: float

    def x(self, value: float) -> float:
        return self.edge + (value - self.left) / (self.right - self.left) * (WIDTH - self.edge - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _points(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """(n,) and (n,) finite points, averaged in bins where there are more than the picture can show."""
    x, y = np.asarray(series.x, np.float64), np.asarray(series.y, np.float64)
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    if len(x) <= MAX_POINTS:
        return x, y
    edges = np.linspace(0, len(x), MAX_POINTS + 1).astype(int)[:-1]
    count = np.diff(np.append(edges, len(x)))
    return np.add.reduceat(x, edges) / count, np.add.reduceat(y, edges) / count


def _limits(y: np.ndarray) -> tuple[float, float]:
    """The range of losses shown: a peak in the first steps does not flatten all that follows."""
    if not len(y):
        return 0.0, 1.0
    low, high = float(y.min()), float(y.max())
    usual = float(np.quantile(y, 0.97))
    if high - low > 2.5 * (usual - low) > 0:
        high = usual + 0.5 * (usual - low)
    return low, high


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers that cover [low, high]: steps of 1, 2 or 5 times a power of ten."""
    width = max(high - low, 1e-6 * max(abs(high), 1.0))
    power = 10.0 ** np.floor(np.log10(width / wanted))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * wanted >= width)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [float(f"{step * tick:.12g}") for tick in range(first, max(last, first + 1) + 1)]


def _axes(plot: _Plot, x_ticks: list[float], y_ticks: list[float], curve: Curve) -> list[str]:
    parts = []
    for tick in y_ticks:
        y = plot.y(tick)
        parts.append(f'<line class="grid" x1="{plot.edge:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{plot.edge - 6:g}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        x = plot.x(tick)
        if x <= WIDTH - RIGHT + 0.5:
            anchor = "end" if x > WIDTH - 30 else "middle"
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20:g}" text-anchor="{anchor}">{_short(tick)}</text>')
    middle = (plot.edge + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 5:g}" text-anchor="middle">{html.escape(curve.x_label)}</text>')
    height = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="translate(16 {height:g}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{html.escape(curve.y_label)}</text>')
    return parts


def _baseline(plot: _Plot, name: str, value: float, place: int) -> str:
    """A dashed line with its name above it, names side by side so that near values stay readable."""
    y = min(max(plot.y(value), TOP), HEIGHT - BOTTOM)
    line = f'<line class="baseline" x1="{plot.edge:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
    anchor = WIDTH - RIGHT - 4 - 190 * place
    lift = -5 if y > TOP + 16 else 13
    return f'{line}<text x="{anchor:g}" y="{y + lift:.1f}" text-anchor="end">{html.escape(name)}</text>'


def _hue(place: int) -> str:
    """The classes of a curve; where there are more curves than colours, the next ones are dotted."""
    return f"s{place % HUES}" + (" again" if place >= HUES else "")


def _line(plot: _Plot, x: np.ndarray, y: np.ndarray, hue: str) -> str:
    if len(x) == 1:
        return f'<circle class="{hue} dot" cx="{plot.x(x[0]):.1f}" cy="{plot.y(y[0]):.1f}" r="3.5"/>'
    shown = np.clip(y, plot.low, plot.high)
    points = " ".join(f"{plot.x(a):.1f},{plot.y(b):.1f}" for a, b in zip(x, shown))
    return f'<polyline class="{hue} line" points="{points}"/>'


def _short(value: float) -> str:
    """`1500` as it is, `20000` as 20k, `3000000` as 3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"
