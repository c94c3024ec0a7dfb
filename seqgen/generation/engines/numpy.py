"""The numpy engine for cells with a form for it: one token at a time at the speed of memory, without torch.

A step on a CPU is bound by reading the weights once, so everything else is kept small:

- the embedding and the first layer's input product are one table, a row a token;
- all that multiplies one layer's hidden state lies in one matrix, and so is one product a layer: the layer's own
  recurrent weights and, beside them, the next layer's input weights or the output layer. The recurrent product is
  thus made a token early and waits in the state;
- biases are a last row of the matrix, the hidden state having a constant 1 at its end;
- products go into preallocated arrays.

A memory before the layers takes the table away where it cannot work on its rows. Of one behind them the products lie in
the last layer's matrix, too.

A few streams are multiplied row by row (matrix–vector), many as one matrix product. Each way gives a stream the
same bits whatever the other streams are; the two ways differ in the last bits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.cells import BY_ROWS, INPUT, RECURRENT, Blocks, Cell, NumpyForm, Parts, Update
from seqgen.generation.engine import Engine, Ids, Logits, Weights
from seqgen.generation.memory import Beside
from seqgen.memories import LinearForm
from seqgen.models import ModelSettings

Floats = NDArray[np.float32]
TABLE_LIMIT = 1 << 28  # bytes; a larger table is not made, its rows are computed as they are needed


class NumpyState:
    """Streams between two tokens, with the arrays that they are advanced in.

    Attributes:
        updates: Per layer its state.
        products: Per layer (B, columns) the latest product with its hidden state.
        recurrent: Per layer the part of the product that the layer itself takes in with the next token.
        passed: Per layer the part that the next layer, or who reads the output, takes in with this token.
        memory: What a memory carries.
        read: (B, ·) what one behind the layers has read at this token.
    """

    read: Floats

    def __init__(self, updates: Sequence[Update], products: Sequence[Floats], gates: int, memory: Parts) -> None:
        self.updates, self.products, self.memory = updates, products, memory
        self.recurrent = [product[:, :gates] for product in products]
        self.passed = [product[:, gates:] for product in products]

    @property
    def arrays(self) -> list[Floats]:
        """All that tells one stream from another."""
        return [*self.products, *(part for each in self.updates for part in each.parts), *self.memory]


class NumpyEngine(Engine[NumpyState]):
    """A network on the CPU, in float32.

    Args:
        cell: One with a `numpy_form`.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them, of any floating type.
    """

    def __init__(self, cell: Cell, settings: ModelSettings, weights: Weights) -> None:
        form = cell.numpy_form()
        assert form is not None
        self.form, self.settings = form, settings
        self.gates = len(weights[f"layers.0.{RECURRENT[0]}"])
        self.embedding = np.asarray(weights["embedding.weight"], np.float32)
        self.first = _first_layer(form, weights)
        self.beside = Beside(settings, weights)
        self.table = self._table()
        if self.beside.on_input and (self.table is None or not self.beside.through(self.first[:-1], self.first[-1])):
            self.table = None
        self.matrices = [_stacked(form, settings, weights, layer) for layer in range(settings.layers)]
        self.reader, self.asked, self.taken = None if not self.beside.on_output else self.beside.form, 0, None
        if self.reader is not None:
            self.asked = len(self.reader.bias)
            self.matrices[-1], self.taken = _with_reader(self.matrices[-1], self.reader, self.gates, form.scale)
        self.kept = self.gates + self.asked  # columns of the last matrix without the output layer
        self.silent = [*self.matrices[:-1], self.matrices[-1][:, : self.kept]]
        self.projected = None if not settings.projected else _projected_output(weights)

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return len(self.embedding)

    def start(self, batch: int) -> NumpyState:
        """The state of `batch` streams before their first token: hidden states of zero."""
        updates = [self.form.update(batch, self.settings.hidden) for _ in self.matrices]
        products = [np.repeat(matrix[-1:], batch, axis=0) for matrix in self.matrices]  # W·0 + b
        return NumpyState(updates, products, self.gates, self.beside.start(batch))

    def step(self, ids: Ids, state: NumpyState) -> tuple[Logits, NumpyState]:
        """(B, V) float32 logits after `ids` (B,), and the state after them."""
        self._advance(ids, state, self.matrices, state.products)
        logits = state.passed[-1][:, self.asked :]
        if self.taken is not None:
            logits += _product(state.read, self.taken, None)
        return (logits if self.projected is None else _product(logits, self.projected, None)), state

    def prefill(self, ids: Ids, state: NumpyState) -> tuple[Logits, NumpyState]:
        """(1, V) logits after the last of `ids` (n,), and the state; the output layer is computed once."""
        products = [*state.products[:-1], state.products[-1][:, : self.kept]]
        for position in range(len(ids) - 1):
            self._advance(ids[position : position + 1], state, self.silent, products)
        return self.step(ids[-1:], state)

    def cells(self, state: NumpyState) -> list[tuple[Floats, ...]]:
        """Per layer the parts of its state, (B, H) each."""
        scale = np.float32(1 / self.form.scale)
        return [(each.hidden[:, :-1] * scale, *(part.copy() for part in each.parts[1:])) for each in state.updates]

    def adopt(self, state: NumpyState) -> NumpyState:
        """The state of an engine with other weights: what waits in it is multiplied with these."""
        for update, matrix, product in zip(state.updates, self.matrices, state.products):
            _product(update.hidden, matrix, product)
        return state

    def select(self, state: NumpyState, rows: Sequence[int]) -> NumpyState:
        """A new state of the streams `rows`."""
        return self._filled([part[list(rows)] for part in state.arrays])

    def join(self, states: Sequence[NumpyState]) -> NumpyState:
        """A new state that holds the streams of all `states`."""
        return self._filled([np.concatenate(parts) for parts in zip(*(state.arrays for state in states))])

    def _filled(self, arrays: Sequence[Floats]) -> NumpyState:
        state = self.start(len(arrays[0]))
        for target, source in zip(state.arrays, arrays):
            target[:] = source
        return state

    def _advance(self, ids: Ids, state: NumpyState, matrices: Sequence[Floats], products: Sequence[Floats]) -> None:
        """Move every layer, and the memory, by one token."""
        x = self._input(ids, state)
        for update, recurrent, matrix, product, passed in zip(
            state.updates, state.recurrent, matrices, products, state.passed
        ):
            update(x, recurrent)
            _product(update.hidden, matrix, product)
            x = passed
        if self.reader is not None:
            state.read = self.reader.read(state.passed[-1][:, : self.asked], ids, state.memory)

    def _input(self, ids: Ids, state: NumpyState) -> Floats:
        """(B, gates·H) the first layer's input product."""
        rows = self.embedding[ids] if self.table is None else self.table.take(ids, axis=0)
        x, state.memory = self.beside.before(rows, ids, state.memory)
        return x if self.table is not None else _product(x, self.first[:-1], None) + self.first[-1]

    def _table(self) -> Floats | None:
        """(V, gates·H) the first layer's input product for every token, where that is not too large."""
        if self.vocab_size * self.gates * 4 > TABLE_LIMIT:
            return None
        table: Floats = self.embedding @ self.first[:-1]
        table += self.first[-1]
        return table


