"""Text or notes coloured by what a cell does, blue where it is on and red where it is against; the reader chooses
the cell.

Colours are one of 21 classes, p0 to p20, so that a page needs no number for each character. What is shown first stands
in the page itself; the script, which is the page's own, takes the others from a block of data.
"""

import base64
import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.render.escaping import visible, visible_attribute

LEVELS = 20
HEIGHT = 5.0  # of a semitone
MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})  # blanks, where a reader would see nothing
BLOCK = 300  # pieces of a text, up to the end of a line, that a browser may leave out while they are not in sight


@dataclass(frozen=True, eq=False)
class Colours:
    """A cell over N places.

    Attributes:
        name: What it is called, and what it follows.
        values: (N,) what it does; its largest size gets the deepest colour.
    """

    name: str
    values: NDArray[np.floating]

    def levels(self) -> NDArray[np.uint8]:
        """(N,) from 0, against, by 10, nothing, to 20, on."""
        size = max(float(np.abs(self.values).max(initial=0)), 1e-9)
        return np.clip(np.round((self.values / size + 1) * LEVELS / 2), 0, LEVELS).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Expected:
    """What a model expects at N places.

    Attributes:
        names: Token names, as they are to be shown.
        ids: (N, 5) the likeliest next ones, as places in `names`.
        chances: (N, 5) how likely each.
        surprise: (N,) nats of what stands there.
        entropy: (N,) nats of what is expected after it.
    """

    names: Sequence[str]
    ids: NDArray[np.integer]
    chances: NDArray[np.floating]
    surprise: NDArray[np.floating]
    entropy: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class CellText:
    """A text, piece by piece.

    Attributes:
        pieces: (N,) the bytes of its tokens.
        cells: What it may be coloured by, the first at first.
        expected: What is shown where the reader points; None: nothing.
        title: Heading.
    """

    pieces: Sequence[bytes]
    cells: Sequence[Colours]
    expected: Expected | None = None
    title: str = ""


@dataclass(frozen=True, eq=False)
class CellRoll:
    """Notes in a piano roll.

    Attributes:
        begin, end: (K,) beats or seconds.
        pitch: (K,).
        token: (K,) the place of each note among the N places of a cell.
        cells: What they may be coloured by.
        lines: Where bars begin.
        unit: What the time axis counts.
        expected: As in `CellText`.
        title: Heading.
    """

    begin: NDArray[np.floating]
    end: NDArray[np.floating]
    pitch: NDArray[np.integer]
    token: NDArray[np.integer]
    cells: Sequence[Colours]
    lines: Sequence[float] = ()
    unit: str = "beats"
    expected: Expected | None = None
    title: str = ""


def text_html(part: CellText) -> str:
    """The text with its choice of cells."""
    shown, begin, blocks = _coloured(part.pieces, part.cells[0].levels()), 0, list[str]()
    for place, piece in enumerate(part.pieces, 1):
        if place == len(shown) or (piece.endswith(b"\n") and place - begin >= BLOCK):
            blocks.append(f'<div class="block">{"".join(shown[begin:place])}</div>')
            begin = place
    return _box(f'<div class="celltext" tabindex="0">{"".join(blocks)}</div>', part.cells, part.expected, None)


