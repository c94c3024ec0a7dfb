"""Samples of models of lists: one item each, in one file, new ones on request."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqgen
from seqgen.api import novelty
from seqgen.api.items import guards
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.documents import Documents
from seqgen.errors import UsageError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.originality.index import Index
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training.indexing import open_index
from seqgen.training.recorded import TRAINING_FILE, recorded

SHAPE = ModelSettings(hidden=8)
ITEMS = ["a", "b", "ab", "aab", "ba", "bb", "aa"] + ["b" * n for n in range(10, 50)]


def trained(folder: Path, text: str, documents: str, end: float = 12, likes: bytes = b"ab") -> Path:
    """A run folder as training leaves it, of a model that likes some letters and the end of an item."""
    (folder / "x.txt").write_text(text)
    stream = tokenize(resolve([folder / "x.txt"]), TokenizeSettings("byte", documents=documents), folder / "x.tokens")
    tokenizer, rng = Tokenizer.from_spec(stream.codec_spec), np.random.default_rng(1)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.1 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][[*likes]] = 12
    weights["output.bias"][tokenizer.document_id] = end
    about = {
        "stream": str(stream.path), "fingerprint": stream.fingerprint, "head": 1, "validation": 0.1, "held_out": None,
        "plan": {"seed": 1},
    }  # fmt: skip
    (folder / "run").mkdir()
    (folder / "run" / TRAINING_FILE).write_text(json.dumps(about))
    provenance = {"corpus": stream.fingerprint, "train_tokens": recorded(folder / "run").train.tokens}
    Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, provenance=provenance).save(folder / "run/model.safetensors")
    return folder / "run"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return trained(tmp_path, "\n".join(ITEMS), "line")


def generated(folder: Path, *arguments: str, code: int = 0) -> None:
    assert run(["generate", str(folder), "--seed", "1", *arguments]) == code


def test_a_sample_is_an_item_and_they_go_into_one_file(model: Path, tmp_path: Path) -> None:
    generated(model, "-n", "40", "-o", "names.txt")
    lines = (tmp_path / "names.txt").read_text().split("\n")
    assert len(lines) == 41
    assert lines.pop() == ""
    assert all(line and set(line) <= set("ab") for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir() if "names" in path.name) == ["names.txt"]
    generated(model, "-n", "3", "-o", "made/")
    assert [(tmp_path / f"made/{n}.bin").read_text() for n in (1, 2, 3)] == lines[:3]
    generated(model, "-o", "one.txt")
    assert (tmp_path / "one.txt").read_text() == lines[0] + "\n"


def test_a_prompt_that_is_more_than_one_item_gets_a_remark(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    generated(model, "-p", "ab")
    assert "what parts" not in capfd.readouterr().err
    generated(model, "-p", "a\nb")
    assert "The prompt holds what parts lines: written down, such a sample reads as more than one." in (
        capfd.readouterr().err
    )


def test_on_standard_output_too(model: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    generated(model, "-n", "40", "-o", "names.txt", "--no-take")
    capfdbinary.readouterr()
    generated(model, "-n", "40", "--no-take")
    assert capfdbinary.readouterr().out == (tmp_path / "names.txt").read_bytes()
    generated(model, "-n", "4", "--json", "--no-take")
    texts = [json.loads(line)["text"] for line in capfdbinary.readouterr().out.splitlines()]
    assert texts == (tmp_path / "names.txt").read_text().split("\n")[:4]


@pytest.mark.parametrize(("documents", "between"), [("blank", "\n\n"), ("%", "\n%\n")])
def test_items_of_several_lines_are_parted_as_in_the_corpus(tmp_path: Path, documents: str, between: str) -> None:
    folder = trained(tmp_path, between.join(["a\nb", "b\na", "ab\nb"] * 9), documents)
    generated(folder, "-n", "20", "-o", str(tmp_path / "made.txt"), "--no-take")
    made = (tmp_path / "made.txt").read_text()
    assert made.endswith("\n")
    assert len(made[:-1].split(between)) == 20


def test_no_item_is_empty(tmp_path: Path) -> None:
    folder = trained(tmp_path, "\n".join(ITEMS), "line", end=18)  # it wants to end at once
    generated(folder, "-n", "300", "-o", str(tmp_path / "made.txt"), "--no-take")
    made = (tmp_path / "made.txt").read_text().split()
    assert len(made) == 300
    assert set(made) <= {"a", "b", "aa", "ab", "ba", "bb"}


@pytest.mark.parametrize(
    ("documents", "corpus", "likes"),
    [
        ("blank", "a\n b\n\nb \na", b"ab \n\r"),
        ("%", "a\n50 %\n%\n%a\nb \n", b"a% \n"),
        ("<e>", "a<b<e>be<e>>a", b"<e>a"),
    ],
)
def test_no_item_holds_what_parts_items(tmp_path: Path, documents: str, corpus: str, likes: bytes) -> None:
    """The model likes nothing more than the mark; what it writes is read again as so many items."""
    folder = trained(tmp_path, corpus, documents, likes=likes)
    generated(folder, "-n", "150", "-l", "40", "-o", str(tmp_path / "made.txt"), "--no-take", "--unseen")
    tokenizer = Checkpoint.load(folder / "model.safetensors").tokenizer
    cut = replace(tokenizer.documents, inline=False) if tokenizer.documents.inline else tokenizer.documents
    made = (tmp_path / "made.txt").read_bytes()
    assert len(cut.items(made, True)[0]) == 150
    assert documents == "blank" or made.count(documents.encode()) >= 149
    if tokenizer.documents.inline:
        assert made.count(documents.encode()) == 149


@pytest.mark.parametrize(
    "documents", [Documents("blank"), Documents("marker", "--x"), Documents("marker", "<e>", True)]
)
def test_what_would_part_an_item_is_refused_however_tokens_cut_it(documents: Documents) -> None:
    """Guards over random pieces of bytes say what reading the text says."""
    chance = random.Random(3)
    alphabet = [b"\n", b" ", b"x", b"-", b"<", b"e", b">", b"\r"]
    pieces = [*alphabet, *(b"".join(chance.choices(alphabet, k=chance.randint(2, 4))) for _ in range(40))]
    guard = guards(documents.mark, documents.inline, pieces, len(pieces))[1]
    for _ in range(300):
        state, text = guard.start(), b"x"  # an item does not begin with a line end: an x in front changes nothing else
        state = guard.step(state, pieces.index(b"x"))
        for _ in range(chance.randint(1, 12)):
            refused = set(guard.refused(state))
            token = chance.randrange(len(pieces))
            parted = is_parted(documents, text + pieces[token])
            assert (token in refused) == parted, (text, pieces[token])
            if parted:
                break
            state, text = guard.step(state, token), text + pieces[token]


def is_parted(documents: Documents, text: bytes) -> bool:
    """Whether a text holds a whole separator already."""
    if documents.inline:
        return documents.mark in text
    return any(line.strip() == documents.mark.strip() for line in text.split(b"\n")[:-1])


def test_new_items_are_neither_in_the_corpus_nor_twice(model: Path, tmp_path: Path, capfd: Any) -> None:
    generated(model, "-n", "50", "-o", "plain.txt", "--no-take")
    plain = (tmp_path / "plain.txt").read_text().split()
    assert set(plain) & set(ITEMS)
    capfd.readouterr()
    generated(model, "-n", "50", "-o", "new.txt", "--new", "--no-take")
    new = (tmp_path / "new.txt").read_text().split()
    assert len(new) == len(set(new)) == 50
    assert not set(new) & set(ITEMS)
    said = capfd.readouterr().err
    assert int(said.split("New: ")[1].split()[0]) > 5
    known = set(ITEMS)
    for old, made in zip(plain, new):  # what is new stays in its place
        assert old == made or old in known
        known.add(old)
    generated(model, "-n", "50", "-o", "again.txt", "--new", "--no-take")
    assert (tmp_path / "again.txt").read_text().split() == new


def test_a_prefix_is_a_part_of_the_item(model: Path, tmp_path: Path) -> None:
    generated(model, "-n", "9", "-p", "bb", "-o", "new.txt", "--new", "--no-take")
    new = (tmp_path / "new.txt").read_text().split()
    assert all(item.startswith("bb") for item in new)
    assert len(set(new) - set(ITEMS)) == 9


def test_takes_of_new_items_are_the_same_bytes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
    generated(model, "-n", "5", "--new", "--json")
    found = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    for each in found:
        assert run(["takes", "replay", each["take"], "-o", "-"]) == 0
        assert capfdbinary.readouterr().out.decode() == each["text"]


def test_nothing_new_is_one_sentence_and_no_file(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(novelty, "TRIES", 200)
    generated(model, "-n", "2", "-p", "a", "-l", "1", "--new", "-o", "new.txt", code=2)
    said = capfd.readouterr().err
    assert "nothing new comes any more: 0 of 2 are new, and then 200 samples in a row are in the corpus" in said
    assert "Hint: ask for fewer" in said
    assert not (tmp_path / "new.txt").exists()


@pytest.mark.parametrize("other", [["--best-of", "2"], ["--beam", "3"], ["-l", "inf"]])
def test_what_new_does_not_go_with(model: Path, capfd: Any, other: list[str]) -> None:
    generated(model, "--new", *other, code=2)
    assert f"which does not go with {'--length' if other[0] == '-l' else other[0]}" in capfd.readouterr().err


def test_a_model_of_whole_files_knows_no_items(tmp_path: Path, capfd: Any) -> None:
    folder = trained(tmp_path, "\n".join(ITEMS), "file")
    generated(folder, "--new", code=2)
    assert "--new is for models of lists" in capfd.readouterr().err


def test_python_has_it_too(model: Path) -> None:
    loaded = seqgen.load(model)
    for seed in range(20):
        sample = loaded.sample(seed=seed, new=True)
        assert sample.text not in ITEMS
        assert sample.finished == "end"
        assert len(sample.log_probabilities) == len(sample.text)
    with pytest.raises(UsageError, match="nothing new"):
        loaded.sample("a", length=1, new=True)


def test_the_index_of_a_list_holds_all_of_it_and_only_whole_items(model: Path) -> None:
    loaded = seqgen.load(model)
    index: Index = open_index(model, loaded.checkpoint.provenance, loaded.tokenizer)
    for item in ITEMS:
        assert index.holds(256, list(item.encode())), item
    for item in ("aaab", "b" * 9, "b" * 50, "abb"):
        assert not index.holds(256, list(item.encode())), item
