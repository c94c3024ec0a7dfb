"""Which ids a checkpoint is evaluated on, and which its baseline counts: files, streams, and what a run recorded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen import hub
from seqgen.checkpoint import find
from seqgen.errors import CheckpointError, DataError, StreamError
from seqgen.experts.ngram import NGram
from seqgen.files.choosing import USUAL, Choice
from seqgen.jobs.observer import SILENT, Observer
from seqgen.stream import TokenStream
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import is_stream, resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training import recorded as training
from seqgen.training.recorded import Recorded
from seqgen.training.validation import NGRAM, own_tokens


@dataclass(frozen=True, eq=False)
class Documents:
    """Ids of a tokenizer, framed or not.

    Attributes:
        name: What they are, for people.
        ids: (N,).
        starts: (D+1,) int64.
        fingerprint: That of the whole stream, or "" for a part of one.
    """

    name: str
    ids: NDArray[Any]
    starts: NDArray[np.int64]
    fingerprint: str = ""


def held_out(run: Recorded, codec_size: int) -> Documents:
    """What a run was validated on."""
    ids, starts = own_tokens(run.held_stream.ids, run.held, codec_size, max(1, run.held.tokens))
    return Documents("its own validation split", ids, starts)


def trained_on(run: Recorded, codec_size: int, limit: int) -> Documents:
    """About `limit` tokens of what a run was trained on, from all over it."""
    ids, starts = own_tokens(run.stream.ids, run.train, codec_size, limit)
    return Documents("its own training documents", ids, starts)


def baseline(run: Recorded, codec_size: int) -> NGram:
    """An n-gram model of the documents that a run was trained on."""
    return NGram.fit(*own_tokens(run.stream.ids, run.train, codec_size, NGRAM), codec_size)


def recorded(checkpoint: str) -> Recorded:
    """The corpus that lies where the checkpoint's run folder says.

    Raises:
        CheckpointError: The folder says nothing, or the corpus has changed since.
        StreamError: The corpus is gone or damaged.
    """
    hint = "name files, a .tokens file or a corpus to evaluate on"
    if hub.is_name(checkpoint):
        raise CheckpointError(f"{checkpoint}: comes without its run, so its corpus is not known", hint)
    return training.recorded(find(checkpoint).parent, hint)


def opened(
    source: Sequence[str], tokenizer: Tokenizer, choice: Choice = USUAL, observer: Observer = SILENT
) -> Documents:
    """The ids of a `.tokens` file of the same codec, or of files that go through `tokenizer`.

    Raises:
        DataError: A source cannot be found or read, or has another codec.
    """
    name = " ".join(source)
    if is_stream(source):
        stream = TokenStream.load(source[0])
        _require_same_codec(stream, tokenizer)
        return Documents(name, stream.ids, stream.starts, stream.fingerprint)
    sources = resolve(source, observer.note, choice)
    try:
        stream = cached_stream(sources, TokenizeSettings(tokenizer=tokenizer), observer.note)
    except DataError as error:
        raise type(error)(error.message, f"the checkpoint takes files for codec {tokenizer.codec_name}") from error
    for file, reason in list(stream.report.skipped.items())[:5]:
        observer.note(f"Left out {file}: {reason}")
    return Documents(name, stream.ids, stream.starts, stream.fingerprint)


def fitted_baseline(checkpoint: str, codec_size: int, corpus: Documents, observer: Observer) -> NGram | None:
    """The n-gram model of the checkpoint's training documents, or None and a note that says why."""
    try:
        run = recorded(checkpoint)
    except DataError as error:
        observer.note(f"No n-gram baseline: {error.message}")
        return None
    if run.stream.fingerprint == corpus.fingerprint:
        part = "without SOURCE, the part it was not trained on is measured."
        observer.note(f"The run was trained on most of this corpus; {part}")
    return baseline(run, codec_size)


def _require_same_codec(stream: TokenStream, tokenizer: Tokenizer) -> None:
    """Labels may differ: framing is taken away before anything is measured."""
    tokenizer_of(stream)
    own, other = ({**spec, "labels": [], "signs": []} for spec in (tokenizer.spec(), stream.codec_spec))
    if json.dumps(own, sort_keys=True) == json.dumps(other, sort_keys=True):
        return
    theirs = f"{other['name']}, {stream.vocab_size} tokens"
    ours = f"{tokenizer.codec_name}, {tokenizer.vocab_size} tokens"
    raise StreamError(
        f"{stream.path}: has another codec ({theirs}) than the checkpoint ({ours})",
        "evaluate on the files themselves: they go through the checkpoint's own codec",
    )
