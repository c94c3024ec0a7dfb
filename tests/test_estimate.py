"""The estimate before a run: it touches nothing of the run, and follows the size of the model."""

import torch

from seqgen import registry
from seqgen.models import ModelSettings
from seqgen.training.estimate import estimate
from seqgen.training.run import Plan
from seqgen.training.settings import TrainSettings
from seqgen.training.trainer import Budget


def plan(hidden, **train):
    settings = TrainSettings(**{"batch": 4, "window": 16, "precision": "float32"} | train)
    cell = registry.load("models", "lstm")()
    return Plan("lstm", cell, ModelSettings(hidden=hidden), settings, Budget(steps=1), 1, torch.device("cpu"))


def test_random_numbers_go_on_as_if_nothing_had_been():
    torch.manual_seed(7)
    straight = torch.rand(3)
    torch.manual_seed(7)
    estimate(plan(8, dropout=0.5), 30)
    assert torch.equal(torch.rand(3), straight)


def test_a_larger_model_is_slower():
    small, large = estimate(plan(8), 30), estimate(plan(512), 30)
    assert small.rate > 4 * large.rate > 0


def test_memory_is_that_of_the_process_and_some_more():
    found = estimate(plan(8), 30).memory
    assert found is None or 5e7 < found < 1e11
