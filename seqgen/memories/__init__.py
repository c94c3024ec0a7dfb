"""Memories of the document so far, beside the cell: each in one file or folder here.

    ids (B, T) ─► embedding ─► [memory on the input side] ─► layers ─► [memory on the output side] ─► logits

A memory stands on one `side` of the layers: what it is given there, (T, B, size), it gives back changed. It owns the
names and shapes of its weights, has a state that is carried from window to window as a cell's is, without gradient, and
tells its equations twice: as a torch module to train (`module`, which alone imports torch) and as a numpy step to
sample (`step`). Contract tests hold the two together, over all that lies here (`tests/test_memories.py`).

What runs it (`seqgen.models`, `seqgen.generation`) asks for nothing else. Without one, a network is what it was.
This room knows neither networks nor what tokens mean.
"""

import abc
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqgen.cells import Array, Arrays, Parts, Shapes
from seqgen.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "CLOCK",
    "PREFIX",
    "SIGNS",
    "Array",
    "Arrays",
    "Ids",
    "LinearForm",
    "Memory",
    "Parts",
    "Shapes",
    "Side",
    "available_memory",
]

Ids = NDArray[np.integer[Any]]
Side = Literal["input", "output"]
CLOCK = "clock"  # a weight that does not learn: the table of `seqgen.clock`, of the corpus's codec
SIGNS = "signs"  # another: the ids of the infilling tokens, `seqgen.infilling.Signs`; −1 for those that there are not
PREFIX = "memory."  # of its weights' names in a checkpoint


@dataclass(frozen=True)
class Memory(abc.ABC):
    """What a network keeps of the document beside its hidden states. Variants are frozen dataclasses.

    Its state is a tuple of arrays (B, ·) of floating-point numbers; before a document all are zero.

    Attributes:
        side: Where it stands: before the layers (what it changes are token embeddings, size E) or behind them (hidden
            states, size H).
        length: Tokens that it reaches back, `memory_length`.
    """

    side: ClassVar[Side]
    length: int = 256

    @abc.abstractmethod
    def weights(self, size: int, vocab_size: int) -> Shapes:
        """The name and shape of each weight, as a checkpoint holds them behind `PREFIX`.

        Args:
            size: Of what it changes.
            vocab_size: Ids are below it.
        """

    @abc.abstractmethod
    def state(self, size: int) -> tuple[int, ...]:
        """The size of each part of the state of a stream, in numbers."""

    @abc.abstractmethod
    def module(self, size: int, vocab_size: int) -> "nn.Module":
        """With these weights, initialised so that it changes nothing yet: x (T, B, size), ids (T, B), state → y, state.

        T tokens at once equal T single steps. No stream knows another. It never asks the device for an answer.
        """

    @abc.abstractmethod
    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        """One token of each of B streams: x (B, size), ids (B,), state → y (B, size), the state after.

        The arrays of the state given may be used up; x is left alone.

        Args:
            weights: What `prepared` made of them.
        """

    def require_room(self, size: int, batch: int, copies: int) -> None:
        """Raise UsageError where the machine has no room for the state of `batch` streams `copies` times."""
        needed, free = 4 * copies * batch * sum(self.state(size)), available_memory()
        if free is not None and needed > free:
            streams = f"{batch:,} stream{'s' * (batch != 1)}"
            message = f"a memory of {self.length:,} tokens takes {needed / 1e9:,.1f} GB for {streams}"
            hint = "train with a smaller -P memory_length, or take fewer streams at once (-P batch, -n)"
            raise UsageError(f"{message}, and this machine has {free / 1e9:,.1f} GB free", hint)

    def prepared(self, weights: Arrays) -> Arrays:
        """The weights as `step` wants them, made once."""
        return weights

    def through(self, prepared: Arrays, matrix: Array, bias: Array) -> Arrays | None:
        """Prepared weights with which `step` changes x · matrix + bias as it would x; None, as here: there are none."""
        return None

    def linear_form(self) -> "Callable[[Arrays], LinearForm] | None":
        """What makes of `prepared` weights the quicker way to sample on a CPU, for a memory behind the layers."""
        return None


@dataclass(frozen=True)
class LinearForm:
    """A memory behind the layers that is linear where it meets them: y = h + output · read(products · h + bias).

    An engine makes its products together with the last layer's own, and takes what was read to the logits at once.

    Attributes:
        products, bias: (P, H) and (P,) what makes products of a hidden state.
        output: (H, R) what takes that which was read to a hidden state.
        read: Products (B, P), ids (B,) and the state, which it changes in place → (B, R) what was read.
    """

    products: Array
    bias: Array
    output: Array
    read: Callable[[Array, Ids, Parts], Array]


def available_memory() -> int | None:
    """Bytes of main memory that can be had without swapping; all there is where no more is said; None: unknown."""
    try:
        for line in Path("/proc/meminfo").read_text("ascii", "replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass  # not Linux
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no such call
        return None
