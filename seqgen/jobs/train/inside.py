"""What goes on inside a model while it trains: gates, gradients and neighbours of tokens at each validation.

Each is a line of `inside.jsonl` in the run folder: the step, for each gate the mean shares of (left-saturated,
right-saturated) units, the norm of each layer's gradient on a short held-out text, and for the commonest tokens those
whose embeddings are nearest by cosine. It is written where a page is asked for, and takes nothing of the run's chance.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from seqgen.checkpoint import Checkpoint
from seqgen.inside.gates import saturation
from seqgen.inside.seen import token_names
from seqgen.inside.trace import trace
from seqgen.jobs.train.watching import INSIDE_FILE
from seqgen.training.run import Run

TOKENS = 200  # that are looked at
COMMON, NEAR = 12, 3  # tokens that are shown, and neighbours of each
Row = dict[str, object]


class InsideLog:
    """The lines of a run, one JSON object each.

    Args:
        folder: The run folder; it may not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INSIDE_FILE

    def keep(self, row: Row) -> None:
        """Append a line."""
        with self.path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")


def looker(run: Run) -> Callable[[int], Row]:
    """What is seen of the model as it stands at a step."""
    ids = run.validation.ids[:TOKENS].astype(np.int64)
    counts = np.bincount(run.stream.ids[:1_000_000].astype(np.int64), minlength=run.tokenizer.vocab_size)
    common = np.argsort(-counts[: run.tokenizer.document_id], kind="stable")[:COMMON].tolist()
    names = token_names(run.tokenizer)

    def look(step: int) -> Row:
        checkpoint = run.checkpoint({})
        gates = saturation(trace(checkpoint, ids, run.tokenizer.frame()))
        shares = {
            f"layer {each.layer}, {each.gate}": [round(float(each.left.mean()), 4), round(float(each.right.mean()), 4)]
            for each in gates
        }
        near = _neighbours(checkpoint, common, counts > 0)
        return {
            "step": step,
            "gates": shares,
            "gradients": _norms(checkpoint, ids),
            "neighbours": [[names[token], *(names[other] for other in others)] for token, others in near],
        }

    return look


def _norms(checkpoint: Checkpoint, ids: np.ndarray) -> dict[str, float]:
    """The norm of the loss's gradient by the weights of each layer, the embedding and the rest."""
    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn before they are replaced
        network = checkpoint.network()
    frame = checkpoint.tokenizer.frame().astype(np.int64)
    tokens = torch.from_numpy(np.concatenate([frame, ids]))[None]
    logits, _ = network(tokens[:, :-1], network.initial_state(1))
    loss = torch.nn.functional.cross_entropy(logits[0], tokens[0, 1:])
    torch.autograd.backward(loss)
    squares: dict[str, float] = {}
    for name, weight in network.named_parameters():
        parts = name.split(".")
        group = f"layer {int(parts[1]) + 1}" if parts[0] == "layers" else parts[0]
        if weight.grad is not None:
            squares[group] = squares.get(group, 0.0) + float(weight.grad.square().sum())
    return {group: float(f"{total**0.5:.5g}") for group, total in squares.items()}


def _neighbours(checkpoint: Checkpoint, common: list[int], seen: np.ndarray) -> list[tuple[int, list[int]]]:
    """Tokens, and those whose embeddings are nearest, of tokens that training sees."""
    table = np.asarray(checkpoint.weights["embedding.weight"], np.float64)
    table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    found = []
    for token in common:
        likeness = np.where(seen[: len(table)], table @ table[token], -np.inf)
        likeness[[token, *range(checkpoint.tokenizer.document_id, len(table))]] = -np.inf
        found.append((token, np.argsort(-likeness, kind="stable")[:NEAR].tolist()))
    return found
