"""`seqgen evaluate`: its numbers, its table, and what it says when it cannot."""

import json

import numpy as np
import pytest
import torch

from seqgen.cells.gru import GRU
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.cli.evaluate import WIDTH, _columns
from seqgen.experts.ngram import NGram
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.stream import TokenStream
from seqgen.terminal.text import width_of
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

LINE = "The owl sat, grey and still, in the ivy of the tower.\n"
SEED = 5


def save_checkpoint(folder, stream):
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    torch.manual_seed(0)
    settings = ModelSettings(hidden=8)
    network = RecurrentLM(GRU(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    folder.mkdir()
    Checkpoint("gru", GRU(), settings, tokenizer, weights, {}, {}, {}).save(folder / "model.safetensors")


def record(folder, corpus, **changes):
    """What a training run writes about its corpus."""
    about = {
        "stream": str(corpus.path),
        "fingerprint": corpus.fingerprint,
        "head": 1,
        "validation": 0.25,
        "held_out": None,
        "plan": {"seed": SEED},
    }
    (folder / "training.json").write_text(json.dumps(about | changes))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a corpus, its stream and a run folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_text(LINE * 20)
    stream = tokenize(resolve(["corpus.txt"]), TokenizeSettings("char"), tmp_path / "corpus.tokens")
    save_checkpoint(tmp_path / "mine", stream)
    record(tmp_path / "mine", stream)
    return tmp_path


def result(capsys, *arguments):
    assert run(["evaluate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments, code=1):
    assert run(["evaluate", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


def test_files_and_their_stream_give_the_same_numbers(place, capsys):
    by_file, by_stream = result(capsys, "mine", "corpus.txt"), result(capsys, "mine", "corpus.tokens")
    assert by_file == by_stream
    assert by_file["tokens"] == 20 * len(LINE) - 1
    assert by_file["protocol_b"]["nats_per_token"] == by_file["nats_per_token"]
    assert 0 < by_file["ngram"]["nats_per_token"] < by_file["nats_per_token"]


def test_without_a_source_the_validation_split_is_taken(place, capsys):
    found = result(capsys, "mine")
    ids = TokenStream.open("corpus.tokens").ids[1:].astype(np.int64)
    held = len(ids) - int(len(ids) * 0.75)
    assert found["tokens"] == held - 1
    ngram = NGram.fit(ids[:-held], np.array([0]), 256)
    assert found["ngram"]["nats_per_token"] == pytest.approx(
        ngram.nats(ids[-held:], np.array([0]))[1:].mean(), rel=1e-6
    )


def test_a_corpus_that_was_trained_on_is_called_so(place, capsys):
    (place / "other.txt").write_text(LINE[::-1])
    assert run(["evaluate", "mine", "other.txt"]) == 0
    assert "trained on" not in capsys.readouterr().err
    assert run(["evaluate", "mine", "corpus.txt"]) == 0
    assert "The run was trained on most of this corpus" in capsys.readouterr().err


def test_a_corpus_held_out_apart_is_the_validation_split(place, capsys):
    (place / "other.txt").write_text(LINE[:30])
    tokenizer = Tokenizer.from_spec(TokenStream.open("corpus.tokens").codec_spec)
    tokenize(resolve(["other.txt"]), TokenizeSettings(tokenizer=tokenizer), place / "other.tokens")
    record(place / "mine", TokenStream.open("corpus.tokens"), held_out=str(place / "other.tokens"))
    assert result(capsys, "mine")["tokens"] == 29


def test_characters_never_seen_are_measured_too(place, capsys):
    (place / "new.txt").write_text("東京 " * 9)
    assert result(capsys, "mine", "new.txt")["tokens"] == 9 * 7 - 1


def test_the_table_fits_a_terminal(place, capsys):
    assert run(["evaluate", "mine", "corpus.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "mine on corpus.txt"
    assert any(line.startswith("  stateful (protocol B)") for line in lines)
    assert any("-gram of the training documents" in line for line in lines)


def test_the_baseline_needs_the_training_corpus(place, capsys):
    (place / "mine" / "training.json").unlink()
    assert run(["evaluate", "mine", "corpus.txt", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["ngram"] is None
    assert "No n-gram baseline: " in printed.err
    assert "training.json: is not there" in refusal(capsys, "mine")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fingerprint": "0" * 64}, "is not the corpus that this run was trained on any more"),
        ({"stream": "gone.tokens"}, "gone.tokens: there is no such file"),
        ({"plan": {}}, "training.json: cannot be read (KeyError: 'seed')"),
        ({"head": None}, "training.json: cannot be read (TypeError"),
    ],
)
def test_a_record_that_does_not_fit(place, capsys, changes, said):
    record(place / "mine", TokenStream.open("corpus.tokens"), **changes)
    assert said in refusal(capsys, "mine")


def test_a_sentence_token_by_token(place, capsys):
    found = result(capsys, "mine", "--text", "owl é")
    assert [each["token"] for each in found["tokens"]] == ["o", "w", "l", " ", "<C3>", "<A9>"]
    assert found["nats"] == pytest.approx(sum(each["nats"] for each in found["tokens"]))
    assert found["nats_per_character"] == pytest.approx(found["nats"] / 5)
    assert found["nats_per_token"] == pytest.approx(found["nats"] / 6)
    assert found["bits_per_byte"] == pytest.approx(found["nats"] / 6 / np.log(2))
    assert run(["evaluate", "mine", "--text", "owl é" * 30]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(width_of, lines)) <= WIDTH
    assert "180 tokens, " in lines[-1]


def test_columns_stand_over_their_numbers():
    (block,) = _columns([("a", 12.34), (" ", 0.04), ("<0A>", 1.0), ("日", 2.0)])
    above, below = block.split("\n")
    assert above == "     a    ␣  <0A>   日"
    assert below == "  12.3  0.0   1.0  2.0"
    assert width_of(above) == width_of(below) == 22


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["mine", "corpus.txt", "--text", "x"], 2, "both SOURCE and --text were given"),
        (["mine", "--label", "x"], 2, "--label was given without --text"),
        (["mine", "--text", ""], 2, "--text is empty"),
        (["mine", "--text", "x", "--label", "bach"], 2, "no label is called 'bach'"),
        (["mine", "corpus.txt", "--device", "abacus"], 2, "device is 'abacus', expected one of auto"),
        (["yours", "corpus.txt"], 1, "yours: there is no such checkpoint"),
        (["mine", "nowhere.txt"], 1, "nowhere.txt: there is no such file, folder or corpus"),
        (["mine", "empty.txt"], 1, "empty.txt: is empty"),
        (["mine", "short.txt"], 1, "short.txt: no document has more than one token"),
        (["mine", "binary.txt"], 1, "binary.txt: is binary, expected text"),
        (["mine", "bytes.tokens"], 1, "bytes.tokens: has another codec (byte, 257 tokens) than the checkpoint (char"),
        (["mine", "broken.tokens"], 1, "broken.tokens: is not a safetensors file"),
    ],
)
def test_refusals(place, capsys, arguments, code, said):
    (place / "empty.txt").touch()
    (place / "short.txt").write_text("x")
    (place / "binary.txt").write_bytes(bytes(range(8)) * 9)
    (place / "broken.tokens").write_bytes(b"nonsense, and more of it")
    tokenize(resolve(["corpus.txt"]), TokenizeSettings("byte"), place / "bytes.tokens")
    assert said in refusal(capsys, *arguments, code=code)


def test_text_needs_a_model_of_text(place, capsys):
    from seqgen.codecs.midi import Midi, MidiOptions

    tokenizer = Tokenizer(Midi(MidiOptions()), "midi")
    settings = ModelSettings(hidden=4)
    network = RecurrentLM(GRU(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    Checkpoint("gru", GRU(), settings, tokenizer, weights).save(place / "tune.safetensors")
    assert "--text is for models of text, this one knows midi" in refusal(
        capsys, "tune.safetensors", "--text", "la", code=2
    )
