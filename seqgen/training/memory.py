"""How many streams a device's memory holds: a rough count before the first step.

What it gets wrong the trainer mends: it halves the batch where memory runs out all the same.
"""

from seqgen.cells import Cell
from seqgen.models import ModelSettings, memory_size, parameters, weight_shapes

COPIES = 8  # of all weights: gradient, two moments, average, the last good state of these, a cast
CARRIED = 6  # copies of what a memory carries: before and after a step, in order, the last good state
PRODUCT, LOGIT, UNIT = 6, 14, 24  # bytes kept for the backward pass for each, a token
USED = 0.7  # of the free memory; the rest goes to workspaces and to what lies between allocations


def step_bytes(cell: Cell, shape: ModelSettings, vocab_size: int, batch: int, window: int) -> int:
    """About what a training step of `batch` streams holds at its peak, weights and optimizer included."""
    weights = 4 * COPIES * parameters(weight_shapes(cell, shape, vocab_size))
    hidden = shape.hidden
    rows = sum(each[0] for each in cell.weights(hidden, hidden).values() if len(each) > 1)  # of products with weights
    layer = PRODUCT * rows + UNIT * hidden
    token = shape.layers * layer + UNIT * shape.embedding_size + LOGIT * vocab_size
    memory = shape.made_memory()
    carried = 0 if memory is None else 4 * CARRIED * sum(memory.state(memory_size(memory, shape)))
    return weights + batch * (window * token + carried)


def fitting_batch(cell: Cell, shape: ModelSettings, vocab_size: int, batch: int, window: int, free: int) -> int:
    """`batch`, halved until a step fits into `free` bytes; 1 where even that does not."""
    while batch > 1 and step_bytes(cell, shape, vocab_size, batch, window) > USED * free:
        batch //= 2
    return batch
