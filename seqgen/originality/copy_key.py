"""Originality up to a copy key: what counts as the same is told from outside, as ids seen through something.

Music in another key is the same music: its codec says which ids are left when key and loudness are taken away. An
index is built over what is left, a sample measured by what is left of it, a copy refused in its own key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqgen.originality.copying import MaxCopy, Tail
from seqgen.originality.index import Corpus


class CopyKey(Protocol):
    """Ids as they are compared; see `seqgen.codecs.midi.copy_key`."""

    def ids(self, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """((M,) what is left of (N,) ids, (N,) which of them are left)."""
        ...

    def step(self, last: int, token: int) -> tuple[int, int]:
        """(what to remember, what becomes of the token, or −1) after one more token; `last` is −1 at first."""
        ...

    def back(self, last: int, seen: int) -> int:
        """The token that would be seen so, or −1."""
        ...


def seen_through(corpus: Corpus, key: CopyKey) -> Corpus:
    """The corpus as it is compared: fewer ids, the same documents."""
    ids, kept = key.ids(np.asarray(corpus.ids))
    place = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    return replace(
        corpus,
        ids=ids.astype(corpus.ids.dtype),
        starts=place[corpus.starts],
        begin=place[corpus.begin],
        end=place[corpus.end],
    )


@dataclass(frozen=True, eq=False)
class KeyedMaxCopy:
    """`MaxCopy` up to a copy key: a guard for `seqgen.generation.limits.Limits`.

    Attributes:
        guard: Over an index of what is compared.
        key: How ids are compared.
    """

    guard: MaxCopy
    key: CopyKey

    def start(self) -> tuple[Tail, int]:
        """Before the first token."""
        return self.guard.start(), -1

    def step(self, state: tuple[Tail, int], token: int) -> tuple[Tail, int]:
        """After one more token."""
        last, seen = self.key.step(state[1], token)
        return (state[0] if seen < 0 else self.guard.step(state[0], seen)), last

    def refused(self, state: tuple[Tail, int]) -> Sequence[int]:
        """The tokens that would be seen as the corpus goes on."""
        found = (self.key.back(state[1], seen) for seen in self.guard.refused(state[0]))
        return [token for token in found if token >= 0]
