"""Pictures of quartiles: where the marks stand, in text and in SVG."""

import xml.etree.ElementTree as ET

import pytest

from seqgen.render.boxes import Boxes, Row, legend, limits, svg, text
from seqgen.render.report import Section, report_html

ROW = Row("in <key>", ((0.0, 0.25, 0.5, 0.75, 1.0), (0.5, 0.5, 0.5, 0.5, 0.5)))


def test_text_has_whiskers_a_box_and_a_median():
    assert text((0, 0.25, 0.5, 0.75, 1), 0, 1, 9) == "──▒▒┃▒▒──"
    assert text((0.5, 0.5, 0.5, 0.5, 0.5), 0, 1, 9) == "    ┃    "
    assert text((0, 0, 0, 0.25, 0.5), 0, 1, 9) == "┃▒▒──    "


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 3)])
def test_an_axis_has_a_width_where_all_is_the_same(low, high):
    row = Row("x", ((low, low, low, low, high),))
    assert limits(row) == (low - 0.5, high + 0.5)
    assert text(row.groups[0], *limits(row), 11) == "     ┃     "


def test_svg_is_well_formed_and_its_boxes_lie_on_one_axis():
    boxes = Boxes("Measures", ("corpus", "samples"), (ROW, ROW))
    tree = ET.fromstring(svg(boxes))
    rects = [each for each in tree if each.tag == "rect"]
    assert len(rects) == 4
    width = float(tree.attrib["viewBox"].split()[2])
    corpus, samples = rects[:2]
    assert float(corpus.attrib["x"]) + float(corpus.attrib["width"]) / 2 == pytest.approx(width / 2, abs=1)
    assert float(samples.attrib["x"]) == pytest.approx(width / 2, abs=1)
    assert [each.text for each in tree if each.attrib.get("class") == "name"] == ["in <key>"] * 2
    assert [each.text for each in tree if each.attrib.get("text-anchor") == "end"] == ["0 – 1"] * 2
    flat = svg(Boxes("Measures", ("corpus",), (Row("x", ((3.0,) * 5,)),)))
    assert 'text-anchor="end">3</text>' in flat
    assert "samples" in legend(boxes)
    page = report_html("Page", [Section("Measures", (boxes,))])
    assert page.count("<rect") == 4
    assert "in &lt;key&gt;" in page
