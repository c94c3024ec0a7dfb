"""`seqgen train` as a person calls it: no flags, all flags, stopping, going on, and every kind of mistake."""

import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tqdm import tqdm

from seqgen import registry
from seqgen.checkpoint import Checkpoint, write_tensors
from seqgen.cli import run
from seqgen.cli._observer import Printer
from seqgen.container import read_header
from seqgen.errors import CheckpointError
from seqgen.training import resume
from seqgen.training.progress import Progress
from seqgen.training.recorded import sealed, unsealed

PLAY = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
TINY = ["-P", "hidden", "16", "-P", "batch", "4", "-P", "window", "16"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(PLAY, "utf-8")


def fails(capsys, arguments, code, *sentences):
    """The call ends with this exit code and these words, without a traceback, and leaves nothing behind."""
    assert run(["train", *arguments]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    for sentence in sentences:
        assert sentence in shown.err


def test_a_file_and_nothing_else(capsys, tmp_path):
    assert run(["train", "play.txt", "--steps", "3", *TINY]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Codec char, guessed" in shown.err
    assert "gram baseline" in shown.err
    assert "Next: seqgen generate checkpoints/play" in shown.err
    names = {path.name for path in (tmp_path / "checkpoints/play").iterdir()}
    assert {"model.safetensors", "resume.safetensors", "log.jsonl", "samples.jsonl", "training.json"} <= names


def test_settings_find_their_place_and_are_stored(tmp_path):
    arguments = ["-P", "layers", "2", "-P", "forget_bias", "2", "-P", "min_count", "3", "-P", "clip", "0.5"]
    assert run(["train", "play.txt", "-o", "out", "--steps", "2", "--seed", "9", *TINY, *arguments]) == 0
    found = Checkpoint.load("out")
    assert found.settings.layers == 2
    assert found.cell.forget_bias == 2.0
    assert found.tokenizer.codec.options.min_count == 3
    assert (found.training["train"]["clip"], found.training["seed"]) == (0.5, 9)


def test_settings_may_be_given_with_an_equals_sign(tmp_path):
    given = ["-P", "hidden=8", "-P", "window=16", "-P", "min_count=3", "-P", "dropout", "0.25", "-P", "batch=4"]
    assert run(["train", *given, "-o", "out", "--steps", "2", "play.txt"]) == 0
    found = Checkpoint.load("out")
    assert (found.settings.hidden, found.tokenizer.codec.options.min_count) == (8, 3)
    assert (found.training["train"]["dropout"], found.training["train"]["window"]) == (0.25, 16)


def test_the_same_seed_gives_the_same_weights():
    for name in ("one", "two"):
        assert run(["train", "play.txt", "-o", name, "--steps", "3", "--seed", "5", *TINY]) == 0
    first, second = Checkpoint.load("one").weights, Checkpoint.load("two").weights
    assert all((first[key] == second[key]).all() for key in first)


def test_other_cells():
    for model in ("gru", "rnn"):
        assert run(["train", "play.txt", "-o", model, "-m", model, "--steps", "2", *TINY]) == 0
        assert Checkpoint.load(model).model == model


def test_flag_beats_environment_beats_file(tmp_path, monkeypatch):
    (tmp_path / "my.toml").write_text('steps = 2\nseed = 1\nmodel = "gru"\n[settings]\nhidden = 8\nwindow = 16\n')
    monkeypatch.setenv("SEQGEN_TRAIN_SEED", "2")
    assert run(["train", "play.txt", "-o", "out", "--config", "my.toml", "--steps", "3"]) == 0
    found = Checkpoint.load("out")
    assert (found.model, found.settings.hidden) == ("gru", 8)
    assert (found.training["seed"], found.metrics["steps"]) == (2, 3)


def test_validation_on_another_corpus(tmp_path, capsys):
    (tmp_path / "other.txt").write_text(PLAY[:500] + "ünseen", "utf-8")
    assert run(["train", "play.txt", "-o", "out", "--val", "other.txt", "--steps", "2", *TINY]) == 0
    about = json.loads((tmp_path / "out/training.json").read_text())
    assert about["validation"] == 0.0
    assert "508 tokens held out" in " ".join(
        capsys.readouterr().err.split()
    )  # a frame, 500 bytes, and seven for "ünseen"


def test_a_stream_from_before(capsys):
    assert run(["tokenize", "play.txt", "-o", "play.tokens"]) == 0
    assert run(["train", "play.tokens", "-o", "out", "--steps", "2", *TINY]) == 0


def test_going_on_needs_no_source(capsys):
    assert run(["train", "play.txt", "-o", "out", "--steps", "2", *TINY]) == 0
    assert run(["train", "--resume", "-o", "out", "--steps", "5"]) == 0
    lines = Path("out/log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines][-1] == 5


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)])
def test_a_signal_stops_saves_and_says_how_to_go_on(tmp_path, number):
    command = [sys.executable, "-m", "seqgen", "train", "play.txt", "-o", "out", "--minutes", "5", *TINY]
    before = signal.signal(number, signal.SIG_DFL)  # what is ignored here, as under nohup, the process would ignore too
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        signal.signal(number, before)
        log = tmp_path / "out/log.jsonl"
        deadline = time.monotonic() + 60
        while not (log.exists() and log.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        shown = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "everything is saved" in shown
    assert "Go on with: seqgen train --resume -o out" in shown
    assert "Traceback" not in shown
    assert (tmp_path / "out/resume.safetensors").exists()


def test_the_bar_is_whole_in_80_columns(monkeypatch):
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr("tqdm.tqdm", functools.partial(tqdm, file=shown, ncols=80, mininterval=0))
    watcher, line = Printer(), {"nats": 1.2345}
    watcher.stepped(Progress(tokens=0, seconds=1.0), 0.1, line)
    watcher._bar.start_t -= 40_000  # eleven hours
    watcher.stepped(Progress(tokens=128_000, seconds=2.0), 0.5, line)
    watcher._bar.refresh()
    last = shown.getvalue().rsplit("\r", 1)[-1]
    watcher.close()
    assert last.startswith(" 50%|")
    assert "| 11:06:40<" in last
    assert last.endswith("1.234 nats, 1.78 bits/token, 128,000 tokens/s")
    assert len(last.replace("<00:00", "<11:06:40")) < 80  # as long is left as has gone


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_who_leaves_does_not_end_a_run():
    """As of `seqgen train … |& head`."""
    command = [sys.executable, "-m", "seqgen", "train", "play.txt", "-o", "out", "--steps", "60", *TINY]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not process.stderr.readline().startswith("step "):
            assert process.poll() is None
        process.stderr.close()
        assert process.wait(60) == 0
    assert "ngram_nats" in Checkpoint.load("out").metrics


def test_going_on_says_how_far_it_is_and_that_it_has_ended(capsys):
    assert run(["train", "play.txt", "-o", "out", "--steps", "2", *TINY]) == 0
    assert "Going on" not in capsys.readouterr().err
    assert run(["train", "--resume", "-o", "out", "--steps", "8"]) == 0
    assert "Going on after 2 steps, 25 % of the budget." in capsys.readouterr().err
    assert run(["train", "--resume", "-o", "out"]) == 0
    assert "This run ended after 8 steps" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["help"], ["help", "true"], ["help", "-c", "char"], ["help=true"]])
