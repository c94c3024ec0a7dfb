"""Which of the past a prediction hangs on: gradient × input, and integrated gradients.

    gradient × input        x_i ∂S/∂x_i                                   (Li, Chen, Hovy & Jurafsky 2016 show |∂S/∂x|)
    integrated gradients    (x_i − x'_i) ∫₀¹ ∂S/∂x_i (x' + α (x − x')) dα  (Sundararajan, Taly & Yan 2017)

x are token embeddings, S is the log-probability of the token that is explained; the baseline x' is zero. The integral
is taken by Gauss–Legendre quadrature, panel by panel: over each the attributions must add up to the difference of S at
its ends, so that a panel says itself whether it is to be halved. All add up to S(x) − S(x'), to an error that is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen.inside.trace import Trace
from seqgen.inside.unrolled import embedded, run
from seqgen.models.network import RecurrentLM, State
from seqgen.render.heat import Heat
from seqgen.render.report import SectionPart, Text

PAST = 40  # tokens before a prediction that are looked at
TARGETS = 40  # predictions of the heat map of source × target
READ = 1000  # tokens that are read again, at most
PANELS = 4  # of the integral to begin with; those whose sum is off are halved: gradients of a long past are rough
NODES = 9  # of a panel, an odd number: its middle is one of them
TOGETHER = 16  # panels side by side
MOST = 96  # panels in all
PANEL_ERROR = 0.001  # of a panel's sum, as a share of the whole difference
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attribution:
    """What one prediction hangs on.

    Attributes:
        names: (T,) the past, the last token first predicted from.
        target: The token that is explained.
        chance: Its probability.
        by_dimension: (E, T) gradient × input, by dimension of the embedding.
        integrated: (T,) integrated gradients, summed over dimensions.
        difference: S(x) − S(x').
        error: |sum of `integrated` − difference| / |difference|.
    """

    names: Sequence[str]
    target: str
    chance: float
    by_dimension: Values
    integrated: Values
    difference: float
    error: float


@dataclass(frozen=True, eq=False)
class Saliency:
    """One prediction in full, and the past of many.

    Attributes:
        one: The prediction.
        names: (N,) the tokens that are predicted, which are the sources, too.
        across: (N, N) the norm of ∂S_j/∂x_i for source i (row) and target j (column); 0 where i ≥ j.
    """

    one: Attribution
    names: Sequence[str]
    across: Values

    name = "saliency"
    title = "Saliency"

    def parts(self) -> list[SectionPart]:
        """The heat maps of Li et al."""
        one, names = self.one, list(self.one.names)
        best = int(np.abs(one.integrated).argmax())
        back = len(names) - best
        return [
            Text(
                f"What the prediction of {one.target!r} (chance {one.chance:.2f}) hangs on: most on {names[best]!r}, "
                f"{back} {'token' if back == 1 else 'tokens'} before. Blue speaks for it, red against."
            ),
            Heat("Integrated gradients, token by token", one.integrated[None], ["sum"], names, "", "the past"),
            Text(
                f"They add up to {float(one.integrated.sum()):.4f}; the log-probability differs from that of an empty "
                f"past by {one.difference:.4f} ({100 * one.error:.2g} % off)."
            ),
            Heat("Gradient × input, dimension × time", one.by_dimension, (), names, "dimension", "the past"),
            Heat(
                "Source × target: how much each token sways the later ones",
                self.across,
                self.names,
                self.names,
                "source",
                "target",
            ),
        ]

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        one = self.one
        return {
            "target": one.target,
            "chance": round(one.chance, 6),
            "past": list(one.names),
            "gradient_x_input": [round(float(value), 6) for value in one.by_dimension.sum(axis=0)],
            "integrated_gradients": [round(float(value), 6) for value in one.integrated],
            "difference": round(one.difference, 6),
            "error": float(f"{one.error:.3g}"),
        }


def saliency(seen: Trace, frame: Sequence[int], names: Sequence[str], at: int) -> Saliency:
    """What the prediction of the token at a place hangs on, and those around it.

    Args:
        seen: The text.
        frame: What stands before it.
        names: (V,) token names.
        at: The place of the token that is explained, 1 or later.
    """
    network, ids = seen.checkpoint.network().requires_grad_(False), seen.ids.tolist()
    begin = max(0, at - PAST)
    past, state = ids[begin:at], _state(network, seen, frame, begin)
    target = torch.tensor([ids[at]])
    one = attribution(network, torch.tensor([past]), target, state, [names[token] for token in past], names[ids[at]])
    first = max(0, at + 1 - TARGETS)
    shown, before = ids[first : at + 1], _state(network, seen, frame, first)
    return Saliency(one, [names[token] for token in shown], across(network, before, shown))


def _state(network: RecurrentLM, seen: Trace, frame: Sequence[int], place: int) -> State:
    """The state before the token at a place: as the trace has it, or where a memory has one too, read again."""
    if network.beside is None:
        parts = [tuple(part[place - 1] for part in layer) for layer in seen.cells] if place else seen.before
        return tuple(tuple(torch.from_numpy(part)[None] for part in layer) for layer in parts)
    with torch.no_grad():
        read = torch.tensor([[*frame, *seen.ids[max(0, place - READ) : place].tolist()]])
        _, state = network(read, network.initial_state(1))
    found: State = state
    return found


def attribution(
    network: RecurrentLM, past: Tensor, target: Tensor, state: State, names: Sequence[str], name: str
) -> Attribution:
    """Both attributions of one prediction.

    Args:
        network: In any precision.
        past: (1, T) ids.
        target: (1,) the token that is explained.
        state: Before the past, which is not looked into.
        names, name: Of the past and of the target.
    """
    x = embedded(network, past)
    score = _scores(network, x, past, target, state)
    gradient = torch.autograd.grad(score.sum(), x)[0]
    by_dimension = (x.detach() * gradient)[:, 0].t().numpy()
    integrated, difference, error = integrate(network, past, target, state)
    return Attribution(
        names, name, float(score.detach().exp()), by_dimension, integrated.sum(axis=1), difference, error
    )


def integrate(network: RecurrentLM, past: Tensor, target: Tensor, state: State) -> tuple[Values, float, float]:
    """((T, E) integrated gradients, S(x) − S(0), the relative error of their sum)."""
    x, borders = embedded(network, past).detach(), [share / PANELS for share in range(PANELS + 1)]
    with torch.no_grad():
        ends = _scores(network, x * _row(borders), past, target, state).tolist()
    difference = ends[-1] - ends[0]
    panels = [_Panel(*each) for each in zip(borders, borders[1:], ends, ends[1:])]
    total, left = torch.zeros_like(x[:, 0]), MOST
    while panels:
        wide, left = min(len(panels), TOGETHER), left - min(len(panels), TOGETHER)
        again = []
        for panel, (part, middle) in zip(panels[:wide], _integrals(network, x, past, target, state, panels[:wide])):
            off = abs(part.sum().item() - (panel.after - panel.before))
            if off > PANEL_ERROR * abs(difference) and left > 0:
                again += panel.halves(middle)
            else:
                total += part
        panels = [*panels[wide:], *again]
    found = total.numpy()
    return found, difference, abs(float(found.sum()) - difference) / max(abs(difference), 1e-12)


class _Panel(NamedTuple):
    """A stretch of the way from the baseline to the text, and S at its ends."""

    begin: float
    end: float
    before: float
    after: float

    def halves(self, middle: float) -> "list[_Panel]":
        """Both halves, S being `middle` between them."""
        centre = (self.begin + self.end) / 2
        return [_Panel(self.begin, centre, self.before, middle), _Panel(centre, self.end, middle, self.after)]


def _integrals(
    network: RecurrentLM, x: Tensor, past: Tensor, target: Tensor, state: State, panels: Sequence[_Panel]
) -> list[tuple[Tensor, float]]:
    """Of each panel ((T, E) what it adds to the integrated gradients, S at its middle)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    shares = [each.begin + (each.end - each.begin) * (node + 1) / 2 for each in panels for node in nodes.tolist()]
    sizes = [(each.end - each.begin) * weight / 2 for each in panels for weight in weights.tolist()]
    scaled = (x * _row(shares)).requires_grad_(True)  # (T, panels · NODES, E)
    scores = _scores(network, scaled, past, target, state)
    slopes = torch.autograd.grad(scores.sum(), scaled)[0] * _row(sizes)
    parts = (slopes.reshape(len(x), len(panels), NODES, -1).sum(dim=2) * x).unbind(dim=1)
    return list(zip(parts, scores.detach()[NODES // 2 :: NODES].tolist()))


def _row(values: Sequence[float]) -> Tensor:
    """(1, N, 1) numbers, one a stream; float32, which is exact enough for networks of either precision."""
    return torch.tensor(values)[None, :, None]


def across(network: RecurrentLM, state: State, ids: Sequence[int]) -> Values:
    """(N, N) the norm of the gradient of each target's log-probability by each source's embedding."""
    count = len(ids)
    tokens = torch.tensor([list(ids)]).expand(count, -1)  # a stream for each target
    x = embedded(network, tokens)
    logits, _ = run(network, x, tokens, _widened(state, count))
    target = torch.arange(1, count)
    scores = torch.log_softmax(logits[target - 1, target], -1).gather(1, tokens[0, 1:, None])
    slopes = torch.autograd.grad(scores.sum(), x)[0]  # streams do not see one another
    return np.asarray(slopes.norm(dim=-1).numpy())


def _widened(state: State, count: int) -> State:
    """The state of one stream as that of several."""
    return tuple(tuple(part.expand(count, -1) for part in parts) for parts in state)


def _scores(network: RecurrentLM, x: Tensor, ids: Tensor, target: Tensor, state: State) -> Tensor:
    """(N,) the log-probability of the target after embeddings x (T, N, E) of the same ids (1, T), from one state."""
    count = x.shape[1]
    logits, _ = run(network, x, ids.expand(count, -1), _widened(state, count))
    return torch.log_softmax(logits[-1], -1)[:, target[0]]
