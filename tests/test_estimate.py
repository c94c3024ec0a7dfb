"""The estimate before a run: it touches nothing of the run, and follows the size of the model."""

import time

import torch

from seqgen import registry
from seqgen.models import ModelSettings
from seqgen.training.estimate import estimate
from seqgen.training.memory import step_bytes
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings


def plan(hidden, **train):
    settings = TrainSettings(**{"batch": 4, "window": 16, "precision": "float32"} | train)
    cell = registry.load("cells", "lstm")()
    return TrainPlan("lstm", cell, ModelSettings(hidden=hidden), settings, Budget(steps=1), 1, torch.device("cpu"))


def test_random_numbers_go_on_as_if_nothing_had_been():
    torch.manual_seed(7)
    straight = torch.rand(3)
    torch.manual_seed(7)
    estimate(plan(8, dropout=0.5), 30)
    assert torch.equal(torch.rand(3), straight)


def test_a_larger_model_is_slower():
    small, large = estimate(plan(8), 30), estimate(plan(512), 30)
    assert small.rate > 4 * large.rate > 0


def test_a_large_model_is_measured_in_a_shorter_window_and_its_memory_is_that_of_the_whole(monkeypatch):
    began = time.perf_counter()
    found = estimate(plan(256, batch=64, window=64), 300)
    whole = time.perf_counter() - began
    monkeypatch.setattr("seqgen.training.estimate.OPERATIONS", 64 * 6 * 5e5)  # about a token
    monkeypatch.setattr("seqgen.training.estimate.SECONDS", 0.0)
    began = time.perf_counter()
    short = estimate(plan(256, batch=64, window=64), 300)
    assert time.perf_counter() - began < whole
    assert short.rate > 0
    shape = ModelSettings(hidden=256)
    missing = step_bytes(registry.load("cells", "lstm")(), shape, 300, 64, 64)
    missing -= step_bytes(registry.load("cells", "lstm")(), shape, 300, 64, 1)
    if found.memory is not None and short.memory is not None:  # the peak of the process only ever rises
        assert short.memory >= found.memory + missing / 2


def test_memory_is_that_of_the_process_and_some_more():
    found = estimate(plan(8), 30).memory
    assert found is None or 5e7 < found < 1e11
