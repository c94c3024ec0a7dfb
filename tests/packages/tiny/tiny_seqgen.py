"""A rule, a cell and a codec of their own, each as small as can be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgen.cells import Array, Arrays, Cell, Parts, Shapes, linear, sigmoid
from seqgen.codecs import Golden, Ids
from seqgen.codecs.byte import Byte, ByteOptions, byte_name
from seqgen.report import Report
from seqgen.rules import NEVER, Chances, Contract, History, Logits, Rule, unless_empty
from seqgen.settings import require

if TYPE_CHECKING:
    from torch import nn


def _definition(p: Chances, n: int, past: Sequence[int]) -> Chances:
    return np.where(np.isin(np.arange(len(p)), past[-1:] if n else []), 0, p)


@dataclass(frozen=True)
class NoEcho(Rule):
    """Never draw the latest token again; 0 lets it."""

    contract = Contract(0, (0, 1), _definition)
    window = 1
    n: int

    def __post_init__(self) -> None:
        require(self.n in (0, 1), "n", self.n, "0 or 1")

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.n == 0 or history.shape[-1] == 0:
            return logits
        same = np.arange(logits.shape[-1]) == history[:, -1:]
        return unless_empty(np.where(same, NEVER, logits), logits)


@dataclass(frozen=True)
class TinyGRU(Cell):
    """Minimal gated unit (Zhou et al. 2016), a GRU with one gate: f = σ(…), n = tanh(…), h ← (1 − f) ∘ h + f ∘ n."""

    recurrent = ("recurrent.weight",)

    def weights(self, inputs: int, hidden: int) -> Shapes:
        shapes: Shapes = {"input.weight": (2 * hidden, inputs), "input.bias": (2 * hidden,)}
        return shapes | {"recurrent.weight": (2 * hidden, hidden)}

    def module(self, inputs: int, hidden: int) -> "nn.Module":
        import torch
        from torch import Tensor, nn

        class Layer(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.input, self.recurrent = nn.Linear(inputs, 2 * hidden), nn.Linear(hidden, 2 * hidden, bias=False)

            def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
                (h,), found = state, []
                for product in self.input(x):
                    f, n = (product + self.recurrent(h)).chunk(2, -1)
                    h = torch.lerp(h, n.tanh().to(h.dtype), f.sigmoid().to(h.dtype))
                    found.append(h)
                return torch.stack(found), (h,)

        return Layer()

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        (h,) = state
        product = linear(x, weights["input.weight"], weights["input.bias"]) + h @ weights["recurrent.weight"].T
        f, n = np.split(product, 2, axis=-1)
        h = h + sigmoid(f) * (np.tanh(n) - h)
        return h, (h,)


class Inverted(Byte):
    """Any file at all, one token a byte, each byte turned over."""

    golden = Golden(b"\x00\xff~", (255, 0, 129))
    suffixes = (".inv",)

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: ByteOptions) -> "Inverted":
        return cls()

    @classmethod
    def restore(cls, options: ByteOptions, state: Mapping[str, Any]) -> "Inverted":
        return cls()

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        return 255 - np.frombuffer(data, np.uint8).astype(np.uint16)

    def decode(self, ids: Ids) -> bytes:
        return (255 - ids).astype(np.uint8).tobytes()

    def vocabulary(self) -> list[str]:
        return [byte_name(255 - value) for value in range(256)]

    def token_bytes(self) -> list[bytes]:
        return [bytes([255 - value]) for value in range(256)]