def _product(rows: Floats, matrix: Floats, out: Floats | None) -> Floats:
    """(B, N) rows (B, M) times a matrix (M, N)."""
    if not 1 < len(rows) <= BY_ROWS:  # one row is a vector to np.dot, which has less to do around it than matmul
        return np.dot(rows, matrix, out=out)
    out = np.empty((len(rows), matrix.shape[1]), np.float32) if out is None else out
    for row, target in zip(rows, out):
        np.dot(row, matrix, out=target)
    return out


def _first_layer(form: NumpyForm, weights: Weights) -> Floats:
    """(E+1, gates·H) what takes an embedding to the first layer's input product; the bias is the last row."""
    weight, bias = (weights[f"layers.0.{name}"] for name in INPUT)
    matrix = np.empty((weight.shape[1] + 1, len(weight)), np.float32)
    _fill(matrix, weight, bias, form.input)
    return matrix


def _stacked(form: NumpyForm, settings: ModelSettings, weights: Weights, layer: int) -> Floats:
    """(H+1, columns) all that multiplies one layer's hidden state, biases in the last row."""
    recurrent, bias = (weights[f"layers.{layer}.{name}"] for name in RECURRENT)
    if layer + 1 < settings.layers:
        (after, after_bias), blocks = (weights[f"layers.{layer + 1}.{name}"] for name in INPUT), form.input
    else:
        (after, after_bias), blocks = _output(settings, weights), ((0, 1),)
    rows = len(recurrent)
    matrix = np.empty((settings.hidden + 1, rows + len(after)), np.float32)
    _fill(matrix[:, :rows], recurrent, bias, form.recurrent, form.scale)
    _fill(matrix[:, rows:], after, after_bias, blocks, form.scale)
    return matrix


def _fill(target: Floats, weight: NDArray[Any], bias: NDArray[Any], blocks: Blocks, held: float = 1) -> None:
    """Write a weight (N, M), transposed, and its bias (N,) into (M+1, N), the blocks of N in order and scale."""
    size = len(weight) // len(blocks)
    for place, (block, scale) in enumerate(blocks):
        rows, columns = slice(block * size, (block + 1) * size), slice(place * size, (place + 1) * size)
        np.multiply(weight[rows].T, np.float32(scale / held), out=target[:-1, columns])
        np.multiply(bias[rows], np.float32(scale), out=target[-1, columns])


def _output(settings: ModelSettings, weights: Weights) -> tuple[NDArray[Any], NDArray[Any]]:
    """What takes the last hidden state out: (V, H) and its bias, or (E+1, H) the projection and a constant 1."""
    if settings.projected:
        matrix = weights["projection.weight"]  # (E, H)
        one = np.zeros(len(matrix) + 1, np.float32)
        one[-1] = 1
        return np.pad(matrix, ((0, 1), (0, 0))), one
    return weights["embedding.weight" if settings.tied else "output.weight"], weights["output.bias"]


def _with_reader(matrix: Floats, reader: LinearForm, gates: int, held: float) -> tuple[Floats, Floats]:
    """The last layer's matrix with the products of a memory behind the layers before the output layer's columns, and
    (R, columns) what takes that which was read to these columns."""
    asked = np.empty((len(matrix), len(reader.bias)), np.float32)
    _fill(asked, reader.products, reader.bias, ((0, 1),), held)
    taken = reader.output.T @ (matrix[:-1, gates:] * np.float32(held))
    return np.concatenate([matrix[:, :gates], asked, matrix[:, gates:]], axis=1), np.ascontiguousarray(
        taken, np.float32
    )


def _projected_output(weights: Weights) -> Floats:
    """(E+1, V) the tied output layer behind a projection, its bias in the last row."""
    weight = weights["embedding.weight"]
    matrix = np.empty((weight.shape[1] + 1, len(weight)), np.float32)
    _fill(matrix, weight, weights["output.bias"], ((0, 1),))
    return matrix
