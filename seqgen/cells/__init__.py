"""Cells: the recurrence of one layer, each in one file or folder here.

A cell owns the names and shapes of its weights, and tells its equations twice: as a torch module to train (`module`,
which alone imports torch) and as a numpy step to sample (`step`), so that generating on a CPU starts at once. Contract
tests hold the two together. That is all a cell needs; what runs it (`seqgen.models`, `seqgen.generation`) asks for
nothing else.

A cell may have quicker forms besides, which compute the same: a loop to train by on a CPU (`training_loop`), numpy
updates in place (`numpy_form`), an elementwise part that a GPU can fuse (`device_form`).

Modules whose names begin with an underscore serve several cells. This room knows neither networks nor tokens.
"""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

Array = NDArray[np.floating[Any]]
Arrays = Mapping[str, NDArray[Any]]
Parts = tuple[Array, ...]  # the state of one layer, (B, ·) each
Shapes = dict[str, tuple[int, ...]]

BY_ROWS = 8  # streams up to which matrix–vector products win over OpenBLAS's matrix product
# The weights of PyTorch's recurrent layers, matrix and bias: of what a layer reads, and of its hidden state. A cell
# whose step needs only the products of these two may have a `NumpyForm` and a `DeviceForm`.
INPUT = ("weight_ih_l0", "bias_ih_l0")
RECURRENT = ("weight_hh_l0", "bias_hh_l0")


class Cell(abc.ABC):
    """The recurrence of one layer. Variants are frozen dataclasses; their fields are settings (`-P KEY VALUE`).

    What a layer gives out, y, is (B, H). Its state is a tuple of arrays (B, ·); before the first token all are zero.

    Class attributes:
        recurrent: The weights that multiply the hidden state, of which `weight_drop` drops connections in training.
        parts: What the parts of its state are called.
        reads: (matrix, bias) that multiply what a layer reads, and where there are such, what it gave out itself; what
            it gives out goes nowhere else. Empty: not known, and so its cells cannot be held (`seqgen.inside.holding`).
    """

    recurrent: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[str, ...]] = ("hidden",)
    reads: ClassVar[tuple[tuple[str, str], ...]] = ()

    @abc.abstractmethod
    def weights(self, inputs: int, hidden: int) -> Shapes:
        """The name and shape of each weight of a layer, as a checkpoint holds them."""

    def state(self, hidden: int) -> tuple[int, ...]:
        """The size of each part of a layer's state; one part of `hidden` numbers unless a cell says otherwise."""
        return (hidden,)

    @abc.abstractmethod
    def module(self, inputs: int, hidden: int) -> "nn.Module":
        """A layer with these weights, initialised: x (T, B, inputs), state → y (T, B, hidden), state after.

        T tokens at once equal T single steps. Under autocast its products may be in half precision; the state is
        best kept in float32.
        """

    @abc.abstractmethod
    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        """One token of each of B streams: x (B, inputs), state → y (B, hidden), the state after, in new arrays."""

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        """(T, H) the gates of T tokens by name, each in [0, 1]: x (T, inputs), the states before them (T, ·).

        Empty where a cell has none, as here.
        """
        return {}

    def persistent(self, inputs: int, hidden: int, batch: int) -> bool:
        """Whether CUDA has a kernel in float16 that keeps this layer's weights on the chip."""
        return False

    def training_loop(self) -> "TrainingLoop | None":
        """The quicker way to train on a CPU in bfloat16, where there is one and this build of torch can run it."""
        return None

    def numpy_form(self) -> "NumpyForm | None":
        """The quicker way to sample on a CPU."""
        return None

    def device_form(self) -> "DeviceForm | None":
        """The quicker way to sample on a GPU."""
        return None


@dataclass(frozen=True)
class TrainingLoop:
    """A layer over a window, as a loop over tokens with a gradient of its own.

    Attributes:
        inputs: x (…, inputs) and a layer's weights → what `run` wants of each token, (…, ·) bfloat16.
        run: That over (T, B, ·), a layer's weights, and the state → y (T, B, H), the state after.
        narrowest: Hidden units from which on it is quicker than the module.
        traced: As `run`, but with all parts of the state at every token, (T, B, H) each, and without a gradient; None:
            what `run` gives out is all there is.
    """

    inputs: "Callable[[Tensor, Mapping[str, Tensor]], Tensor]"
    run: "Callable[[Tensor, Mapping[str, Tensor], tuple[Tensor, ...]], tuple[Tensor, tuple[Tensor, ...]]]"
    narrowest: int
    traced: "Callable[..., tuple[tuple[Tensor, ...], tuple[Tensor, ...]]] | None" = None


class Update(abc.ABC):
    """One layer of B streams, advanced in place, from the state zero.

    Attributes:
        hidden: (B, H+1) what the layer gives out and a constant 1, whose product with a matrix is W y + b.
        parts: All arrays of the state, `hidden` first.
    """

    hidden: NDArray[np.float32]
    parts: tuple[NDArray[np.float32], ...]

    @abc.abstractmethod
    def __call__(self, x: NDArray[np.float32], r: NDArray[np.float32]) -> None:
        """Advance by one token: the products with `INPUT` and with `RECURRENT`, (B, ·) each, biases included."""


# (which block of rows of a weight, its scale), in the order in which an update wants them
Blocks = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class NumpyForm:
    """A step as a function of two products, on arrays that are made once.

    Attributes:
        update: (B, H) → a layer at its start.
        input, recurrent: How the update takes the blocks of rows of the two products.
        scale: Its `hidden` is `scale`·y, which the weights that multiply it must allow for.
    """

    update: Callable[[int, int], Update]
    input: Blocks = ((0, 1),)
    recurrent: Blocks = ((0, 1),)
    scale: float = 1


@dataclass(frozen=True)
class DeviceForm:
    """A step as a pure function of two products, for a compiler to fuse.

    Attributes:
        update: The products with `INPUT` and `RECURRENT`, then float32 memories (B, H) → y in the precision of the
            products, then the memories after.
        memories: How many.
        bounded: Whether units are, so that half precision holds them.
    """

    update: "Callable[..., tuple[Tensor, ...]]"
    memories: int
    bounded: bool = True


def linear(x: Array, weight: NDArray[Any], bias: NDArray[Any]) -> Array:
    """(B, N) x · weightᵀ + bias, for weight (N, M). A few rows are multiplied one by one, which is quicker."""
    if len(x) > BY_ROWS:
        return np.asarray(x @ weight.T + bias)
    return np.asarray(np.stack([np.dot(weight, row) for row in x]) + bias)


def sigmoid(x: Array) -> Array:
    """The logistic function by way of tanh, which never overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5, x.dtype)


def hidden_array(batch: int, size: int) -> NDArray[np.float32]:
    """(B, H+1) zeros and a last column of ones: the `hidden` of an `Update` at its start."""
    hidden = np.zeros((batch, size + 1), np.float32)
    hidden[:, -1] = 1
    return hidden
