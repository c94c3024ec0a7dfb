"""A grammar of few states, such as that of UTF-8, as two tables: what every engine follows by itself, all rows at once.

It knows ids only. A stream does not end by its length within a character: it goes on to the end of it.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Ids, Logits
from seqgen.rules import NEVER

Mask = NDArray[np.bool_]
Places = NDArray[np.uint8]


class Spelling(Protocol):
    """Places 0 to S − 1, the first being the only one in which a stream may end; `seqgen.codecs.Spelling` is one."""

    @property
    def after(self) -> NDArray[np.uint8]:
        """(S, V) the place after each token."""
        ...

    @property
    def allowed(self) -> Mask:
        """(S, V) True where a token may follow."""
        ...


def places(spelling: Spelling, prompts: Sequence[Ids]) -> Places:
    """(B,) where each prompt ends; equal prompts are read once."""
    known: dict[bytes, int] = {}
    found = []
    for prompt in prompts:
        key = prompt.tobytes()
        if key not in known:
            place = np.uint8(0)
            for token in prompt.tolist():
                place = spelling.after[place, token]
            known[key] = int(place)
        found.append(known[key])
    return np.array(found, np.uint8)


def penalties(spelling: Spelling | None, banned: Mask | None, unseen: Mask | None) -> Logits | None:
    """(S, V) what is added to logits in each place, or (V,) where there are no places; None: nothing.

    What was not seen is refused unless nothing else is left there; then what is spelled wrongly.
    """
    if spelling is None:
        refused = _refused(banned, unseen)
        return None if refused is None else np.where(refused, NEVER, np.float32(0))
    rows = [_refused(banned, ~allowed, unseen) for allowed in spelling.allowed]
    nothing = np.zeros(spelling.allowed.shape[1], np.bool_)
    return np.where(np.stack([nothing if row is None else row for row in rows]), NEVER, np.float32(0))


def _refused(*masks: Mask | None) -> Mask | None:
    """(V,) what any of the masks refuses, a later one only as far as something is left."""
    refused: Mask | None = None
    for mask in masks:
        if mask is not None:
            more = mask if refused is None else refused | mask
            refused = refused if more.all() else more
    return refused
