"""The training corpora of one model, or of all voices of a mixture: as indexes that originality searches, and counted.

It knows where a checkpoint lies and no more of its run than `seqgen.training.indexing` does, which is imported where a
corpus is needed: what only asks for music does not wait for it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqgen import hub
from seqgen.checkpoint import MODEL_FILE, find
from seqgen.errors import CheckpointError, DataError
from seqgen.seen import Counts

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.originality.index import Index

MOST_LAG = 64  # bars back
LOOKED_AT = 20_000_000  # tokens of a corpus, at most, in which instruments are looked for


def silent(message: str) -> None:
    """Nobody listens."""


def indexes(models: Sequence["Model"], note: Callable[[str], object] = silent) -> "list[Index]":
    """The index of each model that has one; it is made where it is missing and the corpus is there.

    Args:
        models: At least one; the same checkpoint counts once.
        note: Takes a remark for people: what takes time, and whose corpus is not known.

    Raises:
        DataError: None of them has one.
    """
    found: list[Index] = []
    missing: list[tuple[str, DataError]] = []
    for model in _distinct(models):
        try:
            found.append(_opened(model, note=note))
        except DataError as error:
            missing.append((model.name, error))
    if not found and len(missing) == 1:
        raise missing[0][1]
    if not found:
        named = ", ".join(name for name, _ in missing)
        message = f"the training corpus of none of {named} is known here, so copies cannot be refused"
        raise CheckpointError(message, missing[0][1].hint)
    for name, _ in missing:
        note(f"The training corpus of {name} is not known here: copies of it are not refused.")
    return found


def indexes_if_there(models: Sequence["Model"], most: int, note: Callable[[str], object] = silent) -> "list[Index]":
    """The index of every model, or none at all; it is made only of a corpus of `most` tokens at most."""
    try:
        return [_opened(model, most, note) for model in _distinct(models)]
    except DataError:
        return []


def occurrences(model: "Model") -> Counts | None:
    """(vocab_size,) how often each of the codec's tokens occurred in what the model learned from; None: not known."""
    size = model.tokenizer.document_id
    if model.seen is not None:
        return model.seen.counts
    from seqgen.training.recorded import recorded

    try:
        ids = recorded(model.folder).stream.ids[:LOOKED_AT]
    except DataError:
        return None
    return np.bincount(np.asarray(ids).astype(np.int64), minlength=size)[:size]


def bar_similarity(model: "Model") -> dict[int, float]:
    """Lag → how like bars are to those so many before in what the model learned from, 0 to 1; of a mixture the mean.

    As its checkpoint says, else measured in the corpus; empty where neither knows.
    """
    known = [found for each in _distinct(model.models) if (found := _bar_similarity(each))]
    lags = sorted(set[int]().union(*known)) if known else []
    means = {lag: [found[lag] for found in known if lag in found] for lag in lags}
    return {lag: sum(values) / len(values) for lag, values in means.items()}


def _bar_similarity(model: "Model") -> dict[int, float]:
    from seqgen.training.recorded import recorded
    from seqgen.training.survey import BAR_SIMILARITY, similarity_of_bars

    stored = model.checkpoint.metrics.get(BAR_SIMILARITY)
    if stored is None:
        try:
            run = recorded(model.folder)
        except DataError:
            return {}
        stored = similarity_of_bars(run.stream.ids, run.train, model.tokenizer)
    try:
        found = {int(lag): float(value) for lag, value in stored.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{model.name}: what it says of its corpus makes no sense ({error})") from error
    if not all(0 < lag <= MOST_LAG and 0 <= value <= 1 for lag, value in found.items()):
        raise CheckpointError(f"{model.name}: what it says of the bars of its corpus makes no sense")
    return found


def indexed_occurrences(model: "Model") -> Counts:
    """(vocab_size,) how often each of the codec's tokens stands in all its indexed corpora.

    Raises:
        DataError: There is none, and no corpus of which one can be made.
    """
    counts = np.sum([index.counts() for index in model.indexes()], axis=0)
    return np.asarray(counts[: model.tokenizer.document_id])


def _distinct(models: Sequence["Model"]) -> list["Model"]:
    """Each checkpoint once, the first of its names."""
    return list({model.digest or model.name: model for model in reversed(models)}.values())[::-1]


def _opened(model: "Model", most: int | None = None, note: Callable[[str], object] = silent) -> "Index":
    from seqgen.originality.index import INDEX_FILE
    from seqgen.training.indexing import open_index
    from seqgen.training.recorded import TRAINING_FILE

    file = find(model.name)
    left = any((file.parent / name).exists() for name in (TRAINING_FILE, INDEX_FILE))
    if (file.name != MODEL_FILE or hub.is_name(model.name)) and not left:
        raise CheckpointError(
            f"{model.name}: comes without the folder of its training run, as published checkpoints do, so its corpus "
            "is not known here and copies cannot be refused",
            "leave --max-copy out, or train your own: seqgen train CORPUS -o checkpoints/NAME",
        )
    return open_index(file.parent, model.checkpoint.provenance, model.tokenizer, most, note)
