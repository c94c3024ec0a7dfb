"""`seqgen demo` from end to end, on corpora that the test makes and with budgets of a second."""

import dataclasses
import wave

import numpy as np
import pytest

from seqgen.cli import run
from seqgen.jobs import demo
from seqgen.music.read import read_score


@pytest.fixture
def corpora(tmp_path):
    texts = {
        "shakespeare": ("play.txt", "".join(f"ANNA:\nLine {i}.\n\n" for i in range(300)).encode()),
        "sqlite": ("code.c", b"".join(b"int f%d(void) { return %d; }\n" % (i, i) for i in range(200))),
    }
    for name, (file, data) in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(data)
    return tmp_path


def test_the_demo_makes_what_it_promises(corpora, monkeypatch, capsys):
    small = {"hidden": "32", "batch": "4", "window": "16"}
    pieces = tuple(
        piece
        if piece.published
        else dataclasses.replace(piece, corpus=str(corpora / piece.corpus), quick=0.03, length=300, settings=small)
        for piece in demo.PIECES
    )
    monkeypatch.setattr(demo, "PIECES", pieces)
    monkeypatch.chdir(corpora)
    for _ in range(2):  # the second demo replaces the first
        assert run(["demo", "--quick"]) == 0
        shown = capsys.readouterr()
        names = ["shakespeare.txt", "code.c", "chorale.mid", "chorale.wav", "chorale.png", "report.html"]
        assert shown.out.split() == [f"demo/{name}" for name in names]
    assert "report.html" in shown.err
    page = (corpora / "demo/report.html").read_text("utf-8")
    for word in ("A scene", "A C file", "A chorale", "<audio", "<svg", "gram", "data:image/png"):
        assert word in page
    with wave.open(str(corpora / "demo/chorale.wav")) as sound:
        assert sound.getnframes() > sound.getframerate() / 10
    chorale = read_score((corpora / "demo/chorale.mid").read_bytes())
    assert chorale.names == ("Soprano", "Alto", "Tenor", "Bass")
    assert chorale.meter.tolist() == [[4, 4]]
    assert chorale.length == 16 * 4 * chorale.ticks_per_quarter
    last = np.sort(chorale.pitch[chorale.onset + chorale.duration == chorale.length])
    assert {(pitch - last[0]) % 12 for pitch in last.tolist()} in ({0, 4, 7}, {0, 3, 7}, {0, 4}, {0, 3}, {0, 7}, {0})
    assert (corpora / "demo/shakespeare.txt").stat().st_size > 100
    assert (corpora / "demo/code.c").read_bytes().startswith(b"/*\n** Return the ")
