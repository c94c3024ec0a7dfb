"""Minimal long short-term memory (Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?").

f = σ(W_f x + b_f)          forget gate
i = σ(W_i x + b_i)          input gate
n = g(W_n x + b_n)          candidate, g(x) = x + ½ for x ≥ 0, else σ(x)
h ← (f ∘ h + i ∘ n) / (f + i)

The shares f / (f + i) and i / (f + i) add up to one, so that states keep their size however long the text is. They are
computed as σ(d) and σ(−d) with d = softplus(−i's product) − softplus(−f's product), as in the paper (appendix B), which
divides by nothing. The states come by a scan, as those of `seqgen.cells.mingru` do.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from seqgen.cells import Array, Arrays, Cell, Parts, Shapes, linear, sigmoid
from seqgen.settings import option, require

if TYPE_CHECKING:
    from torch import nn


@final
@dataclass(frozen=True)
class MinLSTM(Cell):
    """Minimal long short-term memory: two gates that depend on what it reads alone, and share the state out."""

    reads = (("linear.weight", "linear.bias"),)

    keep_bias: float = option(1.0, "what the forget gate's bias starts at")

    def __post_init__(self) -> None:
        require(-20 <= self.keep_bias <= 20, "keep_bias", self.keep_bias, "-20 to 20")

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return {"linear.weight": (3 * hidden, inputs), "linear.bias": (3 * hidden,)}

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        import torch
        from torch import Tensor, nn
        from torch.nn.functional import softplus

        from seqgen.cells._scan import full, scan

        class Layer(nn.Module):
            def __init__(self, keep_bias: float) -> None:
                super().__init__()
                self.linear = nn.Linear(inputs, 3 * hidden)
                nn.init.constant_(self.linear.bias[:hidden], keep_bias)

            def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
                f, i, n = full(self.linear(x)).chunk(3, -1)
                kept = (softplus(-i) - softplus(-f)).sigmoid()
                n = torch.where(n >= 0, n + 0.5, n.sigmoid())
                y = scan(kept, (1 - kept) * n, *state)
                return y, (y[-1],)

        return Layer(self.keep_bias)

    def gates(self, weights: Arrays, x: Array, state: Parts) -> dict[str, Array]:
        f, i, _ = np.split(linear(x, weights["linear.weight"], weights["linear.bias"]), 3, axis=-1)
        return {"input": sigmoid(i), "forget": sigmoid(f)}

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        f, i, n = np.split(linear(x, weights["linear.weight"], weights["linear.bias"]), 3, axis=-1)
        kept = sigmoid(np.logaddexp(0, -i) - np.logaddexp(0, -f))
        n = np.where(n >= 0, n + 0.5, sigmoid(n))
        h = n + kept * (state[0] - n)
        return h, (h,)
