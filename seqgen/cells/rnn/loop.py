"""A simple recurrent layer on a CPU in bfloat16, as a loop over tokens with its own gradient.

A token is one product, to which the input product is added inside, and one call of φ.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqgen.cells import INPUT, RECURRENT, TrainingLoop
from seqgen.cells._products import HALF, lay_out, linear, product

NARROWEST = 1


def inputs(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """(…, H) bfloat16: the input product of x (…, I), with both biases."""
    return linear(x, weights[INPUT[0]], weights[INPUT[1]] + weights[RECURRENT[1]])


def run(
    x: Tensor, weights: Mapping[str, Tensor], state: tuple[Tensor, ...], tanh: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over a window.

    Args:
        x: (T, B, H) what `inputs` gives.
        weights: The layer's, of which the recurrent one (H, H) is used.
        state: h before the window, (B, H) float32.
        tanh: Whether φ is that, or the positive part.

    Returns:
        The hidden states (T, B, H) bfloat16, and the state after the window, float32.
    """
    out: Tensor = _Loop.apply(x, *state, weights[RECURRENT[0]], tanh)  # type: ignore[no-untyped-call]
    return out, (out[-1].float(),)


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, h0: Tensor, weight: Tensor, tanh: bool) -> Tensor:
        steps, batch, units = x.shape
        laid_out = lay_out(weight, batch)
        hidden = torch.empty(steps + 1, batch, units, dtype=HALF)
        hidden[0] = h0
        h = hidden.unbind(0)
        for t, into in enumerate(x.unbind(0)):
            total = product(h[t], into, laid_out)
            if tanh:
                torch.tanh(total, out=h[t + 1])
            else:
                torch.clamp_min(total, 0, out=h[t + 1])
        ctx.save_for_backward(weight, hidden)
        ctx.tanh = tanh
        return hidden[1:].clone()

    @staticmethod
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        weight, hidden = ctx.saved_tensors
        steps, batch, units = d_out.shape
        laid_out = lay_out(weight.t().contiguous(), batch)
        d_x = torch.empty_like(d_out)
        h, outs = hidden.unbind(0), d_out.unbind(0)
        nothing = torch.zeros_like(outs[0])
        dh = outs[-1]
        for t in reversed(range(steps)):
            if ctx.tanh:
                step = torch.ops.aten.tanh_backward.grad_input(dh, h[t + 1], grad_input=d_x[t])
            else:
                step = torch.ops.aten.threshold_backward.grad_input(dh, h[t + 1], 0, grad_input=d_x[t])
            dh = product(step, outs[t - 1] if t else nothing, laid_out)
        d_weight = torch.mm(d_x.view(-1, units).t(), hidden[:-1].view(-1, units)).float()
        return d_x, dh.float(), d_weight, None


LOOPS = {name: TrainingLoop(inputs, partial(run, tanh=name == "tanh"), NARROWEST) for name in ("tanh", "relu")}
