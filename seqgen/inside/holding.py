"""Living cells: a cell held at a value, or heard louder or softer, while the network runs.

Nothing but weights changes. What a cell gives out goes to the recurrent product of its own layer and to what reads the
layer: the next layer, or the output. To scale it by s, the columns of these matrices that it multiplies are scaled; to
hold it at v, they are taken out and v times them is added to the biases. So every engine can do it, at no cost, and a
held cell goes on inside as its own equations say: released, it is where it would be.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqgen.checkpoint import Checkpoint, Weights
from seqgen.errors import UsageError
from seqgen.inside.naming import CellName, require_there

Hold = tuple[CellName, float]


def held(checkpoint: Checkpoint, clamp: Sequence[Hold], gain: Sequence[Hold]) -> Checkpoint:
    """The network with cells held, or scaled; another checkpoint that shares the weights that do not change.

    Args:
        checkpoint: It is left as it is.
        clamp: Cells, and what each is held at.
        gain: Cells, and what what each gives out is multiplied by.

    Raises:
        UsageError: There is no such cell, it is named twice, or what reads it is not known.
    """
    cell, settings = checkpoint.cell, checkpoint.settings
    names = [name for name, _ in (*clamp, *gain)]
    if not names:
        return checkpoint
    require_there(names, settings.layers, settings.hidden)
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} is named twice", "hold a cell once, or give it one gain")
    if not cell.reads:
        raise UsageError(f"cells of kind {checkpoint.model} cannot be held: they do not say what reads them")
    memory = settings.made_memory()
    if memory is not None and memory.side == "output" and any(name.layer == settings.layers for name in names):
        raise UsageError(f"cells of layer {settings.layers} cannot be held: the memory {settings.memory!r} reads them")
    weights = dict(checkpoint.weights)
    if settings.tied and not settings.projected and any(name.layer == settings.layers for name in names):
        weights["output.weight"] = weights["embedding.weight"]  # reading changes, what tokens are does not
        settings = replace(settings, tied=False)
    for name, value in clamp:
        _change(weights, checkpoint, settings.layers, name, 0.0, value)
    for name, value in gain:
        _change(weights, checkpoint, settings.layers, name, value, 0.0)
    return replace(checkpoint, settings=settings, weights=weights)


def _change(weights: Weights, checkpoint: Checkpoint, layers: int, name: CellName, factor: float, value: float) -> None:
    """Multiply the columns that a cell multiplies by `factor`, and add `value` times them to the biases."""
    index, reads = name.cell - 1, checkpoint.cell.reads
    for matrix, bias in reads[1:]:
        _column(weights, f"layers.{name.layer - 1}.{matrix}", f"layers.{name.layer - 1}.{bias}", index, factor, value)
    if name.layer < layers:
        matrix, bias = reads[0]
        _column(weights, f"layers.{name.layer}.{matrix}", f"layers.{name.layer}.{bias}", index, factor, value)
    elif "projection.weight" in weights:  # which has no bias: what it adds goes through the output layer to its bias
        column = weights["projection.weight"][:, index].astype(np.float64)
        _column(weights, "projection.weight", "", index, factor, 0.0)
        added = weights["embedding.weight"].astype(np.float64) @ column * value
        weights["output.bias"] = (weights["output.bias"] + added).astype(np.float32)
    else:
        _column(weights, "output.weight", "output.bias", index, factor, value)


def _column(weights: Weights, matrix: str, bias: str, index: int, factor: float, value: float) -> None:
    before = weights[matrix]
    weights[matrix] = changed = before.copy()
    changed[:, index] *= factor
    if value:
        weights[bias] = (weights[bias] + before[:, index].astype(np.float64) * value).astype(np.float32)
