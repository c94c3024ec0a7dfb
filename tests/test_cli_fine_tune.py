"""`seqgen train` with presets, from a checkpoint and with a page about the run, as a person calls it."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.evaluation import protocols

PLAY = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
NEW = PLAY.replace("how", "hôw").replace("ANNA", "ŜÑ")
TINY = ["-P", "hidden", "16", "-P", "batch", "4", "-P", "window", "16"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(PLAY, "utf-8")
    (tmp_path / "new.txt").write_text(NEW, "utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run that others go on from."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "play.txt").write_text(PLAY, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQGEN_CACHE", str(folder / "cache"))
        arguments = ["--steps", "40", "--seed", "3", "-P", "validations", "2", *TINY]
        assert run(["train", str(folder / "play.txt"), "-o", str(folder / "parent"), *arguments]) == 0
    return folder / "parent"


@pytest.fixture
def parent(_here, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "parent")
    return Checkpoint.load("parent")


def train(*arguments):
    return run(["train", *arguments, "--steps", "2", "-P", "batch", "4", "-P", "window", "16"])


def said(capsys):
    """What went to stderr, its line breaks made spaces."""
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return " ".join(shown.err.split())


def exact(checkpoint, data):
    """Nats per token of a text under a checkpoint."""
    ids = checkpoint.tokenizer.encode(data)
    return protocols.stateful(checkpoint.network(), ids, np.array([0, len(ids)]), "cpu").mean


def test_new_characters_get_rows_and_round_trip(parent, capsys, tmp_path):
    assert train("new.txt", "-o", "child", "--from", "parent") == 0
    assert "Going on from parent" in (shown := said(capsys))
    assert "3 new tokens (Ñ ô Ŝ)" in shown
    child = Checkpoint.load("child")
    assert child.tokenizer.vocab_size == parent.tokenizer.vocab_size + 3
    assert child.tokenizer.decode(child.tokenizer.encode(NEW.encode())) == NEW.encode()
    assert len(child.tokenizer.encode("Ŝ".encode())) == 1
    assert child.settings == parent.settings
    assert child.provenance["parent"]["name"] == "parent"
    assert len(child.provenance["parent"]["sha256"]) == 64
    assert run(["generate", "child", "-l", "20", "-p", "ŜÑ", "--seed", "1", "-o", "out.txt"]) == 0
    assert (tmp_path / "out.txt").read_text("utf-8").startswith("ŜÑ")


@pytest.mark.parametrize("memory", registry.own("memories"))
def test_a_memory_is_told_what_new_characters_do(memory, tmp_path):
    """New rows of what it reads are learned, those of the clock are the new codec's."""
    assert run(["train", "play.txt", "-o", "old", "--steps", "3", "--seed", "3", *TINY, "-P", "memory", memory]) == 0
    with_lines = NEW.replace("Good", "Good\u2028")  # a new character that is no line for the clock
    (tmp_path / "lines.txt").write_text(with_lines, "utf-8")
    assert train("lines.txt", "-o", "child", "--from", "old") == 0
    old, child = Checkpoint.load("old"), Checkpoint.load("child")
    assert child.settings == old.settings
    assert child.tokenizer.vocab_size == old.tokenizer.vocab_size + 4
    np.testing.assert_array_equal(child.weights["memory.clock"], child.tokenizer.clock())
    found = []
    for engine in ("numpy", "torch"):
        made = [
            "generate",
            "child",
            "-p",
            "ŜÑ:\n",
            "-l",
            "40",
            "--seed",
            "1",
            "--engine",
            engine,
            "-o",
            f"{engine}.txt",
        ]
        assert run(made) == 0
        found.append((tmp_path / f"{engine}.txt").read_bytes())
    assert found[0] == found[1]
    assert run(["train", "--resume", "-o", "child", "--steps", "4"]) == 0


def test_it_starts_where_the_parent_ended(parent, capsys):
    """A learning rate of next to nothing leaves the weights as they were: the loss must be the old one."""
    arguments = ["-o", "same", "--from", "parent", "-P", "learning_rate", "1e-12", "-P", "weight_decay", "0"]
    assert train("play.txt", *arguments) == 0
    assert "no new tokens" in said(capsys)
    same = Checkpoint.load("same")
    for name, weight in parent.weights.items():
        np.testing.assert_allclose(same.weights[name], weight, atol=1e-6)
    assert same.training["seed"] == 3  # the same part is held out
    assert same.metrics["nats_per_token"] == pytest.approx(parent.metrics["nats_per_token"], abs=1e-4)


def test_old_text_is_predicted_as_before_with_a_larger_vocabulary(parent):
    assert train("new.txt", "-o", "child", "--from", "parent", "-P", "learning_rate", "1e-12") == 0
    before, after = exact(parent, PLAY.encode()), exact(Checkpoint.load("child"), PLAY.encode())
    assert before <= after < before + 0.15  # the new characters take their share of the probability


