"""A score as a picture: pitch over bars or seconds, one colour a part by name, drums in lanes of their own below.

matplotlib's object interface only, so that no window system and no global figure is touched; the same score gives
the same bytes. Notes of one kind are one collection: twenty thousand of them draw as fast as ten.
"""

import io
import logging
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.music import programs
from seqgen.music.score import DRUMS, Score
from seqgen.render._axes import time_axis
from seqgen.render._matplotlib import Axes, Figure, FigureCanvasAgg, Patch, PolyCollection, drawing, hsv_to_rgb, to_rgb
from seqgen.render.window import rows, window

DPI = 120
NARROW, WIDE = 9.0, 36.0  # inches
INCHES_PER_SECOND = 0.16
PALETTE = ("#3465a4", "#d1495b", "#2a9d8f", "#e08e0b", "#7b5ea7", "#6a994e", "#b5589a", "#4f5d75", "#8d6e4c", "#0089a7")
DRUM_COLOUR = "#5b6470"
INK, GRID, BLACK_KEY = "#333a44", "#c3c9d1", "#f1f3f6"
Colours = dict[str, tuple[float, float, float]]  # label → RGB
LEGEND_ENTRIES = 16
TITLE_LENGTH, LABEL_LENGTH = 90, 24
WHITE_KEYS = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "seqgen",
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
}
STYLE |= {"xtick.color": INK, "ytick.color": INK, "axes.edgecolor": GRID, "font.family": "DejaVu Sans"}


def png_bytes(score: Score, title: str = "") -> bytes:
    """The piano roll as a PNG file. Raises MidiError where there are no notes."""
    return _save(score, title, "png", {"Software": None})


def svg_bytes(score: Score, title: str = "") -> bytes:
    """The piano roll as an SVG file. Raises MidiError where there are no notes."""
    return _save(score, title, "svg", {"Date": None, "Creator": None})


def draw(score: Score, title: str = "") -> Figure:
    """The piano roll of the stretch that `seqgen.render.window` names.

    Raises:
        MidiError: There are no notes.
    """
    chosen = rows(score)
    pitched = chosen[score.program[chosen] != DRUMS]
    drums = chosen[score.program[chosen] == DRUMS]
    labels = _labels(score)
    colours = _colours(labels[score.part[pitched]])
    with drawing(STYLE):
        figure, axes = _layout(score, pitched, drums)
        figure.suptitle(_plain(title or score.title), x=0.01, ha="left", fontsize=12, parse_math=False)
        scale = time_axis(axes[-1], score)
        if len(pitched):
            _pitches(axes[0], score, pitched, labels, colours, scale)
        if len(drums):
            _drums(axes[-1], score, drums, scale)
        _legend(figure, colours)
    return figure


def _save(score: Score, title: str, kind: str, metadata: dict[str, str | None]) -> bytes:
    file = io.BytesIO()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it talks of font caches
    with drawing(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a title in a script that the font lacks shows boxes
        draw(score, title).savefig(file, format=kind, metadata=metadata)
    return file.getvalue()


def _layout(score: Score, pitched: NDArray[np.intp], drums: NDArray[np.intp]) -> tuple[Figure, list[Axes]]:
    """A figure with room for the pitches, for a lane a drum, or for both."""
    start, end = window(score)
    heights = []
    if len(pitched):
        low, high = _range(score.pitch[pitched])
        heights.append(float(np.clip(0.085 * (high - low), 1.8, 5.5)))
    if len(drums):
        heights.append(0.17 * len(np.unique(score.pitch[drums])) + 0.05)
    width = float(np.clip(INCHES_PER_SECOND * (end - start), NARROW, WIDE))
    figure = Figure((width, sum(heights) + 1.5), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0].tolist()
    for ax in axes:
        ax.tick_params(which="both", length=0)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.grid(axis="x", color=GRID, linewidth=0.7)
        ax.grid(axis="x", which="minor", color=GRID, linewidth=0.25)
    for ax in axes[:-1]:
        ax.tick_params(labelbottom=False)
    return figure, axes


def _range(pitch: NDArray[np.uint8]) -> tuple[int, int]:
    """Lowest and highest pitch shown: at least an octave and a half, so that three notes keep a sensible size."""
    low, high = int(pitch.min()) - 2, int(pitch.max()) + 2
    more = max(18 - (high - low), 0)
    return low - more // 2, high + more - more // 2


def _labels(score: Score) -> NDArray[np.str_]:
    """(P,) what each part is called: by its name, else by its instrument."""
    found, first = np.unique(score.part, return_index=True)
    names = [""] * (int(found.max(initial=-1)) + 1)
    for part, program in zip(found.tolist(), score.program[first].tolist()):
        own = score.names[part] if part < len(score.names) else ""
        names[part] = _plain(own)[:LABEL_LENGTH].strip() or programs.name(program)
    return np.array(names, np.str_)


def _pitches(
    ax: Axes,
    score: Score,
    chosen: NDArray[np.intp],
    labels: NDArray[np.str_],
    colours: Colours,
    scale: Any,
) -> None:
    low, high = _range(score.pitch[chosen])
    ax.set_ylim(low - 0.5, high + 0.5)
    black = [pitch for pitch in range(low, high + 1) if pitch % 12 not in WHITE_KEYS]
    for pitch in black:
        ax.axhspan(pitch - 0.5, pitch + 0.5, color=BLACK_KEY, linewidth=0, zorder=0)
    shown = (0,) if high - low > 20 else (0, 4, 7)
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in shown]
    ax.set_yticks(ticks, [f"{WHITE_KEYS[pitch % 12]}{pitch // 12 - 1}" for pitch in ticks])
    for pitch in ticks:
        if pitch % 12 == 0:
            ax.axhline(pitch - 0.5, color=GRID, linewidth=0.6, zorder=1)
    for label in sorted(colours):
        mine = chosen[labels[score.part[chosen]] == label]
        _rectangles(ax, score, mine, score.pitch[mine].astype(float), colours[label], scale)


