"""What README shows of Python: train, sample, evaluate and tokenize, silent, and with errors of the one tree."""

import dataclasses
import inspect
import re
import typing
from pathlib import Path

import numpy as np
import pytest

import seqgen
from seqgen.api.sampling import How, Sampling
from seqgen.jobs.evaluate.settings import EvaluateJob
from seqgen.jobs.python import HowToEvaluate, HowToTokenize, HowToTrain
from seqgen.jobs.tokenize import TokenizeJob
from seqgen.jobs.train.settings import TrainJob

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
PLAY = "".join(f"ROMEO:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
SMALL = {"hidden": 16, "batch": 4, "window": 16}


@pytest.fixture
def plays(tmp_path, monkeypatch):
    (tmp_path / "plays").mkdir()
    for number in range(4):
        (tmp_path / f"plays/{number}.txt").write_text(PLAY + str(number), "utf-8")
    (tmp_path / "another-play.txt").write_text(PLAY, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(plays):
    seqgen.train("plays", "run", steps=3, seed=1, device="cpu", settings=SMALL)
    return plays / "run"


def test_the_ten_lines_of_the_readme(plays, capfd):
    block = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "seqgen.train(" in block)
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 10
    words = ("seqgen.tokenize(", "seqgen.train(", ".sample(", "seqgen.evaluate(")
    assert all(word in block for word in words)
    quick = block.replace("minutes=5", f"steps=3, device='cpu', settings={SMALL}")
    assert quick != block
    found: dict[str, typing.Any] = {}
    exec(quick, found)
    assert found["sample"].text.startswith("ROMEO:")
    out, err = capfd.readouterr()
    assert err == ""
    assert f"{found['evaluated'].nats_per_token:.3f}" in out


def test_everything_is_silent(plays, capfd):
    stream = seqgen.tokenize("plays", "plays.tokens", codec="char")
    model = seqgen.train("plays.tokens", "silent", steps=3, seed=1, device="cpu", settings=SMALL)
    evaluated = seqgen.evaluate("silent", "another-play.txt")
    sample = model.sample("ROMEO:", seed=3, length=20)
    assert capfd.readouterr() == ("", "")
    assert stream.codec_spec["name"] == "char"
    assert stream.documents == 4
    assert len(sample) == 20
    assert model.checkpoint.metrics["steps"] == 3
    assert evaluated.members[0][1].tokens == len(PLAY) - 1
    assert evaluated.nats_per_token == evaluated.to_json()["nats_per_token"] > 0


def test_python_and_the_command_line_come_to_the_same(run, plays, capsys):
    words = ["train", "plays", "-o", "typed", "--steps", "3", "--seed", "1", "--device", "cpu"]
    from seqgen.cli import run as command

    assert command([*words, *(word for key, value in SMALL.items() for word in ("-P", key, str(value)))]) == 0
    mine, theirs = seqgen.load("run").checkpoint, seqgen.load("typed").checkpoint
    assert mine.training == theirs.training
    assert all(np.array_equal(mine.weights[name], theirs.weights[name]) for name in theirs.weights)
    assert (run / "log.jsonl").read_bytes() == (plays / "typed/log.jsonl").read_bytes()


def test_a_run_goes_on(run):
    model = seqgen.train((), run, resume=True, steps=5, seed=1, device="cpu")
    assert model.checkpoint.training["budget"]["steps"] == 5


def test_an_observer_hears_all(plays):
    class Listener(seqgen.Observer):
        def __init__(self):
            self.notes, self.checks, self.texts, self.closed = [], [], [], False

        def note(self, message):
            self.notes.append(message)

        def checked(self, progress, line, improved):
            self.checks.append((line["step"], improved))

        def sampled(self, text):
            self.texts.append(text)

        def close(self):
            self.closed = True

    listener = Listener()
    seqgen.train("plays", "heard", steps=3, seed=1, device="cpu", settings=SMALL, observer=listener)
    assert listener.checks[-1][0] == 3
    assert listener.checks[0] == (1, True)
    assert len(listener.texts) == sum(improved for _, improved in listener.checks)
    assert listener.closed
    assert any(message.startswith("Validation: ") for message in listener.notes)


def test_an_observer_hears_how_far_a_measurement_is(run):
    class Bars(seqgen.Observer):
        done, total = 0, 0

        def bar(self, name, total, unit):
            self.total += total
            return super().bar(name, total, unit)

    bars = Bars()
    seqgen.evaluate(run, "another-play.txt", observer=bars)
    assert bars.total >= 2 * len(PLAY)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: seqgen.train((), "x"), "no source was given"),
        (lambda: seqgen.train("nowhere", "x"), "nowhere"),
        (lambda: seqgen.train("plays", "x", settings={"hiden": 3}), "no setting is called 'hiden'"),
        (lambda: seqgen.train("plays", "x", device="abacus"), "abacus"),
        (lambda: seqgen.train((), "x", resume=True), "holds no run to go on with"),
        (lambda: seqgen.tokenize("plays", "x.tokens", codec="morse"), "morse"),
        (lambda: seqgen.tokenize("nowhere", "x.tokens"), "nowhere"),
        (lambda: seqgen.evaluate("nowhere", "plays"), "nowhere"),
        (lambda: seqgen.load("nowhere"), "nowhere"),
    ],
)
def test_errors_are_of_the_tree(plays, capfd, call, sentence):
    with pytest.raises(seqgen.SeqgenError, match=sentence):
        call()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("by_keyword", "settings", "apart"),
    [
        (How, Sampling, {"seed"}),
        (HowToTokenize, TokenizeJob, {"source", "output"}),
        (HowToTrain, TrainJob, {"source", "output"}),
        (HowToEvaluate, EvaluateJob, {"checkpoints", "source"}),
    ],
)
def test_what_goes_by_keyword_is_what_the_settings_hold(by_keyword, settings, apart):
    """Types are stated twice, for readers and for checkers; here they are held together."""
    keys = set(typing.get_type_hints(by_keyword, localns={"Music": typing.Any, "DynamicSettings": typing.Any}))
    assert keys == {field.name for field in dataclasses.fields(settings)} - apart


def test_each_shows_an_example():
    for function in (seqgen.train, seqgen.evaluate, seqgen.tokenize):
        assert f"seqgen.{function.__name__}(" in (inspect.getdoc(function) or "")


def test_every_name_is_there():
    assert all(getattr(seqgen, name) is not None for name in seqgen.__all__)
    assert set(seqgen._HOMES) == set(seqgen.__all__) - {"__version__"}
