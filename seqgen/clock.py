"""What each token does to the clock of a document: which bars begin, of text which lines, and how far in them it is.

A clock is a table (V, 6) of whole numbers, made by a codec and read by a memory beside a network, neither of which
knows the other:

    bars      so many bars begin with the token
    place     1 + the place in the bar that it leads to; 0: none
    advance   so many places it moves on. A bar has PLACES of them; where it is full, another follows by itself
    voice     1 + the voice of what follows, until another is named; 0: none
    voiced    1: it belongs to the voice named last
    counts    1: it is counted among the tokens of its place and voice

All zero, it does nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Clock = NDArray[np.int64]

BARS, PLACE, ADVANCE, VOICE, VOICED, COUNTS = range(6)
COLUMNS = 6
PLACES = 256
VOICES = 31  # and none
DOCUMENT = 15  # bars that begin with a document: more than anything looks back
MOST = (DOCUMENT, PLACES, 1 << 12, VOICES, 1, 1)  # of each column


# Settings of the memory that goes by this clock, for codecs whose documents it is worth its time for.
LOOKBACK: Mapping[str, object] = MappingProxyType({"memory": "lookback", "memory_length": 512})


def silent(size: int) -> Clock:
    """(V, 6) of tokens that do nothing."""
    return np.zeros((size, COLUMNS), np.int64)


def of_lines(pieces: Sequence[bytes]) -> Clock:
    """That of text: lines are bars, tokens places.

    Args:
        pieces: (V,) the bytes of each token; one with a line break begins a line.
    """
    clock = silent(len(pieces))
    clock[:, BARS] = [min(piece.count(b"\n"), DOCUMENT - 1) for piece in pieces]
    clock[:, ADVANCE] = clock[:, BARS] == 0
    return clock


def framed_clock(clock: Clock, vocab_size: int, signs: int = 0) -> Clock:
    """(V, 6) with what frames documents behind: the document token, with which all begins anew, labels, and holes.

    Behind an infilling token, of which the last `signs` are, places begin anew, so far away from those before that no
    bar is found there; what was said before stays to be found by what was said. The fourth and fifth of them, <given>
    and <made>, stand before bars and let them count on.
    """
    framing = silent(vocab_size - len(clock))
    framing[0, BARS] = DOCUMENT
    first = len(framing) - signs
    framing[first : first + 3, BARS] = DOCUMENT - 1
    framing[0, VOICE] = framing[first:, VOICE] = 1
    return np.concatenate([clock, framing])