def test_it_helps(parent):
    arguments = [
        "new.txt",
        "--seed",
        "1",
        "--steps",
        "30",
        "-P",
        "checks",
        "2",
        "-P",
        "batch",
        "4",
        "-P",
        "window",
        "16",
    ]
    assert run(["train", *arguments, "-o", "child", "--from", "parent"]) == 0
    assert run(["train", *arguments, "-o", "alone", "-P", "hidden", "16"]) == 0
    assert Checkpoint.load("child").metrics["nats_per_token"] < Checkpoint.load("alone").metrics["nats_per_token"]


def test_new_labels_get_rows(tmp_path):
    for folder, names in (("one", ("a", "b")), ("two", ("b", "c"))):
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
            (tmp_path / folder / name / "1.txt").write_text(PLAY, "utf-8")
            (tmp_path / folder / name / "2.txt").write_text(PLAY, "utf-8")
    assert run(["train", "one", "-o", "parent", "--steps", "3", *TINY]) == 0
    assert train("two", "-o", "child", "--from", "parent") == 0
    parent, child = Checkpoint.load("parent"), Checkpoint.load("child")
    assert child.tokenizer.labels == (*parent.tokenizer.labels, "c")


def test_a_stream_goes_on_if_it_has_the_codec(parent, capsys):
    assert run(["tokenize", "play.txt", "-o", "play.tokens"]) == 0
    assert run(["tokenize", "play.txt", "-o", "bytes.tokens", "-c", "byte"]) == 0
    assert train("play.tokens", "-o", "child", "--from", "parent") == 0
    capsys.readouterr()
    assert train("bytes.tokens", "-o", "other", "--from", "parent") == 2
    assert "bytes.tokens has 'byte', but the checkpoint parent has codec 'char'" in said(capsys)


def test_a_run_from_a_checkpoint_is_resumed(parent):
    arguments = ["-P", "batch", "4", "-P", "window", "16", "--seed", "1"]
    assert run(["train", "new.txt", "-o", "child", "--from", "parent", "--steps", "2", *arguments]) == 0
    assert run(["train", "--resume", "-o", "child", "--steps", "4"]) == 0
    child = Checkpoint.load("child")
    assert child.training["budget"]["steps"] in (2, 4)  # of the best model, which the first two steps may have left
    assert child.provenance["parent"]["name"] == "parent"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["-P", "hidden", "32"], 2, "hidden is 32, but the checkpoint parent has 16"),
        (["-P", "layers", "two"], 2, "layers is 'two', expected a whole number"),
        (["-c", "byte"], 2, "--codec is 'byte', but the checkpoint parent has codec 'char'"),
        (["-m", "gru"], 2, "--model is 'gru', but the checkpoint parent is of 'lstm'"),
        (["--preset", "small"], 2, "both --preset and --from were given"),
        (["-P", "min_count", "2"], 2, "min_count is 2, but it is a setting of the codec"),
        (["--resume"], 2, "both --resume and --from were given"),
        (["--device", "tpu"], 2, "device is 'tpu'"),
        (["-P", "window", "60000"], 1, "expected at least one window (60001)"),
    ],
)
def test_mistakes(parent, capsys, tmp_path, arguments, code, sentence):
    capsys.readouterr()
    assert run(["train", "new.txt", "-o", "child", "--from", "parent", "--steps", "2", *arguments]) == code
    assert sentence in said(capsys)
    assert not (tmp_path / "child").exists()


def test_what_is_no_checkpoint_is_refused(capsys, tmp_path, parent):
    data = (tmp_path / "parent/model.safetensors").read_bytes()
    (tmp_path / "later.safetensors").write_bytes(re.sub(rb'"version":"."', b'"version":"9"', data, count=1))
    (tmp_path / "short.safetensors").write_bytes(data[:-9])
    capsys.readouterr()
    for name in ("nowhere", "play.txt", "later.safetensors", "short.safetensors"):
        assert train("new.txt", "-o", "child", "--from", name) == 1
        shown = said(capsys)
        assert f"Error: {name}: " in shown
        assert shown.count("Error:") == 1
    assert not (tmp_path / "child").exists()


def test_a_preset_gives_way_to_flag_environment_and_file(tmp_path, monkeypatch):
    (tmp_path / "my.toml").write_text('preset = "tiny"\nsteps = 1\n[settings]\nbatch = 8\nwindow = 8\ndropout = 0.25\n')
    assert run(["train", "play.txt", "-o", "out", "--config", "my.toml", "-P", "window", "16"]) == 0
    found = Checkpoint.load("out")
    assert found.settings.hidden == 128  # the preset's
    train = found.training["train"]
    assert (train["batch"], train["window"], train["dropout"]) == (8, 16, 0.25)
    assert found.training["preset"] == "tiny"


