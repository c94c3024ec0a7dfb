"""Stopping anywhere and going on comes to the same bits: weights, optimizer, averages, states, log and samples."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from test_training import SMALL, TEXT, Nobody, make_run, make_stream

from seqgen import registry
from seqgen.api.model import load as load_model
from seqgen.cells._products import available
from seqgen.checkpoint import Checkpoint, write_tensors
from seqgen.cli import run as seqgen
from seqgen.container import Writer, read_header
from seqgen.errors import CheckpointError
from seqgen.training import occupied, resume, snapshot

STEPS = 90
DOCUMENTS = tuple(bytes([97 + (i * j) % 26 for j in range(40 + 37 * i)]) for i in range(12))  # 2,922 bytes
EVERYTHING = dataclasses.replace(
    SMALL,
    weight_drop=0.3,
    dropout_embedding=0.1,
    activation_reg=1.0,
    temporal_activation_reg=0.5,
    reset_probability=0.2,
    validations=7,
)
KINDS = {
    "plain": SMALL,
    "ema": dataclasses.replace(EVERYTHING, average="ema"),
    "tail": dataclasses.replace(EVERYTHING, average="tail", schedule="wsd"),
    "muon": dataclasses.replace(EVERYTHING, average="ema", optimizer="muon"),
    "never": dataclasses.replace(SMALL, average="tail", reset="never"),
}
LOOPED = ("gru", "rnn") if available() else ()  # cells, as KINDS names them, that are trained by loops of our own
KINDS |= {cell: dataclasses.replace(EVERYTHING, average="ema", precision="bfloat16") for cell in LOOPED}
CELLS = registry.names("cells")
PLAIN = [cell for cell in CELLS if cell not in ("lstm", *LOOPED)]  # trained by their modules, in float32 here
KINDS |= {cell: dataclasses.replace(EVERYTHING, average="ema") for cell in PLAIN}
MEMORIES = registry.own("memories")
KINDS |= {memory: dataclasses.replace(EVERYTHING, average="ema") for memory in MEMORIES}
# Stops at random, and around log lines (20, 40), the ends of epochs and the last step.
POINTS = random.Random(5)
STOPS = [(kind, [*POINTS.sample(range(1, STEPS), 3), POINTS.choice([19, 20, 21, 40]), STEPS - 1]) for kind in KINDS]
STOPS = [(kind, stops[2:4] if kind in (*PLAIN, *MEMORIES) else stops) for kind, stops in STOPS]


class Stopper(Nobody):
    """Stops a run after step k: it is asked between any two steps, as a signal would ask."""

    def arm(self, run, step):
        inner = run.trainer.step

        class Stopping(type(inner)):
            def _begin(self, *arguments):
                super()._begin(*arguments)
                if self.steps == step:
                    run.trainer.stopping = True

        inner.__class__ = Stopping


def make(folder, stream, kind, observer=None):
    model = kind if kind in CELLS else "lstm"
    shape = {"memory": kind, "memory_length": 20} if kind in MEMORIES else {}
    return make_run(folder, stream, STEPS, KINDS[kind], observer=observer, model=model, **shape)


def whole_state(run):
    return {name: tensor.clone() for name, tensor in snapshot.capture(run.trainer.step).items()}


def finished(folder, stream, kind, stops=()):
    """A run that was stopped at these steps, and what it came to."""
    for stop in stops:
        watcher = Stopper()
        run = make(folder, stream, kind, watcher)
        watcher.arm(run, stop)
        run.resume() if (folder / "resume.safetensors").exists() else run.start()
        run.train()
        assert run.trainer.progress.total_steps == stop
        torch.manual_seed(random.randrange(1000))  # whatever happens in between must not matter
    run = make(folder, stream, kind)
    run.resume() if stops else run.start()
    run.train()
    assert run.trainer.progress.rollbacks == 0
    return run


def assert_same(one, two):
    first, second = whole_state(one), whole_state(two)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
    assert (one.folder / "log.jsonl").read_bytes() == (two.folder / "log.jsonl").read_bytes()
    best, other = Checkpoint.load(one.model_path), Checkpoint.load(two.model_path)
    assert all(best.weights[name].tobytes() == other.weights[name].tobytes() for name in best.weights)
    assert one.trainer.progress.best == two.trainer.progress.best


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    return make_stream(tmp_path_factory.mktemp("resume") / "corpus.tokens", DOCUMENTS)


@pytest.fixture(scope="module")
def straight(tmp_path_factory, stream):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("straight")
    return {kind: finished(folder / kind, stream, kind) for kind in KINDS}


def test_the_runs_go_through_several_epochs(straight):
    assert straight["plain"].trainer.progress.epoch >= 2
    for kind, run in straight.items():
        assert run.trainer.step.network.by_loop == (kind in LOOPED)


@pytest.mark.parametrize(("kind", "stop"), [(kind, stop) for kind, stops in STOPS for stop in stops])
def test_a_stop_at_any_step_leaves_no_trace(tmp_path, stream, straight, kind, stop):
    assert_same(straight[kind], finished(tmp_path / "run", stream, kind, [stop]))


def test_many_stops_in_one_run_leave_no_trace(tmp_path, stream, straight):
    epoch = straight["ema"].trainer._epoch.steps
    stops = sorted({1, 2, 30, 31, 39, 40, 41, epoch - 1, epoch, epoch + 1, STEPS})
    resumed = finished(tmp_path / "run", stream, "ema", stops)
    assert_same(straight["ema"], resumed)
    model, other = load_model(straight["ema"].folder), load_model(resumed.folder)
    samples = ["".join(each.generate("a", length=50, seed=1)) for each in (model, other)]
    assert len(samples[0]) >= 50
    assert samples[0] == samples[1]


def test_the_clock_stands_beside_the_log(straight):
    folder = straight["plain"].folder
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    clock = [json.loads(line) for line in (folder / "timing.jsonl").read_text().splitlines()]
    assert not any("seconds" in line for line in log)
    assert [line["step"] for line in clock] == [line["step"] for line in log]
    assert all(0 <= line["seconds"] < 60 for line in clock)


def test_what_was_learned_since_the_last_log_line_is_logged(tmp_path, stream, straight):
    """The mean of a log line covers all its steps, also those before a stop."""
    lines = (straight["plain"].folder / "log.jsonl").read_text().splitlines()
    watcher = Stopper()
    run = make_run(tmp_path / "run", stream, STEPS, SMALL, observer=watcher)
    watcher.arm(run, 15)
    run.start()
    run.train()
    assert not (tmp_path / "run/log.jsonl").read_bytes()
    header = read_header(tmp_path / "run/resume.safetensors", CheckpointError)
    assert header.read("losses").dtype == np.float64
    assert header.read("losses")[0] > 15 * 10 * json.loads(lines[0])["nats"]  # ten targets a step at the least


def test_a_run_goes_on_past_its_budget_and_validates_again(tmp_path, stream):
    first = make_run(tmp_path / "run", stream, 40)
    first.start()
    first.train()
    assert first.trainer.progress.checks == 4
    more = make_run(tmp_path / "run", stream, 80)
    more.resume()
    more.train()
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    checks = [line["step"] for line in log if "validation_nats" in line]
    assert checks == [10, 20, 30, 40, 60, 80]


def test_a_run_that_ran_out_of_patience_gets_new_patience_with_a_new_budget(tmp_path, stream):
    still = dataclasses.replace(SMALL, learning_rate=1e-9, validations=40, patience=2)
    for steps, expected in ((400, 30), (500, 50)):
        run = make_run(tmp_path / "run", stream, steps, still)
        run.resume() if (tmp_path / "run").exists() else run.start()
        run.trainer.validate = lambda network: 5.0
        run.train()
        assert run.trainer.progress.total_steps == pytest.approx(expected, abs=13)
    assert run.trainer.progress.total_steps > 30


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 17}, "has hidden 16, this call has 17"),
        ({"seed": 4}, "has seed 3, this call has 4"),
        ({"dropout": 0.1}, "has dropout 0.2, this call has 0.1"),
        ({"train": dataclasses.replace(SMALL, batch=8)}, "has batch 4, this call has 8"),
    ],
)
def test_resuming_with_other_settings_is_refused(tmp_path, stream, change, message):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(CheckpointError, match=message):
        make_run(tmp_path / "run", stream, **change).resume()
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}


def test_resuming_on_another_corpus_is_refused(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    other = make_stream(tmp_path / "other.tokens", (TEXT + b"!",))
    with pytest.raises(CheckpointError, match="has another corpus than this call"):
        make_run(tmp_path / "run", other).resume()


def test_a_run_that_ended_before_its_first_save_is_told_of(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    with pytest.raises(CheckpointError, match="ended before it saved for the first time") as caught:
        make_run(tmp_path / "run", stream, steps=4).resume()
    assert "another -o" in caught.value.hint


@pytest.mark.skipif(os.name != "posix", reason="locks")
def test_two_processes_never_train_in_one_folder(tmp_path, stream):
    """The lock goes with the process that holds it, even where that is killed."""
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    lines = (tmp_path / "run/log.jsonl").read_bytes()
    code = (
        "import fcntl, os, sys, time; descriptor = os.open(sys.argv[1], os.O_RDONLY);"
        "fcntl.flock(descriptor, fcntl.LOCK_EX); print('locked', flush=True); time.sleep(60)"
    )
    occupied.leave(tmp_path / "run")
    for name in ("run", "fresh"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as other:
            assert other.stdout.readline() == b"locked\n"
            late = make_run(folder, stream, steps=8)
            with pytest.raises(CheckpointError, match="another process is training in there"):
                late.resume() if name == "run" else late.start()
            other.kill()
        late.resume() if name == "run" else late.start()
    assert (tmp_path / "run/log.jsonl").read_bytes() == lines


def test_damaged_and_foreign_files_are_refused(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    path = tmp_path / "run/resume.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match="cut short"):
        make_run(tmp_path / "run", stream).resume()
    path.write_bytes(whole[:-100] + bytes(100))
    with pytest.raises(CheckpointError, match="is damaged"):
        make_run(tmp_path / "run", stream).resume()
    path.write_bytes((tmp_path / "run/model.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="is not a file to resume from"):
        make_run(tmp_path / "run", stream).resume()
    path.unlink()
    with pytest.raises(CheckpointError, match="has nothing to go on with"):
        make_run(tmp_path / "run", stream).resume()


def test_a_file_of_another_version_is_refused(tmp_path, stream):
    path = tmp_path / "run/resume.safetensors"
    path.parent.mkdir()
    write_tensors(path, {"losses": np.zeros(1)}, {}, {"format": resume.FORMAT, "version": "99"})
    with pytest.raises(CheckpointError, match=f"of version '99' to resume from, expected '{resume.VERSION}'"):
        make_run(tmp_path / "run", stream).resume()


@pytest.mark.parametrize("missing", ["losses", "state.0.0", "adam.embedding.weight.exp_avg"])
def test_a_file_without_some_tensor_is_refused(tmp_path, stream, missing):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    path = tmp_path / "run/resume.safetensors"
    header = read_header(path, CheckpointError)
    tensors = {name: header.read(name) for name in header.tensors if name not in (missing, "details")}
    details = json.loads(header.read("details").tobytes())
    write_tensors(path, tensors, details, {"format": resume.FORMAT, "version": resume.VERSION})
    with pytest.raises(CheckpointError, match="does not fit this run"):
        make_run(tmp_path / "run", stream).resume()


def numbers(details, path=()):
    """The way to every number in plain data."""
    for key, value in details.items() if isinstance(details, dict) else enumerate(details):
        if isinstance(value, (dict, list)):
            yield from numbers(value, (*path, key))
        elif isinstance(value, (int, float)):
            yield (*path, key)


def test_numbers_without_end_are_refused(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    path = tmp_path / "run/resume.safetensors"
    header = read_header(path, CheckpointError)
    tensors = {name: header.read(name) for name in header.tensors if name != "details"}
    text = header.read("details").tobytes()
    ways = list(numbers(json.loads(text)))
    for way in ways:
        details = found = json.loads(text)
        for key in way[:-1]:
            found = found[key]
        found[way[-1]] = 123454321
        forged = json.dumps(details).replace("123454321", "1e999").encode()
        with path.open("w+b") as file:
            writer = Writer(file, 1 << 16)
            for name, tensor in {**tensors, "details": np.frombuffer(forged, np.uint8)}.items():
                writer.add(name, tensor)
            writer.finish({"format": resume.FORMAT, "version": resume.VERSION})
        with pytest.raises(CheckpointError):
            make_run(tmp_path / "run", stream).resume()
    assert len(ways) > 20


PLAY = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
TINY = ["-P", "hidden", "16", "-P", "batch", "4", "-P", "window", "16", "-P", "precision", "float32"]


def start(*arguments):
    """`seqgen train` as a process of its own, with one thread."""
    command = [sys.executable, "-m", "seqgen", "train", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(condition, process):
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_signals_and_a_second_one_leave_no_trace(tmp_path, monkeypatch):
    """SIGTERM stops a real process, two SIGINTs break one off; what comes of it in the end is the straight run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(PLAY, "utf-8")
    how = ["play.txt", "--steps", "800", "--seed", "3", "-P", "dropout", "0.2", *TINY]
    log = tmp_path / "stopped/log.jsonl"
    with start(*how, "-o", "stopped") as process:
        wait_for(lambda: log.exists() and log.stat().st_size > 500, process)
        process.send_signal(signal.SIGTERM)
        assert "Go on with" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
    for pause in (0.0, 0.003):
        size = log.stat().st_size
        with start("--resume", "-o", "stopped") as process:
            wait_for(lambda size=size: log.stat().st_size > size + 500, process)
            for _ in range(2):
                process.send_signal(signal.SIGINT)
                time.sleep(pause)
            assert "Traceback" not in process.communicate(timeout=60)[1]
        assert process.returncode == 1
    assert not list(log.parent.glob(".*"))
    torch.set_num_threads(1)
    assert seqgen(["train", "--resume", "-o", "stopped"]) == 0
    assert seqgen(["train", *how, "-o", "straight"]) == 0
    assert log.read_bytes() == (tmp_path / "straight/log.jsonl").read_bytes()
    first, second = Checkpoint.load("stopped"), Checkpoint.load("straight")
    assert all(first.weights[name].tobytes() == second.weights[name].tobytes() for name in first.weights)


def test_a_time_budget_saves_and_more_minutes_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(PLAY, "utf-8")
    assert seqgen(["train", "play.txt", "-o", "run", "--minutes", "0.02", *TINY]) == 0
    path = tmp_path / "run/resume.safetensors"
    before = json.loads(read_header(path, CheckpointError).read("details").tobytes())["progress"]
    assert before["seconds"] >= 1.2
    assert seqgen(["train", "--resume", "-o", "run", "--minutes", "0.04"]) == 0
    after = json.loads(read_header(path, CheckpointError).read("details").tobytes())["progress"]
    assert after["seconds"] >= 2.4
    assert after["total_steps"] > before["total_steps"]
    assert after["checks"] > before["checks"] // 2
