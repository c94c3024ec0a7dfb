"""Piano rolls: every note is drawn where it belongs, the same bytes each time, bounded, no warnings."""

import struct

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from seqgen.errors import MidiError
from seqgen.music.score import DRUMS, Score
from seqgen.render import piano_roll
from seqgen.render._axes import bar_starts


def score(*notes, **rest):
    return Score.from_notes(480, notes, **rest)


def boxes(ax):
    """(N, 4) left, bottom, right, top and (N,) opacity of the drawn notes of one axes."""
    found = [it for it in ax.collections if isinstance(it, PolyCollection)]
    corners = [path.vertices for it in found for path in it.get_paths()]
    opacity = np.concatenate([it.get_facecolor()[:, 3] for it in found])
    return np.array([[*it.min(0), *it.max(0)] for it in corners]), opacity


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_notes_lie_at_their_seconds_and_pitches_and_velocity_is_opacity():
    tempo = {"tempo": np.array([500_000]), "tempo_tick": np.array([0])}
    figure = piano_roll.draw(score((0, 480, 60, 127, 0), (576, 960, 64, 30, 40), **tempo))
    (ax,) = figure.axes
    box, opacity = boxes(ax)
    assert box[:, 0] == pytest.approx([0, 0.6])
    assert box[:, 2] == pytest.approx([0.5, 1.6], abs=0.01)
    assert (box[:, 1] + box[:, 3]) / 2 == pytest.approx([60, 64])
    assert opacity[0] > opacity[1] > 0.3
    assert ax.get_xlabel() == "seconds"
    assert "C4" in labels(ax.yaxis)


def test_what_keeps_to_beats_is_shown_in_bars():
    """4/4 at 120 is what every file says; a performance in it shows seconds, what is written shows bars."""
    written = [(240 * at, 240, 60 + at, 90, 0) for at in range(16)]
    (ax,) = piano_roll.draw(score(*written)).axes
    assert ax.get_xlabel() == "bar"
    assert boxes(ax)[0][:, 0] == pytest.approx(1 + np.arange(16) / 8)


def test_parts_have_colours_and_names_of_their_own():
    """Two parts of one instrument by name, and two without a name, which share the instrument's."""
    notes = [(480 * at, 480, 60 + at, 127, 40) for at in range(4)]
    figure = piano_roll.draw(score(*notes, part=np.arange(4), names=("First $1$", "_Second")))
    (ax,) = figure.axes
    faces = {tuple(it.get_facecolor()[0][:3]) for it in ax.collections if isinstance(it, PolyCollection)}
    assert len(faces) == 3
    (legend,) = figure.legends
    assert sorted(text.get_text() for text in legend.get_texts()) == [" _Second", r"First \$1\$", "violin"]


def test_octave_names_are_at_every_c():
    (ax,) = piano_roll.draw(score((0, 480, 36, 90, 0), (0, 480, 84, 90, 0))).axes
    assert labels(ax.yaxis) == ["C2", "C3", "C4", "C5", "C6"]
    assert ax.get_yticks().tolist() == [36, 48, 60, 72, 84]


def test_a_meter_gives_bars():
    meter = {"meter": np.array([[3, 4], [4, 4]]), "meter_tick": np.array([0, 2880])}
    waltz = score((0, 480, 60, 90, 0), (1440, 480, 62, 90, 0), (2880, 1920, 64, 90, 0), **meter)
    assert bar_starts(waltz).tolist() == [0, 1440, 2880, 4800]
    (ax,) = piano_roll.draw(waltz).axes
    assert ax.get_xlabel() == "bar"
    assert labels(ax.xaxis) == ["1", "2", "3"]
    assert boxes(ax)[0][:, 0] == pytest.approx([1, 2, 3])


def test_an_absurd_meter_falls_back_to_seconds():
    meter = {"meter": np.array([[1, 64]]), "meter_tick": np.array([0])}
    (ax,) = piano_roll.draw(score((0, 480 * 2000, 60, 90, 0), **meter)).axes
    assert ax.get_xlabel() == "minutes and seconds"
    late = {"meter": np.array([[3, 4], [5, 0]]), "meter_tick": np.array([0, 9999])}
    assert bar_starts(score((0, 480, 60, 90, 0), **late)) is None


def test_meters_after_the_last_note_add_no_bars():
    meter = {"meter": np.array([[3, 4], [2, 4]]), "meter_tick": np.array([0, 9600])}
    assert bar_starts(score((0, 1500, 60, 90, 0), **meter)).tolist() == [0, 1440, 2880]


