"""The threads of numpy's products. OpenBLAS deals a product of a matrix and a vector out to all cores, and waits:
while other programs compute, a token then takes fifty times as long, and its threads take the scheduler's turn.
Products of many streams gain by threads where nobody else computes, and lose less where others do: they keep theirs.

The library that comes with numpy's wheels is asked by its own functions; where another one is used, nothing changes.
"""

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seqgen.cells import BY_ROWS

NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads")
PLACES = ("../numpy.libs/*openblas*", ".dylibs/*openblas*")  # from numpy's folder


@contextlib.contextmanager
def one_numpy_thread(streams: int = 1) -> Iterator[None]:
    """Within the block products are computed by the thread that asks for them, if they are of few streams."""
    before = [(put, get()) for put, get in _counters()] if streams <= BY_ROWS else []
    try:
        for put, _ in before:
            put(1)
        yield
    finally:
        for put, count in before:
            put(count)


def _counters() -> "list[tuple[ctypes._NamedFuncPointer, ctypes._NamedFuncPointer]]":
    """What sets, and what gives, the number of threads, of each library that is there."""
    folder = Path(np.__file__).parent
    found = []
    for path in (each for place in PLACES for each in sorted((folder / place).parent.glob(Path(place).name))):
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(str(path))  # numpy has it loaded, so this is the same one
            for name in NAMES:
                if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
                    found.append((getattr(library, name.format("set")), getattr(library, name.format("get"))))
                    break
    return found
