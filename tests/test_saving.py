"""A long run saves early, then now and then, whatever that costs; saving leaves no trace in the run."""

import shutil

from test_resume import DOCUMENTS, EVERYTHING, STEPS, assert_same
from test_training import Nobody, make_run, make_stream

from seqgen.checkpoint import Checkpoint
from seqgen.training import saving
from seqgen.training.saving import Saves


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(saving.time, "monotonic", lambda: self.now)


def times(clock, minutes, numbers=50_000, cost=0.0, first=True):
    """When a run of so many minutes saves, in seconds, where a save takes `cost` seconds."""
    found = []

    def save():
        found.append(round(clock.now - began))
        clock.now += cost

    saves = Saves(numbers)
    clock.now += 7  # between the making of a run and its first step
    began = clock.now
    saves.begin(first)
    while (share := (clock.now - began) / (60 * minutes)) < 1:
        if saves.due(share):
            with saves.timed():
                save()
        clock.now += 0.25
    return found


def test_a_long_run_saves_within_fifteen_seconds_and_then_every_two_minutes(monkeypatch):
    assert times(Clock(monkeypatch), 10, cost=1.0)[:3] == [10, 132, 253]


def test_a_run_of_a_minute_needs_no_save_on_its_way(monkeypatch):
    assert times(Clock(monkeypatch), 0.9) == []
    assert times(Clock(monkeypatch), 1.1) == [10]


def test_a_resumed_run_has_saved_already(monkeypatch):
    assert times(Clock(monkeypatch), 5, first=False)[0] == 120


def test_a_large_model_spends_a_fiftieth_of_its_time_on_saving(monkeypatch):
    clock = Clock(monkeypatch)
    assert times(clock, 10, numbers=200_000_000, cost=40.0) == [120]  # a first save would be 7 % of the run
    found = times(clock, 600, numbers=200_000_000, cost=40.0)
    assert found[0] == 10
    assert 40 * len(found) <= 0.021 * 36_000
    assert len(found) >= 17


def test_a_run_without_a_known_end_saves_early(monkeypatch):
    clock = Clock(monkeypatch)
    saves = Saves(10**12)
    clock.now += saving.FIRST_SECONDS + 0.1
    assert saves.due(0.0)


class Copier(Nobody):
    """Copies the run folder as a SIGKILL would leave it, at the first log line."""

    def stepped(self, progress, share, line):
        copy = self.run.folder.with_name("copy")
        if not copy.exists():
            shutil.copytree(self.run.folder, copy)


def test_a_run_killed_after_its_first_save_goes_on_and_saving_leaves_no_trace(tmp_path, monkeypatch):
    stream, settings = make_stream(tmp_path / "corpus.tokens", DOCUMENTS), EVERYTHING
    straight = make_run(tmp_path / "straight", stream, STEPS, settings)
    straight.start()
    straight.train()
    for name in ("FIRST_SECONDS", "LONG_SECONDS"):
        monkeypatch.setattr(saving, name, -1.0)
    monkeypatch.setattr(saving, "FIRST_SHARE", 1e9)
    saved = make_run(tmp_path / "saved", stream, STEPS, settings, observer=Copier())
    saved.start()
    saved.train()
    assert_same(straight, saved)
    Checkpoint.load(tmp_path / "copy")
    resumed = make_run(tmp_path / "copy", stream, STEPS, settings)
    resumed.resume()
    assert 0 < resumed.trainer.progress.total_steps < STEPS
    assert resumed.trainer.progress.best is None
    resumed.train()
    assert_same(straight, resumed)


def test_weights_that_are_no_numbers_are_no_checkpoint(tmp_path):
    run = make_run(tmp_path / "run", make_stream(tmp_path / "corpus.tokens"), 40)
    run.start()
    next(run.network.parameters()).data.fill_(float("nan"))
    run.save()
    assert (tmp_path / "run/resume.safetensors").exists()
    assert not run.model_path.exists()
