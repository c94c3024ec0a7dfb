"""What makes two passages of music tokens the same music: intervals, times and drums, whatever the key.

Loudness, instruments, the countdown and the like are left out. A pitch becomes its distance, modulo 128, from the pitch
before it in its document; the first of a document has none and becomes 0. Framing tokens stay and begin anew.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask

NOTHING = -1  # no pitch yet
PITCHES = 128


class MusicCopyKey:
    """Ids as intervals, all at once or one by one. Ids from `framing` on frame documents.

    Args:
        framing: The document token.
        first: The token of the lowest pitch.
        matters: (framing,) the tokens that are compared, pitches among them.
    """

    def __init__(self, framing: int, first: int, matters: Mask) -> None:
        self.framing, self.first = framing, first
        self._matters = matters

    def ids(self, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """((M,) what is left of (N,) ids, (N,) which of them are left)."""
        token = np.asarray(ids).astype(np.int64)
        kept = (token >= self.framing) | self._matters[np.minimum(token, self.framing - 1)]
        token = token[kept]
        at = np.flatnonzero((token >= self.first) & (token < self.first + PITCHES))
        pitch, document = token[at], np.cumsum(token == self.framing)[at]
        before = np.concatenate((pitch[:1], pitch[:-1]))
        first = np.diff(document, prepend=-1) != 0
        token[at] = self.first + np.where(first, 0, pitch - before) % PITCHES
        return token, kept

    def step(self, last: int, token: int) -> tuple[int, int]:
        """(the latest pitch after one more token, what becomes of the token or NOTHING); `last` NOTHING: none yet."""
        if token >= self.framing:
            return NOTHING, token
        if self.first <= token < self.first + PITCHES:
            return token, self.first + (token - last) % PITCHES if last != NOTHING else self.first
        return last, token if self._matters[token] else NOTHING

    def back(self, last: int, seen: int) -> int:
        """The token that would be seen so after the latest pitch, or NOTHING."""
        if not self.first <= seen < self.first + PITCHES:
            return seen
        return NOTHING if last == NOTHING else self.first + (last - self.first + seen - self.first) % PITCHES