def test_settings_are_listed(capsys, asked):
    assert run(["train", "-P", *asked]) == 0
    shown = capsys.readouterr().out
    assert ("Settings of codec midi:" in shown) != ("-c" in asked)
    for name in ("hidden", "dropout", "forget_bias", "learning_rate", "window"):
        assert f"  {name} " in shown
    assert "  min_count " in shown  # of codec char
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "sentences"),
    [
        ([], 2, ["no SOURCE was given", "seqgen train shakespeare"]),
        (["nowhere.txt"], 1, ["nowhere.txt", "Hint:"]),
        (["play.txt", "-P", "hiden", "3"], 2, ["'hiden'", "did you mean 'hidden'?", "seqgen train -P help lists them"]),
        (["play.txt", "-P", "min_cuont=3"], 2, ["'min_cuont'", "did you mean 'min_count'?"]),
        (["play.txt", "-P", "=3", "4"], 2, ["no setting is called '=3'"]),
        (
            ["play.txt", "-m", "gru", "-P", "forget_bias", "2"],
            2,
            ["forget_bias is a setting of lstm models", "-m lstm"],
        ),
        (["play.txt", "--minutes", "nan"], 2, ["nan is not a finite number"]),
        (["play.txt", "--epochs", "inf"], 2, ["inf is not a finite number"]),
        (["play.txt", "--epochs", "-1"], 2, ["-1.0 is not in the range x>0"]),
        (["play.txt", "-P", "hidden", "many"], 2, ["hidden is 'many', expected a whole number"]),
        (["play.txt", "-P", "dropout", "1.5"], 2, ["dropout is 1.5, expected at least 0 and below 1"]),
        (["play.txt", "-c", "chars"], 2, ["no codec is called 'chars'", "did you mean 'char'?"]),
        (["play.txt", "--device", "tpu"], 2, ["device is 'tpu'"]),
        (["play.txt", "-P", "window", "60000"], 1, ["expected at least one window (60001)", "-P window 16"]),
        (["--resume", "-o", "none"], 1, ["none: holds no run to go on with"]),
        (["empty.txt"], 1, ["empty.txt", "empty"]),
        (["folder"], 1, ["folder"]),
        (["noise.txt"], 1, ["noise.txt", "binary"]),
    ],
)
def test_mistakes(capsys, tmp_path, arguments, code, sentences):
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 20)
    fails(capsys, [*arguments, "--steps", "2"], code, *sentences)
    assert not (tmp_path / "checkpoints").exists()


