"""A GRU layer on a CPU in bfloat16, as a loop over tokens with its own gradient.

The reset gate acts on u = U_n h + b. Gates and the hidden state that is carried are float32, what is multiplied by the
weights is bfloat16, as in mixed-precision training everywhere.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqgen.cells import INPUT, RECURRENT, TrainingLoop
from seqgen.cells._products import HALF, lay_out, linear, product

NARROWEST = 1

_sigmoid_backward = torch.ops.aten.sigmoid_backward
_tanh_backward = torch.ops.aten.tanh_backward


def inputs(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """(…, 4H) bfloat16: of x (…, I) what the gates r and z take, the recurrent bias of u, what the candidate takes."""
    both, own = weights[INPUT[1]], weights[RECURRENT[1]]
    units = len(both) // 3
    bias = torch.cat((both[: 2 * units] + own[: 2 * units], both[2 * units :]))
    made = linear(x, weights[INPUT[0]], bias)
    inner = own[2 * units :].to(HALF).expand(*made.shape[:-1], units)
    return torch.cat((made[..., : 2 * units], inner, made[..., 2 * units :]), -1)


def run(x: Tensor, weights: Mapping[str, Tensor], state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over a window.

    Args:
        x: (T, B, 4H) what `inputs` gives.
        weights: The layer's, of which the recurrent one (3H, H) is used.
        state: h before the window, (B, H) float32.

    Returns:
        The hidden states (T, B, H) bfloat16, and the state after the window, float32.
    """
    weight = weights[RECURRENT[0]]
    units = weight.shape[1]
    gates, candidate = x[..., : 3 * units].contiguous(), x[..., 3 * units :].contiguous()
    out, h = _Loop.apply(gates, candidate, *state, weight)  # type: ignore[no-untyped-call]
    return out, (h,)


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, x_n: Tensor, h0: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        steps, batch, units = x_n.shape
        laid_out = lay_out(weight, batch)
        gates, new = torch.empty(steps, batch, 3 * units), torch.empty(steps, batch, units)
        state, hidden = torch.empty(steps + 1, batch, units), torch.empty(steps + 1, batch, units, dtype=HALF)
        state[0] = hidden[0] = h0
        h, half, blocks = state.unbind(0), hidden.unbind(0), _blocks(gates)
        for t, (into, take, all_gates, n) in enumerate(zip(x.unbind(0), x_n.unbind(0), gates.unbind(0), new.unbind(0))):
            r, z, u = blocks[t]
            all_gates.copy_(product(half[t], into, laid_out))
            all_gates[:, : 2 * units].sigmoid_()
            torch.mul(r, u, out=n).add_(take).tanh_()
            torch.lerp(n, h[t], z, out=h[t + 1])
            half[t + 1].copy_(h[t + 1])
        ctx.save_for_backward(weight, gates, new, state, hidden)
        return hidden[1:].clone(), state[-1].clone()

    @staticmethod
    def backward(ctx: Any, d_out: Tensor, d_last: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weight, gates, new, state, hidden = ctx.saved_tensors
        steps, batch, units = new.shape
        laid_out = lay_out(weight.t().contiguous(), batch)
        d_x = torch.empty(steps, batch, 3 * units, dtype=HALF)
        d_take = torch.empty(steps, batch, units, dtype=HALF)
        dh = d_out[-1].float() + d_last
        step, d_n, d_z = torch.empty(batch, 3 * units), torch.empty(batch, units), torch.empty(batch, units)
        d_r, d_zin, d_u = step.view(batch, 3, units).unbind(1)
        h, n, outs, blocks = state.unbind(0), new.unbind(0), d_out.unbind(0), _blocks(gates)
        nothing = torch.zeros_like(outs[0])
        for t in reversed(range(steps)):
            r, z, u = blocks[t]
            torch.sub(h[t], n[t], out=d_z).mul_(dh)
            _sigmoid_backward.grad_input(d_z, z, grad_input=d_zin)
            dh_kept = torch.mul(dh, z)
            _tanh_backward.grad_input(dh.sub_(dh_kept), n[t], grad_input=d_n)
            torch.mul(d_n, r, out=d_u)
            _sigmoid_backward.grad_input(torch.mul(d_n, u, out=d_z), r, grad_input=d_r)
            d_take[t].copy_(d_n)
            half = d_x[t].copy_(step)
            dh = dh_kept.add_(product(half, outs[t - 1] if t else nothing, laid_out))
        d_weight = torch.mm(d_x.view(-1, 3 * units).t(), hidden[:-1].view(-1, units)).float()
        return d_x, d_take, dh, d_weight


LOOP = TrainingLoop(inputs, run, NARROWEST)


def _blocks(gates: Tensor) -> list[tuple[Tensor, ...]]:
    """Per token r, z and u, (B, H) each, of (T, B, 3H)."""
    steps, batch, rows = gates.shape
    parts = gates.view(steps, batch, 3, rows // 3).unbind(2)
    return list(zip(*(part.unbind(0) for part in parts)))
