"""A heat map: a value in each cell of a grid, red below zero and blue above, or white to dark where none is below.

The grid is a PNG of one pixel a value, which the page enlarges; labels are text.
"""

import base64
import html
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELL, LARGEST = 13.0, 30.0  # pixels of a square
WIDE = 240.0  # pixels that a few squares fill
LETTER = 7.0  # pixels of a letter of an axis
ACROSS, LONGEST = 2, 12  # letters of a label that lies across its column, and of any label
TALLEST = 520.0
LABEL = 90.0
NEGATIVE, POSITIVE = np.array([214, 72, 59]), np.array([40, 110, 200])


@dataclass(frozen=True, eq=False)
class Heat:
    """A grid of values.

    Attributes:
        title: Heading.
        values: (R, C).
        rows: (R,) labels; empty: none.
        columns: (C,) labels, short.
        row_label, column_label: What the axes are.
    """

    title: str
    values: NDArray[np.floating]
    rows: Sequence[str]
    columns: Sequence[str]
    row_label: str = ""
    column_label: str = ""


def heat_html(part: Heat) -> str:
    """The grid as one SVG that scrolls where it is wide."""
    count, wide = part.values.shape
    cell = _cell(count if part.rows else 0, wide)
    tall = cell if part.rows else max(1.0, min(3.0, TALLEST / max(count, 1)))
    left, height, width = (LABEL if part.rows else 26.0), count * tall, wide * cell
    longest = max((len(_shown(name)) for name in part.columns), default=0)
    below = 15.0 if longest <= ACROSS else LETTER * min(longest, LONGEST)  # long labels stand upright
    whole = left + max(width, LETTER * len(part.column_label)) + 8
    data = base64.b64encode(png(colours(part.values))).decode("ascii")
    said = html.escape(f"{part.title}: {part.row_label} over {part.column_label}", quote=True)
    rows = [
        f'<svg class="chart heat" width="{whole:.0f}" height="{height + below + 29:.0f}" '
        f'role="img" aria-label="{said}">',
        f'<image x="{left:g}" y="2" width="{width:g}" height="{height:g}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{data}"/>',
    ]
    for number, name in enumerate(part.rows):
        y = 2 + (number + 0.5) * tall + 4
        rows.append(f'<text x="{left - 4:g}" y="{y:.1f}" text-anchor="end">{_shown(name)}</text>')
    for number, name in enumerate(part.columns):
        x = left + (number + 0.5) * cell
        if longest <= ACROSS:
            rows.append(f'<text x="{x:.1f}" y="{height + 15:.1f}" text-anchor="middle">{_shown(name)}</text>')
        else:
            turned = f'transform="translate({x + 4:.1f} {height + 6:.1f}) rotate(-90)"'
            rows.append(f'<text {turned} text-anchor="end">{_shown(name)}</text>')
    axis = html.escape(part.column_label)
    rows.append(f'<text x="{left:g}" y="{height + below + 21:.1f}">{axis}</text>')
    if not part.rows and part.row_label:
        turned = f'transform="translate(14 {height / 2:.1f}) rotate(-90)"'
        rows.append(f'<text {turned} text-anchor="middle">{html.escape(part.row_label)}</text>')
    return f'<div class="scroll" tabindex="0">{"".join(rows)}</svg></div>{_legend(part.values)}'


def _legend(values: NDArray[np.floating]) -> str:
    """What the colours mean: the deepest stand for the largest size on either side."""
    plain = np.nan_to_num(values)
    size = float(np.abs(plain).max(initial=0))
    sides = (("up", (plain > 0).any(), size), ("down", (plain < 0).any(), -size))
    said = [f'<span class="{name}">{value:.3g}</span>' for name, there, value in sides if there]
    return f'<p class="legend scale">{"".join(said)}white is 0</p>' if said else ""


def _cell(rows: int, columns: int) -> float:
    """The pixels of a square: more where there are few."""
    return float(np.clip(min(WIDE / max(columns, 1), WIDE / max(rows, 1)), CELL, LARGEST))


def colours(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(R, C, 3) the colours of values; the largest size has the deepest."""
    size = max(float(np.abs(values).max(initial=0)), 1e-30)
    share = np.clip(np.nan_to_num(values) / size, -1, 1)[..., None]
    towards = np.where(share < 0, NEGATIVE, POSITIVE)
    return np.asarray(np.round(255 + np.abs(share) * (towards - 255)), np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of (R, C, 3) pixels (Portable Network Graphics, third edition: IHDR, IDAT, IEND)."""
    height, width = pixels.shape[:2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _shown(name: str) -> str:
    marks = {" ": "␣", "\n": "⏎", "\t": "⇥"}
    return html.escape("".join(each if each.isprintable() else "·" for each in marks.get(name, name))[:LONGEST])
