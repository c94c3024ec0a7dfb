"""A linear recurrence over a window, h_t = a_t ∘ h_{t−1} + b_t, with a gradient of its own.

On a CPU, tokens are gone through one after another, one call each: the least work, and it stays in the cache. Elsewhere
all tokens are scanned in parallel by doubling (Hillis & Steele 1986): after pass k each token holds what the 2^k tokens
up to it come to, so that log₂ T passes do. For 0 ≤ a ≤ 1 nothing grows and nothing is divided by, so that the scan
needs no logarithms.
"""

from typing import Any

import torch
from torch import Tensor


def full(x: Tensor) -> Tensor:
    """x in float32 where it is in half precision, which knows no number between 0.996 and 1: no long memory."""
    return x if x.dtype == torch.float64 else x.float()


def scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """All states (T, B, H) of the recurrence with a, b (T, B, H) from the state h (B, H); never in half precision."""
    found: Tensor = _Scan.apply(full(a), full(b), full(h))  # type: ignore[no-untyped-call]
    return found


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        states = run(a, b, h)
        ctx.save_for_backward(a, h, states)
        return states

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, h, states = ctx.saved_tensors
        # The gradient is such a recurrence too, from the last token to the first.
        after = torch.cat([torch.zeros_like(a[:1]), a[1:].flip(0)])
        d_b = run(after, d_states.flip(0), torch.zeros_like(h)).flip(0)
        return d_b * torch.cat([h[None], states[:-1]]), d_b, a[0] * d_b[0]


def run(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """The states, without a gradient."""
    return one_by_one(a, b, h) if a.device.type == "cpu" else by_doubling(a, b, h)


def one_by_one(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """The states, token after token."""
    states = torch.empty_like(b)
    for factor, addend, state in zip(a.unbind(0), b.unbind(0), states.unbind(0)):
        h = torch.addcmul(addend, factor, h, out=state)
    return states


def by_doubling(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """The states, all tokens at once."""
    steps, reach = len(a), 1
    b = torch.cat([torch.addcmul(b[:1], a[:1], h[None]), b[1:]])
    while reach < steps:
        b = torch.cat([b[:reach], torch.addcmul(b[reach:], a[reach:], b[:-reach])])
        a = torch.cat([a[:reach], a[reach:] * a[:-reach]])
        reach *= 2
    return b
