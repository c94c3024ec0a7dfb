"""The originality index of a run folder: made at the end of a training run, or when it is first asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqgen.errors import CheckpointError
from seqgen.originality.copy_key import seen_through
from seqgen.originality.index import INDEX_FILE, Corpus, Index, build
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import Spans
from seqgen.training.recorded import recorded

HINT = "the index is made from the training corpus: train again, or bring the corpus back"


def write_index(folder: Path, stream: TokenStream, train: Spans, tokenizer: Tokenizer) -> None:
    """Index what a run was trained on, into its folder. About a second for a million tokens.

    Raises:
        CorpusError: There is nothing to index, or too much.
        OutputError: The folder cannot be written.
    """
    sources = [(str(source["name"]), int(source["documents"])) for source in stream.sources]
    name = _named(stream.fingerprint, train.tokens, tokenizer)
    if not tokenizer.documents.whole:  # all of a list, so that what is in it can be told from what is new
        train = Spans(stream.starts[:-1], stream.starts[1:])
    corpus = Corpus(
        stream.ids, stream.starts, train.begin, train.end, tokenizer.document_id, tokenizer.vocab_size, name, sources
    )
    key = tokenizer.copy_key()
    if key is not None:
        corpus = seen_through(corpus, key)
    build(corpus, folder / INDEX_FILE)


def open_index(
    folder: Path,
    provenance: Mapping[str, Any],
    tokenizer: Tokenizer,
    most: int | None = None,
    note: Callable[[str], object] = lambda message: None,
) -> Index:
    """The index of a run folder; where there is none, a damaged one, or another corpus's, it is made if the corpus is
    still there.

    Args:
        folder: The folder of the checkpoint.
        provenance: The checkpoint's.
        tokenizer: The checkpoint's.
        most: Make no index of more tokens than that; None: of any number.
        note: Takes a remark for people before it takes time, and on damage.

    Raises:
        DataError: There is none, and it cannot be made.
    """
    path = folder / INDEX_FILE
    wanted = _named(str(provenance.get("corpus", "")), provenance.get("train_tokens", 0), tokenizer)
    if path.exists():
        try:
            index = Index(path)
        except CheckpointError as error:
            note(f"{error.message}.")
        else:
            if (index.corpus, index.framing) == (wanted, tokenizer.document_id):
                return index
    run = recorded(folder, HINT)
    found = _named(run.stream.fingerprint, run.train.tokens, tokenizer)
    if found != wanted:
        raise CheckpointError(f"{folder}: the checkpoint was not trained on the corpus that its folder names", HINT)
    if most is not None and run.train.tokens > most:
        raise CheckpointError(f"{folder}: has no index of its {run.train.tokens:,} training tokens")
    note(f"Indexing the {run.train.tokens:,} tokens of the training corpus, this once …")
    write_index(folder, run.stream, run.train, tokenizer)
    return Index(path)


def _named(fingerprint: str, tokens: Any, tokenizer: Tokenizer) -> str:
    """What tells one part of one corpus from another, and whether it is seen through a copy key."""
    return f"{fingerprint}:{tokens}" + ("" if tokenizer.copy_key() is None else ":likeness")
