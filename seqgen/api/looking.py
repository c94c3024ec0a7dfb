"""`Model.look`: a model over a text, from Python."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqgen.api.primer import Prompt
from seqgen.errors import CorpusError, UsageError
from seqgen.inside.look import MOST, Look, look, reading
from seqgen.inside.naming import read_name

if TYPE_CHECKING:
    from seqgen.api.model import Model


def look_at(model: "Model", text: Prompt, cells: Sequence[str], corpus: Prompt, label: str | None) -> Look:
    """What cells follow, what is expected, gates: a model over a text.

    Args:
        model: No mixture.
        text: As a prompt; for music the path or the bytes of a file. Its first 5,000 tokens are looked at.
        cells: Names of cells to show first, such as "layer1:cell317".
        corpus: A longer text in which cells are searched; None: `text`.
        label: Of the document, where the corpus had labels.

    Returns:
        What was seen: `.found`, `.trace`, `.page()`, `.to_json()`.

    Raises:
        UsageError: There is no such cell or label, or it is a mixture.
        DataError: The text cannot be read, or is empty.
    """
    if model.mixture is not None:
        raise UsageError("a mixture of models cannot be looked into", "look into one of them")
    what = reading(model.tokenizer, model.read(text), label=label)
    if corpus is not None:
        ids = model.tokenizer.encode(model.read(corpus))[:MOST].astype(np.int64)
        if not len(ids):
            raise CorpusError("the corpus is empty, so no cells can be found in it")
        what = replace(what, corpus=ids, starts=np.array([0, len(ids)]))
    return look(model.checkpoint, what, [read_name(name) for name in cells], model.name or "a model")
