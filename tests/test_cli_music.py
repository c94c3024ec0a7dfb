"""`seqgen generate` on music that has to keep to something, and `seqgen evaluate --samples`, as from a shell."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgen.api.model import load
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.requests import controls_of, steerable
from seqgen.evaluation.music import features
from seqgen.evaluation.plausibility import NAMES
from seqgen.jobs.evaluate.music_measures import lines, measured
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.read import read_score
from seqgen.music.request import Music
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=24)


def save(folder: Path, tokenizer: Tokenizer) -> str:
    """An untrained model that likes notes and short waits, and no end."""
    rng = np.random.default_rng(1)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.3 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    if tokenizer.codec_name == "midi":
        weights["output.bias"][v.SHIFT + 10 : v.SHIFT + 40] += 2
        weights["output.bias"][v.PITCH + 40 : v.PITCH + 80] += 1
    Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights).save(folder / "model.safetensors")
    return str(folder)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("music"), Tokenizer(Midi(MidiOptions()), "midi"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("text"), Tokenizer(Char.fit([b"abc"], CharOptions()), "char"))


@pytest.fixture(scope="module")
def primer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight notes of an oboe in 3/4, getting slower, at one loudness."""
    rows = [(480 * beat, 400, 60 + beat, 70, 68) for beat in range(8)]
    score = Score.from_notes(
        480, rows, tempo_tick=np.array([0, 1440]), tempo=np.array([500_000, 600_000]), meter=np.array([[3, 4]])
    )
    path = tmp_path_factory.mktemp("primer") / "primer.mid"
    path.write_bytes(write_score(score))
    return path


def made(path: Path, *arguments: str) -> Score:
    assert run(["generate", *arguments, "--seed", "5", "-o", str(path)]) == 0
    return read_score(path.read_bytes())


def refusal(capsys: Any, *arguments: str) -> str:
    capsys.readouterr()
    assert run([*arguments, "--seed", "1"]) == 2
    return str(capsys.readouterr().err)


def test_a_new_piece_keeps_to_instruments_key_and_length(music: str, tmp_path: Path) -> None:
    options = ["--instruments", "flute,40,drums", "--key", "A", "--scale", "minor-pentatonic", "--minutes", "0.25"]
    score = made(tmp_path / "a.mid", music, *options)
    assert set(score.program.tolist()) <= {73, 40, DRUMS}
    assert {pitch % 12 for pitch in score.pitch[score.program != DRUMS].tolist()} <= {9, 0, 2, 4, 7}
    assert abs(score.duration_seconds - 15) <= 0.75


def test_bars_at_a_tempo_are_bars_of_the_file(music: str, tmp_path: Path) -> None:
    score = made(tmp_path / "b.mid", music, "--bars", "8", "--tempo", "90", "--density", "3")
    quarters = score.length / score.ticks_per_quarter
    assert score.tempo.tolist() == [666_667]
    assert abs(quarters - 32) <= 1.6
    assert abs(score.duration_seconds - 8 * 4 * 60 / 90) <= 0.05 * 8 * 4 * 60 / 90


def test_a_tempo_scales_time_after_a_primer(music: str, tmp_path: Path, primer: Path) -> None:
    """The primer keeps its tempos; what follows goes at that asked for, as long as asked."""
    score = made(tmp_path / "h.mid", music, "-p", str(primer), "--seconds", "10", "--tempo", "150")
    begin = read_score(primer.read_bytes())
    last = int(begin.onset[-1])
    assert score.tempo_tick.tolist() == [0, 1440, last]
    assert score.tempo.tolist() == [500_000, 600_000, 400_000]
    assert np.abs(score.onset[:8] - begin.onset).max() <= 5
    assert abs(score.duration_seconds - float(begin.seconds(last)) - 10) <= 0.5


@pytest.mark.parametrize("tempo", [100, 140])
def test_the_tempo_of_a_primer_comes_back(music: str, tmp_path: Path, tempo: int) -> None:
    rows = [(480 * beat, 400, 60 + beat, 70, 68) for beat in range(8)]
    path = tmp_path / "p.mid"
    path.write_bytes(write_score(Score.from_notes(480, rows, tempo=np.array([round(6e7 / tempo)]))))
    score = made(tmp_path / "i.mid", music, "-p", str(path), "--seconds", "10")
    assert len(score.tempo) == 1
    assert abs(6e7 / score.tempo[0] / tempo - 1) < 1e-3


