"""What a checkpoint is worth on a corpus: protocols A and B, bits per byte and per note, a baseline beside them.

Joins a checkpoint with the protocols. It finds no files: ids come in, numbers go out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.errors import StreamError
from seqgen.evaluation.ngram import NGram
from seqgen.evaluation.protocols import cold_windows, prediction_nats, stateful, unframed
from seqgen.tokenizer import Tokenizer

Ids = NDArray[np.integer[Any]]
Offsets = NDArray[np.int64]
Watch = Callable[[int], object]


@dataclass(frozen=True)
class Evaluation:
    """What was measured; every mean is over the same predictions, but that of protocol A, see `protocols`.

    Attributes:
        tokens: Predictions under protocol B: the codec's own tokens but the first of each document.
        documents: Documents with at least one prediction.
        bytes: Bytes of the predicted tokens; for music, of the decoded files.
        protocol_a, protocol_b, ngram: Nats per token; None where there was no baseline.
        notes, seconds: For music, of the decoded documents; else None.
    """

    tokens: int
    documents: int
    bytes: int
    protocol_a: float
    protocol_b: float
    ngram: float | None = None
    notes: int | None = None
    seconds: float | None = None

    @property
    def bits(self) -> float:
        """All of the corpus under protocol B."""
        return self.protocol_b * self.tokens / math.log(2)

    def to_json(self) -> dict[str, Any]:
        """Plain data under stable names. `nats_per_token` is that of protocol B."""
        found: dict[str, Any] = {
            "tokens": self.tokens,
            "nats_per_token": self.protocol_b,
            "bits_per_byte": _ratio(self.bits, self.bytes),
            "perplexity": math.exp(min(self.protocol_b, 700)),
            "protocol_a": {"nats_per_token": self.protocol_a},
            "protocol_b": {"nats_per_token": self.protocol_b},
            "ngram": None if self.ngram is None else {"nats_per_token": self.ngram},
        }
        if self.notes is not None and self.seconds is not None:
            found["bits_per_note"] = _ratio(self.bits, self.notes)
            found["bits_per_second"] = _ratio(self.bits, self.seconds)
        return found


def evaluate(
    checkpoint: Checkpoint,
    ids: Ids,
    starts: Offsets,
    device: str = "cpu",
    ngram: NGram | None = None,
    watch: Watch = lambda count: None,
) -> Evaluation:
    """Measure a checkpoint on (N,) ids of its own tokenizer.

    Args:
        checkpoint: The model.
        ids: With framing tokens or without: they are taken away.
        starts: (D+1,) where documents begin.
        device: Where to compute.
        ngram: A baseline over the codec's own ids, fitted on the training documents.
        watch: Takes the number of predictions made since it was last called; in all about two for each token.

    Raises:
        StreamError: No document has two tokens.
    """
    tokenizer = checkpoint.tokenizer
    ids, starts = unframed(ids, starts, tokenizer.document_id)
    network = checkpoint.network(device)
    if not (np.diff(starts) > 1).any():
        raise StreamError("no document has more than one token, so there is nothing to predict", "choose longer files")
    b = stateful(network, ids, starts, device, watch)
    a = cold_windows(network, ids, starts, device=device, watch=watch)
    counted = _predicted_bytes(tokenizer, ids, starts)
    size, notes, seconds = _music(tokenizer, ids, starts) if counted is None else (counted, None, None)
    baseline = None if ngram is None else float(_predicted(ngram.nats(ids, starts), starts).mean(dtype=np.float64))
    documents = int((np.diff(starts) > 1).sum())
    return Evaluation(b.count, documents, size, a.mean, b.mean, baseline, notes, seconds)


def surprise(
    checkpoint: Checkpoint, text: bytes, label: str | None = None, device: str = "cpu"
) -> list[tuple[str, float]]:
    """(token name, nats) of each token of a text that stands at the beginning of a document.

    Args:
        checkpoint: The model.
        text: What to judge.
        label: The label that the document carries.
        device: Where to compute.
    """
    tokenizer = checkpoint.tokenizer
    frame = tokenizer.frame(label)
    ids = np.concatenate([frame, tokenizer.encode(text)])
    nats = prediction_nats(checkpoint.network(device), ids, device)[len(frame) - 1 :]
    names = tokenizer.vocabulary()
    return [(names[token], float(value)) for token, value in zip(ids[len(frame) :], nats)]


def _predicted(values: NDArray[Any], starts: Offsets) -> NDArray[Any]:
    """`values` (N,) without those of the first token of each document."""
    return np.delete(values, np.unique(starts[starts < len(values)]))


def _predicted_bytes(tokenizer: Tokenizer, ids: Ids, starts: Offsets) -> int | None:
    """Bytes of all predicted tokens, where tokens stand for bytes."""
    table = tokenizer.codec.token_bytes()
    if table is None:
        return None
    lengths = np.array([len(token) for token in table])
    return int(lengths[_predicted(ids, starts)].sum())


def _music(tokenizer: Tokenizer, ids: Ids, starts: Offsets) -> tuple[int, int | None, float | None]:
    """(bytes, notes, seconds) of the decoded documents; notes and seconds where they are music."""
    documents = [tokenizer.decode(ids[begin:end]) for begin, end in pairwise(starts)]
    size = sum(map(len, documents))
    if tokenizer.codec.artifact != ".mid":
        return size, None, None
    from seqgen.codecs.midi.read import read_score

    scores = [read_score(document) for document in documents]
    return size, sum(map(len, scores)), sum(score.duration_seconds for score in scores)


def _ratio(bits: float, count: float) -> float | None:
    """Bits per byte, note or second; None where there are none."""
    return bits / count if count else None
