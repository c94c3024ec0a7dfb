"""What `seqgen evaluate` measures: one checkpoint or several, on a SOURCE or on the run's own validation split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgen.checkpoint import Checkpoint
from seqgen.cli._options import note, progress_hidden
from seqgen.errors import DataError, StreamError, UsageError
from seqgen.evaluation import report
from seqgen.evaluation.ensemble import Average
from seqgen.evaluation.report import Evaluation
from seqgen.jobs.evaluate import corpora
from seqgen.tokenizer import require_same_tokens

if TYPE_CHECKING:
    from seqgen.evaluation.dynamic import DynamicSettings
    from seqgen.evaluation.ngram import NGram


@dataclass(frozen=True)
class Wanted:
    """What to measure.

    Attributes:
        checkpoints: One or more; several are measured as an ensemble, too.
        source: Files, folders, a stream or a corpus; nothing: the first run's own validation split.
        average: How an ensemble averages.
        dynamic: How to learn while measuring, or None.
        device: Where to compute.
        follow_links: Whether links in a folder may lead out of it.
    """

    checkpoints: Sequence[str]
    source: Sequence[str]
    average: Average
    dynamic: "DynamicSettings | None"
    device: str
    follow_links: bool = False


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        name: What was measured on.
        codec: Its codec.
        members: (name, result) of each checkpoint.
        ensemble: That of all of them, where there are several.
        order: Of the n-gram baseline, or 0.
    """

    name: str
    codec: str
    members: list[tuple[str, Evaluation]]
    ensemble: Evaluation | None
    order: int


def measure(wanted: Wanted) -> Found:
    """Measure every checkpoint, and their ensemble.

    Raises:
        SeqgenError: Something cannot be read, or does not fit together.
    """
    names = list(wanted.checkpoints)
    loaded = [Checkpoint.load(name) for name in names]
    require_same_tokens(names, [each.tokenizer for each in loaded], exactly=True)
    corpus, ngram = _corpus(wanted, loaded[0])
    try:
        members = [
            (name, _member(name, checkpoint, corpus, wanted, ngram if not index else None))
            for index, (name, checkpoint) in enumerate(zip(names, loaded))
        ]
        ensemble = _ensemble(loaded, corpus, wanted) if len(loaded) > 1 else None
    except StreamError as error:
        raise StreamError(f"{corpus.name}: {error.message}", error.hint) from error
    order = 0 if ngram is None else ngram.order
    return Found(corpus.name, loaded[0].tokenizer.codec_name, members, ensemble, order)


def _corpus(wanted: Wanted, first: Checkpoint) -> tuple[corpora.Documents, "NGram | None"]:
    """What to measure on, and the first run's baseline."""
    size = first.tokenizer.document_id
    if wanted.source:
        corpus = corpora.opened(wanted.source, first.tokenizer, wanted.follow_links)
        return corpus, corpora.fitted_baseline(wanted.checkpoints[0], size, corpus)
    runs = [corpora.recorded(name) for name in wanted.checkpoints]
    for name, run in zip(wanted.checkpoints[1:], runs[1:]):
        _require_same_split(wanted.checkpoints[0], runs[0], name, run)
    return runs[0].held_out(size), runs[0].baseline(size)


def _require_same_split(first: str, mine: corpora.Recorded, other: str, its: corpora.Recorded) -> None:
    """What one run held out, another may have been trained on."""
    same = mine.held_stream.fingerprint == its.held_stream.fingerprint
    if not (same and np.array_equal(mine.held.begin, its.held.begin) and np.array_equal(mine.held.end, its.held.end)):
        hint = "name a SOURCE that none of them was trained on"
        raise UsageError(f"{first} and {other} were not validated on the same documents", hint)


def _member(
    name: str, checkpoint: Checkpoint, corpus: corpora.Documents, wanted: Wanted, ngram: "NGram | None"
) -> Evaluation:
    with _bar(report.passes(checkpoint) * len(corpus.ids), name) as bar:
        found = report.evaluate(checkpoint, corpus.ids, corpus.starts, wanted.device, ngram, bar.update)
    if wanted.dynamic is None:
        return found
    training = _training(name, checkpoint.tokenizer.document_id, wanted.dynamic.statistics)
    read = 0 if training is None else min(wanted.dynamic.statistics, len(training[0]))
    with _bar(len(corpus.ids) + read, f"{name}, dynamic") as bar:
        score = report.evaluate_dynamic(
            checkpoint, corpus.ids, corpus.starts, wanted.dynamic, training, wanted.device, bar.update
        )
    return replace(found, dynamic=score)


def _training(name: str, codec_size: int, limit: int) -> tuple[Any, Any] | None:
    """(ids, starts) of training documents for gradient statistics, or None and a note that says why."""
    if not limit:
        return None
    try:
        documents = corpora.recorded(name).training(codec_size, limit)
    except DataError as error:
        note(f"No gradient statistics, so dynamic evaluation takes plain gradient steps: {error.message}")
        return None
    return documents.ids, documents.starts


def _ensemble(loaded: Sequence[Checkpoint], corpus: corpora.Documents, wanted: Wanted) -> Evaluation:
    with _bar(2 * len(corpus.ids), "ensemble") as bar:
        return report.evaluate_ensemble(loaded, corpus.ids, corpus.starts, wanted.average, wanted.device, bar.update)


def _bar(total: int, name: str) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc=name[-24:], disable=progress_hidden(), unit=" tokens", unit_scale=True, leave=False)
