"""Where text may be cut: beside words, and where lines begin. Knows tokens as bytes alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.infilling import NO_CUT, Cuts

Edges = NDArray[np.bool_]  # (3, V) whether a token begins with white space, ends with it, ends a line

WHITE = b" \t\r\n\f\v"


def edges(pieces: Sequence[bytes]) -> Edges:
    """(3, V) of the bytes of each token."""
    rows = [
        (piece[:1] in WHITE, piece[-1:] in WHITE, piece[-1:] == b"\n") if piece else (False,) * 3 for piece in pieces
    ]
    return np.array(rows, np.bool_).reshape(-1, 3).T


def text_cuts(edges: Edges, ids: NDArray[Any]) -> Cuts:
    """(2, n + 1) words and lines, see `Codec.cuts`; both ends may be cut."""
    found = np.zeros((2, len(ids) + 1), np.int64)
    begins, ends, lines = edges[:, ids]
    found[0, 1:-1] = np.where(begins[1:] != ends[:-1], 0, NO_CUT)
    found[1, 1:-1] = np.where(lines[:-1], 0, NO_CUT)
    return found