def test_what_follows_a_primer_keeps_its_bars_instrument_and_loudness(music: str, tmp_path: Path, primer: Path) -> None:
    score = made(tmp_path / "c.mid", music, "-p", str(primer), "--bars", "4")
    begin = read_score(primer.read_bytes())
    assert score.ticks_per_quarter == 480
    assert score.tempo.tolist() == [500_000, 600_000]
    assert score.tempo_tick.tolist() == [0, 1440]
    assert score.meter.tolist() == [[3, 4]]
    assert set(score.program.tolist()) == {68}
    assert set(score.velocity.tolist()) == {70}
    assert np.abs(score.onset[:8] - begin.onset).max() <= 5
    assert score.pitch[:8].tolist() == begin.pitch.tolist()
    follows = score.duration_seconds - float(begin.seconds(begin.onset[-1:])[0])
    assert abs(follows - 4 * 1.8) <= 0.05 * 4 * 1.8 + 0.01


def test_the_primer_may_be_left_out_of_the_file(music: str, tmp_path: Path, primer: Path) -> None:
    options = [music, "-p", str(primer), "--seconds", "10"]
    whole = made(tmp_path / "d.mid", *options)
    rest = made(tmp_path / "e.mid", *options, "--no-prompt-in-output")
    assert len(rest) == len(whole) - 8
    assert rest.pitch.tolist() == whole.pitch[8:].tolist()
    assert set(rest.program.tolist()) == {68}
    assert rest.tempo.tolist() == [600_000]
    assert abs(rest.duration_seconds - 10) <= 0.5


def test_any_instrument_may_follow_a_primer_if_so_asked(music: str, tmp_path: Path, primer: Path) -> None:
    score = made(tmp_path / "f.mid", music, "-p", str(primer), "--seconds", "10", "--instruments", "any")
    assert len(set(score.program.tolist())) > 1


def test_variations_are_made_at_once_and_differ(music: str, tmp_path: Path, primer: Path) -> None:
    arguments = ["generate", music, "-p", str(primer), "--seconds", "4", "-n", "8", "--seed", "3"]
    assert run([*arguments, "-o", str(tmp_path) + "/"]) == 0
    assert len({(tmp_path / f"{number}.mid").read_bytes()[200:] for number in range(1, 9)}) == 8


