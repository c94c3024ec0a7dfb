"""How far back a loss reaches: ‖∂L_t/∂h_{t−k}‖ by lag k, in the model and in fresh networks beside it.

For windows of the text the loss of the last token alone is taken back through the states. Where the norm falls by a
constant factor a token, it vanishes (Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013); where it grows,
it explodes. Clipping scales the gradient of all weights down to a norm where it is larger; truncation leaves out what
lies before the window.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen import registry
from seqgen.cells import Cell
from seqgen.checkpoint import Checkpoint
from seqgen.errors import CorpusError
from seqgen.inside.unrolled import embedded, precise, run, windows
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM, State
from seqgen.render.curves import Curve, Series
from seqgen.render.report import SectionPart, Table, Text

LAGS = 100
WINDOWS = 4  # of which the mean is taken
BESIDE = ("rnn", "gru", "lstm")
UNITS = 128  # of fresh networks, at most: their gradients do not hang on more
LEAST = 1e-60  # of a norm that is told and drawn, in float64
CLIP = 1.0  # the norm that training clips at
SHORTER = (8, 32)  # tokens that truncation leaves
Norms = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ByLag:
    """One network's gradients.

    Attributes:
        name: Of the network.
        parts: Of a layer's state.
        norms: (layers, parts, LAGS + 1) the mean norm of ∂L_t/∂(that part at t − k), by layer, part and k.
        weights: (windows,) the norm of the gradient of all weights, before clipping.
        shares: Tokens kept → the cosine of the truncated gradient of all weights with the whole one.
    """

    name: str
    parts: tuple[str, ...]
    norms: Norms
    weights: Norms
    shares: dict[int, float]


@dataclass(frozen=True, eq=False)
class Gradients:
    """The model's gradients, and those of fresh networks of its shape on the same text."""

    model: ByLag
    fresh: Sequence[ByLag]

    name = "gradients"
    title = "Gradients"

    def parts(self) -> list[SectionPart]:
        """Curves by lag, and what they mean in words."""
        shown: list[SectionPart] = [Text(words(self.model)), _curve("The trained model, by layer", [self.model], True)]
        about = f"Before training, on the same text: fresh networks of {UNITS} units at most, side by side"
        shown += [_curve(about, self.fresh, False), *(Text(words(each)) for each in self.fresh)]
        rows = tuple(
            (each.name, float(each.weights.mean()), float(each.weights.max()), float((each.weights > CLIP).mean()))
            for each in (self.model, *self.fresh)
        )
        columns = ("network", "mean norm", "largest norm", f"share clipped at {CLIP:g}")
        shown.append(
            Table(columns, rows, "Clipping: the norm of the gradient of all weights, one token's loss at a time")
        )
        kept = sorted(self.model.shares)
        cosines = tuple((each.name, *(each.shares[count] for count in kept)) for each in (self.model, *self.fresh))
        about = "Truncation: how far the gradient points the same way when only so many tokens are gone back (cosine)"
        return [*shown, Table(("network", *(f"{count} tokens" for count in kept)), cosines, about)]

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {each.name: _json(each) for each in (self.model, *self.fresh)}


def gradients(checkpoint: Checkpoint, ids: Sequence[int], frame: Sequence[int]) -> Gradients:
    """Gradients over a text.

    Args:
        checkpoint: The model.
        ids: The text, of which windows from all over are taken.
        frame: What stands before it.

    Raises:
        CorpusError: The text is too short.
    """
    settings, size = checkpoint.settings, checkpoint.tokenizer.vocab_size
    found = by_lag(f"trained {checkpoint.model}", precise(checkpoint), [*frame, *ids])
    fresh = []
    for name in BESIDE:
        cell = registry.load("cells", name)()
        fresh.append(by_lag(f"fresh {name}", fresh_network(cell, settings, size), [*frame, *ids]))
    return Gradients(found, fresh)


def fresh_network(cell: Cell, settings: ModelSettings, vocab_size: int, seed: int = 1) -> RecurrentLM:
    """A network with weights as training begins with, in float64; the same for the same seed."""
    units = min(settings.hidden, UNITS)
    plain = ModelSettings(units, settings.layers, min(settings.embedding_size, UNITS), settings.tied)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RecurrentLM(cell, plain, vocab_size).double().eval()


def by_lag(name: str, network: RecurrentLM, ids: Sequence[int], lags: int = LAGS, count: int = WINDOWS) -> ByLag:
    """The gradients of one network over windows of a text.

    Raises:
        CorpusError: The text is shorter than three tokens.
    """
    lags = min(lags, len(ids) - 2)
    if lags < 1:
        raise CorpusError("gradients need a text of three tokens at least", "give a longer one")
    ends = np.unique(np.linspace(lags, len(ids) - 2, count).astype(int)).tolist()
    tokens = windows(ids, ends, lags + 1)  # (B, lags + 1)
    targets = torch.tensor([ids[end + 1] for end in ends])
    norms = state_norms(network, tokens, targets)
    # Norms and directions of all weights at once are shown to some digits: half the precision is half the time.
    weights, shares = _of_weights(copy.deepcopy(network).float(), tokens[:2], targets[:2])
    return ByLag(name, network.cell.parts, norms, weights, shares)


