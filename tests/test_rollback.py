"""A loss that explodes or is no number sends a run back to its last good state; a normal run is left alone."""

import dataclasses
import json
import math
import random

import numpy as np
import pytest
import torch
from test_training import SMALL, TEXT, make_run, make_stream

from seqgen.checkpoint import Checkpoint
from seqgen.training import rollback, snapshot
from seqgen.training.rollback import exploded

NAN = float("nan")


@pytest.fixture
def stream(tmp_path):
    return make_stream(tmp_path / "corpus.tokens")


def plant(run, fault, at, times=1):
    """Let `fault(step, state)` happen after the backward pass of step number `at`, so many times in all."""
    step = run.trainer.step
    left = [times]
    clean = step._backward

    def backward(*windows):
        state = clean(*windows)
        if run.trainer.progress.total_steps + 1 == at and left[0]:
            left[0] -= 1
            return fault(step, state)
        return state

    step._backward = backward


def nan_gradient(step, state):
    next(step.network.parameters()).grad[0] = NAN
    return state


def nan_weights(step, state):
    with torch.no_grad():
        step.network.output.weight[3] = NAN
    return state


def nan_state(step, state):
    return tuple(tuple(part * NAN for part in parts) for parts in state)


def large_weights(step, state):
    with torch.no_grad():
        step.network.output.weight.mul_(1000)
    return state


def trained(folder, stream, fault=None, at=30, times=1, steps=90, **how):
    run = make_run(folder, stream, steps, **how)
    if fault is not None:
        plant(run, fault, at, times)
    run.start()
    run.train()
    return run


