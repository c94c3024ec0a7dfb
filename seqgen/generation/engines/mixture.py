"""The mixture engine: several networks, or several labels of one, heard as one; the balance may change over time.

Every part reads the same tokens, and its logits are blended with the others', stream by stream:

    logits          Σ w z, up to a constant the weighted mean of log-probabilities: what all parts can agree on
    probabilities   log Σ w softmax(z): what any of the parts would say, now the one, now the other

It knows ids only. Ids below `vocab_size` mean the same to every part; what a part knows beyond, such as labels, is
never drawn. A part that has a label reads it behind every document token of a prompt, and so begins a document of its
own kind while the prompt is everybody's. It never imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.generation.engine import Engine, Ids, Logits
from seqgen.settings import require

Average = Literal["logits", "probabilities"]
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Fade:
    """The weights of the parts over time: straight from `start` to `end`, and `end` from then on.

    Attributes:
        start, end: A weight for each part, none negative, not all zero; they are scaled to a sum of one.
        length: Tokens from the one to the other; 0: `end` at once.
    """

    start: tuple[float, ...]
    end: tuple[float, ...]
    length: int = 0

    def __post_init__(self) -> None:
        for weights in (self.start, self.end):
            if not weights or not all(0 <= weight < float("inf") for weight in weights) or not sum(weights):
                raise UsageError(
                    f"weights are {', '.join(map(str, weights))}, expected numbers of 0 or more, not all 0"
                )
        require(len(self.start) == len(self.end), "weights at the end", len(self.end), f"{len(self.start)} of them")
        require(self.length >= 0, "the length of a fade", self.length, "0 or more tokens")

    def at(self, positions: NDArray[np.int64]) -> Shares:
        """(B, parts) the weights of streams that have drawn (B,) tokens."""
        done = np.minimum(positions / self.length, 1) if self.length else np.ones(len(positions))
        start, end = (np.array(weights, np.float64) / sum(weights) for weights in (self.start, self.end))
        return ((1 - done)[:, None] * start + done[:, None] * end).astype(np.float32)


@dataclass(frozen=True)
class MixturePart:
    """One voice of a mixture.

    Attributes:
        engine: Its network. Parts may share one.
        label: The id that it reads behind every document token of a prompt, or None.
    """

    engine: Engine[Any]
    label: int | None = None


@dataclass(frozen=True)
class MixtureState:
    """Streams between two tokens.

    Attributes:
        parts: Each part's own state.
        positions: (B,) tokens that each stream has drawn: prompts do not count.
    """

    parts: tuple[Any, ...]
    positions: NDArray[np.int64]


class MixtureEngine(Engine[MixtureState]):
    """Several engines as one.

    Args:
        parts: At least one.
        fade: Their weights.
        vocab_size: Ids below it mean the same to all parts.
        document_id: The document token, behind which parts with a label read it; None: there is none.
        average: What is blended.

    Raises:
        UsageError: There are not as many weights as parts, or a part knows fewer ids.
    """

    def __init__(
        self,
        parts: Sequence[MixturePart],
        fade: Fade,
        vocab_size: int,
        document_id: int | None = None,
        average: Average = "logits",
    ) -> None:
        require(average in get_args(Average), "average", average, "logits or probabilities")
        if len(fade.start) != len(parts):
            raise UsageError(f"{len(fade.start)} weights for {len(parts)} parts of a mixture, expected one for each")
        if any(part.engine.vocab_size < vocab_size for part in parts):
            raise UsageError(f"a part of the mixture knows fewer than {vocab_size} tokens")
        self.parts, self.fade, self.average = tuple(parts), fade, average
        self.document_id, self._vocab_size = document_id, vocab_size

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return self._vocab_size

    def start(self, batch: int) -> MixtureState:
        """The state of `batch` streams before their first token, at the start of the fade."""
        return MixtureState(tuple(part.engine.start(batch) for part in self.parts), np.zeros(batch, np.int64))

    def step(self, ids: Ids, state: MixtureState) -> tuple[Logits, MixtureState]:
        """(B, V) logits after `ids` (B,), and the state after them. A document token is read without labels."""
        return self._blended(
            state.positions + 1, [part.engine.step(ids, own) for part, own in zip(self.parts, state.parts)]
        )

    def prefill(self, ids: Ids, state: MixtureState) -> tuple[Logits, MixtureState]:
        """(1, V) logits after the last of `ids` (n,), each part with its label; the fade stands still."""
        return self._blended(
            state.positions,
            [part.engine.prefill(self._own(part, ids), own) for part, own in zip(self.parts, state.parts)],
        )

    def select(self, state: MixtureState, rows: Sequence[int]) -> MixtureState:
        """A new state of the streams `rows`."""
        parts = tuple(part.engine.select(own, rows) for part, own in zip(self.parts, state.parts))
        return MixtureState(parts, state.positions[list(rows)])

    def join(self, states: Sequence[MixtureState]) -> MixtureState:
        """A new state that holds the streams of all `states`."""
        parts = tuple(
            part.engine.join([state.parts[index] for state in states]) for index, part in enumerate(self.parts)
        )
        return MixtureState(parts, np.concatenate([state.positions for state in states]))

    def _own(self, part: MixturePart, ids: Ids) -> Ids:
        """What one part reads for a piece of a prompt."""
        if part.label is None or self.document_id is None:
            return ids
        return np.insert(ids.astype(np.int64), np.flatnonzero(ids == self.document_id) + 1, part.label)

    def _blended(
        self, positions: NDArray[np.int64], results: Sequence[tuple[Logits, Any]]
    ) -> tuple[Logits, MixtureState]:
        shares = self.fade.at(positions)
        logits = [found[:, : self._vocab_size] for found, _ in results]
        blend = _mean_logits if self.average == "logits" else _mean_probabilities
        return blend(logits, shares), MixtureState(tuple(own for _, own in results), positions)


def _mean_logits(logits: Sequence[Logits], shares: Shares) -> Logits:
    """(B, V) Σ w z. A weight of one leaves its part's logits as they are, bit for bit."""
    mixed = shares[:, :1] * logits[0]
    for index, own in enumerate(logits[1:], start=1):
        mixed += shares[:, index : index + 1] * own
    return mixed


def _mean_probabilities(logits: Sequence[Logits], shares: Shares) -> Logits:
    """(B, V) log Σ w softmax(z). Where one part has all the weight, its logits as they are."""
    probabilities = np.zeros_like(logits[0])
    for index, own in enumerate(logits):
        powers = np.exp(own - own.max(axis=-1, keepdims=True))
        probabilities += shares[:, index : index + 1] / powers.sum(axis=-1, keepdims=True) * powers
    mixed = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    for index, own in enumerate(logits):
        mixed = np.where(shares[:, index : index + 1] == 1, own, mixed)
    return mixed
