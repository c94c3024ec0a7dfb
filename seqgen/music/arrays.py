"""Neighbours in an array: what numpy's `diff` does, without its cost for the short arrays of a small file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def gaps(values: NDArray[Any], before: int = 0) -> NDArray[Any]:
    """(N,) each value less the one before it; the first less `before`."""
    result = np.empty_like(values)
    result[:1] = values[:1] - before
    np.subtract(values[1:], values[:-1], out=result[1:])
    return result


def differs(values: NDArray[Any], before: int = -1) -> NDArray[np.bool_]:
    """(N,) whether each value is another than the one before it; the first another than `before`."""
    result = np.empty(len(values), np.bool_)
    result[:1] = values[:1] != before
    np.not_equal(values[1:], values[:-1], out=result[1:])
    return result
