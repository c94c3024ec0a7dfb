"""A torch network with its states as nodes of a graph: what gradients and saliency are taken through.

`RecurrentLM` runs a layer over all tokens in one call. Here it is called token by token, which computes the same, and
each token's embedding and states can be asked for their gradients. torch is imported here and in what uses this, and
nowhere else in this room but for quick products.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqgen.models.network import RecurrentLM, State

if TYPE_CHECKING:
    from seqgen.checkpoint import Checkpoint


def precise(checkpoint: "Checkpoint") -> RecurrentLM:
    """The checkpoint's network in float64, whose weights ask for no gradient."""
    network = checkpoint.network().double()
    return network.requires_grad_(False)


def embedded(network: RecurrentLM, ids: Tensor) -> Tensor:
    """(T, B, E) the token embeddings of (B, T) ids, as a leaf that takes a gradient."""
    return torch.nn.functional.embedding(ids.t(), network.embedding.weight).detach().requires_grad_(True)


def run(
    network: RecurrentLM, x: Tensor, ids: Tensor, state: State, nodes: bool = False
) -> tuple[Tensor, list[list[tuple[Tensor, ...]]]]:
    """The network from embeddings on.

    Args:
        network: In any precision.
        x: (T, B, E) token embeddings.
        ids: (B, T) the tokens, which a memory wants to know.
        state: Before the first.
        nodes: Whether the states between tokens are kept, as nodes of the graph.

    Returns:
        Logits (T, B, V), and per layer and token the parts of the state (B, H), if `nodes`.
    """
    layers = len(network.layers)
    at_input = network.beside is not None and network.beside.side == "input"
    if network.memory is not None and at_input:
        x, _ = network.memory(x, ids.t(), state[-1])
    kept: list[list[tuple[Tensor, ...]]] = []
    for layer, parts in zip(network.layers, state[:layers]):
        if not nodes:
            x, _ = layer(x, parts)
            continue
        out, own = [], []
        for token in torch.split(x, 1):
            y, parts = layer(token, parts)
            parts = tuple(_node(part) for part in parts)
            own.append(parts)
            # What the layer gives out is its first part, where it is no more than that: the node must be on the way.
            out.append(parts[0][None] if torch.equal(y[0], parts[0]) else y)
        x = torch.cat(out)
        kept.append(own)
    if network.memory is not None and not at_input:
        x, _ = network.memory(x, ids.t(), state[-1])
    return network.output(network.out(x)), kept


def _node(part: Tensor) -> Tensor:
    """The same values as a tensor that keeps its gradient."""
    part = part.clone()
    if part.requires_grad:
        part.retain_grad()
    return part


def windows(ids: Sequence[int], ends: Sequence[int], length: int) -> Tensor:
    """(B, length) the tokens up to and with each of `ends`."""
    return torch.tensor([list(ids[end + 1 - length : end + 1]) for end in ends])
