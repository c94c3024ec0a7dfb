"""An LSTM layer on a CPU in bfloat16, as a loop over tokens with its own gradient.

Numbers are kept so that one function, the logistic σ, serves all: tanh(x) = 2σ(2x) − 1. With the candidate's weights
doubled, c' = 2c and τ = σ(c'), the cell is

    i, f, s, o = σ(W'x + U'h + b')
    c' ← f ∘ c' + 4 i ∘ (s − ½)
    h ← 2 o ∘ (τ − ½)

All factors are powers of two, hence exact in bfloat16. Memory cell and gates are float32, hidden states and products
bfloat16, as in mixed-precision training everywhere.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqgen.cells import INPUT, RECURRENT, TrainingLoop
from seqgen.cells._products import HALF, lay_out, linear, product

NARROWEST = 448  # hidden units from which on this is quicker than the library's layer on two threads

_sigmoid_backward = torch.ops.aten.sigmoid_backward


def doubled(weight: Tensor) -> Tensor:
    """A weight (4H, …) or bias (4H,) with the candidate's rows doubled."""
    i, f, g, o = weight.chunk(4)
    return torch.cat((i, f, g * 2, o))


def inputs(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """(…, 4H) bfloat16: the input product of x (…, I), with both biases."""
    bias = weights[INPUT[1]] + weights[RECURRENT[1]]
    return linear(x, doubled(weights[INPUT[0]]), doubled(bias))


def run(x: Tensor, weights: Mapping[str, Tensor], state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over a window.

    Args:
        x: (T, B, 4H) what `inputs` gives.
        weights: The layer's, of which the recurrent one (4H, H) is used.
        state: h and c before the window, (B, H) float32.

    Returns:
        The hidden states (T, B, H) bfloat16, and the state after the window, float32.
    """
    out, h, c = _Loop.apply(x, *state, doubled(weights[RECURRENT[0]]))  # type: ignore[no-untyped-call]
    return out, (h, c)


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, h0: Tensor, c0: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        steps, batch, rows = x.shape
        units = rows // 4
        laid_out = lay_out(weight * 2, batch)  # twice: the hidden state is kept halved, as o ∘ (τ − ½)
        gates = torch.empty(steps, batch, rows)
        cell = torch.empty(steps + 1, batch, units)
        squashed = torch.empty(steps, batch, units)  # τ
        hidden = torch.empty(steps + 1, batch, units, dtype=HALF)
        torch.mul(c0, 2, out=cell[0])
        hidden[0] = h0 / 2
        last = torch.empty(batch, units)
        c, h, blocks = cell.unbind(0), hidden.unbind(0), _blocks(gates)
        for t, (into, all_gates, tau) in enumerate(zip(x.unbind(0), gates.unbind(0), squashed.unbind(0))):
            all_gates.copy_(product(h[t], into, laid_out)).sigmoid_()
            h[t + 1].copy_(_advance(blocks[t], c[t], c[t + 1], tau, last))
        ctx.save_for_backward(weight, gates, cell, squashed, hidden)
        return hidden[1:] * 2, last * 2, cell[-1] / 2

    @staticmethod
    def backward(ctx: Any, d_out: Tensor, d_last: Tensor, d_cell: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weight, gates, cell, squashed, hidden = ctx.saved_tensors
        steps, batch, rows = gates.shape
        units = rows // 4
        scale = weight.new_tensor([4.0, 1.0, 4.0, 2.0]).repeat_interleave(units)  # what the gates' gradients lack
        laid_out = lay_out((weight * scale[:, None]).t().contiguous(), batch)
        d_gates = torch.empty(steps, batch, rows, dtype=HALF)
        dc = d_cell / 2
        dh = d_out[-1].float() + d_last
        d_input, d_tau = torch.empty(batch, rows), torch.empty(batch, units)
        d_i, d_f, d_s, d_o = d_input.view(batch, 4, units).unbind(1)
        c, taus, outs, blocks = cell.unbind(0), squashed.unbind(0), d_out.unbind(0), _blocks(gates)
        for t in reversed(range(steps)):
            i, f, s, o = blocks[t]
            _sigmoid_backward.grad_input(o, taus[t], grad_input=d_tau)
            dc.addcmul_(dh, d_tau, value=2)
            torch.mul(dc, s, out=d_i).sub_(dc, alpha=0.5)
            torch.mul(dc, c[t], out=d_f)
            torch.mul(dc, i, out=d_s)
            torch.mul(dh, taus[t], out=d_o).sub_(dh, alpha=0.5)
            step = d_gates[t].copy_(_sigmoid_backward(d_input, gates[t]))
            dc.mul_(f)
            dh.copy_(product(step, outs[t - 1] if t else torch.zeros_like(outs[0]), laid_out))
        flat = d_gates.view(steps * batch, rows)
        d_weight = torch.mm(flat.t(), hidden[:-1].view(steps * batch, units)).float().mul_(2 * scale[:, None])
        return d_gates * scale.to(HALF), dh, dc * 2, d_weight


def _advance(gates: tuple[Tensor, ...], before: Tensor, after: Tensor, tau: Tensor, last: Tensor) -> Tensor:
    """Half the hidden state, into `last`, of four gates and the doubled cell; all (B, H), the last three written to."""
    i, f, s, o = gates
    torch.mul(f, before, out=after).addcmul_(i, s, value=4).sub_(i, alpha=2)
    torch.sigmoid(after, out=tau)
    return torch.mul(o, tau, out=last).sub_(o, alpha=0.5)


def traced(
    x: Tensor, weights: Mapping[str, Tensor], state: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """As `run`, with hidden states and memory cells of all tokens, (T, B, H) each.

    Gates are those of one token at a time, which stay in the processor's cache.
    """
    steps, batch, rows = x.shape
    laid_out = lay_out(doubled(weights[RECURRENT[0]]) * 2, batch)
    gates = torch.empty(1, batch, rows)
    (blocks,) = _blocks(gates)
    hidden = torch.empty(steps + 1, batch, rows // 4, dtype=HALF)
    cell, tau, last = torch.empty(steps + 1, *state[1].shape), torch.empty_like(state[1]), torch.empty_like(state[1])
    torch.mul(state[1], 2, out=cell[0])
    hidden[0] = state[0] / 2
    c, h = cell.unbind(0), hidden.unbind(0)
    for t, into in enumerate(x.unbind(0)):
        gates[0].copy_(product(h[t], into, laid_out)).sigmoid_()
        h[t + 1].copy_(_advance(blocks, c[t], c[t + 1], tau, last))
    return (hidden[1:].mul_(2), cell[1:].div_(2)), (last * 2, cell[-1].clone())


LOOP = TrainingLoop(inputs, run, NARROWEST, traced)


def _blocks(gates: Tensor) -> list[tuple[Tensor, ...]]:
    """Per token the four gates, (B, H) each, of (T, B, 4H)."""
    steps, batch, rows = gates.shape
    parts = gates.view(steps, batch, 4, rows // 4).unbind(2)
    return list(zip(*(part.unbind(0) for part in parts)))
