"""Text, or notes, coloured by cells as a picture file, by matplotlib: for papers and slides, where no page can be."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.music.score import Score
from seqgen.render._matplotlib import Figure, FigureCanvasAgg, PolyCollection, drawing
from seqgen.render.heat import NEGATIVE, POSITIVE
from seqgen.render.piano_roll import STYLE

DPI = 150
LETTER, LINE = 0.085, 0.19  # inches


@dataclass(frozen=True, eq=False)
class CellPicture:
    """A cell over a text.

    Attributes:
        title: What the cell is called.
        text: (N,) pieces; empty for notes.
        values: (N,) in [-1, 1].
    """

    title: str
    text: Sequence[str]
    values: NDArray[np.floating]


def cell_picture(panels: Sequence[CellPicture], lines: int, wide: int, kind: str) -> bytes:
    """Each cell over the first lines of the text, one below the other; long lines are broken."""
    laid = [_laid_out(panel, lines, wide) for panel in panels]
    rows = max((row for own in laid for row, *_ in own), default=0) + 1
    height = (rows + 2) * LINE
    with drawing({**STYLE, "font.family": "DejaVu Sans Mono"}):
        figure = Figure((wide * LETTER + 0.3, height * len(panels) + 0.1), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        for number, (panel, own) in enumerate(zip(panels, laid)):
            bottom = 1 - (number + 1) * height / (height * len(panels) + 0.1)
            ax = figure.add_axes((0.01, bottom, 0.98, height / (height * len(panels) + 0.1) * 0.97))
            ax.set_xlim(0, wide)
            ax.set_ylim(rows + 0.3, -1.6)
            ax.axis("off")
            ax.text(0, -0.7, _literal(panel.title), fontsize=8.5, weight="bold", va="center")
            boxes = [_box(column, row) for row, column, _, _ in own]
            faces = [_face(value) for *_, value in own]
            ax.add_collection(PolyCollection(boxes, facecolors=faces, linewidths=0), autolim=False)
            for row, column, letter, _ in own:
                if letter.strip():
                    ax.text(column + 0.5, row + 0.5, _literal(letter), fontsize=7, ha="center", va="center")
        return _saved(figure, kind)


def roll_picture(score: Score, panels: Sequence[CellPicture], token: NDArray[np.int64], kind: str) -> bytes:
    """Each cell over the notes of a score, in beats."""
    begin = score.onset / score.ticks_per_quarter
    end = np.maximum((score.onset + score.duration) / score.ticks_per_quarter - 0.04, begin + 0.05)
    pitch = score.pitch.astype(np.float64)
    with drawing(STYLE):
        width = float(np.clip(0.16 * end.max(), 9, 30))
        figure = Figure((width, 2.6 * len(panels)), dpi=DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for ax, panel in zip(axes, panels):
            corners = np.stack((begin, pitch - 0.4, begin, pitch + 0.4, end, pitch + 0.4, end, pitch - 0.4), 1)
            faces = [_face(value) for value in panel.values[token].tolist()]
            notes = PolyCollection(corners.reshape(-1, 4, 2), facecolors=faces, edgecolors="#9aa4b0", linewidths=0.4)  # type: ignore[arg-type]
            ax.add_collection(notes, autolim=False)
            ax.set_xlim(0, float(end.max()))
            ax.set_ylim(pitch.min() - 2, pitch.max() + 2)
            ax.set_title(_literal(panel.title), fontsize=9, loc="left")
            ax.set_ylabel("pitch")
        axes[-1].set_xlabel("beats")
        return _saved(figure, kind)


def _laid_out(panel: CellPicture, lines: int, wide: int) -> list[tuple[int, int, str, float]]:
    """(row, column, letter, value) of what is shown."""
    found: list[tuple[int, int, str, float]] = []
    row = column = 0
    for letter, value in _letters(panel):
        if column == wide:
            row, column = row + 1, 0
        if row >= lines:
            break
        if letter == "\n":
            row, column = row + 1, 0
            continue
        found.append((row, column, letter, value))
        column += 1
    return found


def _letters(panel: CellPicture) -> Iterator[tuple[str, float]]:
    for piece, value in zip(panel.text, panel.values.tolist()):
        for letter in piece.replace("\t", "    "):
            yield (letter if letter == "\n" or letter.isprintable() else "·"), value


def _box(column: float, row: float) -> list[tuple[float, float]]:
    return [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]


def _face(value: float) -> tuple[float, float, float]:
    towards = (POSITIVE if value >= 0 else NEGATIVE) / 255
    red, green, blue = 1 + abs(value) ** 0.8 * 0.85 * (towards - 1)
    return float(red), float(green), float(blue)


def _literal(text: str) -> str:
    return text.replace("$", r"\$")


def _saved(figure: Figure, kind: str) -> bytes:
    file = io.BytesIO()
    metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()
