"""The form of a piece: sections that come back, and bars as like those before them as the corpus has them."""

import dataclasses
import json

import numpy as np
import pytest

import seqgen
from seqgen.api.learned import bar_similarity
from seqgen.api.model import Model
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi_bar import MidiBar, MidiBarOptions
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.form import FormedScore, Past, _pays
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.codecs.midi_bar.recall import Bar, Note
from seqgen.codecs.midi_bar.steering import SteeredScore
from seqgen.errors import CheckpointError, UsageError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.bar_similarity import Bars
from seqgen.music.controls import Controls
from seqgen.music.form import Form
from seqgen.music.read import read_score
from seqgen.music.request import Music
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score
from seqgen.tokenizer import Tokenizer

SIMILARITY = {"1": 0.05, "2": 0.15, "4": 0.3, "8": 0.2}
SHAPE = ModelSettings(hidden=16)


def untrained(codec, name: str, **metrics) -> Checkpoint:
    """Bars of some four notes, whatever they are."""
    tokenizer = Tokenizer(codec, name)
    rng = np.random.default_rng(3)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {key: (0.2 * rng.standard_normal(shape)).astype(np.float32) for key, shape in shapes.items()}
    if name == "midi_bar":
        bias = weights["output.bias"]
        bias[v.METER] += 6
        bias[v.POS : v.PART] -= 9
        bias[v.POS : v.POS + 96 : 12] += 9
        bias[v.BAR] += 0.5
        bias[v.PITCH : v.DRUM] -= 9
        bias[v.PITCH + 60 : v.PITCH + 72] += 9
        bias[v.PART + 1 : v.VEL] -= 4
        bias[v.DRUM : v.DUR] -= 9
        bias[v.METER + 1 : v.POS] -= 9
    return Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, metrics=metrics)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return untrained(MidiBar(MidiBarOptions()), "midi_bar", bar_similarity=SIMILARITY)


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("bars")
    checkpoint.save(path / "model.safetensors")
    return str(path)


def likeness(data: bytes) -> np.ndarray:
    """(B, B) how like each bar is to each, and no metre but one."""
    bars = Bars.of(read_score(data))
    sets = [set() for _ in range(int(bars.first.max()) + 1)]
    for bar, place, sound in zip(bars.first.tolist(), bars.place.tolist(), bars.sound.tolist()):
        sets[bar].add((place, sound))
    return np.array([[len(a & b) / max(len(a | b), 1) for a in sets] for b in sets])