def test_a_file_may_call_options_as_their_flags_are_called(tmp_path):
    (tmp_path / "other.txt").write_text(PLAY[:500], "utf-8")
    (tmp_path / "my.toml").write_text('steps = 2\nval = "other.txt"\n[settings]\nhidden = 8\nwindow = 16\n')
    assert run(["train", "play.txt", "-o", "out", "--config", "my.toml"]) == 0
    (tmp_path / "child.toml").write_text('from = "out"\nsteps = 2\n[settings]\nwindow = 16\n')
    assert run(["train", "other.txt", "-o", "child", "--config", "child.toml"]) == 0
    assert Checkpoint.load("out").provenance["validation_tokens"] == 501
    assert Checkpoint.load("child").provenance["parent"]["name"] == "out"


def test_an_unknown_key_in_a_file_is_refused(capsys, tmp_path):
    (tmp_path / "my.toml").write_text("stepz = 2\n")
    fails(capsys, ["play.txt", "--config", "my.toml"], 2, "my.toml: unknown key 'stepz'", "did you mean 'steps'?")


@pytest.mark.parametrize("name", ["hidden", "batch", "window"])
def test_a_size_of_nothing_is_a_sentence(name, capsys, tmp_path):
    (tmp_path / "a.txt").write_text("a text\n" * 100)
    assert run(["train", str(tmp_path / "a.txt"), "-P", name, "0", "-o", str(tmp_path / "run")]) == 2
    assert f"{name} is 0, expected 1 to" in capsys.readouterr().err


def test_a_run_that_is_there_is_left_alone(capsys, tmp_path):
    assert run(["train", "play.txt", "-o", "out", "--steps", "2", *TINY]) == 0
    before = (tmp_path / "out/model.safetensors").read_bytes()
    capsys.readouterr()
    fails(capsys, ["play.txt", "-o", "out", "--steps", "2", *TINY], 1, "another run lies there already", "--resume")
    assert (tmp_path / "out/model.safetensors").read_bytes() == before


def test_going_on_with_other_settings_is_refused(capsys):
    assert run(["train", "play.txt", "-o", "out", "--steps", "2", *TINY]) == 0
    capsys.readouterr()
    fails(
        capsys, ["--resume", "-o", "out", "-P", "hidden", "32"], 1, "the run to resume has hidden 16, this call has 32"
    )


def test_a_damaged_stream_is_refused(capsys, tmp_path):
    assert run(["tokenize", "play.txt", "-o", "play.tokens"]) == 0
    (tmp_path / "play.tokens").write_bytes((tmp_path / "play.tokens").read_bytes()[:-10])
    capsys.readouterr()
    fails(capsys, ["play.tokens", "--steps", "2"], 1, "play.tokens: is damaged: it is cut short")