def roll_html(part: CellRoll) -> str:
    """The roll with its choice of cells."""
    levels = part.cells[0].levels()[part.token]
    scale = 26.0 if part.unit == "beats" else 60.0
    low, high = int(part.pitch.min()) - 2, int(part.pitch.max()) + 2
    width, height = float(part.end.max()) * scale + 40, (high - low + 1) * HEIGHT + 20
    rows = [
        f'<line class="grid" x1="{x * scale + 30:.1f}" x2="{x * scale + 30:.1f}" y1="0" y2="{height - 20:g}"/>'
        for x in part.lines
    ]
    octaves = range(-(-low // 12) * 12, high + 1, 12)
    rows += [f'<text x="2" y="{(high - pitch + 1) * HEIGHT:.0f}">C{pitch // 12 - 1}</text>' for pitch in octaves]
    rows += [
        f'<text x="{x * scale + 32:.1f}" y="{height - 6:.0f}">{number + 1}</text>'
        for number, x in enumerate(part.lines)
        if number % 4 == 0
    ]
    for begin, end, pitch, level in zip(part.begin, part.end, part.pitch.tolist(), levels.tolist()):
        x, size = begin * scale + 30, max((end - begin) * scale - 0.8, 1.5)
        rows.append(
            f'<rect class="t p{level}" x="{x:.1f}" y="{(high - pitch) * HEIGHT:.1f}" '
            f'width="{size:.1f}" height="{HEIGHT - 0.6:.1f}"/>'
        )
    picture = f'<svg class="cellroll" width="{width:.0f}" height="{height:.0f}">{"".join(rows)}</svg>'
    return _box(f'<div class="scroll" tabindex="0">{picture}</div>', part.cells, part.expected, part.token)


def coloured(pieces: Sequence[bytes], levels: NDArray[np.uint8]) -> str:
    """Pieces of a text on the colours of their levels; neighbours of one colour are one element."""
    if not pieces:
        return ""
    bounds = [0, *(np.flatnonzero(np.diff(levels[: len(pieces)])) + 1).tolist(), len(pieces)]
    runs = [b"".join(pieces[begin:end]) for begin, end in pairwise(bounds)]
    return "".join(_coloured(runs, levels[bounds[:-1]]))


def _coloured(pieces: Sequence[bytes], levels: NDArray[np.uint8]) -> list[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    shown = []
    for place, (piece, level) in enumerate(zip(pieces, levels.tolist(), strict=True), 1):
        shown.append(f'<i class="t p{level}">{visible(decoder.decode(piece, place == len(pieces)))}</i>')
    return shown


def _box(content: str, cells: Sequence[Colours], expected: Expected | None, token: NDArray[np.integer] | None) -> str:
    data: dict[str, object] = {"cells": [_packed(cell.levels()) for cell in cells]}
    if token is not None:
        data["at"] = token.tolist()
    if expected is not None:
        known, places = np.unique(expected.ids, return_inverse=True)
        data["names"] = [expected.names[token].translate(MARKS) for token in known.tolist()]
        data["next"] = _packed16(places.reshape(expected.ids.shape))
        data["chances"] = _packed(np.round(expected.chances * 100))
        data["surprise"] = _packed(np.clip(np.round(expected.surprise * 20), 0, 255))
        data["entropy"] = _packed(np.clip(np.round(expected.entropy * 20), 0, 255))
    options = "".join(f'<option value="{place}">{visible(cell.name)}</option>' for place, cell in enumerate(cells))
    legend = "".join(f'<i class="p{level}">&nbsp;&nbsp;</i>' for level in range(0, LEVELS + 1, 2))
    choice = f'<label>cell <select aria-label="cell">{options}</select></label> against {legend} on'
    # A block of data is not run; "</" in it would end it.
    block = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="cells"><p class="choice">{choice}</p>{content}<p class="told">&nbsp;</p>'
        f'<script type="application/json">{block}</script></div>'
    )


def _packed(values: NDArray[np.generic]) -> str:
    return base64.b64encode(np.asarray(values).astype(np.uint8).tobytes()).decode("ascii")


def _packed16(values: NDArray[np.generic]) -> str:
    return base64.b64encode(np.asarray(values).astype("<u2").tobytes()).decode("ascii")


@dataclass(frozen=True, eq=False)
class Guesses:
    """Each piece of a text with the five likeliest to follow it below, the deeper the likelier (Karpathy 2015).

    Attributes:
        pieces: (N,) token names, as they are to be shown.
        levels: What they are coloured by.
        expected: What is shown below.
        title: Heading.
    """

    pieces: Sequence[str]
    cell: Colours
    expected: Expected
    title: str = ""


def guesses_html(part: Guesses) -> str:
    """A column for each token."""
    columns = []
    levels = part.cell.levels().tolist()
    for place, (piece, level) in enumerate(zip(part.pieces, levels)):
        below = "".join(
            f'<b class="g{min(int(chance * 10), 9)}">{_name(part.expected.names[token])}</b>'
            for token, chance in zip(part.expected.ids[place].tolist(), part.expected.chances[place].tolist())
        )
        title = visible_attribute(f"{part.expected.surprise[place]:.2f} nats")
        columns.append(f'<span class="column"><i class="p{level}" title="{title}">{_name(piece)}</i>{below}</span>')
        if piece == "\n":
            columns.append("<br>")
    wide = " wide" if max(map(len, part.pieces), default=1) > 1 else ""  # names, which need room between them
    return f'<div class="guesses{wide}" tabindex="0">{"".join(columns)}</div>'


def _name(name: str) -> str:
    """A token in a narrow column: blanks as marks."""
    return visible(name.translate(MARKS) if name.isspace() else name) or "·"


@dataclass(frozen=True, eq=False)
class Passages:
    """Short stretches of a text, coloured.

    Attributes:
        title: Heading.
        rows: (pieces, colours) of each.
    """

    title: str
    rows: Sequence[tuple[Sequence[bytes], Colours]]


def passages_html(part: Passages) -> str:
    """One below the other."""
    rows = [f'<div class="celltext short">{coloured(pieces, colours.levels())}</div>' for pieces, colours in part.rows]
    return "".join(rows)