def state_norms(network: RecurrentLM, tokens: Tensor, targets: Tensor) -> Norms:
    """(layers, parts, T) the mean norm of the last token's loss by the states k tokens before, for k = 0 … T − 1.

    Args:
        network: Any.
        tokens: (B, T) ids.
        targets: (B,) what follows the last.
    """
    x = embedded(network, tokens)
    logits, nodes = run(network, x, tokens, network.initial_state(len(tokens)), nodes=True)
    loss = torch.nn.functional.cross_entropy(logits[-1], targets, reduction="sum")  # rows do not see one another
    torch.autograd.backward(loss)
    found = [[[_norm(parts[part]) for parts in reversed(layer)] for part in range(len(layer[0]))] for layer in nodes]
    return np.array(found)


def _norm(part: Tensor) -> float:
    return 0.0 if part.grad is None else float(part.grad.norm(dim=-1).mean())


def _of_weights(network: RecurrentLM, tokens: Tensor, targets: Tensor) -> tuple[Norms, dict[int, float]]:
    """The norms of the gradients of all weights, and the cosines of truncated ones with the whole."""
    network.requires_grad_(True)
    kept = [count for count in sorted(SHORTER) if count < tokens.shape[1]]
    norms, cosines = [], {count: list[float]() for count in kept}
    for row, target in zip(tokens, targets):
        *short, whole = _gradients(network, row[None], target[None], kept)
        norms.append(float(whole.norm()))
        for count, found in zip(kept, short):
            cosines[count].append(float(torch.nn.functional.cosine_similarity(found, whole, dim=0)))
    return np.array(norms), {count: float(np.mean(found)) for count, found in cosines.items()}


def _gradients(network: RecurrentLM, tokens: Tensor, target: Tensor, kept: Sequence[int]) -> list[Tensor]:
    """(N,) the gradients of all weights: truncated to the last so many tokens, rising numbers, and at last the whole.

    A truncated gradient is what the last tokens add to the whole. So the text is read once, in stretches, and taken
    back stretch by stretch, the sum being looked at after each.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    length = tokens.shape[1]
    begins = [0, *(length - count for count in reversed(kept))]
    state, stretches, handed = network.initial_state(1), [], list[Tensor]()
    for begin, end in pairwise([*begins, length]):
        before = tuple(tuple(part.detach().requires_grad_(True) for part in parts) for parts in state)
        logits, state = network(tokens[:, begin:end], before)
        stretches.append((_flat(before), _flat(state)))
    loss = torch.nn.functional.cross_entropy(logits[:, -1], target)
    total = torch.zeros(sum(weight.numel() for weight in weights)).to(logits)
    found: list[Tensor] = []
    for entering, leaving in reversed(stretches):
        if found:  # what the slopes hand on, as a number: to give them to autograd itself loads a large library
            loss = torch.stack([(part * slope).sum() for part, slope in zip(leaving, handed)]).sum()
        asked = [*weights, *entering]
        given = torch.autograd.grad(loss, asked, allow_unused=True)
        whole = [torch.zeros_like(each) if one is None else one for one, each in zip(given, asked)]
        total = total + torch.cat([one.reshape(-1) for one in whole[: len(weights)]])
        found.append(total)
        handed = whole[len(weights) :]
    return found


def _flat(state: State) -> list[Tensor]:
    return [part for parts in state for part in parts]


def words(found: ByLag) -> str:
    """Where the gradient vanishes or explodes."""
    first = found.norms[0].max(axis=0)
    last = len(first) - 1
    start, end = max(float(first[0]), LEAST), max(float(first[last]), LEAST)
    gone = np.flatnonzero(first < start * 1e-3)
    said = f"{found.name}: at lag {last} the gradient of the first layer is {end / start:.1e} of what it is at lag 0"
    if end > 10 * start:
        return f"{said}: it explodes."
    if len(gone):
        return f"{said}; from lag {int(gone[0])} on less than a thousandth is left: it vanishes."
    return f"{said}: it neither vanishes nor explodes within {last} tokens."


def _curve(title: str, networks: Sequence[ByLag], by_layer: bool) -> Curve:
    """Norms by lag on a logarithmic scale."""
    series = []
    for each in networks:
        for layer in range(len(each.norms)) if by_layer else (0,):
            for part, name in enumerate(each.parts):
                if not by_layer and part != len(each.parts) - 1:
                    continue
                norms = each.norms[layer, part]  # 0 where the loss does not see the part at all
                values = np.log10(np.where(norms > 0, np.maximum(norms, LEAST), np.nan))
                called = f"layer {layer + 1}, {name}" if by_layer else each.name
                series.append(Series(called, list(range(len(values))), values.tolist()))
    return Curve(title, tuple(series), x_label="lag k in tokens", y_label="log10 of the norm")


def _json(found: ByLag) -> dict[str, object]:
    norms = {
        f"layer{layer}:{part}": [float(f"{value:.4g}") for value in values]
        for layer, parts in enumerate(found.norms, 1)
        for part, values in zip(found.parts, parts)
    }
    weights = [float(f"{value:.4g}") for value in found.weights]
    return {
        "by_lag": norms,
        "weight_norms": weights,
        "truncated": {str(k): round(v, 4) for k, v in found.shares.items()},
    }
