"""The lessons: short files, honest numbers, pages."""

import json
from pathlib import Path

import pytest

from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.inside import lessons
from seqgen.inside.lessons import adding, parity, vanishing

FOLDER = Path(lessons.__file__).parent


def test_each_is_read_from_top_to_bottom():
    assert lessons.names() == ("adding", "hello", "parity", "step", "vanishing")
    for name in lessons.names():
        text = (FOLDER / f"{name}.py").read_text("utf-8")
        assert text.count("\n") <= 150, name
        assert text.startswith(f'"""{name}: ')
        assert lessons.about(name)


def test_hello_is_learned_and_step_is_exact():
    said = []
    found = lessons.run("hello", said.append)
    assert found.numbers["right"] == 1
    assert found.numbers["loss"] < 0.01
    assert any("'hello'" in line for line in said)
    assert lessons.run("step", said.append).numbers["apart"] < 1e-12


def test_parity_goes_on_beyond_what_was_seen(monkeypatch):
    monkeypatch.setattr(parity, "STEPS", 700)
    found = lessons.run("parity", lambda line: None)
    assert max(found.numbers["gru_200"], found.numbers["lstm_200"]) >= 0.99


def test_the_memory_set_by_hand_adds(monkeypatch):
    monkeypatch.setattr(adding, "STEPS", 150)
    found = lessons.run("adding", lambda line: None)
    assert found.numbers["hand"] < 0.01
    assert found.numbers["error"] < 0.9


def test_the_gradient_of_the_rnn_vanishes_and_that_of_the_lstm_does_not(monkeypatch):
    monkeypatch.setattr(vanishing, "TASKS", (5,))
    monkeypatch.setattr(vanishing, "UPDATES", 10)
    found = lessons.run("vanishing", lambda line: None)
    assert found.numbers["rnn_to_lstm_100"] < 1e-4
    assert found.numbers["lstm_100"] > 0.01


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["lesson"]) == 0
    assert "vanishing" in capsys.readouterr().out
    assert run(["lesson", "step", "-o", "step.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["numbers"]["apart"] < 1e-12
    assert "<h2>lstm</h2>" in Path("step.html").read_text("utf-8")
    assert run(["lesson", "flying"]) == 2
    assert "no lesson is called 'flying'" in capsys.readouterr().err
    with pytest.raises(UsageError):
        lessons.run("../step", print)