def test_drums_have_named_lanes_of_their_own():
    figure = piano_roll.draw(score((0, 480, 60, 90, 0), (0, 10, 36, 90, DRUMS), (480, 10, 42, 90, DRUMS)))
    pitched, drums = figure.axes
    assert labels(drums.yaxis) == ["Bass Drum 1", "Closed Hi Hat"]
    assert len(boxes(pitched)[0]) == 1
    assert (boxes(drums)[0][:, [1, 3]].mean(1)).tolist() == pytest.approx([0, 1])
    (only,) = piano_roll.draw(score((0, 10, 36, 90, DRUMS))).axes
    assert labels(only.yaxis) == ["Bass Drum 1"]


def test_one_colour_an_instrument_with_a_legend():
    notes = [(120 * place, 100, 60, 90, program) for place, program in enumerate([0, 40, 40, *range(41, 71)])]
    figure = piano_roll.draw(score(*notes))
    colours = {tuple(it.get_facecolor()[0, :3]) for it in figure.axes[0].collections}
    assert len(colours) == 32
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[0] == "violin"
    assert len(names) == 17
    assert names[-1] == "and 16 more"


def test_a_long_piece_is_wider_up_to_a_bound():
    width = [piano_roll.draw(score((0, 960 * seconds, 60, 90, 0))).get_figwidth() for seconds in (1, 120, 1000)]
    assert width == [9.0, pytest.approx(19.2), 36.0]


def test_nothing_leaves_the_picture():
    title = "A very long title " * 20
    figure = piano_roll.draw(score((0, 960, 0, 1, 0), (960, 960, 127, 127, 119), (0, 9, 81, 90, DRUMS)), title)
    figure.canvas.draw()
    page = figure.bbox
    for ax in figure.axes:
        frame = ax.get_tightbbox()
        assert frame.x0 >= 0
        assert frame.x1 <= page.x1 + 1
        assert frame.y0 >= 0
        assert frame.y1 <= page.y1
    assert figure._suptitle.get_window_extent().x1 <= page.x1
    assert figure.legends[0].get_window_extent().y1 <= figure.axes[-1].get_tightbbox().y0 + 1


@pytest.mark.parametrize("title", ["", "$x_", "two\nlines\x00\x1b", "漢字 \U0001f600", r"\frac{", "\ud800"])
def test_png_bytes_are_the_same_each_time_whatever_the_title(title):
    notes = score((0, 480, 60, 90, 0), (0, 480, 36, 90, DRUMS))
    png = piano_roll.png_bytes(notes, title)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert width == 9 * piano_roll.DPI
    assert 200 < height < 600
    assert piano_roll.png_bytes(notes, title) == png
    assert b"Software" not in png


def test_svg_bytes_are_the_same_each_time_and_load_nothing():
    notes = score((0, 480, 60, 90, 0), title="<b>&")
    svg = piano_roll.svg_bytes(notes)
    assert svg == piano_roll.svg_bytes(notes)
    assert b"&lt;b&gt;&amp;" in svg
    assert b"<image" not in svg
    assert b"<dc:date>" not in svg


def test_many_notes_are_few_collections():
    rng = np.random.default_rng(0)
    count = 20_000
    columns = [rng.integers(0, 300_000, count), rng.integers(1, 999, count), rng.integers(21, 108, count)]
    notes = np.stack([*columns, rng.integers(1, 127, count), np.zeros(count, int)], 1)
    (ax,) = piano_roll.draw(Score.from_notes(480, notes)).axes
    assert len(ax.collections) == 1
    assert len(boxes(ax)[0]) == count


def test_a_score_without_notes_is_refused():
    with pytest.raises(MidiError, match="has no notes"):
        piano_roll.png_bytes(score())


def test_settings_of_matplotlib_change_no_picture():
    """Those of a notebook, or of a matplotlibrc that was read before."""
    piece = score((0, 480, 60, 127, 0), (480, 960, 64, 30, 40))
    expected = piano_roll.png_bytes(piece, "A title")
    others = {"text.usetex": True, "savefig.dpi": 5, "axes.facecolor": "black", "figure.autolayout": True}
    with mpl.rc_context(others):
        assert piano_roll.png_bytes(piece, "A title") == expected
        assert mpl.rcParams["savefig.dpi"] == 5