def _drums(ax: Axes, score: Score, chosen: NDArray[np.intp], scale: Any) -> None:
    """One lane for each key of the percussion channel that is struck, named."""
    import pretty_midi

    used, lane = np.unique(score.pitch[chosen], return_inverse=True)
    names = [pretty_midi.note_number_to_drum_name(int(pitch)) or f"Key {pitch}" for pitch in used]
    ax.set_ylim(-0.6, len(used) - 0.4)
    ax.set_yticks(range(len(used)), names, fontsize=7.5)
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    _rectangles(ax, score, chosen, lane.astype(float), to_rgb(DRUM_COLOUR), scale, hit=True)


def _rectangles(
    ax: Axes, score: Score, chosen: NDArray[np.intp], y: NDArray[np.float64], colour: Any, scale: Any, hit: bool = False
) -> None:
    """Notes as one collection: velocity is opacity. Drum hits have one width, because their length says nothing."""
    left = scale(score.onset[chosen])
    right = scale(score.onset[chosen] + score.duration[chosen])
    low, high = ax.get_xlim()
    figure = ax.get_figure()
    assert figure is not None
    pixel = (high - low) / (figure.get_figwidth() * DPI * 0.9)  # type: ignore[union-attr]
    gapped = np.maximum(np.minimum(right, high) - pixel, left + 2 * pixel)  # a gap between repeats
    right = left + 5 * pixel if hit else gapped
    half = 0.36 if hit else 0.42
    corners = np.stack((left, y - half, left, y + half, right, y + half, right, y - half), 1).reshape(-1, 4, 2)
    faces = np.empty((len(chosen), 4))
    faces[:, :3] = colour
    faces[:, 3] = 0.3 + 0.7 * score.velocity[chosen] / 127
    ax.add_collection(PolyCollection(corners, facecolors=faces, linewidths=0, zorder=3), autolim=False)  # type: ignore[arg-type]


def _colours(labels: NDArray[np.str_]) -> Colours:
    """Label → RGB of notes' labels, the most used first; past the palette, hues a golden angle apart."""
    found, count = np.unique(labels, return_counts=True)
    order = found[np.argsort(-count, kind="stable")]
    hues = [hsv_to_rgb((0.618 * place % 1, 0.6, 0.65)) for place in range(max(len(order) - len(PALETTE), 0))]
    extra = [(float(red), float(green), float(blue)) for red, green, blue in hues]
    colours = [to_rgb(name) for name in PALETTE] + extra
    return {str(label): colours[place] for place, label in enumerate(order)}


def _legend(figure: Figure, colours: Colours) -> None:
    """Below the picture, as many columns as fit."""
    shown = list(colours)[:LEGEND_ENTRIES]
    entries = [Patch(color=colours[it], label=_literal(it)) for it in shown]
    if len(colours) > len(shown):
        entries.append(Patch(color="none", label=f"and {len(colours) - len(shown)} more"))
    if entries:
        columns = max(int(figure.get_figwidth() / 2.2), 1)
        figure.legend(handles=entries, loc="outside lower left", ncols=columns, frameon=False, handlelength=1.2)


def _literal(label: str) -> str:
    """A label as matplotlib shows it word for word: it leaves out what begins with _, and takes $ for mathematics."""
    return label.replace("$", r"\$") if not label.startswith("_") else f" {label}".replace("$", r"\$")


def _plain(title: str) -> str:
    """One line without control characters, cut where it would leave the picture."""
    line = "".join(character if character.isprintable() else " " for character in title).strip()
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"
