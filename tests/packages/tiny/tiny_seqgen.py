"""A rule, a cell and a codec of their own, each as small as can be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqgen.codecs import Golden, Ids
from seqgen.codecs.byte import Byte, ByteOptions, byte_name
from seqgen.cells.gru import GRU
from seqgen.report import Report
from seqgen.rules import NEVER, Chances, Contract, History, Logits, Rule, unless_empty
from seqgen.settings import require


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
class TinyGRU(GRU):
    """A gated recurrent unit by another name."""


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
