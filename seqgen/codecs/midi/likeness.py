"""What makes two passages of performance tokens the same music: intervals, times and drums, whatever the key.

Loudness, instruments, the countdown and pedals are left out. A pitch becomes its distance, modulo 128, from the pitch
before it in its document; the first of a document has none and becomes 0. Framing tokens stay and begin anew.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi import vocabulary as v

NOTHING = -1  # no pitch yet


class Likeness:
    """Ids as intervals, all at once or one by one. Ids from `framing` on frame documents.

    Args:
        framing: The document token.
    """

    def __init__(self, framing: int) -> None:
        self.framing = framing

    def ids(self, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """((M,) what is left of (N,) ids, (N,) which of them are left)."""
        token = np.asarray(ids).astype(np.int64)
        kept = (token >= self.framing) | _matters(token)
        token = token[kept]
        at = np.flatnonzero((token >= v.PITCH) & (token < v.DUR))
        pitch, document = token[at], np.cumsum(token == self.framing)[at]
        before = np.concatenate((pitch[:1], pitch[:-1]))
        first = np.diff(document, prepend=-1) != 0
        token[at] = v.PITCH + np.where(first, 0, pitch - before) % 128
        return token, kept

    def step(self, last: int, token: int) -> tuple[int, int]:
        """(the latest pitch after one more token, what becomes of the token or NOTHING); `last` NOTHING: none yet."""
        if token >= self.framing:
            return NOTHING, token
        if v.PITCH <= token < v.DUR:
            return token, v.PITCH + (token - last) % 128 if last != NOTHING else v.PITCH
        return last, token if _matters(token) else NOTHING

    def back(self, last: int, seen: int) -> int:
        """The token that would be seen so after the latest pitch, or NOTHING."""
        if not v.PITCH <= seen < v.DUR:
            return seen
        return NOTHING if last == NOTHING else v.PITCH + (last - v.PITCH + seen - v.PITCH) % 128


def _matters(token: Any) -> Any:
    sounds = (token >= v.PITCH) & (token < v.PEDAL)
    return sounds | ((token >= v.SHIFT) & (token < v.INST))
