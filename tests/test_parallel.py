"""Several processes train as one does: real ones, started by torchrun, over gloo on the CPU."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from seqgen.checkpoint import Checkpoint
from seqgen.cli import run as seqgen
from seqgen.container import read_header
from seqgen.errors import CheckpointError, SeqgenError, UsageError
from seqgen.training.parallel import ALONE, Ranks, session

PLAY = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
TINY = ["-P", "hidden", "16", "-P", "batch", "4", "-P", "window", "16", "-P", "precision", "float32"]
HOW = [
    *TINY,
    "-P",
    "memory",
    "attention",
    "-P",
    "memory_length",
    "20",
    "-P",
    "dropout",
    "0",
    "-P",
    "activation_reg",
    "1",
    "-P",
    "optimizer",
    "muon",
    "-P",
    "validations",
    "3",
    "--seed",
    "3",
    "--device",
    "cpu",
]
RUN = [sys.executable, "-P", "-m", "torch.distributed.run", "--nproc-per-node", "2"]
OURS = ["--no-python", sys.executable, "-P", "-m", "seqgen"]  # `--no-python seqgen` in README.md
ALONE_IN = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gloo over the loopback device")


def environment(**more):
    return os.environ | ALONE_IN | {"GLOO_SOCKET_IFNAME": "lo"} | more


def together(*arguments, launcher=("--standalone",)):
    """Two processes of `seqgen train`; what both wrote, once they ended."""
    command = [*RUN, *launcher, *OURS, "train", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=180, check=False)


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A corpus; a run of one process to step 60; one of two processes to step 40."""
    folder = tmp_path_factory.mktemp("parallel")
    (folder / "play.txt").write_text(PLAY, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SEQGEN_CACHE", str(folder / "cache"))
        assert seqgen(["train", "play.txt", "-o", "one", "--steps", "60", *HOW]) == 0
        ran = together("play.txt", "-o", "two", "--steps", "60", *HOW)
        assert ran.returncode == 0, ran.stderr
        (folder / "two.txt").write_text(ran.stderr)
    return folder


def test_two_processes_have_the_losses_of_one(place):
    one, two = log_of(place / "one"), log_of(place / "two")
    assert [line["step"] for line in one] == [line["step"] for line in two]
    assert len(one) >= 5
    for mine, theirs in zip(one, two):
        assert mine.keys() == theirs.keys()
        assert mine["tokens"] == theirs["tokens"]
        assert mine["nats"] == pytest.approx(theirs["nats"], rel=1e-5)
        assert mine.get("validation_nats", 0) == pytest.approx(theirs.get("validation_nats", 0), rel=1e-5)
    first, second = Checkpoint.load(place / "one").weights, Checkpoint.load(place / "two").weights
    for name in first:
        np.testing.assert_allclose(first[name], second[name], atol=1e-4)


def test_one_process_speaks(place):
    shown = (place / "two.txt").read_text()
    assert shown.count("Checkpoint: two/model.safetensors") == 1
    assert shown.count("step      60") == 1
    assert "Traceback" not in shown


def test_the_hidden_states_of_all_streams_are_saved(place):
    states = []
    for name in ("one", "two"):
        header = read_header(place / name / "resume.safetensors", CheckpointError)
        states.append(header.read("state.0.0"))
        assert header.tensors["random.cpu"].shape[0] == (1 if name == "one" else 2)
    assert states[0].shape == (4, 16)
    np.testing.assert_allclose(states[0], states[1], atol=1e-4)


def test_another_number_of_processes_goes_on(place, monkeypatch):
    """From 2 to 1 and from 1 to 2, both to the same losses."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("SEQGEN_CACHE", str(place / "cache"))
    assert seqgen(["train", "--resume", "-o", "two", "--steps", "90"]) == 0
    ran = together("--resume", "-o", "one", "--steps", "90")
    assert ran.returncode == 0, ran.stderr
    one, two = log_of(place / "one"), log_of(place / "two")
    assert one[-1]["step"] == two[-1]["step"] == 90
    for mine, theirs in zip(one, two):
        assert mine["nats"] == pytest.approx(theirs["nats"], rel=1e-4)


def test_two_go_on_as_two_and_no_thread_of_gloo_outlives_the_group(place, monkeypatch):
    """What such a thread lets go of while the interpreter ends is a SIGABRT, now and then."""
    monkeypatch.chdir(place)
    shutil.copytree("one", "threads")
    own = ["train", "--resume", "-o", "threads", "--device", "cpu", "--steps"]
    code = f"""
        import os, sys
        from pathlib import Path
        from seqgen.cli import run
        from seqgen.training import snapshot
        if sys.argv[1] == "100":
            call = snapshot.restore
            def restore(step, tensors):
                call(step, tensors)
                same = (snapshot.torch.get_rng_state() == tensors["random.cpu"]).all()
                print(f"restored {{bool(same)}}\\n", end="", flush=True)  # one write: two processes share the pipe
            snapshot.restore = restore
        try:
            code = run({own!r} + [sys.argv[1]])
        except SystemExit as error:
            code = error.code
        names = {{path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}}
        print(f"ended {{code}} {{sorted(name for name in names if 'gloo' in name)}}\\n", end="", flush=True)
        sys.exit(code)
        """
    (place / "threads.py").write_text(textwrap.dedent(code), "utf-8")
    for steps, exit_code in ((95, 0), (100, 0), (105, 1)):
        if exit_code:
            (place / "threads/resume.safetensors").write_bytes(b"damaged")
        command = [*RUN, "--standalone", "threads.py", str(steps)]
        ran = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=180, check=False)
        assert ran.stdout.count(f"ended {exit_code} []") == 2, ran.stdout + ran.stderr
        assert "restored False" not in ran.stdout
        assert ("restored True" in ran.stdout) == (steps == 100)
        assert "terminate called" not in ran.stderr


def test_streams_that_cannot_be_dealt_out_are_refused(place, monkeypatch):
    monkeypatch.chdir(place)
    ran = together("play.txt", "-o", "odd", "--steps", "2", *HOW, "-P", "batch", "3")
    assert ran.returncode == 1
    assert ran.stderr.count("Error: batch is 3, expected a multiple of the number of processes (2)") == 1
    assert "-P batch 4" in ran.stderr
    assert not (place / "odd").exists()


def test_a_damaged_stream_is_told_of_once(place, monkeypatch):
    monkeypatch.chdir(place)
    assert seqgen(["tokenize", "play.txt", "-c", "char", "-o", "flipped.tokens"]) == 0
    data = bytearray((place / "flipped.tokens").read_bytes())
    data[5000] ^= 1
    (place / "flipped.tokens").write_bytes(data)
    ran = together("flipped.tokens", "-o", "flipped", "--steps", "2", *HOW)
    assert ran.returncode == 1
    assert ran.stderr.count("Error: flipped.tokens: is damaged: its data do not match their checksum") == 1
    assert "seqgen/cli" not in ran.stderr, "a traceback of ours, beside that of torchrun"
    assert not (place / "flipped").exists()


def test_a_run_that_is_there_is_left_alone(place, monkeypatch):
    monkeypatch.chdir(place)
    before = (place / "one/model.safetensors").read_bytes()
    ran = together("play.txt", "-o", "one", "--steps", "2", *HOW)
    assert ran.returncode == 1
    assert ran.stderr.count("another run lies there already") == 1
    assert (place / "one/model.safetensors").read_bytes() == before


def test_processes_that_disagree_are_refused(place, monkeypatch):
    """Started by hand, each with its own command: another learning rate on the second."""
    monkeypatch.chdir(place)
    own = ["train", "play.txt", "-o", "split", "--steps", "2", *HOW, "-P", "learning_rate"]
    call = f"run({own!r} + [{{'0': '4e-3', '1': '5e-3'}}[os.environ['RANK']]])"
    code = f"import os\nfrom seqgen.cli import run\nraise SystemExit({call})"
    (place / "split.py").write_text(code, "utf-8")
    command = [*RUN, "--standalone", "split.py"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=180, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count("Error: process 1 of this run has another train than process 0") == 1
    assert not (place / "split").exists()


def test_a_process_that_dies_ends_the_run_with_one_sentence(place, monkeypatch, tmp_path):
    """No rank hangs, and what was saved stays."""
    monkeypatch.chdir(place)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "seqgen", "train", "play.txt", "-o", str(folder), "--minutes", "5", *HOW]
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(command, stderr=shown, text=True, env=environment(RANK=str(rank), **where))
        for rank, shown in enumerate((subprocess.PIPE, subprocess.DEVNULL))
    ]
    try:
        deadline = time.monotonic() + 120
        while not (folder / "log.jsonl").exists() or not (folder / "log.jsonl").stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        processes[1].send_signal(signal.SIGKILL)
        shown = processes[0].communicate(timeout=60)[1]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert processes[0].returncode == 1
    assert "Error: another process of this run has ended" in shown
    assert "--resume" in shown
    assert "Traceback" not in shown


def test_a_signal_stops_all_and_saves(place, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    folder = tmp_path / "run"
    command = [*RUN, "--standalone", *OURS, "train", "play.txt", "-o", str(folder), "--minutes", "5", *HOW]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        deadline = time.monotonic() + 120
        while not (folder / "log.jsonl").exists() or not (folder / "log.jsonl").stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        shown = process.communicate(timeout=90)[1]
    assert process.returncode != 0
    assert shown.count("everything is saved") == 1
    assert read_header(folder / "resume.safetensors", CheckpointError).read("state.0.0").shape == (4, 16)


def test_one_process_is_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    with session("cpu") as ranks:
        assert ranks is ALONE
    assert ALONE.is_main
    assert ALONE.rows(8) == slice(0, 8)
    assert ALONE.sync_progress(0.5, True, True) == (0.5, True, True)
    assert ALONE.seed(7) == 7


def test_streams_are_dealt_out_once_each():
    dealt = [list(range(12))[Ranks(number, 3).rows(12)] for number in range(3)]
    assert [row for rows in dealt for row in rows] == list(range(12))
    assert len({Ranks(number, 3).seed(5) for number in range(3)}) == 3
    with pytest.raises(UsageError, match=r"batch is 10, expected a multiple of the number of processes \(3\)"):
        Ranks(0, 3).rows(10)


def test_an_environment_that_makes_no_sense_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UsageError, match="the environment of this process makes no sense"), session("cpu"):
        pass


def test_others_that_do_not_come_are_missed(monkeypatch):
    from datetime import timedelta

    from seqgen.training import parallel

    monkeypatch.setattr(parallel, "MEETING", timedelta(seconds=1))
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29733"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SeqgenError, match="the other processes of this run cannot be reached"), session("cpu"):
        pass
