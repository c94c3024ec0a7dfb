"""A network over one text: every cell at every token, and what it expects to come next. numpy alone, no torch."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.cells import Array, Parts
from seqgen.checkpoint import Checkpoint
from seqgen.generation import Engine, Ids, load
from seqgen.generation.memory import Beside
from seqgen.memories import PREFIX

LIKELIEST = 5
BLOCK = 256  # tokens whose logits are kept at once
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened at each of T tokens; those that frame the document are read first and are not among them.

    Attributes:
        checkpoint: The network.
        ids: (T,) the tokens.
        inputs: (T, E) what the first layer reads: their embeddings, as a memory before the layers changes them.
        cells: Per layer the parts of its state after each token, (T, H) each.
        before: The same before the first token, (H,) each.
        next_ids: (T, 5) the likeliest tokens after each.
        next_chances: (T, 5) how likely.
        surprise: (T,) nats of each token, given those before it.
        entropy: (T,) nats of what is expected after each.
    """

    checkpoint: Checkpoint
    ids: NDArray[np.int64]
    inputs: Floats
    cells: list[tuple[Floats, ...]]
    before: list[tuple[Floats, ...]]
    next_ids: NDArray[np.int64]
    next_chances: Floats
    surprise: Floats
    entropy: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def gates(self) -> list[dict[str, Array]]:
        """Per layer its gates by name, (T, H) each; empty where the cell has none."""
        cell, found = self.checkpoint.cell, []
        x: Array = self.inputs
        for layer, parts in enumerate(self.cells):
            weights = self._weights(layer)
            earlier: Parts = tuple(
                np.concatenate([first[None], part[:-1]]) for first, part in zip(self.before[layer], parts)
            )
            found.append(cell.gates(weights, x, earlier))
            x = _given_out(self.checkpoint, weights, x, earlier, parts)
        return found

    def _weights(self, layer: int) -> dict[str, NDArray[Any]]:
        prefix = f"layers.{layer}."
        given = self.checkpoint.weights
        return {name.removeprefix(prefix): weight for name, weight in given.items() if name.startswith(prefix)}


def _given_out(
    checkpoint: Checkpoint, weights: dict[str, NDArray[Any]], x: Array, earlier: Parts, parts: Parts
) -> Array:
    """(T, H) what a layer gave out: its hidden state, or for cells that make more of it what their step says."""
    y, after = checkpoint.cell.step(weights, x[:1], tuple(part[:1] for part in earlier))
    if np.array_equal(y, after[0]):
        return parts[0]
    return checkpoint.cell.step(weights, x, earlier)[0]


def trace(checkpoint: Checkpoint, ids: Ids, frame: Ids) -> Trace:
    """Read a text token by token.

    Args:
        checkpoint: The network.
        ids: (T,) the text, T ≥ 1.
        frame: (n,) what stands before it, n ≥ 1.
    """
    text = np.concatenate([frame, ids]).astype(np.int64)
    inputs = _embedded(checkpoint, text)
    engine, read = _engine(checkpoint, inputs, text)
    logits, state = engine.prefill(read[: len(frame)], engine.start(1))
    before = [tuple(part[0].copy() for part in parts) for parts in engine.cells(state)]
    shape = [tuple(np.empty((len(ids), *part.shape), np.float32) for part in parts) for parts in before]
    blocks, scores = [], _log_softmax(logits)
    for begin in range(0, len(ids), BLOCK):
        own = ids[begin : begin + BLOCK].astype(np.int64)
        rows = np.empty((len(own), logits.shape[1]), np.float32)
        for place in range(len(own)):
            at = len(frame) + begin + place
            logits, state = engine.step(read[at : at + 1], state)
            rows[place] = logits[0]
            for kept, parts in zip(shape, engine.cells(state)):
                for into, part in zip(kept, parts):
                    into[begin + place] = part[0]
        after = _log_softmax(rows)
        earlier = np.concatenate([scores[-1:], after[:-1]])
        blocks.append((*_expected(after), -earlier[np.arange(len(own)), own]))
        scores = after
    next_ids, next_chances, entropy, surprise = (np.concatenate(parts) for parts in zip(*blocks))
    shown = inputs[len(frame) :]
    return Trace(checkpoint, ids.astype(np.int64), shown, shape, before, next_ids, next_chances, surprise, entropy)


def _embedded(checkpoint: Checkpoint, text: NDArray[np.int64]) -> Floats:
    """(N, E) what the first layer reads of (N,) tokens."""
    rows = np.asarray(checkpoint.weights["embedding.weight"], np.float32)[text]
    beside = Beside(checkpoint.settings, checkpoint.weights)
    if beside.on_input:
        kept = beside.start(1)
        for place in range(len(text)):
            rows[place : place + 1], kept = beside.before(rows[place : place + 1], text[place : place + 1], kept)
    return rows


def _engine(checkpoint: Checkpoint, inputs: Floats, text: NDArray[np.int64]) -> tuple[Engine[Any], NDArray[np.int64]]:
    """An engine, and the ids with which it reads the text.

    A memory before the layers is slow token by token, and gates want what it made, too. So its work is done once, and
    each token of the text becomes a word of its own, whose embedding is what the first layer reads.
    """
    settings, weights = checkpoint.settings, checkpoint.weights
    memory = settings.made_memory()
    if memory is None or memory.side == "output":
        return load("numpy", checkpoint.cell, settings, weights), text
    embedding = np.asarray(weights["embedding.weight"], np.float32)
    own: dict[str, NDArray[Any]] = {name: weights[name] for name in weights if not name.startswith(PREFIX)}
    own["embedding.weight"] = inputs
    if settings.projected:
        own["output.weight"] = embedding @ np.asarray(own.pop("projection.weight"), np.float32)
    elif settings.tied:
        own["output.weight"] = embedding
    plain = replace(settings, memory=None, tied=False)
    return load("numpy", checkpoint.cell, plain, own), np.arange(len(text))


def _expected(scores: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The likeliest tokens of (n, V) log-probabilities, their chances, (n, 5) each, and (n,) the entropy."""
    chances, count = np.exp(scores), min(LIKELIEST, scores.shape[1])
    best = np.argpartition(-chances, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(chances, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, 1)
    return best, np.take_along_axis(chances, best, 1), -(chances * scores).sum(axis=1)


def _log_softmax(logits: Floats) -> Floats:
    """Of (n, V)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
