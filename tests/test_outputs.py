"""Outputs that are inputs, outputs on what somebody else wrote, devices and pipes."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seqgen.cli import leaves, run
from seqgen.cli._paths import Command, Input, Output
from seqgen.errors import OutputError, UsageError
from seqgen.files import guarding, is_device, write_bytes, written
from seqgen.selftest import _materials, overwrites

TEXTS = {  # parameters that take text and name no file
    "codec", "encoding", "label", "device", "settings", "prompt", "rules", "stop", "blend", "instruments", "key",
    "meter", "scale", "text", "title", "name", "only", "length", "temperature", "max_copy", "documents",
    "shard", "scheduler", "repository", "licence", "include", "exclude",
    "field", "label_field", "grammar", "form", "adapt", "inputs", "outputs", "osc_to",
    "host", "token", "origins", "learn", "mode", "quantise", "sets", "tempo", "density", "cells",
    "clamp", "gain", "sentences", "watch", "mark", "lines", "bars", "seconds", "parts",
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("play.txt").write_text(_materials.PLAY)
    _materials.checkpoint().save("model.safetensors")
    return tmp_path


def test_every_command_is_watched_over_and_every_file_has_a_type():
    for words, command in leaves():
        assert isinstance(command, Command), f"{' '.join(words)}: made without cls=Command"
        assert command.help, f"{' '.join(words)}: its function has no docstring, which is the help"
    found = dict(overwrites.commands())
    assert {"tokenize", "train", "generate", "takes export", "corpus get", "doctor"} <= set(found)
    for name, command in found.items():
        assert isinstance(command, Command), name
        for each in command.params:
            if each.type.name in ("text", "path", "file"):
                assert isinstance(each.type, Input | Output) or each.name in TEXTS, f"{name}: {each.name} is it a file?"


def test_the_check_sees_a_command_that_does_not_look(monkeypatch):
    from seqgen import selftest

    monkeypatch.setattr("seqgen.files.guarding.Guard.check", lambda self, path: None)
    monkeypatch.setattr("seqgen.files.guarding.Guard.reads", lambda self, paths: None)
    monkeypatch.setattr("seqgen.selftest.overwrites._writers", lambda: ())
    monkeypatch.setattr("seqgen.selftest.overwrites.BY_HAND", overwrites.BY_HAND[:1])
    assert not selftest.check("overwrites", 4).held


def test_an_output_that_is_the_input_is_refused(here, capsys):
    before = Path("play.txt").read_bytes()
    Path("link").symlink_to("play.txt")
    for output in ("play.txt", "./play.txt", "link"):
        assert run(["tokenize", "play.txt", "-c", "char", "-o", output, "--force"]) == 2
        assert "so it cannot be the output\nHint: name another file" in capsys.readouterr().err
    assert Path("play.txt").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_standard_input_is_a_file_too(here):
    for name in ("-", "/dev/stdin", "/dev/fd/0"):
        command = [sys.executable, "-m", "seqgen", "tokenize", name, "-c", "char", "-o", "play.txt", "--force"]
        with Path("play.txt").open("rb") as file:
            ran = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
        assert ran.returncode == 2, ran.stderr
    assert Path("play.txt").read_text() == _materials.PLAY


def test_the_input_that_steers_a_sample_is_a_file_too(here):
    line = '{"temperature": 0.5}\n'
    Path("lines").write_text(line)
    command = [sys.executable, "-m", "seqgen", "generate", "model.safetensors", "-l", "3", "--follow"]
    with Path("lines").open("rb") as file:
        ran = subprocess.run(
            [*command, "-o", "lines", "--force"], stdin=file, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 2, ran.stderr
    assert "lines: is the same file as standard input" in ran.stderr
    assert Path("lines").read_text() == line


@pytest.mark.parametrize(
    ("report", "said"), [("pages", "is a folder, expected a file name"), ("none/a.html", "there is no folder none")]
)
def test_an_output_that_cannot_be_is_told_before_the_work(here, capsys, report, said):
    Path("pages").mkdir()
    train = ["train", "play.txt", "-c", "char", "-o", "run", "--steps", "1", *_materials.TINY, "--report", report]
    assert run(train) == 1
    assert f"Error: {report}: {said}" in capsys.readouterr().err
    assert not Path("run").exists()


def test_a_text_may_be_made_again_but_not_when_it_was_edited(here, capsys):
    generate = ["generate", "model.safetensors", "-l", "9", "-o", "out.txt"]
    assert run(generate) == 0
    assert run(generate) == 0
    shutil.copy("out.txt", "copy.txt")
    with Path("out.txt").open("a") as file:
        file.write("my own words")
    assert run(generate) == 1
    said = capsys.readouterr().err
    assert "out.txt: holds something that seqgen did not write, or that was changed since, and is left as it is" in said
    assert "Hint: --force replaces it" in said
    assert Path("out.txt").read_bytes().endswith(b"my own words")
    assert run([*generate, "--force"]) == 0
    assert run(generate) == 0
    assert run([*generate[:-1], "copy.txt"]) == 0


def test_computed_names_are_looked_at_before_anything_is_sampled(here, capsys):
    Path("out-2.txt").write_text("mine")
    assert run(["generate", "model.safetensors", "-l", "9", "-n", "2", "-o", "out.txt"]) == 1
    assert "Error: out-2.txt: holds something" in capsys.readouterr().err
    assert not Path("out-1.txt").exists()
    assert Path("out-2.txt").read_text() == "mine"


def test_a_checkpoint_and_a_stream_are_not_replaced_by_a_text(here, capsys):
    assert run(["tokenize", "play.txt", "-c", "char", "-o", "x.tokens"]) == 0
    assert run(["tokenize", "play.txt", "-c", "char", "-o", "x.tokens"]) == 0
    for name, what in (("x.tokens", "is a token stream"), ("other.safetensors", "is a checkpoint")):
        shutil.copy("model.safetensors", "other.safetensors")
        assert run(["generate", "model.safetensors", "-l", "9", "-o", name]) == 1
        assert f"Error: {name}: {what}, and is left as it is" in capsys.readouterr().err
    assert run(["tokenize", "play.txt", "-c", "char", "-o", "other.safetensors"]) == 1


def test_a_run_replaces_no_log_of_somebody_else(here, capsys):
    Path("mine").mkdir()
    Path("mine/log.jsonl").write_text("my log")
    assert run(["train", "play.txt", "-o", "mine", "--steps", "1", *_materials.TINY]) == 1
    assert "mine/log.jsonl: is there already, and belongs to no run of seqgen" in capsys.readouterr().err
    assert Path("mine/log.jsonl").read_text() == "my log"


def test_names_of_corpora_and_checkpoints_are_no_files(here):
    assert run(["generate", "tiny-shakespeare", "-l", "3", "-o", "tiny-shakespeare"]) == 0
    assert run(["generate", "model.safetensors", "-l", "3", "-o", "model.txt"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no such files")
def test_several_samples_go_into_one_device_and_nothing_beside_it(here, capfd):
    beside = set(Path("/dev").iterdir())
    for more in ([], ["--json"]):
        assert run(["generate", "model.safetensors", "-l", "9", "-n", "3", "-o", os.devnull, *more]) == 0
    assert run(["tokenize", "play.txt", "-c", "char", "-o", os.devnull]) == 0
    assert set(Path("/dev").iterdir()) == beside
    capfd.readouterr()
    assert run(["generate", "model.safetensors", "-l", "9", "-n", "2", "--seed", "1", "-o", "/dev/stdout"]) == 0
    assert capfd.readouterr().out.count("\n\n") >= 1
    os.mkfifo("pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    assert run(["generate", "model.safetensors", "-l", "9", "-n", "2", "--seed", "1", "-o", "pipe"]) == 0
    reader.join(10)
    assert b"\n\n" in read[0]
    assert sorted(path.name for path in here.glob("pipe*")) == ["pipe"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such files")
def test_descriptors_are_written_into_and_never_cut(here):
    with Path("log").open("wb+") as log:
        log.write(b"before\n")
        log.flush()
        assert is_device(Path(f"/dev/fd/{log.fileno()}"))
        write_bytes(f"/dev/fd/{log.fileno()}", b"after\n")
    assert Path("log").read_bytes() == b"before\nafter\n"
    assert not is_device(Path("log"))


def test_reads_and_claims_meet_in_any_order(here):
    with guarding.guarded(), pytest.raises(UsageError, match="is the same file as"):
        guarding.reads("play.txt")
        guarding.claim(here / "play.txt")
    with guarding.guarded(force=True), pytest.raises(UsageError, match="is the same file as"):
        guarding.claim(here / "play.txt")
        guarding.reads("play.txt")
    with guarding.guarded(), pytest.raises(UsageError, match="same file"):
        guarding.reads("not/there/YET.db")
        guarding.claim("./not/there/yet.db")  # one file where names have no upper case
    with guarding.guarded(), pytest.raises(OutputError, match="holds something"):
        guarding.claim("play.txt")
    guarding.reads("play.txt")
    guarding.claim("play.txt")  # outside of a command nothing is refused


def test_names_that_cannot_be_are_one_sentence(here, capsys):
    Path("l0").symlink_to("l1")
    Path("l1").symlink_to("l0")
    for number in range(2, 3000):
        Path(f"l{number}").symlink_to(f"l{number + 1}")
    Path("a.toml").write_text('output = "a\\u0000b"')
    tokenize = ["tokenize", "play.txt", "-c", "char"]
    for more in (["-o", "l0"], ["-o", "l2"], ["-o", "x" * 5000], ["--config", "a.toml"]):
        assert run([*tokenize, *more]) in (1, 2)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert said.count("Error") == 1


def test_what_is_in_the_cache_is_never_an_output(here, capsys):
    assert run(["train", "play.txt", "-o", "run", "--steps", "1", *_materials.TINY]) == 0
    cached = next(Path(os.environ["SEQGEN_CACHE"]).glob("streams/*.tokens"))
    assert run(["tokenize", "play.txt", "-c", "char", "-o", str(cached), "--force"]) == 2
    assert "lies in the cache of seqgen, and is never an output" in capsys.readouterr().err


def test_what_was_written_is_remembered_in_bounded_space(here, monkeypatch):
    monkeypatch.setattr(written, "MOST", 650)
    path = Path("x")
    for number in range(4000):
        path.write_text(str(number))
        written.remember(path)
    assert written.knows(path)
    lists = list((written.cache() / written.FOLDER).iterdir())
    assert all(each.stat().st_size <= 650 + 65 for each in lists)
    assert all(len(line) == 64 for each in lists for line in each.read_text().splitlines())


def test_without_a_cache_a_file_is_somebody_elses(here, monkeypatch, capsys):
    Path("none").write_text("no folder")
    monkeypatch.setenv("SEQGEN_CACHE", str(here / "none"))
    assert run(["generate", "model.safetensors", "-l", "9", "--seed", "1", "-o", "out.txt"]) == 0
    assert run(["generate", "model.safetensors", "-l", "9", "--seed", "1", "-o", "out.txt"]) == 1
    assert "--force" in capsys.readouterr().err