def test_a_take_of_a_steered_piece_comes_back_byte_by_byte(
    music: str, tmp_path: Path, primer: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
    for number, more in enumerate([[], ["--no-prompt-in-output"], ["--tempo", "80"]]):
        out, again = tmp_path / f"{number}.mid", tmp_path / f"again-{number}.mid"
        made(out, music, "-p", str(primer), "--seconds", "4", *more)
        assert run(["takes", "replay", "last", "-o", str(again)]) == 0
        assert again.read_bytes() == out.read_bytes()


def test_text_may_be_left_without_its_prompt(text: str, tmp_path: Path, capsysbinary: Any) -> None:
    arguments = ["generate", text, "-p", "abc", "-l", "5", "--seed", "1"]
    assert run(arguments) == 0
    whole = capsysbinary.readouterr().out
    assert run([*arguments, "--no-prompt-in-output"]) == 0
    assert capsysbinary.readouterr().out == whole[3:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--instruments", "pianoo"], "no instrument is called 'pianoo'"),
        (["--key", "H"], "no key is called 'H'"),
        (["--key", "A", "--scale", "minor-pentatonik"], "minor-pentatonic"),
        (["--scale", "blues"], "has no key to stand in"),
        (["--tempo", "1000"], "tempo is 1000.0, expected 20 to 400"),
        (["--density", "0"], "0 is not in the range 1<=x<=8"),
        (["--bars", "10001"], "bars is 10001, expected 1 to 10000"),
        (["--minutes", "0"], "seconds is 0.0, expected 1 s to 10 hours"),
        (["--minutes", "1", "--seconds", "60"], "both --minutes and --seconds"),
        (["--minutes", "1", "--bars", "8"], "in bars and in time"),
        (["--bars", "8", "--no-grammar"], "--bars needs the grammar"),
        (["--max-copy", "bars"], "is neither a number of tokens"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(capsys: Any, music: str, options: list[str], message: str) -> None:
    said = refusal(capsys, "generate", music, "-o", "x.mid", *options)
    assert message in said
    assert not Path("x.mid").exists()


@pytest.mark.parametrize("option", [["--minutes", "3"], ["--instruments", "piano"], ["--key", "C"], ["--bars", "4"]])
def test_text_has_no_minutes(capsys: Any, text: str, option: list[str]) -> None:
    assert f"{option[0]} is for music, this model makes .txt files" in refusal(capsys, "generate", text, *option)


def test_a_primer_has_its_own_density(capsys: Any, music: str, primer: Path) -> None:
    said = refusal(capsys, "generate", music, "-p", str(primer), "--density", "3", "-o", "x.mid")
    assert "a prompt has its own" in said


def test_an_instrument_that_was_never_heard_is_told(music: str, monkeypatch: Any) -> None:
    model, asked = load(music), Music(instruments="piano,gunshot")
    codec = steerable(model.tokenizer.codec, model.tokenizer.codec_name, asked)
    monkeypatch.setattr(type(codec), "sounding", lambda self, counts: frozenset({0, 40}))
    learned = np.zeros(codec.vocab_size, np.int64)
    controls, remarks = controls_of(codec, asked, model.prompt(b"")[:0], lambda: learned, model.name)
    assert controls.programs == {0, 127}, "of a family what is known, of what is not what was asked"
    assert len(remarks) == 1
    assert "has never heard 'gunshot'; it knows grand piano, violin" in remarks[0]


def test_samples_are_compared_with_a_corpus_and_shown(music: str, tmp_path: Path, capsys: Any) -> None:
    corpus, page = tmp_path / "corpus", tmp_path / "page.html"
    corpus.mkdir()
    rng = np.random.default_rng(1)
    for number in range(8):
        rows = [(240 * at, 200, int(rng.integers(50, 80)), 80, 0) for at in range(30)]
        (corpus / f"{number}.mid").write_bytes(write_score(Score.from_notes(480, rows)))
    arguments = ["evaluate", music, str(corpus), "--samples", "4", "--device", "cpu", "--seed", "2"]
    assert run([*arguments, "--report", str(page), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bits_per_note"] > 0
    assert found["bits_per_second"] > 0
    assert set(found["music"]["features"]) == set(features(Score.from_notes(480, [(0, 9, 60, 80, 0)])))
    assert found["music"]["samples"] <= 4
    assert 0 <= found["music"]["grammar_errors"] <= 1
    measures = found["music"]["measures"]
    assert measures["in_key"]["corpus"]["pieces"] == 8
    assert set(measures["in_key"]) == {"corpus", "samples", "inside"}
    assert measures["notes_together"]["corpus"]["median"] == 1
    assert set(measures) | set(found["music"]["left_out"]) == set(NAMES)
    assert found["music"]["doubled_keys"] == 0
    assert found["music"]["most_together"]["corpus"] == {"notes_together": 1, "notes_of_a_part_together": 1}
    html = page.read_text("utf-8")
    assert html.count("<rect") == 2 * len(measures)
    assert html.count("<audio") == html.count('src="data:image/png') >= 3


def test_measures_are_readable_on_eighty_columns() -> None:
    rng = np.random.default_rng(1)
    rows = [[(240 * at, 200, int(rng.integers(50, 80)), 80, 0) for at in range(200)] for _ in range(8)]
    scores = [Score.from_notes(480, piece) for piece in rows]
    found = lines(measured(scores[:4], scores[4:], scores))
    assert max(map(len, found)) <= 80
    assert sum("┃" in line for line in found) == 2 * len(NAMES)
    assert sum(" samples " in line for line in found) == len(NAMES)


def test_samples_of_text_are_refused(text: str, capsys: Any) -> None:
    assert "--samples is for music" in refusal(capsys, "evaluate", text, "x", "--samples", "4")
    assert "--report was given without --samples" in refusal(capsys, "evaluate", text, "x", "--report", "x.html")
