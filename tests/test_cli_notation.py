"""Music goes out printed: from decode and render, and refused with a way out where it lies on no grid."""

from pathlib import Path

from seqgen.cli import run
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score

TUNE = b"X:1\nT:Air\nM:6/8\nL:1/8\nK:G\nGAB d2B|AGA G3|]\n"


def test_decode_and_render_print(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("air.abc").write_bytes(TUNE)
    assert run(["tokenize", "air.abc", "-o", "air.tokens"]) == 0
    for name in ("air.musicxml", "again.abc", "air.mid"):
        assert run(["decode", "air.tokens", "-o", name]) == 0
        score = read_score(Path(name).read_bytes())
        assert score.meter.tolist() == [[6, 8]]
        assert score.pitch.tolist() == [67, 69, 71, 74, 71, 69, 67, 69, 67]
        assert (score.onset * 2 // score.ticks_per_quarter).tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert run(["render", "air.mid", "-o", "air.xml.abc", "-o", "rendered.musicxml"]) == 0
    assert len(read_score(Path("rendered.musicxml").read_bytes())) == 9


def test_what_lies_on_no_grid_is_told_and_put_on_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [(at * 487, 200, 60 + at, 80, 0) for at in range(8)]
    Path("played.mid").write_bytes(write_score(Score.from_notes(480, rows)))
    assert run(["render", "played.mid", "-o", "played.abc"]) == 1
    said = capsys.readouterr().err
    assert "6 of 8 notes lie off the grid of 24ths of a quarter note" in said
    assert "--grid 16" in said
    assert not Path("played.abc").exists()
    assert run(["render", "played.mid", "-o", "played.abc", "--grid", "16"]) == 0
    assert len(read_score(Path("played.abc").read_bytes())) == 8
    assert run(["render", "played.mid", "-o", "x.abc", "--grid", "7"]) == 1
    assert "grid is 7" in capsys.readouterr().err
