"""The training corpora of one model, or of all voices of a mixture: as indexes that originality searches, and counted.

It knows where a checkpoint lies and no more of its run than `seqgen.training.indexing` does.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqgen import hub
from seqgen.checkpoint import MODEL_FILE, find
from seqgen.errors import CheckpointError, DataError
from seqgen.originality.index import INDEX_FILE, Index
from seqgen.seen import Counts
from seqgen.training.indexing import open_index
from seqgen.training.recorded import TRAINING_FILE, recorded

if TYPE_CHECKING:
    from seqgen.api.model import Model

LOOKED_AT = 20_000_000  # tokens of a corpus, at most, in which instruments are looked for


def silent(message: str) -> None:
    """Nobody listens."""


def indexes(models: Sequence["Model"], note: Callable[[str], object] = silent) -> list[Index]:
    """The index of each model that has one; it is made where it is missing and the corpus is there.

    Args:
        models: At least one; the same checkpoint counts once.
        note: Takes a remark for people: what takes time, and whose corpus is not known.

    Raises:
        DataError: None of them has one.
    """
    found, missing = list[Index](), list[tuple[str, DataError]]()
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


def indexes_if_there(models: Sequence["Model"], most: int, note: Callable[[str], object] = silent) -> list[Index]:
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
    try:
        ids = recorded(model.folder).stream.ids[:LOOKED_AT]
    except DataError:
        return None
    return np.bincount(np.asarray(ids).astype(np.int64), minlength=size)[:size]


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


def _opened(model: "Model", most: int | None = None, note: Callable[[str], object] = silent) -> Index:
    file = find(model.name)
    left = any((file.parent / name).exists() for name in (TRAINING_FILE, INDEX_FILE))
    if (file.name != MODEL_FILE or hub.is_name(model.name)) and not left:
        raise CheckpointError(
            f"{model.name}: comes without the folder of its training run, as published checkpoints do, so its corpus "
            "is not known here and copies cannot be refused",
            "leave --max-copy out, or train your own: seqgen train CORPUS -o checkpoints/NAME",
        )
    return open_index(file.parent, model.checkpoint.provenance, model.tokenizer, most, note)
