"""The numpy engine: one token at a time at the speed of memory, without torch.

A step on a CPU is bound by reading the weights once, so everything else is kept small:

- the embedding and the first layer's input product are one table, a row a token;
- all that multiplies one layer's hidden state lies in one matrix, and so is one product a layer: the layer's own
  recurrent weights and, beside them, the next layer's input weights or the output layer. The recurrent product is
  thus made a token early and waits in the state;
- biases are a last row of the matrix, the hidden state having a constant 1 at its end;
- products go into preallocated arrays.

A few streams are multiplied row by row (matrix–vector), many as one matrix product. Each way gives a stream the
same bits whatever the other streams are; the two ways differ in the last bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.generation import Engine, Ids, Logits, Weights
from seqgen.generation._update import Floats, Update, fold_gates, fold_inputs, update
from seqgen.models import Cell, ModelSettings

BY_ROWS = 8  # streams up to which matrix–vector products win over OpenBLAS's matrix product
TABLE_LIMIT = 1 << 28  # bytes; a larger table is not made, its rows are computed as they are needed


@dataclass(frozen=True, eq=False)
class NumpyState:
    """Streams between two tokens.

    Attributes:
        updates: Per layer its state and its working arrays.
        products: Per layer (B, columns) the latest product with its hidden state; the recurrent part is in use.
    """

    updates: tuple[Update, ...]
    products: tuple[Floats, ...]

    @property
    def arrays(self) -> list[Floats]:
        """All that tells one stream from another."""
        return [*self.products, *(part for each in self.updates for part in each.parts)]


class NumpyEngine(Engine[NumpyState]):
    """A network on the CPU, in float32.

    Args:
        cell: The recurrence.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them, of any floating type.
    """

    def __init__(self, cell: Cell, settings: ModelSettings, weights: Weights) -> None:
        self.cell, self.settings = cell, settings
        self.gates = cell.gates * settings.hidden
        self.embedding = _float32(weights["embedding.weight"])
        self.first = _first_layer(cell, weights)
        self.table = self._table()
        self.matrices = [_stacked(cell, settings, weights, layer) for layer in range(settings.layers)]
        self.recurrent = [matrix[:, : self.gates] for matrix in self.matrices]
        self.projected = None if not settings.projected else _projected_output(weights)

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return len(self.embedding)

    def start(self, batch: int) -> NumpyState:
        """The state of `batch` streams before their first token: hidden states of zero."""
        updates = tuple(update(self.cell, batch, self.settings.hidden) for _ in self.matrices)
        products = tuple(np.repeat(matrix[-1:], batch, axis=0) for matrix in self.matrices)  # W·0 + b
        return NumpyState(updates, products)

    def step(self, ids: Ids, state: NumpyState) -> tuple[Logits, NumpyState]:
        """(B, V) float32 logits after `ids` (B,), and the state after them."""
        self._advance(ids, state, self.matrices)
        logits = state.products[-1][:, self.gates :]
        return (logits if self.projected is None else _product(logits, self.projected, None)), state

    def prefill(self, ids: Ids, state: NumpyState) -> tuple[Logits, NumpyState]:
        """(1, V) logits after the last of `ids` (n,), and the state; the output layer is computed once."""
        silent = [*self.matrices[:-1], self.recurrent[-1]]
        for position in range(len(ids) - 1):
            self._advance(ids[position : position + 1], state, silent)
        return self.step(ids[-1:], state)

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

    def _advance(self, ids: Ids, state: NumpyState, matrices: Sequence[Floats]) -> None:
        """Move every layer by one token; `matrices` leave out what is not needed."""
        gates = self.gates
        x = self.table[ids] if self.table is not None else self.embedding[ids] @ self.first[:-1] + self.first[-1]
        for advance, product, matrix in zip(state.updates, state.products, matrices):
            advance(x, product[:, :gates])
            _product(advance.hidden, matrix, product[:, : matrix.shape[1]])
            x = product[:, gates:]

    def _table(self) -> Floats | None:
        """(V, gates·H) the first layer's input product for every token."""
        if self.vocab_size * self.gates * 4 > TABLE_LIMIT:
            return None
        return np.asarray(self.embedding @ self.first[:-1] + self.first[-1])


def _product(rows: Floats, matrix: Floats, out: Floats | None) -> Floats:
    """(B, N) rows (B, M) times a matrix (M, N)."""
    if not 1 < len(rows) <= BY_ROWS:
        return np.matmul(rows, matrix, out=out)
    out = np.empty((len(rows), matrix.shape[1]), np.float32) if out is None else out
    for row, target in zip(rows, out):
        np.dot(row, matrix, out=target)
    return out


def _first_layer(cell: Cell, weights: Weights) -> Floats:
    """(E+1, gates·H) what takes an embedding to the first layer's input product; the bias is the last row."""
    matrix = fold_gates(cell, _float32(weights["layers.0.weight_ih_l0"]).T)
    return np.concatenate([matrix, fold_gates(cell, _float32(weights["layers.0.bias_ih_l0"])[None])])


def _stacked(cell: Cell, settings: ModelSettings, weights: Weights, layer: int) -> Floats:
    """(H+1, columns) all that multiplies one layer's hidden state, biases in the last row."""
    own, above = f"layers.{layer}.", f"layers.{layer + 1}."
    recurrent, bias = (fold_gates(cell, _float32(weights[own + name]).T) for name in ("weight_hh_l0", "bias_hh_l0"))
    if layer + 1 < settings.layers:
        after = fold_gates(cell, _float32(weights[above + "weight_ih_l0"]).T)
        after_bias = fold_gates(cell, _float32(weights[above + "bias_ih_l0"]))
    else:
        after, after_bias = _output(settings, weights)
    rows = fold_inputs(cell, np.concatenate([recurrent, after], axis=1))
    return np.ascontiguousarray(np.concatenate([rows, np.concatenate([bias, after_bias])[None]]))


def _output(settings: ModelSettings, weights: Weights) -> tuple[Floats, Floats]:
    """What takes the last hidden state out: (H, V) and its bias, or (H, E+1) the projection and a constant 1."""
    if settings.projected:
        matrix = _float32(weights["projection.weight"]).T  # (H, E)
        one = np.zeros(matrix.shape[1] + 1, np.float32)
        one[-1] = 1
        return np.pad(matrix, ((0, 0), (0, 1))), one
    name = "embedding.weight" if settings.tied else "output.weight"
    return _float32(weights[name]).T, _float32(weights["output.bias"])


def _projected_output(weights: Weights) -> Floats:
    """(E+1, V) the tied output layer behind a projection, its bias in the last row."""
    tied = _float32(weights["embedding.weight"]).T
    return np.ascontiguousarray(np.concatenate([tied, _float32(weights["output.bias"])[None]]))


def _float32(weight: NDArray[np.generic]) -> Floats:
    return np.asarray(weight, np.float32)
