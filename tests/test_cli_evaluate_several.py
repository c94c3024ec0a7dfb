"""`seqgen evaluate` beyond one static number: --dynamic, several checkpoints, a stored temperature."""

import dataclasses
import json

import pytest
import torch

from seqgen import checkpoint as checkpoints
from seqgen.cells.gru import GRU
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.evaluation.temperature import Temperature
from seqgen.jobs.evaluate.arguments import divided, is_checkpoint, is_corpus
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.stream import TokenStream
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

LINE = "The owl sat, grey and still, in the ivy of the tower.\n"


def save_checkpoint(folder, stream, seed=0, plan_seed=5, metrics=None):
    """A run folder with a random network."""
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    torch.manual_seed(seed)
    settings = ModelSettings(hidden=8)
    network = RecurrentLM(GRU(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    folder.mkdir()
    Checkpoint("gru", GRU(), settings, tokenizer, weights, {}, metrics or {}).save(folder / "model.safetensors")
    about = {"stream": str(stream.path), "fingerprint": stream.fingerprint, "head": 1, "validation": 0.25}
    about |= {"held_out": None, "plan": {"seed": plan_seed}}
    (folder / "training.json").write_text(json.dumps(about))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_text(LINE * 20)
    (tmp_path / "new.txt").write_text(LINE[::-1] * 9)
    stream = tokenize(resolve(["corpus.txt"]), TokenizeSettings("char"), tmp_path / "corpus.tokens")
    save_checkpoint(tmp_path / "mine", stream)
    save_checkpoint(tmp_path / "yours", stream, seed=1)
    return tmp_path


def result(capsys, *arguments):
    assert run(["evaluate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments, code):
    assert run(["evaluate", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


def test_dynamic_stands_beside_the_static_number(place, capsys):
    static = result(capsys, "mine", "new.txt")
    found = result(capsys, "mine", "new.txt", "--dynamic", "-P", "segment", "16", "-P", "learning_rate", "0.003")
    learned = found.pop("dynamic")
    assert found == static
    assert learned["nats_per_token"] < static["nats_per_token"] - 0.1
    assert learned["segment"] == 16
    assert learned["statistics"] > 0
    still = result(capsys, "mine", "new.txt", "--dynamic", "-P", "learning_rate", "0")
    assert still["dynamic"]["nats_per_token"] == pytest.approx(static["nats_per_token"], rel=1e-5)


def test_dynamic_without_the_training_text_says_so(place, capsys):
    (place / "mine" / "training.json").unlink()
    assert run(["evaluate", "mine", "new.txt", "--dynamic", "--json"]) == 0
    printed = capsys.readouterr()
    assert "takes plain gradient steps" in printed.err
    assert json.loads(printed.out)["dynamic"]["statistics"] == 0


def test_an_ensemble_beside_its_members(place, capsys):
    alone = [result(capsys, name, "new.txt") for name in ("mine", "yours")]
    found = result(capsys, "mine", "yours", "new.txt")
    members, ensemble = found.pop("members"), found.pop("ensemble")
    assert found == alone[0]
    assert [each.pop("checkpoint") for each in members] == ["mine", "yours"]
    assert members == [alone[0], alone[1] | {"ngram": None}]
    assert ensemble["average"] == "probabilities"
    assert ensemble["tokens"] == found["tokens"]
    assert ensemble["nats_per_token"] < sum(each["nats_per_token"] for each in members) / 2, "as log is concave"
    other = result(capsys, "mine", "yours", "new.txt", "--average", "logits")["ensemble"]
    assert other["average"] == "logits"
    assert other["nats_per_token"] != ensemble["nats_per_token"]


def test_an_ensemble_of_one_model_is_the_model(place, capsys):
    found = result(capsys, "mine", "mine", "new.txt")
    assert found["ensemble"]["nats_per_token"] == pytest.approx(found["nats_per_token"], rel=1e-6)


def test_the_tables_fit_a_terminal(place, capsys):
    (place / ("long" * 20)).symlink_to(place / "yours")
    assert run(["evaluate", "mine", "yours", "corpus.txt", "--dynamic"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "mine, yours on corpus.txt"
    assert sum("with dynamic evaluation" in line for line in lines) == 2
    assert any(line == "  ensemble of 2, mean probabilities" for line in lines)
    assert run(["evaluate", "mine", "long" * 20, "corpus.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[1:])) <= 80


def test_runs_must_have_held_out_the_same(place, capsys):
    found = result(capsys, "mine", "yours")
    assert found["tokens"] == 20 * len(LINE) - int(20 * len(LINE) * 0.75) - 1
    (place / "more.txt").write_text(LINE * 30)
    tokenizer = Tokenizer.from_spec(TokenStream.open("corpus.tokens").codec_spec)
    tokenize(resolve(["more.txt"]), TokenizeSettings(tokenizer=tokenizer), place / "more.tokens")
    save_checkpoint(place / "theirs", TokenStream.open("more.tokens"))
    assert "mine and theirs were not validated on the same documents" in refusal(capsys, "mine", "theirs", code=2)


def test_a_stored_temperature_gets_a_number_of_its_own(place, capsys):
    stream = TokenStream.open("corpus.tokens")
    save_checkpoint(place / "warm", stream, metrics={"temperature": Temperature(1.5, 2.0, 1.9, 99).to_json()})
    plain, warm = result(capsys, "mine", "new.txt"), result(capsys, "warm", "new.txt")
    tempered = warm.pop("temperature")
    assert warm == plain
    assert tempered["value"] == 1.5
    assert tempered["nats_per_token"] != plain["nats_per_token"]
    assert run(["evaluate", "warm", "new.txt"]) == 0
    assert "at temperature 1.500" in capsys.readouterr().out


def test_vocabularies_that_differ_are_named(place, capsys):
    (place / "greek.txt").write_text("λόγος " * 40)
    save_checkpoint(place / "greek", tokenize(resolve(["greek.txt"]), TokenizeSettings("char"), place / "greek.tokens"))
    said = refusal(capsys, "mine", "greek", "new.txt", code=1)
    assert "mine and greek have different vocabularies: only greek has " in said
    assert "'λ'" in said
    save_checkpoint(
        place / "bytes", tokenize(resolve(["corpus.txt"]), TokenizeSettings("byte"), place / "bytes.tokens")
    )
    assert "mine and bytes have different codecs, char and byte" in refusal(capsys, "mine", "bytes", "new.txt", code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine", "new.txt", "-P", "segment", "9"], "-P was given without --dynamic"),
        (["mine", "new.txt", "--dynamic", "-P", "segment", "0"], "segment is 0, expected 1 to 16384"),
        (["mine", "new.txt", "--dynamic", "-P", "speed", "9"], "no setting is called 'speed'"),
        (["mine", "yours", "--text", "x"], "--text takes one checkpoint, 2 were given"),
        (["mine", "--text", "x", "--dynamic"], "--dynamic is for a SOURCE"),
        (["mine", "new.txt", "yours"], "yours is a checkpoint, but stands behind the SOURCE new.txt"),
    ],
)
def test_refusals(place, capsys, arguments, said):
    assert said in refusal(capsys, *arguments, code=2)


def test_what_is_a_checkpoint(place):
    assert is_checkpoint("mine")
    assert is_checkpoint("mine/model.safetensors")
    (place / "model.bin").write_bytes((place / "mine" / "model.safetensors").read_bytes())
    assert is_checkpoint("model.bin")
    for name in ("corpus.txt", "corpus.tokens", "nowhere", ".", "-", "*.txt", "a\0b"):
        assert not is_checkpoint(name), name


def test_names_that_are_both(place, monkeypatch):
    """`owls` is a published checkpoint and a corpus."""
    monkeypatch.setattr("seqgen.catalogue.names", lambda: ("owls", "crows"))
    shelf = place / "shelf"
    published = dataclasses.replace(Checkpoint.load("mine"))
    shelf.mkdir()
    published.save(shelf / "owls.safetensors")
    monkeypatch.setattr(checkpoints, "published", lambda: {"owls": shelf / "owls.safetensors"})
    assert is_checkpoint("owls")
    assert is_corpus("owls")
    assert divided(["owls"]) == (["owls"], [])
    assert divided(["mine", "owls"]) == (["mine"], ["owls"])
    assert divided(["owls", "owls"]) == (["owls"], ["owls"])
    assert divided(["mine", "crows", "owls"]) == (["mine"], ["crows", "owls"])
    assert divided(["mine", "yours", "new.txt", "corpus.txt"]) == (["mine", "yours"], ["new.txt", "corpus.txt"])
    with pytest.raises(UsageError, match=r"owls is both a checkpoint and a corpus\s.*shelf/owls.safetensors, or"):
        divided(["mine", "owls", "new.txt"])