def test_a_preset_for_one_cell_serves_another():
    assert run(["train", "play.txt", "-o", "out", "--preset", "tiny", "-m", "gru", "--steps", "1"]) == 0
    assert (Checkpoint.load("out").model, Checkpoint.load("out").settings.hidden) == ("gru", 128)


def test_resuming_with_another_preset_is_refused(capsys):
    assert run(["train", "play.txt", "-o", "out", "--preset", "tiny", "--steps", "1"]) == 0
    assert run(["train", "--resume", "-o", "out", "--preset", "tiny", "--steps", "2"]) == 0
    capsys.readouterr()
    assert run(["train", "--resume", "-o", "out", "--preset", "small", "--steps", "3"]) == 1
    assert "the run to resume has" in said(capsys)


def test_an_unknown_preset_is_refused(capsys, tmp_path):
    (tmp_path / "my.toml").write_text('preset = "smal"\n')
    for arguments in (["--preset", "smal"], ["--config", "my.toml"]):
        assert run(["train", "play.txt", "-o", "out", *arguments]) == 2
        assert "'smal' is not one of 'auto', 'tiny'" in said(capsys)
    assert not (tmp_path / "out").exists()


def test_presets_are_listed(capsys):
    assert run(["train", "--preset", "help"]) == 0
    shown = capsys.readouterr().out
    assert "tiny    lstm 1×128" in shown
    assert "large   lstm 3×1024" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert run(["train", "-P", "help", "true"]) == 0
    assert "tiny    lstm 1×128" in capsys.readouterr().out


def test_guidance_before_and_after(capsys):
    assert run(["train", "play.txt", "-o", "out", "--steps", "40", "-P", "validations", "4", *TINY]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 110
    begin = next(index for index, line in enumerate(lines) if line.startswith("Corpus: "))
    end = next(index for index, line in enumerate(lines) if "Ctrl-C" in line or line.endswith("saves."))
    assert end - begin < 6
    shown = " ".join(lines)
    assert "% of the lines repeat" not in shown  # they are all shorter than what counts
    assert "tokens/s" in shown
    assert "GB of memory" in shown
    assert "% of the corpus once" in shown
    assert "more time" in shown


def test_a_page_at_the_end_and_after_the_fact(capsys, tmp_path):
    assert (
        run(
            ["train", "play.txt", "-o", "out", "--steps", "30", "-P", "validations", "3", *TINY, "--report", "run.html"]
        )
        == 0
    )
    first = (tmp_path / "run.html").read_text("utf-8")
    HTMLParser().feed(first)
    assert "Samples through time" in first
    assert "gram" in first
    assert "<svg" in first
    assert "://" not in first
    samples = [json.loads(line) for line in (tmp_path / "out/samples.jsonl").read_text("utf-8").splitlines()]
    assert samples
    assert samples[0].keys() == {"step", "nats", "text"}
    assert run(["train", "-o", "out", "--report", "again.html"]) == 0
    assert (tmp_path / "again.html").read_text("utf-8") == first
    assert said(capsys).endswith("Wrote again.html")


def test_a_page_about_nothing_is_refused(capsys, tmp_path):
    assert run(["train", "-o", "nothing", "--report", "run.html"]) == 1
    assert "nothing: there is no such checkpoint" in said(capsys)
    assert run(["train", "--report", "run.html"]) == 2
    assert "no SOURCE was given" in said(capsys)
    assert not (tmp_path / "run.html").exists()


def test_a_page_about_a_damaged_log_says_what_it_leaves_out(capsys, tmp_path):
    assert run(["train", "play.txt", "-o", "out", "--steps", "3", *TINY]) == 0
    (tmp_path / "out/log.jsonl").write_text('{"step": 1\n')
    capsys.readouterr()
    assert run(["train", "-o", "out", "--report", "run.html"]) == 0
    assert "log.jsonl: left out of the page, since they make no sense: line 1" in said(capsys)
    assert (tmp_path / "run.html").exists()


def test_samples_of_steps_taken_again_are_dropped(tmp_path):
    arguments = ["-P", "validations", "4", "--seed", "1", *TINY]
    assert run(["train", "play.txt", "-o", "out", "--steps", "20", *arguments]) == 0
    path = tmp_path / "out/samples.jsonl"
    lines = path.read_text("utf-8")
    path.write_text(lines + '{"step": 9999, "nats": 1.0, "text": "later"}\n', "utf-8")
    assert run(["train", "--resume", "-o", "out", "--steps", "21"]) == 0
    assert path.read_text("utf-8").startswith(lines)
    assert "later" not in path.read_text("utf-8")