def refusal(capsys, *arguments: str) -> str:
    assert run([*arguments]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_sections_with_one_letter_are_alike_and_others_are_not(checkpoint):
    same, other = [], []
    for seed in range(4):
        sample = Model(checkpoint).sample(seed=seed, music=Music(form="aaaba:8", meter=(4, 4)))
        found = likeness(sample.bytes)
        assert len(found) == 40
        sections = found.reshape(5, 8, 5, 8)
        pairs = {(i, j): np.mean([sections[i, k, j, k] for k in range(8)]) for i in range(5) for j in range(i)}
        same += [pairs[2, 1], pairs[4, 2]]
        other += [pairs[3, j] for j in range(3)]
    assert np.mean(same) >= 0.7
    assert np.mean(other) <= 0.25


def test_a_form_as_in_the_corpus_gives_the_similarity_of_the_corpus_by_lag(checkpoint):
    music = Music(form="corpus", bars=64, meter=(4, 4))
    pieces = [Bars.of(read_score(Model(checkpoint).sample(seed=seed, music=music).bytes)) for seed in range(8)]
    plain = Bars.of(read_score(Model(checkpoint).sample(seed=0, music=dataclasses.replace(music, form=None)).bytes))
    assert plain.similarities()[3] < 0.15, "without a form nothing comes back"
    found = np.mean([piece.similarities()[1:5] for piece in pieces], axis=0)
    wanted = np.array(list(SIMILARITY.values()))
    assert (found[1:] >= 0.8 * wanted[1:]).all()
    assert (found[1:] <= 1.3 * wanted[1:] + 0.05).all()


def test_other_controls_hold_with_a_form(checkpoint):
    music = Music(form="abab", bars=16, key="D", meter=(3, 4), tempo=90)
    score = read_score(Model(checkpoint).sample(seed=5, music=music).bytes)
    assert {int(pitch) % 12 for pitch in score.pitch[score.program != DRUMS]} <= {1, 2, 4, 6, 7, 9, 11}
    assert score.meter.tolist() == [[3, 4]]
    assert score.tempo.tolist() == [666_667]
    assert int(Bars.of(score).first.max()) == 15


def test_the_form_is_as_long_as_its_sections_or_they_fit_into_the_length():
    assert Music(form="aaba").all_bars == 32
    assert Music(form="aaba:4").all_bars == 16
    assert Music(form="aaba", bars=22).shape == Form("aaba", 5)
    assert Music(form="Corpus", bars=22).shape == Form("")
    assert Music(form="aaba", seconds=30).all_bars is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"form": "aaba:8", "bars": 16}, "16 bars cannot hold the form: aaba:8 is 32"),
        ({"form": "aaba", "bars": 3}, "3 bars cannot hold the form: aaba is 4 at least"),
        ({"form": "aaba:8", "seconds": 30.0}, "a length in bars, and one in time"),
        ({"form": "a-b"}, "expected corpus or up to 64 letters"),
        ({"form": "aab:x"}, "expected a number of bars"),
        ({"form": "aab:0"}, "expected a number of bars"),
        ({"form": ""}, "expected corpus or up to 64 letters"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(asked, said):
    with pytest.raises(UsageError, match=said) as raised:
        Music(**asked)
    assert raised.value.hint


def test_a_length_in_time_is_shared_out_among_the_sections(checkpoint):
    music = Music(form="aaaa", seconds=64, tempo=120, meter=(4, 4))
    found = likeness(Model(checkpoint).sample(seed=2, music=music).bytes)
    assert len(found) == 32
    assert np.mean([found[24 + k, 16 + k] for k in range(7)]) >= 0.6


def test_a_corpus_of_which_nothing_is_known_is_told(capsys, tmp_path):
    untrained(MidiBar(MidiBarOptions()), "midi_bar").save(tmp_path / "model.safetensors")
    said = refusal(capsys, "generate", str(tmp_path), "--form", "corpus", "-o", str(tmp_path / "x.mid"))
    assert "how alike the bars of its corpus are is not known" in said
    assert "--form aaba" in said


def test_a_model_that_counts_seconds_has_no_bars(capsys, tmp_path):
    untrained(Midi(MidiOptions()), "midi").save(tmp_path / "model.safetensors")
    said = refusal(capsys, "generate", str(tmp_path), "--form", "aaba", "-o", str(tmp_path / "x.mid"))
    assert "--form needs a model of codec midi_bar" in said


def test_a_take_keeps_the_form_and_is_made_again(folder, tmp_path, capsys):
    made, again = tmp_path / "made.mid", tmp_path / "again.mid"
    run(["generate", folder, "--form", "aab:2", "--seed", "4", "-o", str(made)])
    run(["takes", "replay", "last", "-o", str(again)])
    assert made.read_bytes() == again.read_bytes()
    capsys.readouterr()
    run(["takes", "show", "last", "--json"])
    assert json.loads(capsys.readouterr().out)["settings"]["music"] == {"form": "aab:2", "bar": 2.0, "beats": 4.0}
    once = made.read_bytes()
    run(["generate", folder, "--form", "aab:2", "--seed", "4", "-n", "3", "-o", str(tmp_path / "three") + "/"])
    assert read_score(once).onset.tolist() == read_score((tmp_path / "three" / "1.mid").read_bytes()).onset.tolist()


def test_the_next_note_of_a_model_is_found_from_wherever_a_bar_stands():
    notes = tuple(Note(place, 0, 60 + place, 0, 8, (v.DUR + 11,)) for place in (0, 12, 24))
    model = Bar((4, 4), notes)
    grammar = FormedScore(SteeredScore(ScoreGrammar(), Controls(bars=8)), Form("aa", 1))
    state = grammar.start()
    for token in [
        v.BAR,
        v.METER,
        v.REMAIN + 6,
        v.POS,
        v.TEMPO + 29,
        v.PART,
        v.INST,
        v.VEL + 8,
        v.PITCH + 60,
        v.DUR + 11,
    ]:
        state = grammar.step(state, token)
    state = state._replace(past=state.past._replace(model=model, following=1))
    assert grammar.lean(state) == (v.POS + 12, state.past.nats)
    strayed = grammar.step(state, v.POS + 15)
    assert grammar.lean(strayed) is None, "the model has nothing at this place"
    for token in (v.PITCH + 72, v.DUR + 11):
        strayed = grammar.step(strayed, token)
    assert grammar.lean(strayed) == (v.POS + 24, state.past.nats)
    for token in (v.POS + 24, v.PITCH + 84):
        strayed = grammar.step(strayed, token)
    assert grammar.lean(strayed) == (v.DUR + 11, state.past.nats)
    assert grammar.lean(grammar.step(strayed, v.DUR + 11)) == (v.BAR, state.past.nats)


def test_an_upbeat_stands_before_the_sections_and_lengthens_the_piece():
    grammar = FormedScore(SteeredScore(ScoreGrammar(), Controls(bars=8)), Form("aa", 4, own=True))
    state = grammar.start()
    upbeat = v.meter_tokens(1, 4)
    note = [v.PITCH + 60, v.DUR + 23]
    for token in [v.BAR, *upbeat, v.REMAIN + 6, v.POS, v.TEMPO + 29, v.PART, v.INST, v.VEL + 8, *note, v.BAR]:
        state = grammar.step(state, token)
    assert state.place.last == 8
    for token in [v.METER, v.POS, *note, v.BAR, v.POS, *note, v.BAR, v.POS, *note, v.BAR, v.POS, *note]:
        state = grammar.step(state, token)
        assert state.past.model is None
    state = grammar.step(state, v.BAR)
    assert state.past.model == state.past.bars[1]


def test_what_is_owed_is_paid_by_runs():
    grammar = FormedScore(SteeredScore(ScoreGrammar(), Controls()), Form("", similarity=((4, 0.5),)))
    bars = tuple(Bar((4, 4), (Note(number, 0, 60, 0, 8),)) for number in range(4))
    past = Past(bars, owed=(0.4 * _pays(4),))
    assert grammar._as_in_corpus(past, 4).model is None
    begun = grammar._as_in_corpus(past._replace(owed=(0.6 * _pays(4),)), 4)
    assert (begun.model, begun.left) == (bars[0], 1)
    assert grammar._as_in_corpus(begun, 5).lag == 4


def test_training_keeps_how_alike_the_bars_of_its_corpus_are_or_they_are_measured_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    songs = tmp_path / "songs"
    songs.mkdir()
    for number in range(4):  # four bars that come back
        notes = [(480 * i, 480, 48 + (2 * (i % 16) + number) % 24, 80, 0) for i in range(64)]
        (songs / f"{number}.mid").write_bytes(write_score(Score.from_notes(480, np.array(notes))))
    model = seqgen.train(
        songs, tmp_path / "run", codec="midi_bar", steps=2, seed=1, settings={"hidden": 16, "batch": 2}
    )
    stored = model.checkpoint.metrics["bar_similarity"]
    assert stored["4"] > 0.95
    assert stored["1"] < 0.3
    bare = dataclasses.replace(model.checkpoint, metrics={})
    assert bar_similarity(Model(bare, name=str(tmp_path / "run"))) == {int(lag): mean for lag, mean in stored.items()}
    broken = dataclasses.replace(model.checkpoint, metrics={"bar_similarity": {"four": 1}})
    with pytest.raises(CheckpointError, match="makes no sense"):
        bar_similarity(Model(broken, name="x"))
