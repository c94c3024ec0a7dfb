"""Quartiles of several groups side by side, as inline SVG and as lines of text. It knows numbers only.

Each row has an axis of its own, from the least to the most of its groups; the groups lie below one another on it. The
box reaches from the lower to the upper quartile, its mark is the median, the thin line goes from .05 to .95.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, TOP = 640.0, 30.0  # of the picture; of the name of a row
LEFT, RIGHT = 12.0, 12.0
HEIGHT, GAP = 14.0, 6.0  # of a box, between boxes
Five = tuple[float, float, float, float, float]  # .05, lower quartile, median, upper quartile, .95


@dataclass(frozen=True)
class Row:
    """One measure: its name, and the five numbers of each group."""

    name: str
    groups: tuple[Five, ...]


@dataclass(frozen=True)
class Boxes:
    """A picture of rows that have the same groups.

    Attributes:
        title: What is shown.
        groups: Their names.
        rows: One or more.
    """

    title: str
    groups: tuple[str, ...]
    rows: tuple[Row, ...]


def limits(row: Row) -> tuple[float, float]:
    """Where the axis of a row begins and ends; never of no width."""
    low, high = min(five[0] for five in row.groups), max(five[4] for five in row.groups)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def text(five: Five, low: float, high: float, width: int) -> str:
    """`width` columns: `──▒▒▒┃▒───`, blank outside .05 to .95."""
    places = [round((value - low) / (high - low) * (width - 1)) for value in five]
    first, lower, median, upper, last = places
    cells = ["▒" if lower <= at <= upper else "─" if first <= at <= last else " " for at in range(width)]
    cells[median] = "┃"
    return "".join(cells)


def svg(boxes: Boxes) -> str:
    """The picture as one `<svg>` element without identifiers."""
    row = TOP + len(boxes.groups) * (HEIGHT + GAP) + 8
    described = html.escape(f"{boxes.title}: quartiles of {', '.join(boxes.groups)}", quote=True)
    size = f"0 0 {WIDTH:g} {row * len(boxes.rows):g}"
    parts = [f'<svg viewBox="{size}" role="img" aria-label="{described}" class="chart boxes">']
    for number, each in enumerate(boxes.rows):
        parts += _row(each, number * row)
    return "\n".join([*parts, "</svg>"])


def legend(boxes: Boxes) -> str:
    """The names of the groups, as HTML."""
    keys = [f'<span class="key s{place}">{html.escape(name)}</span>' for place, name in enumerate(boxes.groups)]
    return f'<p class="legend">{"".join(keys)}</p>'


def _row(row: Row, top: float) -> list[str]:
    low, high = limits(row)
    baseline = top + TOP - 8
    flat = all(five[0] == five[4] == row.groups[0][0] for five in row.groups)
    ends = f"{row.groups[0][0]:.3g}" if flat else f"{low:.3g} – {high:.3g}"
    parts = [
        f'<text class="name" x="{LEFT:g}" y="{baseline:g}">{html.escape(row.name)}</text>',
        f'<text x="{WIDTH - RIGHT:g}" y="{baseline:g}" text-anchor="end">{ends}</text>',
    ]
    for place, five in enumerate(row.groups):
        at = [LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT) for value in five]
        parts += _box(at, top + TOP + place * (HEIGHT + GAP), place)
    return parts


def _box(x: Sequence[float], top: float, hue: int) -> list[str]:
    middle, width = top + HEIGHT / 2, max(x[3] - x[1], 1.0)
    return [
        f'<line class="s{hue} whisker" x1="{x[0]:.1f}" x2="{x[4]:.1f}" y1="{middle:g}" y2="{middle:g}"/>',
        f'<rect class="s{hue} box" x="{x[1]:.1f}" y="{top:g}" width="{width:.1f}" height="{HEIGHT:g}"/>',
        f'<line class="s{hue} median" x1="{x[2]:.1f}" x2="{x[2]:.1f}" y1="{top - 2:g}" y2="{top + HEIGHT + 2:g}"/>',
    ]
