"""`seqgen generate` with --max-copy, --best-of, --beam and rules that know the vocabulary."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training.recorded import TRAINING_FILE, recorded

SHAPE = ModelSettings(hidden=8)
TEXT = "the cat sat on the mat, the cat ate the rat. " * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder whose model likes the letters of its corpus."""
    return trained(tmp_path, "cats", TEXT, tmp_path / "run")


def trained(tmp_path: Path, name: str, text: str, run_folder: Path, seed: int = 0) -> Path:
    """A run folder as training leaves it, without an index."""
    (tmp_path / f"{name}.txt").write_text(text)
    sources = resolve([str(tmp_path / f"{name}.txt")], lambda message: None)
    stream = tokenize(sources, TokenizeSettings("byte"), tmp_path / f"{name}.tokens")
    tokenizer, rng = Tokenizer.from_spec(stream.codec_spec), np.random.default_rng(seed)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.1 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][list(b"theca ")] = 9
    weights["output.bias"][tokenizer.document_id] = -30
    about = {
        "stream": str(stream.path), "fingerprint": stream.fingerprint, "head": 1, "validation": 0.1, "held_out": None,
        "plan": {"seed": 1},
    }  # fmt: skip
    run_folder.mkdir()
    (run_folder / TRAINING_FILE).write_text(json.dumps(about))
    provenance = {"corpus": stream.fingerprint, "train_tokens": recorded(run_folder).train.tokens}
    model = Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, provenance=provenance)
    model.save(run_folder / "model.safetensors")
    return run_folder


def generated(capsysbinary: Any, folder: Path, *arguments: str, code: int = 0) -> tuple[bytes, str]:
    assert run(["generate", str(folder), "--seed", "1", "--no-take", *arguments]) == code
    captured = capsysbinary.readouterr()
    return captured.out, captured.err.decode()


def longest(made: bytes, text: str = TEXT) -> int:
    seen = text[: int(len(text) * 0.9)].encode()
    return max(size for size in range(40) for at in range(len(made) - size + 1) if made[at : at + size] in seen)


def test_the_remark_tells_the_longest_run(capsysbinary: Any, folder: Path) -> None:
    made, remarks = generated(capsysbinary, folder, "-l", "300")
    assert f"Longest run also in the corpus: {longest(made)} tokens (cats.txt); new 8-grams: 100%" in remarks
    out, _ = generated(capsysbinary, folder, "-l", "300", "--json")
    found = json.loads(out)["originality"]
    assert found["longest_run"] == longest(made)
    assert found["place"]["source"] == "cats.txt"
    assert set(found["novelty"]) == {"4", "8", "16"}


def test_max_copy_holds_and_indexes_once(capsysbinary: Any, folder: Path) -> None:
    free, _ = generated(capsysbinary, folder, "-l", "300", "-r", "bias", "the cat =4")
    (folder / "index.safetensors").unlink()
    assert longest(free) > 3
    made, remarks = generated(capsysbinary, folder, "-l", "300", "--max-copy", "3")
    assert "Indexing the" in remarks
    assert "Longest run also in the corpus: 3 tokens" in remarks
    assert longest(made) == 3
    again, remarks = generated(capsysbinary, folder, "-l", "300", "--max-copy", "3")
    assert "Indexing" not in remarks
    assert again == made


def test_max_copy_without_a_corpus_is_one_sentence(capsysbinary: Any, folder: Path) -> None:
    (folder / TRAINING_FILE).unlink()
    _, remarks = generated(capsysbinary, folder, "--max-copy", "3", code=1)
    assert "training.json: is not there, so the corpus of this run is not known" in remarks
    assert "Hint: the index is made from the training corpus" in remarks
    _, remarks = generated(capsysbinary, folder, "-l", "20")
    assert "Longest run" not in remarks


def test_a_mixture_copies_from_none_of_its_corpora(capsysbinary: Any, folder: Path, tmp_path: Path) -> None:
    hats = "a hat, a chat, the heat at each tea, teach the cheat. " * 3
    other = trained(tmp_path, "hats", hats, tmp_path / "hats", seed=1)
    mixing = ("-l", "400", "--mix", f"{other}:0.5")
    free, _ = generated(capsysbinary, folder, *mixing)
    assert longest(free) > 3
    assert longest(free, hats) > 3
    made, remarks = generated(capsysbinary, folder, *mixing, "--max-copy", "3")
    assert longest(made) <= 3
    assert longest(made, hats) <= 3
    assert "Longest run also in the corpus: 3 tokens" in remarks
    alone, _ = generated(capsysbinary, folder, "-l", "400", "--mix", f"{other}:0", "--max-copy", "3")
    assert longest(alone, hats) <= 3, "a voice that is not heard now may be heard later"


