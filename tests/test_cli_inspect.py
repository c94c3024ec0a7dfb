"""`seqgen inspect`: it knows what a file is, by content first, and says what it holds."""

import json

import numpy as np
import pytest
import torch

from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.cli.inspect import WIDTH
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.stream import TokenStream
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a labelled corpus and its stream."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("owls/grey.txt", "hoo hoo\n"), ("owls/barn.txt", "shriek"), ("cats/tom.txt", "meow")):
        path = tmp_path / "voices" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "voices" / "cats" / "empty.txt").touch()
    tokenize(resolve(["voices"]), TokenizeSettings(), tmp_path / "voices.tokens")
    return tmp_path


def save_checkpoint(folder):
    stream = TokenStream.open("voices.tokens")
    tokenizer, settings = Tokenizer.from_spec(stream.codec_spec), ModelSettings(hidden=8, layers=2)
    torch.manual_seed(0)
    network = RecurrentLM(LSTM(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    folder.mkdir()
    story = {"training": {"seed": 1}, "metrics": {"validation_nats": 1.23456}, "provenance": {"seed": 1234567}}
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights, **story).save(folder / "model.safetensors")


def facts(capsys, file):
    assert run(["inspect", str(file), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def table(capsys, file):
    assert run(["inspect", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    return {line[2:19].strip(): line[19:].strip() for line in lines[1:]} | {"title": lines[0]}


def test_a_stream(place, capsys):
    found = facts(capsys, "voices.tokens")
    assert found["kind"] == "stream"
    assert found["codec"] == "char"
    assert found["tokens"] == 18 + 3 * 2
    assert found["documents"] == found["sources"] == 3
    assert found["vocab_size"] == 256 + 1 + 2
    assert found["most_common"][0] == {"token": "o", "count": 5}
    assert found["labels"] == {"cats": 1, "owls": 2}
    assert found["source_bytes"] == 18
    assert found["report"]["read"] == 3
    assert found["report"]["skipped"] == {"voices/cats/empty.txt": "is empty"}
    assert found["report"]["dropped"] == found["report"]["repaired"] == {}


def test_a_stream_for_people(place, capsys):
    found = table(capsys, "voices.tokens")
    assert found["title"] == "voices.tokens: a token stream"
    assert found[""] == "voices/cats/empty.txt: is empty"
    assert found["tokens"] == "24 in 3 documents"
    assert found["labels"] == "cats 1,  owls 2"
    assert found["skipped"] == "1 file of 4"
    assert found["made from"] == "3 files, 18 bytes"


def test_a_stream_is_known_by_its_content(place, capsys):
    (place / "voices.tokens").rename(place / "renamed.bin")
    assert facts(capsys, "renamed.bin")["kind"] == "stream"


def test_a_checkpoint(place, capsys):
    save_checkpoint(place / "mine")
    found = facts(capsys, "mine")
    assert found == facts(capsys, "mine/model.safetensors")
    assert found["kind"] == "checkpoint"
    assert (found["model"], found["codec"], found["vocab_size"]) == ("lstm", "char", 259)
    assert found["parameters"] == 259 * 8 + 259 + 2 * (2 * 32 * 8 + 2 * 32)
    assert found["metrics"] == {"validation_nats": 1.23456}
    assert found["labels"] == ["cats", "owls"]
    assert found["settings"]["layers"] == 2
    assert found["vocabulary"][ord("o")] == "o"
    people = table(capsys, "mine")
    assert people["codec"] == "char, 259 tokens"
    assert people["validation nats"] == "1.2346"
    assert people["seed"] == "1234567"
    assert people["vocabulary"].startswith('␣ ! " # $ %')


def test_music(place, capsys):
    ids = np.random.default_rng(0).integers(0, Midi(MidiOptions()).vocab_size, 300).astype(np.uint16)
    (place / "tune.mid").write_bytes(Midi(MidiOptions()).decode(ids))
    (place / "tune.dat").write_bytes((place / "tune.mid").read_bytes())
    found = facts(capsys, "tune.mid")
    assert found["kind"] == "midi"
    assert found["notes"] == sum(found["instruments"].values()) > 0
    assert found == facts(capsys, "tune.dat")
    assert f"{found['notes']:,} notes" in table(capsys, "tune.mid")["length"]


def test_a_corpus(place, capsys):
    found = facts(capsys, "voices")
    assert found["kind"] == "corpus"
    assert found["files"] == 4
    assert found["bytes"] == 18
    assert found["codec"] == "char"
    assert found["suffixes"] == {".txt": 4}
    assert found["labels"] == {"cats": 2, "owls": 2}
    assert found["largest"][0] == {"name": "voices/owls/grey.txt", "bytes": 8}
    assert table(capsys, "voices")["codec"] == "char, guessed from the files"
    assert facts(capsys, "voices/owls/barn.txt")["files"] == 1
    assert facts(capsys, "voices/*/*.txt")["files"] == 4


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut.tokens", b"\x10", "cut.tokens: is not a safetensors file"),
        ("empty.tokens", b"", "empty.tokens: is empty"),
        ("old.safetensors", b"\x80\x04 pickled", "old.safetensors: is a Python pickle"),
        ("cut.mid", b"MThd\0\0", "cut.mid: "),
        ("nowhere", None, "nowhere: there is no such file, folder or corpus"),
        ("nowhere.tokens", None, "nowhere.tokens: there is no such file"),
    ],
)
def test_refusals(place, capsys, name, content, said):
    if content is not None:
        (place / name).write_bytes(content)
    assert run(["inspect", name]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert "Traceback" not in printed.err
