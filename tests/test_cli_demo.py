"""`seqgen demo` from end to end, on corpora that the test makes and with budgets of a second."""

import dataclasses
import wave

import numpy as np
import pytest

from seqgen.cli import run
from seqgen.jobs import demo
from seqgen.music.score import Score
from seqgen.music.write import write_score


@pytest.fixture
def corpora(tmp_path):
    texts = {
        "shakespeare": ("play.txt", "".join(f"ANNA:\nLine {i}.\n\n" for i in range(300)).encode()),
        "sqlite": ("code.c", b"".join(b"int f%d(void) { return %d; }\n" % (i, i) for i in range(200))),
    }
    for name, (file, data) in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(data)
    (tmp_path / "bach-chorales").mkdir()
    for number in range(4):
        notes = [(480 * (i // 4), 480, 50 + 5 * (i % 4) + (i // 4 + number) % 5, 80, 52) for i in range(160)]
        data = write_score(Score.from_notes(480, np.array(notes)))
        (tmp_path / f"bach-chorales/{number}.mid").write_bytes(data)
    return tmp_path


def test_the_demo_makes_what_it_promises(corpora, monkeypatch, capsys):
    small = {"hidden": "32", "batch": "4", "window": "16"}
    pieces = tuple(
        dataclasses.replace(piece, corpus=str(corpora / piece.corpus), quick=0.03, length=300, settings=small)
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
    assert (corpora / "demo/shakespeare.txt").stat().st_size > 100
    assert (corpora / "demo/code.c").read_bytes().startswith(b"/*\n** Return the ")
