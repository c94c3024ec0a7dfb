"""What `seqgen evaluate` measures: one checkpoint or several, on a SOURCE or on the run's own validation split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seqgen import hub
from seqgen.checkpoint import Checkpoint
from seqgen.errors import DataError, StreamError, UsageError
from seqgen.evaluation import Average, report
from seqgen.evaluation.report import Evaluation
from seqgen.jobs.evaluate import corpora
from seqgen.jobs.evaluate.settings import EvaluateJob
from seqgen.jobs.observer import SILENT, Observer
from seqgen.tokenizer import require_same_tokens
from seqgen.training.device import pick_device
from seqgen.training.recorded import Recorded

if TYPE_CHECKING:
    from seqgen.experts.ngram import NGram

UNIT = " tokens"
Framed: TypeAlias = "tuple[NDArray[Any], NDArray[np.int64]]"


@dataclass(frozen=True)
class Evaluated:
    """What was found; lower is better everywhere.

    Attributes:
        name: What was measured on.
        codec: Its codec.
        members: (name, result) of each checkpoint.
        ensemble: That of all of them, where there are several.
        average: What the ensemble averages.
        order: Of the n-gram baseline, or 0.
    """

    name: str
    codec: str
    members: list[tuple[str, Evaluation]]
    ensemble: Evaluation | None
    average: Average
    order: int

    @property
    def nats_per_token(self) -> float:
        """Of the ensemble, or of the one checkpoint: stateful, static and without temperature (protocol B)."""
        return (self.members[0][1] if self.ensemble is None else self.ensemble).protocol_b

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names: the first checkpoint's, and beside it the members and the ensemble."""
        data = self.members[0][1].to_json()
        if self.ensemble is None:
            return data
        members = [{"checkpoint": name, **each.to_json()} for name, each in self.members]
        together = {key: value for key, value in self.ensemble.to_json().items() if key != "ngram"}
        return {**data, "members": members, "ensemble": {**together, "average": self.average}}


def evaluate(job: EvaluateJob, observer: Observer = SILENT) -> Evaluated:
    """Measure every checkpoint, and their ensemble.

    Raises:
        SeqgenError: Something cannot be read, or does not fit together.
    """
    names = [hub.pinned(name) if hub.is_name(name) else name for name in job.checkpoints]
    job, device = replace(job, checkpoints=names), str(pick_device(job.device))
    loaded = [Checkpoint.load(name) for name in names]
    require_same_tokens(names, [each.tokenizer for each in loaded], exactly=True)
    corpus, ngram = _corpus(job, loaded[0], observer)
    task = _Task(job, corpus, device, observer)
    try:
        members = [
            (name, _member(name, checkpoint, task, ngram if not index else None))
            for index, (name, checkpoint) in enumerate(zip(names, loaded))
        ]
        ensemble = _ensemble(loaded, task) if len(loaded) > 1 else None
    except StreamError as error:
        raise StreamError(f"{corpus.name}: {error.message}", error.hint) from error
    order = 0 if ngram is None else ngram.order
    return Evaluated(corpus.name, loaded[0].tokenizer.codec_name, members, ensemble, job.average, order)


@dataclass(frozen=True)
class _Task:
    """What each measurement takes: how, on what, and who is told."""

    job: EvaluateJob
    corpus: corpora.Documents
    device: str
    observer: Observer


def _corpus(job: EvaluateJob, first: Checkpoint, observer: Observer) -> tuple[corpora.Documents, "NGram | None"]:
    """What to measure on, and the first run's baseline."""
    size = first.tokenizer.measured_size
    if job.source:
        corpus = corpora.opened(job.source, first.tokenizer, job.choice, observer)
        return corpus, corpora.fitted_baseline(job.checkpoints[0], size, corpus, observer)
    runs = [corpora.recorded(name) for name in job.checkpoints]
    for name, run in zip(job.checkpoints[1:], runs[1:]):
        _require_same_split(job.checkpoints[0], runs[0], name, run)
    return corpora.held_out(runs[0], size), corpora.baseline(runs[0], size)


def _require_same_split(first: str, mine: Recorded, other: str, its: Recorded) -> None:
    """What one run held out, another may have been trained on."""
    same = mine.held_stream.fingerprint == its.held_stream.fingerprint
    if not (same and np.array_equal(mine.held.begin, its.held.begin) and np.array_equal(mine.held.end, its.held.end)):
        hint = "name a SOURCE that none of them was trained on"
        raise UsageError(f"{first} and {other} were not validated on the same documents", hint)


def _member(name: str, checkpoint: Checkpoint, task: _Task, ngram: "NGram | None") -> Evaluation:
    corpus, learning, device = task.corpus, task.job.dynamic, task.device
    with task.observer.bar(name, report.passes(checkpoint) * len(corpus.ids), UNIT) as advance:
        found = report.evaluate(checkpoint, corpus.ids, corpus.starts, device, ngram, advance, own=not task.job.source)
    if learning is None:
        return found
    training = _training(name, checkpoint.tokenizer.measured_size, learning.statistics, task.observer)
    read = 0 if training is None else min(learning.statistics, len(training[0]))
    with task.observer.bar(f"{name}, dynamic", len(corpus.ids) + read, UNIT) as advance:
        own = not task.job.source
        score = report.evaluate_dynamic(checkpoint, corpus.ids, corpus.starts, learning, training, device, advance, own)
    return replace(found, dynamic=score)


def _training(name: str, codec_size: int, limit: int, observer: Observer) -> "Framed | None":
    """(ids, starts) of training documents for gradient statistics, or None and a note that says why."""
    if not limit:
        return None
    try:
        documents = corpora.trained_on(corpora.recorded(name), codec_size, limit)
    except DataError as error:
        observer.note(f"No gradient statistics, so dynamic evaluation takes plain gradient steps: {error.message}")
        return None
    return documents.ids, documents.starts


def _ensemble(loaded: Sequence[Checkpoint], task: _Task) -> Evaluation:
    corpus, job = task.corpus, task.job
    with task.observer.bar("ensemble", 2 * len(corpus.ids), UNIT) as advance:
        return report.evaluate_ensemble(loaded, corpus.ids, corpus.starts, job.average, task.device, advance)
