"""Settings for people who give none: they follow what the machine reads in the time, and are chosen before the run."""

import pytest

import seqgen
from seqgen.checkpoint import MODEL_FILE, Checkpoint
from seqgen.models import ModelSettings
from seqgen.training import defaults
from seqgen.training.defaults import Reading, choose, is_chosen, transposition
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings

SHAKESPEARE = 1_003_854  # training tokens
SHORT = Budget(minutes=89 / 60)


@pytest.mark.parametrize("tokens", [1_000, 100_000, 1_000_000, 100_000_000])
@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("minutes", [0.2, 1.5, 10, 60, None])
@pytest.mark.parametrize("rate", [2_000, 40_000, 300_000])
def test_defaults_are_valid_settings(tokens, kind, minutes, rate):
    shape, train = choose(kind, Reading(tokens, Budget(minutes=minutes, steps=None if minutes else 100), rate))
    assert ModelSettings(**shape).hidden >= 64
    assert TrainSettings(**train).batch >= 4
    assert is_chosen(shape, kind)


def test_a_quick_machine_gets_a_wider_layer_and_then_dropout():
    """In 89 s a slow hour of a machine made 3.9 passes, which was well, and a quick one 4.6, and overfitted."""
    found = {rate: choose("cpu", Reading(SHAKESPEARE, SHORT, rate)) for rate in (8_000, 44_000, 52_000, 200_000)}
    assert [shape["hidden"] for shape, _ in found.values()] == [256, 320, 384, 384]
    assert [train["dropout"] for _, train in found.values()] == [0.0, 0.0, 0.0, 0.35]
    assert choose("cpu", Reading(SHAKESPEARE, SHORT, 52_000), {"hidden": "320"})[1]["dropout"] == 0.2


def test_minutes_do_not_matter_where_as_much_is_read():
    slow, quick = Reading(SHAKESPEARE, Budget(minutes=9), 8_000), Reading(SHAKESPEARE, Budget(minutes=1.5), 48_000)
    one, two = choose("cpu", slow), choose("cpu", quick)
    assert one[0] == two[0]
    assert one[1]["dropout"] == two[1]["dropout"]


def test_passes_are_known_where_steps_or_epochs_bound_the_run():
    for budget in (Budget(epochs=2), Budget(steps=2 * SHAKESPEARE // 1024)):
        given = [Reading(SHAKESPEARE, budget, rate).passes(defaults.REFERENCE, 16, 64) for rate in (1, 1e9)]
        assert given == [pytest.approx(2, abs=0.01)] * 2


def test_what_comes_first_ends_the_run():
    reading = Reading(1_000, Budget(minutes=1, epochs=3, steps=100), 1_000)
    assert reading.passes(defaults.REFERENCE, 16, 64) == 3
    assert reading.passes(defaults.REFERENCE, 1, 1) == 0.1


def test_a_wider_model_makes_fewer_passes():
    reading = Reading(SHAKESPEARE, Budget(minutes=10), 40_000)
    usual, wide = (choose("cpu", reading, given)[1]["dropout"] for given in ({}, {"hidden": 1024}))
    assert wide < usual


def test_long_runs_get_two_wide_layers():
    assert choose("cpu", Reading(SHAKESPEARE, Budget(minutes=60), 40_000))[0] == defaults.WIDE
    assert choose("cpu", Reading(SHAKESPEARE, Budget(minutes=60), 4_000))[0] != defaults.WIDE
    assert choose("cpu", Reading(100_000, Budget(minutes=60), 40_000))[0] != defaults.WIDE


def test_other_keys_come_with_many_passes():
    reading = Reading(100_000, Budget(minutes=2), 40_000)
    assert transposition("cpu", reading, {}) == defaults.TRANSPOSE
    assert transposition("cpu", reading, {"hidden": "1024"}) == 0
    assert transposition("cpu", Reading(100_000, Budget(epochs=2), 40_000), {}) == 0


def test_the_speed_is_measured_once_before_a_run_in_minutes_and_not_for_one_in_steps(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "seqgen.jobs.train.planning.reference_rate", lambda cell, size, memory: asked.append(size) or 1e6
    )
    text = tmp_path / "play.txt"
    text.write_text("to be or not to be, that is the question. " * 400)
    for name, budget in (("steps", {"steps": 2}), ("minutes", {"minutes": 0.001})):
        seqgen.train(text, tmp_path / name, seed=1, **budget)
    assert len(asked) == 1
    plans = {name: Checkpoint.load(tmp_path / name / MODEL_FILE).training for name in ("steps", "minutes")}
    assert plans["steps"]["train"]["dropout"] == 0.0
    assert plans["minutes"]["train"]["dropout"] > 0
