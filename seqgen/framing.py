"""What frames documents among ids: the tokens before each, and a grammar that knows them. Knows no codec's tokens."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Grammar, Ids, Lengths, Mask

FRESH, LABELLED, FILLED = range(3)  # what a document holds so far: nothing, a label, tokens of its own


class Framed(NamedTuple):
    """Documents as ids.

    Attributes:
        ids: (N,) all of them, one after the other, framing included.
        ends: (D,) where each ends in `ids`.
        labels: (D,) the number of each one's label, −1 for none.
    """

    ids: Ids
    ends: NDArray[np.int64]
    labels: NDArray[np.int32]


def framed(ids: Ids, lengths: Lengths, label: NDArray[np.int32], document_id: int, kind: np.dtype[Any]) -> Framed:
    """Documents with the tokens that stand before each. Those without tokens fall away.

    Args:
        ids: (N,) of all documents, one after the other.
        lengths: (D,) how many each has.
        label: (D,) the number of each one's label, −1 for none.
        document_id: The document token; label i is `document_id` + 1 + i.
        kind: The type of ids.
    """
    lengths, label = lengths[lengths > 0], label[lengths > 0]
    heads = 1 + (label >= 0)
    ends = np.cumsum(lengths + heads)
    begins = ends - lengths - heads
    made = np.full(len(ids) + int(heads.sum()), document_id, kind)
    own = np.ones(len(made), np.bool_)
    own[begins] = own[begins + heads - 1] = False
    made[own] = ids
    made[begins[label >= 0] + 1] = document_id + 1 + label[label >= 0]
    return Framed(made, ends, label)


@dataclass(frozen=True)
class FramedGrammar:
    """A codec's grammar with framing: a state is (FRESH, LABELLED or FILLED, the codec's own state).

    The document token may follow where the document may end, and begins another; no document is empty. A label may
    follow only the document token.
    """

    inner: Grammar
    document_id: int
    vocab_size: int

    def start(self) -> tuple[int, Any]:
        """The state at the beginning of a document, its document token read or not."""
        return FRESH, self.inner.start()

    def step(self, state: tuple[int, Any], token: int) -> tuple[int, Any]:
        """The state after `token`; a label changes nothing but that no other may follow."""
        if token == self.document_id:
            return self.start()
        if token > self.document_id:
            return max(LABELLED, state[0]), state[1]
        return FILLED, self.inner.step(state[1], token)

    def allowed(self, state: tuple[int, Any]) -> Mask:
        """(V,) True where a token may follow."""
        mask = np.empty(self.vocab_size, np.bool_)
        mask[: self.document_id] = self.inner.allowed(state[1])
        mask[self.document_id] = self.may_end(state)
        mask[self.document_id + 1 :] = state[0] == FRESH
        return mask

    def may_end(self, state: tuple[int, Any]) -> bool:
        """Whether the document may end here."""
        return state[0] == FILLED and self.inner.may_end(state[1])
