"""The index of a run folder is made once, belongs to its corpus, and holds what was trained on and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqgen.errors import CheckpointError, DataError
from seqgen.originality.index import INDEX_FILE
from seqgen.originality.measuring import measure
from seqgen.stream import TokenStream
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training.indexing import open_index
from seqgen.training.recorded import TRAINING_FILE, recorded

TEXTS = {f"{name}.txt": f"{name} says: " + f"{name}{name[::-1]} " * 9 for name in ("anna", "berta", "clara", "dora")}


def run_folder(folder: Path, texts: dict[str, str] = TEXTS) -> tuple[TokenStream, dict[str, Any]]:
    """A run folder as training leaves it, without the model: the stream, and what a checkpoint would tell of it."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    sources = resolve([str(folder / name) for name in texts], lambda message: None)
    stream = tokenize(sources, TokenizeSettings("byte"), folder / "all.tokens")
    about = {
        "stream": str(stream.path), "fingerprint": stream.fingerprint, "head": 1, "validation": 0.3, "held_out": None,
        "plan": {"seed": 1},
    }  # fmt: skip
    (folder / TRAINING_FILE).write_text(json.dumps(about))
    return stream, {"corpus": stream.fingerprint, "train_tokens": recorded(folder).train.tokens}


def test_the_index_holds_what_was_trained_on(tmp_path: Path) -> None:
    stream, provenance = run_folder(tmp_path)
    tokenizer, notes = Tokenizer.from_spec(stream.codec_spec), list[str]()
    index = open_index(tmp_path, provenance, tokenizer, note=notes.append)
    run = recorded(tmp_path)
    assert 0 < run.held.tokens < run.train.tokens
    for begin, end, seen in [*((b, e, True) for b, e in zip(run.train.begin, run.train.end)),
                             *((b, e, False) for b, e in zip(run.held.begin, run.held.end))]:  # fmt: skip
        found = measure(index, stream.ids[begin:end])
        assert (found.longest == end - begin - 1) == seen
        if seen and found.place is not None:
            assert found.place.source == stream.sources[found.place.document]["name"]
            assert found.place.offset == 0
    assert notes == [f"Indexing the {run.train.tokens:,} tokens of the training corpus, this once …"]


def test_it_is_made_once_and_again_for_another_corpus(tmp_path: Path) -> None:
    stream, provenance = run_folder(tmp_path)
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    open_index(tmp_path, provenance, tokenizer)
    made = (tmp_path / INDEX_FILE).stat().st_mtime_ns
    (tmp_path / TRAINING_FILE).unlink()
    open_index(tmp_path, provenance, tokenizer)
    assert (tmp_path / INDEX_FILE).stat().st_mtime_ns == made
    _, other = run_folder(tmp_path, {**TEXTS, "emil.txt": "emil " * 30})
    with pytest.raises(CheckpointError, match="was not trained on the corpus that its folder names"):
        open_index(tmp_path, {"corpus": "another", "train_tokens": 5}, tokenizer)
    assert open_index(tmp_path, other, tokenizer).corpus != f"{stream.fingerprint}:{provenance['train_tokens']}"


def test_where_the_corpus_is_gone_there_is_none(tmp_path: Path) -> None:
    stream, provenance = run_folder(tmp_path)
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    with pytest.raises(CheckpointError, match="has no index of its"):
        open_index(tmp_path, provenance, tokenizer, most=10)
    (tmp_path / "all.tokens").unlink()
    with pytest.raises(DataError, match=r"all\.tokens: there is no such file"):
        open_index(tmp_path, provenance, tokenizer)
    (tmp_path / TRAINING_FILE).unlink()
    with pytest.raises(CheckpointError) as caught:
        open_index(tmp_path, {}, tokenizer)
    assert "is not there, so the corpus of this run is not known" in caught.value.message
    assert "train again" in caught.value.hint