def log_of(run):
    return [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("fault", [nan_gradient, nan_weights, nan_state, large_weights])
@pytest.mark.parametrize("at", [1, 23, 30, 40])  # in the first interval, after a log line or before, at a validation
def test_a_fault_sends_the_run_back_and_it_learns_on(tmp_path, stream, fault, at):
    run = trained(tmp_path / "run", stream, fault, at)
    assert run.trainer.progress.total_steps == 90
    assert run.trainer.progress.rollbacks == 1
    [event] = run.observer.events
    assert event["event"] == "rollback"
    assert event["to"] < at <= event["step"] <= event["to"] + 20
    assert event["damping"] == 0.5 < run.trainer.progress.damping < 0.55
    assert event in log_of(run)
    assert torch.isfinite(snapshot.sizes(run.trainer.step)).all()
    assert Checkpoint.load(run.model_path).metrics["validation_nats"] < 3.2 < math.log(257)


def test_after_a_fault_the_run_is_where_it_was_with_half_the_step(tmp_path, stream):
    """The state that comes back is the one of the log line, to the bit, with the same dropout to come."""
    run = make_run(tmp_path / "run", stream, 40)
    plant(run, nan_weights, 30)
    run.start()
    seen = []
    run.observer.stepped = lambda progress, share, line: seen.append((line["step"], run_state(run)))
    run.observer.rolled_back = lambda progress, line: seen.append((progress.total_steps, run_state(run)))
    run.train()
    assert [step for step, _ in seen] == [10, 20, 20, 30, 40]
    assert all(torch.equal(seen[1][1][name], seen[2][1][name]) for name in seen[1][1])
    assert not torch.equal(seen[1][1]["weights.embedding.weight"], seen[3][1]["weights.embedding.weight"])


def run_state(run):
    return {name: tensor.clone() for name, tensor in snapshot.capture(run.trainer.step).items()}


def test_data_that_explode_every_time_are_left_out(tmp_path, stream):
    run = trained(tmp_path / "run", stream, nan_gradient, 30, times=1000)
    events = [event["event"] for event in run.observer.events]
    assert events == ["rollback"] * rollback.STUBBORN + ["skip"]
    assert run.trainer.progress.total_steps == 90
    assert run.trainer.step.steps < 90
    assert Checkpoint.load(run.model_path).metrics["validation_nats"] < 3.2


def test_a_run_that_can_never_learn_ends_all_the_same(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, 60)
    run.trainer.step._backward = lambda *windows: run.trainer.step._loss.fill_(NAN) and run.trainer.step.state
    run.start()
    run.train()
    assert run.trainer.progress.total_steps == 60
    assert run.trainer.progress.rollbacks >= 8


def test_a_learning_rate_that_is_far_too_high_is_brought_down(tmp_path, stream):
    wild = dataclasses.replace(SMALL, learning_rate=5.0, warmup=0.0)
    run = trained(tmp_path / "run", stream, steps=300, train=wild, dropout=0, hidden=64)
    assert run.trainer.progress.rollbacks >= 1
    assert run.trainer.progress.damping <= 0.5
    assert Checkpoint.load(run.model_path).metrics["validation_nats"] < 3.2


@pytest.mark.parametrize("stop", [23, 29, 31, 38, 47, 61])
def test_a_stop_before_or_after_a_fault_leaves_no_trace(tmp_path, stream, stop):
    """The last good state is saved too where the run has moved on from it, and so is the smaller step."""
    straight = trained(tmp_path / "straight", stream, nan_weights, 35)
    halted = make_run(tmp_path / "halted", stream, 90)
    plant(halted, nan_weights, 35)
    clean = halted.trainer.step._backward

    def backward(*windows):
        halted.trainer.stopping = halted.trainer.stopping or halted.trainer.progress.total_steps + 1 == stop
        return clean(*windows)

    halted.trainer.step._backward = backward
    halted.start()
    halted.train()
    resumed = make_run(tmp_path / "halted", stream, 90)
    resumed.resume()
    if not resumed.trainer.progress.rollbacks and resumed.trainer.progress.total_steps < 35:
        plant(resumed, nan_weights, 35)
    resumed.train()
    assert resumed.trainer.progress.rollbacks == 1
    first, second = run_state(straight), run_state(resumed)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (straight.folder / "log.jsonl").read_bytes() == (resumed.folder / "log.jsonl").read_bytes()


@pytest.mark.parametrize(
    "how",
    [
        {"train": dataclasses.replace(SMALL, batch=1, window=8)},
        {"train": dataclasses.replace(SMALL, learning_rate=0.05, warmup=0.0)},
        {"train": dataclasses.replace(SMALL, weight_drop=0.5, dropout_embedding=0.3, average="ema"), "dropout": 0.6},
        {"train": dataclasses.replace(SMALL, reset_probability=0.5, validations=60)},
        {"train": dataclasses.replace(SMALL, schedule="constant"), "layers": 3},
    ],
)
def test_normal_runs_are_left_alone(tmp_path, how):
    """Also on a corpus whose documents have nothing in common, where a new document comes as a shock."""
    noise = random.Random(1)
    foreign = bytes(noise.randrange(128, 256) for _ in range(700))
    stream = make_stream(tmp_path / "mixed.tokens", (TEXT[:900], foreign, TEXT[:700].upper(), b"1234567890" * 60))
    run = trained(tmp_path / "run", stream, steps=250, **how)
    assert run.observer.events == []


def test_a_nan_is_an_explosion_whatever_was_before():
    assert exploded(NAN, [2.0], 3.0, 65)
    assert exploded(math.inf, [2.0], 3.0, 65)


def test_an_explosion_is_above_the_median_and_above_the_start():
    usual = [1.5, 1.45, 1.52, 1.48, 1.5]
    assert exploded(9.0, usual, 3.3, 65)
    assert not exploded(6.0, usual, 3.3, 65)  # a hard stretch of data, which the model was sure would never come
    assert not exploded(9.0, usual, 6.0, 65)  # a model trained further, which began with such data
    assert not exploded(9.0, [8.8, 8.9], 3.3, 65)  # no worse than it was


@pytest.mark.parametrize("seed", range(20))
def test_curves_as_they_are_are_no_explosions(seed):
    """Falling losses with noise, jumps at new epochs and a stretch of other data."""
    generator = np.random.default_rng(seed)
    steps = np.arange(400)
    vocabulary = int(generator.integers(20, 400))
    start = math.log(vocabulary) * generator.uniform(0.6, 1.0)
    curve = start * (0.4 + 0.6 * np.exp(-steps / generator.uniform(5, 100)))
    curve += generator.normal(0, 0.15, len(steps)) + 0.3 * (steps % 50 == 0)
    curve[200:215] += 0.8
    recent = [float(start)]
    for nats in curve:
        assert not exploded(float(nats), recent, start, vocabulary)
        recent = [*recent, float(nats)][-rollback.MEMORY :]
