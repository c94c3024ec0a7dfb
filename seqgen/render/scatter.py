"""Points in the unit square as inline SVG, a panel for each group: how often gates are shut and open."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

SIZE, MARGIN = 190.0, 40.0


@dataclass(frozen=True)
class Panel:
    """One group of points.

    Attributes:
        name: Of it.
        x, y: In [0, 1].
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Scatter:
    """Panels side by side, with the same axes; a point of x + y = 1 lies on the diagonal."""

    title: str
    panels: tuple[Panel, ...]
    x_label: str
    y_label: str


def scatter_html(part: Scatter) -> str:
    """All panels, which wrap on a narrow page."""
    return f'<div class="panels">{"".join(_panel(part, panel, hue) for hue, panel in enumerate(part.panels))}</div>'


def _panel(part: Scatter, panel: Panel, hue: int) -> str:
    whole = SIZE + MARGIN + 10
    said = html.escape(f"{panel.name}: {part.y_label} over {part.x_label}", quote=True)
    rows = [f'<svg class="chart panel s{hue % 6}" viewBox="0 0 {whole:g} {whole:g}" role="img" aria-label="{said}">']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = MARGIN + tick * SIZE, 5 + (1 - tick) * SIZE
        rows.append(f'<line class="grid" x1="{MARGIN:g}" x2="{MARGIN + SIZE:g}" y1="{y:g}" y2="{y:g}"/>')
        rows.append(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="5" y2="{5 + SIZE:g}"/>')
        if tick in (0, 0.5, 1):
            rows.append(f'<text x="{x:g}" y="{SIZE + 20:g}" text-anchor="middle">{tick:g}</text>')
            rows.append(f'<text x="{MARGIN - 5:g}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>')
    rows.append(f'<line class="baseline" x1="{MARGIN:g}" x2="{MARGIN + SIZE:g}" y1="5" y2="{5 + SIZE:g}"/>')
    for x, y in zip(panel.x, panel.y):
        rows.append(
            f'<circle class="dot" opacity=".45" r="2.2" cx="{MARGIN + x * SIZE:.1f}" cy="{5 + (1 - y) * SIZE:.1f}"/>'
        )
    middle = MARGIN + SIZE / 2
    rows.append(f'<text x="{middle:g}" y="{SIZE + 36:g}" text-anchor="middle">{html.escape(part.x_label)}</text>')
    turned = f'transform="translate(11 {5 + SIZE / 2:g}) rotate(-90)"'
    rows.append(f'<text {turned} text-anchor="middle">{html.escape(part.y_label)}</text>')
    return f'<figure class="panelbox"><figcaption>{html.escape(panel.name)}</figcaption>{"".join(rows)}</svg></figure>'