def test_settings_under_their_former_names_are_taken_and_said(capsys, tmp_path):
    arguments = [*TINY, "-P", "activation", "2", "-P", "change", "1"]
    assert run(["train", "play.txt", "-o", "out", "--steps", "4", *arguments]) == 0
    assert "The setting activation is called activation_reg now." in capsys.readouterr().err
    train = Checkpoint.load("out").training["train"]
    assert (train["activation_reg"], train["temporal_activation_reg"]) == (2.0, 1.0)
    assert not {"activation", "change"} & set(train)


def test_a_run_that_knows_settings_by_their_former_names_goes_on(tmp_path):
    arguments = [*TINY, "-P", "activation_reg", "2", "-P", "temporal_activation_reg", "1", "--seed", "5"]
    assert run(["train", "play.txt", "-o", "straight", "--steps", "8", *arguments]) == 0
    assert run(["train", "play.txt", "-o", "out", "--steps", "4", *arguments]) == 0

    def aged(about):
        train = about["train"]
        train["activation"], train["change"] = train.pop("activation_reg"), train.pop("temporal_activation_reg")

    about = unsealed(Path("out/training.json").read_bytes())
    aged(about["plan"])
    Path("out/training.json").write_bytes(sealed(about))
    header = read_header(Path("out/resume.safetensors"), CheckpointError)
    details = json.loads(header.read("details").tobytes())
    aged(details["about"])
    tensors = {name: np.array(header.read(name)) for name in header.tensors if name != "details"}
    write_tensors("out/resume.safetensors", tensors, details, {"format": resume.FORMAT, "version": resume.VERSION})
    assert run(["train", "-o", "out", "--resume", "--steps", "8"]) == 0
    assert Checkpoint.load("out").training["train"] == Checkpoint.load("straight").training["train"]


@pytest.mark.parametrize("cell", registry.names("cells"))
def test_every_cell_goes_through_all_commands(cell, capsys, tmp_path):
    arguments = [*TINY, "-m", cell, "-P", "layers", "2", "-P", "weight_drop", "0.1", "--seed", "3"]
    assert run(["train", "play.txt", "-o", "out", "--steps", "3", *arguments]) == 0
    assert run(["train", "-o", "out", "--resume", "--steps", "6"]) == 0
    assert Checkpoint.load("out").model == cell
    capsys.readouterr()
    assert run(["inspect", "out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == cell
    assert run(["train", "-m", cell, "-P", "help"]) == 0
    assert f"Settings of {cell} models" in capsys.readouterr().out
    texts = set()
    for engine in ("numpy", "torch", "cuda"):
        how = ["--engine", engine, "--device", "cpu", "--seed", "1", "-l", "40"]
        assert run(["generate", "out", "-p", "ANNA", *how]) == 0
        texts.add(capsys.readouterr().out)
    assert len(texts) == 1
    assert run(["generate", "out", "-p", "ANNA", "--beam", "3", "-l", "20", "--mix", "out", "--seed", "1"]) == 0
    capsys.readouterr()
    assert run(["evaluate", "out", "play.txt", "--json", "--dynamic"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] > 1000


def test_a_run_of_the_first_version_goes_on_with_its_split(tmp_path):
    """training.json of that time names no version; a book beside a note held the book out, or the note."""
    import json

    from seqgen.jobs.train.planning import recall
    from seqgen.training.recorded import recorded, sealed
    from seqgen.training.splitting import FIRST, SPLIT

    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "book.txt").write_text("a line of a book\n" * 300)
    (folder / "note.txt").write_text("a note\n")
    out = tmp_path / "run"
    how = ["--steps", "2", "--seed", "1", "-P", "hidden", "8", "-P", "embedding", "4"]
    assert run(["train", str(folder), "-o", str(out), *how]) == 0
    total = 300 * 17 + 7 + 2
    assert recorded(out).held.tokens == pytest.approx(0.1 * total, rel=0.1)
    assert recall(out).version == SPLIT
    about = json.loads((out / "training.json").read_text())
    del about["sha256"], about["split"]
    (out / "training.json").write_bytes(sealed(about))
    assert recall(out).version == FIRST
    assert recorded(out).held.tokens in (8, total - 8)
