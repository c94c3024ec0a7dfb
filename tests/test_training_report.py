"""The page about a run: everything in one file, well formed, curves that show what was measured."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from seqgen.render.training_report import MOST_SAMPLES, Story, training_page

EVIL = "<script>alert(1)</script>\x1b[2J"
VOID = {"meta", "img", "br", "link", "input"}
LOG = [
    {"step": 20, "nats": 3.0, "epoch": 0.5, "seconds": 1.0},
    {"step": 40, "nats": 2.5, "epoch": 1.0, "seconds": 2.0},
    {"step": 40, "nats": 2.5, "epoch": 1.0, "seconds": 2.0, "validation_nats": 2.625},
    {"step": 60, "nats": 2.0, "epoch": 1.5, "seconds": 3.0},
    {"step": 80, "event": "rollback", "loss": None},
    {"step": 80, "nats": None, "epoch": 2.0, "seconds": 4.0, "validation_nats": 2.375},
]
SAMPLES = [{"step": step, "nats": 2.5, "text": f"sample {step} {EVIL}"} for step in range(40, 1640, 40)]


class Page(HTMLParser):
    """Collects tags, values and text, and insists that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.values, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [str(value) for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def make(**other):
    values = {
        "name": f"run {EVIL}",
        "facts": [("validation", 2.375), ("parameters", 1_234_567), ("averaged", True)],
        "log": LOG,
        "samples": SAMPLES,
        "settings": {"Training": {"batch": 16, "dropout": None, "reset": "document"}, "Cell": {}},
        "baselines": [("7-gram", 1.5)],
        "advice": "Give it more time.",
    }
    return training_page(Story(**values | other))


def test_it_holds_everything_and_loads_nothing():
    page = Page(make())
    for word in ("Give it more time.", "1,234,567", "2.375", "7-gram", "reset", "document", "none", "yes"):
        assert word in page.text
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert not any("http" in value or value.startswith("//") for value in page.values)


def test_the_curve_has_a_line_for_each_loss():
    made = make()
    svg = ElementTree.fromstring(made[made.index("<svg") : made.index("</svg>") + 6])
    lines = [it.get("points").split() for it in svg if "line" in it.get("class", "").split() and it.get("points")]
    assert [len(points) for points in lines] == [4, 2]  # training at four steps, validation at two
    heights = [float(point.split(",")[1]) for point in lines[1]]
    assert heights[1] > heights[0]  # a lower loss lies lower on the page
    places = [float(point.split(",")[0]) for point in lines[1]]
    assert 0 < places[0] < places[1] <= 640


def test_samples_are_spread_over_the_run():
    text = Page(make()).text
    assert text.count("nats per token") >= MOST_SAMPLES
    assert "step 40:" in text
    assert "step 1,600:" in text
    assert text.count("sample ") == MOST_SAMPLES


@pytest.mark.parametrize("other", [{"samples": []}, {"log": []}, {"settings": {}}, {"baselines": []}, {"facts": []}])
def test_what_is_missing_is_left_out(other):
    assert "run" in Page(make(**other)).text


def test_averages_have_curves_of_their_own():
    log = [
        {"step": step, "nats": 2.0, "validation_nats": 2.0, "raw_nats": 2.1, "averaged_nats": 2.0} for step in (1, 2)
    ]
    text = Page(make(log=log)).text
    assert "averaged 2.000" in text
    assert "as they are 2.100" in text
