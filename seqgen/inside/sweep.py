"""Every cell over a long text, block by block: the text is cut into equal stretches that are read side by side.

Each stretch but the first is read from WARM tokens before its beginning, so that its cells know what came before; where
a memory stands before the layers, from as many as it keeps. A memory behind the layers changes no cell.
Where torch and a processor with bfloat16 are there, a cell's training loop is used, whose products are quicker;
correlations change by some thousandths.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.generation import Ids, load

if TYPE_CHECKING:
    from torch import Tensor

STREAMS = 128
WARM = 200
BLOCK = 64  # tokens of each stretch at once
FEW = 4_000  # tokens up to which one stretch is read alone

Block = tuple[NDArray[np.int64], NDArray[np.float32]]


def sweep(checkpoint: Checkpoint, ids: Ids, quick: bool = True) -> Iterator[Block]:
    """((n,) places in the text, (n, C) what C = layers · parts · H numbers were there), every place once.

    The columns stand by layer, then by part of the state, then by cell. Of the memory of an LSTM its tanh is given.
    A block is overwritten by the next one: copy what is to be kept.

    Args:
        checkpoint: The network.
        ids: (N,) the text, N ≥ 1, without what frames it.
        quick: Whether the quicker products may be used.
    """
    warm = _warm(checkpoint)
    streams = 1 if len(ids) <= FEW else min(STREAMS, max(1, len(ids) // (4 * warm)))
    length = -(-len(ids) // streams)
    begins = np.arange(streams) * length
    starts = np.maximum(begins - warm, 0)
    frame = checkpoint.tokenizer.frame().astype(np.int64)
    text = np.concatenate([ids.astype(np.int64), np.full(length + warm, ids[-1])])
    total = length + (warm if streams > 1 else 0)
    rows = np.stack([text[start : start + total] for start in starts])  # (S, total); the first has no time to warm
    blocks = (
        _by_loop(checkpoint, frame, rows) if quick and _has_loop(checkpoint) else _by_steps(checkpoint, frame, rows)
    )
    done = 0
    for block in blocks:  # (T, S, C)
        places = starts[None, :] + done + np.arange(len(block))[:, None]
        ends = np.minimum(begins + length, len(ids))
        wanted = (places >= begins) & (places < ends)
        flat = block.reshape(-1, block.shape[-1])
        yield (places.ravel(), flat) if wanted.all() else (places[wanted], flat[wanted.ravel()])
        done += len(block)


def _warm(checkpoint: Checkpoint) -> int:
    """How many tokens before a stretch are read."""
    memory = checkpoint.settings.made_memory()
    return WARM if memory is None or memory.side == "output" else max(WARM, memory.length)


def columns(checkpoint: Checkpoint) -> list[tuple[int, str, int]]:
    """(layer, part, cell) of each column, layers and cells from 1."""
    settings, cell = checkpoint.settings, checkpoint.cell
    return [
        (layer, part, number)
        for layer in range(1, settings.layers + 1)
        for part, size in zip(cell.parts, cell.state(settings.hidden))
        for number in range(1, size + 1)
    ]


def _by_steps(checkpoint: Checkpoint, frame: Ids, rows: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    engine = load("numpy", checkpoint.cell, checkpoint.settings, checkpoint.weights)
    _, state = engine.prefill(frame, engine.start(1))
    state = engine.select(state, [0] * len(rows))
    for begin in range(0, rows.shape[1], BLOCK):
        found = []
        for column in rows[:, begin : begin + BLOCK].T:
            _, state = engine.step(column, state)
            layers = engine.cells(state)
            found.append(
                np.concatenate([_shown(part, number) for parts in layers for number, part in enumerate(parts)], axis=1)
            )
        yield np.stack(found)


def _shown(part: Any, number: int) -> Any:
    """A part of the state as it is shown: the first as it is, a memory by its tanh."""
    return part if number == 0 else np.tanh(part)


def _has_loop(checkpoint: Checkpoint) -> bool:
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    loop = checkpoint.cell.training_loop()
    return loop is not None and (loop.traced is not None or len(checkpoint.cell.parts) == 1)


def _by_loop(checkpoint: Checkpoint, frame: Ids, rows: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    import torch

    network = checkpoint.network()
    loop = checkpoint.cell.training_loop()
    assert loop is not None
    layers = [dict(layer.named_parameters()) for layer in network.layers]
    with torch.inference_mode():
        _, state = network.features(torch.from_numpy(frame)[None], network.initial_state(1))
        states = [tuple(part.expand(len(rows), -1).contiguous() for part in parts) for parts in state]
        memory = network.memory if network.beside is not None and network.beside.side == "input" else None
        table = network.embedding.weight if memory is not None else loop.inputs(network.embedding.weight, layers[0])
        whole = torch.empty(BLOCK, len(rows), len(columns(checkpoint)))
        for begin in range(0, rows.shape[1], BLOCK):
            tokens = torch.from_numpy(rows[:, begin : begin + BLOCK].T.copy())
            x = torch.nn.functional.embedding(tokens, table)
            found, done = whole[: len(tokens)], 0
            if memory is not None:
                x, states[-1] = memory(x, tokens, states[-1])
            for number, weights in enumerate(layers):
                x = x if number == 0 and memory is None else loop.inputs(x, weights)
                if loop.traced is None:
                    out, states[number] = loop.run(x, weights, states[number])
                    parts: tuple[Tensor, ...] = (out,)
                else:
                    parts, states[number] = loop.traced(x, weights, states[number])
                x = parts[0]
                for part_number, part in enumerate(parts):
                    found[..., done : done + part.shape[-1]] = torch.tanh(part) if part_number else part
                    done += part.shape[-1]
            yield found.numpy()
