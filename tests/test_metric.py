"""Written or played: which clock a corpus of music is tokenized with."""

import numpy as np
import pytest
from midi_files import simple

from seqgen.cli import run
from seqgen.music.metric import on_beats, written
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.sources import resolve

TUNE = b"X:1\nM:6/8\nL:1/8\nK:D\nDFA dfa|g3 a3|]\n"


def played(seed: int, ticks: int = 480) -> Score:
    """Onsets anywhere."""
    rng = np.random.default_rng(seed)
    rows = [(int(at), 100, 60, 80, 0) for at in rng.integers(0, 100_000, 300)]
    return Score.from_notes(ticks, rows)


def sequenced(seed: int, near: int = 0) -> Score:
    """Onsets on sixteenths and triplets, or some ticks beside them."""
    rng = np.random.default_rng(seed)
    places = rng.choice([0, 120, 160, 240, 320, 360], 300) + 480 * rng.integers(0, 64, 300)
    rows = [(int(at + off), 100, 60, 80, 0) for at, off in zip(places, rng.integers(0, near + 1, 300))]
    return Score.from_notes(480, rows)


@pytest.mark.parametrize("seed", range(5))
def test_onsets_on_beats(seed):
    assert on_beats(sequenced(seed)) == 1
    assert on_beats(sequenced(seed, near=5)) == 1
    assert on_beats(played(seed)) < 0.25
    assert on_beats(played(seed, 96)) < 0.35
    assert on_beats(Score.from_notes(480, [])) == 0


def test_pieces_are_counted_and_scores_are_always_written():
    assert written([TUNE, write_score(played(1)), write_score(sequenced(1)), b"MThd junk"]) == (2, 3)


@pytest.mark.parametrize(
    ("files", "codec", "reason"),
    [
        ([sequenced, sequenced, played], "midi_bar", "the onsets of 2 of 3 pieces lie on their beats"),
        ([sequenced, played, played], "midi", "the onsets of 2 of 3 pieces lie between their beats"),
    ],
)
def test_the_codec_follows_the_files_and_says_why(tmp_path, capsys, files, codec, reason):
    for number, kind in enumerate(files):
        (tmp_path / f"{number}.mid").write_bytes(write_score(kind(number)))
    assert guess_codec(resolve([tmp_path])) == (codec, reason)
    assert run(["tokenize", str(tmp_path), "-o", str(tmp_path / "out.tokens")]) == 0
    assert f"Codec {codec}, {reason}; -c names another." in capsys.readouterr().err
    assert run(["inspect", str(tmp_path)]) == 0
    assert reason in capsys.readouterr().out


def test_scores_are_counted_in_bars(tmp_path):
    (tmp_path / "tune.abc").write_bytes(TUNE)
    assert guess_codec(resolve([tmp_path]))[0] == "midi_bar"
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    (tmp_path / "tune.abc").unlink()
    assert guess_codec(resolve([tmp_path])) == ("midi", "")
    (tmp_path / "silent.mid").write_bytes(simple())
    assert guess_codec(resolve([tmp_path]))[0] == "midi"
