"""What every codec uses: the type of ids, a golden document, pieces of many picked evenly."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

Item = TypeVar("Item")
FEW = 64  # of many pieces, how many of the first are all looked at


class Golden(NamedTuple):
    """What must stay as it is: the tests hold a codec to it.

    Attributes:
        document: A small document.
        ids: What a codec that was fitted to it makes of it.
    """

    document: bytes
    ids: tuple[int, ...]


def id_type(vocab_size: int) -> np.dtype[Any]:
    """The narrowest of the stream's two id types that holds `vocab_size` ids."""
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


def sparse(items: Iterable[Item]) -> Iterator[Item]:
    """The first 64 of many, then ever fewer, evenly: of n some 64 · log2(n / 32) at most."""
    for index, item in enumerate(items):
        if index % max(1, 1 << (index // FEW).bit_length()) == 0:
            yield item
