"""The report page and its curves: self-contained, well formed, and nothing that comes in is obeyed."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from seqgen.render import curves
from seqgen.render.curves import Curve, Series
from seqgen.render.report import Audio, Picture, SampleText, Section, Table, Text, report_html

VOID = {"meta", "img", "br", "link", "input"}
EVIL = "<script>alert(1)</script>\"'&<img src=https://example.com onerror=x>"
PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """Collects tags, attributes and text, and insists that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.values, self.text, self.ids = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def everything(word):
    curve = Curve(word, (Series(word, [1, 2, 3], [4.0, 3.0, 2.0]),), ((word, 2.5),), word, word)
    table = Table((word, "n"), ((word, 1234567), (word, None)), word)
    parts = (Text(word), table, SampleText(word, word, word), Picture(PNG, word, word), Audio(b"RIFF", word), curve)
    return report_html(word, [Section(word, parts), Section("other", ())], word)


@pytest.fixture(scope="module")
def page():
    return Page(everything(EVIL))


def test_markup_that_comes_in_stays_text(page):
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert page.tags.count("img") == 1
    assert not [name for _, name, _ in page.values if name.startswith("on")]
    assert "".join(page.text).count(EVIL) >= 10
    said = [value for _, name, value in page.values if name in ("alt", "aria-label")]
    assert len(said) == 2
    assert all(EVIL in value for value in said)


def test_the_page_loads_nothing():
    text = everything("plain")
    for tag, name, value in Page(text).values:
        if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            assert value.startswith("#" if tag == "a" else "data:")
    assert "://" not in text
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_the_structure_is_that_of_a_page(page):
    assert page.tags[:2] == ["html", "head"]
    for once in ("html", "head", "body", "title", "h1", "main", "svg", "audio"):
        assert page.tags.count(once) == 1
    assert page.tags.count("section") == page.tags.count("h2") == 2
    assert len(page.ids) == len(set(page.ids))
    links = {value[1:] for tag, name, value in page.values if tag == "a" and name == "href"}
    assert links == set(page.ids)


def test_binary_parts_are_whole():
    page = Page(everything("plain"))
    loaded = dict(value.split(";base64,") for _, name, value in page.values if name == "src")
    assert base64.b64decode(loaded["data:image/png"]) == PNG
    assert base64.b64decode(loaded["data:audio/wav"]) == b"RIFF"


def test_control_characters_are_shown_not_obeyed():
    sample = SampleText("a\x00b\x1b[31m\rc\u202ed\ud800e\x85\U000e0001\u2028\ttab\n", prompt="\x07")
    text = report_html("t\x00itle", [Section("s", (sample, Picture(PNG, description="a\x1bb\u202e")))])
    text.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800]", text)
    shown = re.findall(r'<span class="control">(.*?)</span>', text)
    expected = [r"\x00", r"\x00", r"\x07", r"\x00", r"\x1b", r"\x0d", r"\u202e", r"\ud800", r"\x85", r"\U000e0001"]
    assert shown == [*expected, r"\u2028"]
    assert "\ttab\n</pre>" in text


def test_a_sample_keeps_its_first_line_break():
    text = report_html("t", [Section("s", (SampleText("\n\nlate"),))])
    assert '<pre tabindex="0">\n\n\nlate</pre>' in text  # of which HTML drops one


def test_tables_set_numbers_to_the_right():
    rows = (("a", 1234567, 1.52345, "90 s", None), ("b", 1, float("nan"), "60 s", 12345.6))
    text = report_html("t", [Section("s", (Table(("n", "tokens", "loss", "time", "rate"), rows),))])
    cells = re.findall(r"<td(.*?)>(.*?)</td>", text)
    right = ' class="number"'
    assert cells[:5] == [("", "a"), (right, "1,234,567"), (right, "1.523"), ("", "90 s"), (right, "–")]
    assert cells[5:] == [("", "b"), (right, "1"), (right, "–"), ("", "60 s"), (right, "12,346")]


def test_a_page_may_be_empty():
    page = Page(report_html("nothing", []))
    assert "nav" in page.tags
    assert Page(report_html("t", [Section("s", (Table(("a",), ()),))])).tags.count("th") == 1


def picture(*series, **rest):
    return ElementTree.fromstring(curves.svg(Curve("c", series, **rest)))


def places(line):
    return [tuple(map(float, point.split(","))) for point in line.get("points").split()]


def test_curves_go_where_the_numbers_say():
    root = picture(Series("t", [0, 50, 100], [4.0, 2.0, 1.0]), baselines=(("5-gram", 2.0),))
    (line,) = root.iter("polyline")
    points = places(line)
    assert [x for x, _ in points] == pytest.approx([curves.LEFT, 347.0, curves.WIDTH - curves.RIGHT], abs=0.1)
    top, middle, bottom = (y for _, y in points)
    assert bottom - middle == pytest.approx((middle - top) / 2, abs=0.2)
    (baseline,) = (it for it in root.iter("line") if it.get("class") == "baseline")
    assert float(baseline.get("y1")) == pytest.approx(middle, abs=0.1)
    words = [text.text for text in root.iter("text")]
    assert {"steps", "nats per token", "5-gram", "100", "1", "4"} <= set(words)


def test_long_numbers_have_room_and_curves_beyond_the_colours_are_dotted():
    long = picture(Series("t", [1, 2], [0.001, 0.005]))
    (axis,) = {float(line.get("x1")) for line in long.iter("line")}
    assert axis == curves.UPRIGHT + curves.DIGIT * len("0.001")
    many = Curve("c", tuple(Series(str(n), [1, 2], [n, n]) for n in range(curves.HUES + 1)))
    assert curves.svg(many).count("s0 again line") == 1
    assert curves.legend(many).count('class="key s0 again"') == 1


def test_long_curves_are_thinned_and_peaks_do_not_flatten_the_rest():
    steps = list(range(10_000))
    root = picture(Series("t", steps, [90.0 if step == 0 else 2.0 + step % 2 for step in steps]))
    (line,) = root.iter("polyline")
    points = places(line)
    assert len(points) == curves.MAX_POINTS
    assert all(curves.TOP - 0.1 <= y <= curves.HEIGHT - curves.BOTTOM + 0.1 for _, y in points)
    spiky = picture(Series("t", range(200), [500.0, *[2.0] * 100, *[1.0] * 99]))
    ys = [y for _, y in places(next(spiky.iter("polyline")))]
    assert max(ys) - ys[50] > 50


@pytest.mark.parametrize(
    "y", [[], [1.5], [2.0, 2.0], [float("nan"), 1.0], [float("inf")] * 2, [0.0, 0.0], [-3.0, 1e-9]]
)
def test_odd_curves_are_drawn_without_complaint(y):
    curve = Curve("c", (Series("t", range(len(y)), y),))
    text = curves.svg(curve) + curves.legend(curve)
    assert "nan" not in text.replace("nats", "")
    assert "inf" not in text
    ElementTree.fromstring(curves.svg(curve))
