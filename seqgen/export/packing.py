"""Weights as a page holds them: one stretch of bytes, and of each tensor its name, shape, form and place.

    f4   float32
    f2   float16
    i1   whole numbers from −127 to 127, row by row, then (from a multiple of four bytes on) a float32 for each row, by
         which they are multiplied: its largest number is 127
    u1   whole numbers as they are: counts of a corpus; u2, u4 likewise

Everything is little-endian, and each tensor begins at a multiple of four bytes. Some stay float32 in the other
precisions: tables that do not learn (a clock, signs), vectors, and with float16 what makes logits of hidden states,
where that is a small part of all: most of the error in logits would come from there. What float16 holds exactly, as
all of a published model, is float16.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqgen.memories import CLOCK, PREFIX, SIGNS

Precision = Literal["float32", "float16", "int8"]
Arrays = Mapping[str, NDArray[Any]]
NONE: Arrays = {}
FIXED = (PREFIX + CLOCK, PREFIX + SIGNS)
LOGITS = ("embedding.weight", "projection.weight", "output.weight")  # what makes logits, tied or not
SMALL = 1 / 8  # of all numbers
ALIGNED = 4  # bytes
LARGEST = 127  # of the whole numbers of a row


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights of a page.

    Attributes:
        tensors: Name, shape, form and place of each: plain JSON data.
        counts: The same of counts, which stand behind them.
        data: The bytes.
    """

    tensors: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    data: bytes


def packed(weights: Arrays, precision: Precision, counts: Arrays = NONE) -> Packed:
    """Weights by name in a precision, `int8` halves float16 once more; and whole numbers by name as they are."""
    forms, parts = _forms(weights, precision), list[bytes]()
    tensors = list(_placed(weights, forms, parts))
    whole = list(_placed(counts, {name: _whole(count) for name, count in counts.items()}, parts))
    return Packed(tensors, whole, b"".join(parts))


def packed_size(weights: Arrays, precision: Precision, counts: Arrays = NONE) -> int:
    """How many bytes they take, without making them."""
    forms = _forms(weights, precision)
    size = sum(_size(weight, forms[name]) for name, weight in weights.items())
    return size + sum(_aligned(count.nbytes) for count in counts.values())


def rounded(weights: Arrays, precision: Precision) -> dict[str, NDArray[np.float32]]:
    """The weights that a page of this precision runs with, as an engine takes them."""
    found = {}
    forms = _forms(weights, precision)
    for name, weight in weights.items():
        form = forms[name]
        if form == "i1":
            whole, scale = _rows(weight)
            found[name] = (whole * scale[:, None]).astype(np.float32).reshape(weight.shape)
        else:
            found[name] = weight.astype(np.float16 if form == "f2" else np.float32).astype(np.float32)
    return found


def _forms(weights: Arrays, precision: Precision) -> dict[str, str]:
    """The form of each weight."""
    whole = sum(weight.size for weight in weights.values())
    logits = sum(weights[name].size for name in LOGITS if name in weights)
    kept = (*FIXED, *LOGITS) if logits <= SMALL * whole else FIXED

    def form(name: str, weight: NDArray[Any]) -> str:
        if precision == "float32" or name in FIXED:
            return "f4"
        if precision == "int8":
            return "i1" if weight.ndim > 1 else "f4"
        if np.array_equal(weight.astype(np.float16), weight):
            return "f2"
        return "f4" if weight.ndim == 1 or name in kept else "f2"

    return {name: form(name, weight) for name, weight in weights.items()}


def _placed(arrays: Arrays, forms: Mapping[str, str], parts: list[bytes]) -> Iterator[dict[str, Any]]:
    """What is told of each array, whose bytes are put behind `parts`."""
    at = sum(map(len, parts))
    for name, array in arrays.items():
        yield {"name": name, "shape": list(array.shape), "form": forms[name], "at": at}
        parts.append(_bytes(array, forms[name]))
        at += len(parts[-1])


def _whole(count: NDArray[Any]) -> str:
    return f"u{count.dtype.itemsize}"


def _size(weight: NDArray[Any], form: str) -> int:
    if form == "i1":
        return _aligned(weight.size) + 4 * len(weight)
    return _aligned(weight.size * (4 if form == "f4" else 2))


def _bytes(weight: NDArray[Any], form: str) -> bytes:
    if form == "i1":
        whole, scale = _rows(weight)
        return _filled(whole.astype(np.int8).tobytes()) + scale.astype("<f4").tobytes()
    return _filled(weight.astype(f"<{form}").tobytes())


def _rows(weight: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, M) whole numbers and (N,) what they are multiplied by; a row of zeros by 1."""
    rows = weight.reshape(len(weight), -1).astype(np.float32)
    scale = np.abs(rows).max(axis=1, initial=0) / np.float32(LARGEST)
    scale[scale == 0] = 1
    return np.rint(rows / scale[:, None]), scale


def _filled(data: bytes) -> bytes:
    return data + bytes(_aligned(len(data)) - len(data))


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