def test_where_a_voice_has_no_corpus_the_others_are_kept_to(capsysbinary: Any, folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / "lone.safetensors"
    trained(tmp_path, "hats", "a hat. " * 9, tmp_path / "hats", seed=1).joinpath("model.safetensors").rename(lone)
    _, remarks = generated(capsysbinary, lone, "--max-copy", "3", code=1)
    assert "lone.safetensors: comes without the folder of its training run, as published checkpoints do" in remarks
    assert "train your own: seqgen train CORPUS" in remarks
    made, remarks = generated(capsysbinary, folder, "-l", "400", "--mix", str(lone), "--max-copy", "3")
    assert longest(made) <= 3
    assert f"The training corpus of {lone} is not known here: copies of it are not refused." in remarks
    _, remarks = generated(capsysbinary, folder, "-l", "40", "--mix", str(lone))
    assert "Longest run" not in remarks, "what is said of a part of the corpora would mislead"
    second = tmp_path / "second.safetensors"
    other = trained(tmp_path, "mats", "a mat. " * 9, tmp_path / "mats", seed=2)
    other.joinpath("model.safetensors").rename(second)
    _, remarks = generated(capsysbinary, lone, "--mix", str(second), "--max-copy", "3", code=1)
    assert f"the training corpus of none of {lone}, {second} is known here" in remarks


@pytest.mark.parametrize("guard", [[], ["--max-copy", "3"]])
def test_a_damaged_index_is_told_of_and_made_again(capsysbinary: Any, folder: Path, guard: list[str]) -> None:
    made, _ = generated(capsysbinary, folder, "-l", "30", *guard)
    path = folder / "index.safetensors"
    whole = path.read_bytes()
    for damage in (b"x" * 5_000, whole[:-1], whole[:4_200] + bytes([whole[4_200] ^ 1]) + whole[4_201:]):
        path.write_bytes(damage)
        again, remarks = generated(capsysbinary, folder, "-l", "30", *guard)
        assert "index.safetensors: is " in remarks
        assert "Indexing the 122 tokens of the training corpus, this once" in remarks
        assert (again, path.read_bytes()) == (made, whole)


def test_a_damaged_index_without_its_corpus_is_told_of(capsysbinary: Any, folder: Path) -> None:
    generated(capsysbinary, folder, "-l", "5")
    (folder / "index.safetensors").write_bytes(b"x" * 5_000)
    (folder / TRAINING_FILE).unlink()
    _, remarks = generated(capsysbinary, folder, "-l", "5")
    assert "index.safetensors: is not a safetensors file." in remarks
    assert "Longest run" not in remarks
    _, remarks = generated(capsysbinary, folder, "--max-copy", "3", code=1)
    assert "index.safetensors: is not a safetensors file." in remarks
    assert "Error: " in remarks


def test_the_best_of_n_is_one_of_n_and_likelier_than_the_first(capsysbinary: Any, folder: Path) -> None:
    common = ["-l", "30", "-t", "1.5", "--events"]

    def told(*arguments: str) -> list[tuple[str, float]]:
        lines = [json.loads(line) for line in generated(capsysbinary, folder, *common, *arguments)[0].splitlines()]
        tokens = [line for line in lines if line["event"] == "token"]
        parts = [[line for line in tokens if line["sample"] == number + 1] for number in range(6)]
        return [("".join(t["text"] for t in part), sum(t["log_probability"] for t in part)) for part in parts if part]

    candidates, chosen = told("-n", "6"), told("-n", "2", "--best-of", "3")
    assert chosen == [max(candidates[:3], key=lambda each: each[1]), max(candidates[3:], key=lambda each: each[1])]


def test_the_best_of_n_stops_where_a_sample_would(capsysbinary: Any, folder: Path) -> None:
    made, _ = generated(capsysbinary, folder, "-l", "400", "--stop", "ca", "--best-of", "4")
    assert made.endswith(b"ca")
    assert made.count(b"ca") == 1


def test_a_beam_is_likelier_than_greed_and_needs_no_luck(capsysbinary: Any, folder: Path) -> None:
    one, _ = generated(capsysbinary, folder, "-l", "12", "--beam", "1")
    greedy, _ = generated(capsysbinary, folder, "-l", "12", "-t", "0")
    assert one == greedy
    two, _ = generated(capsysbinary, folder, "-l", "12", "--beam", "5", "-n", "2")
    assert len(set(two.split(b"\n\n"))) == 2
    assert generated(capsysbinary, folder, "-l", "12", "--beam", "5", "-n", "2", "-t", "9")[0] == two


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beam", "2", "--best-of", "2"], "both --beam and --best-of were given"),
        (["--beam", "2", "-n", "3"], "a beam of 2 gives no 3 samples"),
        (["--beam", "2", "--stop", "x"], "--beam does not go with --stop"),
        (["--best-of", "2", "-l", "inf"], "--best-of chooses among whole samples, which does not go with --length inf"),
        (["--max-copy", "0"], "Invalid value for '--max-copy'"),
        (["-t", "0.5..1", "-l", "inf"], "the schedule 0.5..1 goes over a sample without end"),
        (["-r", "temperature", "vowel=1"], "no class of tokens is called 'vowel'"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    capsysbinary: Any, folder: Path, arguments: list[str], message: str
) -> None:
    made, remarks = generated(capsysbinary, folder, *arguments, code=2)
    assert made == b""
    assert message in remarks
    assert "Traceback" not in remarks


def test_rules_know_the_vocabulary(capsysbinary: Any, folder: Path) -> None:
    made, _ = generated(capsysbinary, folder, "-l", "200", "-r", "ban", "th", "-r", "ban", "c", "-t", "0.5..1.5")
    assert b"th" not in made
    assert b"c" not in made
    cold, _ = generated(capsysbinary, folder, "-l", "200", "-r", "temperature", "letter=0")
    assert len({*cold} & {*b"abcdefghijklmnopqrstuvwxyz"}) < len({*made} & {*b"abcdefghijklmnopqrstuvwxyz"})
