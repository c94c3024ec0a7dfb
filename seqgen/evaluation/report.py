"""What a checkpoint is worth on a corpus: protocols A and B, bits per byte and per note, a baseline beside them.

Joins a checkpoint with the protocols. It finds no files: ids come in, numbers go out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.errors import StreamError
from seqgen.evaluation import Average
from seqgen.evaluation.dynamic import DynamicScore, DynamicSettings, dynamic
from seqgen.evaluation.ensemble import Ensemble
from seqgen.evaluation.experts import Beside, ExpertsScore, evaluate_experts, gates_for
from seqgen.evaluation.protocols import cold_windows, prediction_nats, stateful, unframed
from seqgen.evaluation.temperature import stored_temperature
from seqgen.experts.ngram import NGram
from seqgen.tokenizer import Tokenizer

Ids = NDArray[np.integer[Any]]
Offsets = NDArray[np.int64]
Watch = Callable[[int], object]


@dataclass(frozen=True)
class Tempered:
    """Nats per token under protocol B with logits divided by a temperature."""

    temperature: float
    nats: float

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {"value": self.temperature, "nats_per_token": self.nats}


@dataclass(frozen=True)
class Evaluation:
    """What was measured; every mean is over the same predictions, but that of protocol A, see `protocols`.

    Attributes:
        tokens: Predictions under protocol B: the codec's own tokens but the first of each document; all of a list's.
        documents: Documents with at least one prediction.
        bytes: Bytes of the predicted tokens; for music, of the decoded files.
        protocol_a, protocol_b, ngram: Nats per token; None where there was no baseline.
        notes, seconds: For music, of the decoded documents; else None.
        tempered: With the temperature that the checkpoint has stored; None where it has none.
        dynamic: With dynamic evaluation, where that was asked for.
        experts: With counts of the corpus and of the document, where the checkpoint has them.
    """

    tokens: int
    documents: int
    bytes: int
    protocol_a: float
    protocol_b: float
    ngram: float | None = None
    notes: int | None = None
    seconds: float | None = None
    tempered: Tempered | None = None
    dynamic: DynamicScore | None = None
    experts: ExpertsScore | None = None

    @property
    def bits(self) -> float:
        """All of the corpus under protocol B."""
        return self.protocol_b * self.tokens / math.log(2)

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names. `nats_per_token` is that of protocol B, static and without temperature."""
        found: dict[str, object] = {
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
        if self.tempered is not None:
            found["temperature"] = self.tempered.to_json()
        if self.dynamic is not None:
            found["dynamic"] = self.dynamic.to_json()
        if self.experts is not None:
            found["experts"] = self.experts.to_json()
        return found


def evaluate(
    checkpoint: Checkpoint,
    ids: Ids,
    starts: Offsets,
    device: str = "cpu",
    ngram: NGram | None = None,
    watch: Watch = lambda count: None,
    own: bool = False,
) -> Evaluation:
    """Measure a checkpoint on (N,) ids of its own tokenizer.

    Args:
        checkpoint: The model.
        ids: With framing tokens or without: they are taken away.
        starts: (D+1,) where documents begin.
        device: Where to compute.
        ngram: A baseline over the codec's own ids, fitted on the training documents.
        watch: Takes the number of predictions made since it was last called; about `passes(checkpoint)` a token.
        own: Whether these ids are what its run held out, on which the gate of its counts was fitted.

    Raises:
        StreamError: No document has two tokens.
    """
    tokenizer = checkpoint.tokenizer
    ids, starts = _predictable(ids, starts, tokenizer)
    network = checkpoint.network(device)
    b = stateful(network, ids, starts, device, watch)
    a = cold_windows(network, ids, starts, device=device, watch=watch)
    size, notes, seconds = _counts(tokenizer, ids, starts)
    baseline = None if ngram is None else float(_predicted(ngram.nats(ids, starts), starts).mean(dtype=np.float64))
    tempered, temperature = None, stored_temperature(checkpoint.metrics)
    if temperature is not None:
        scaled = Ensemble([network], temperatures=[temperature])
        tempered = Tempered(temperature, stateful(scaled, ids, starts, device, watch).mean)
    experts = None
    if checkpoint.experts is not None:
        experts = evaluate_experts(network, checkpoint.experts, ids, starts, own, device, watch)
    return Evaluation(
        b.count, _documents(starts), size, a.mean, b.mean, baseline, notes, seconds, tempered, experts=experts
    )


def passes(checkpoint: Checkpoint) -> int:
    """How many predictions `evaluate` makes for each token."""
    return 2 + (stored_temperature(checkpoint.metrics) is not None) + 2 * (checkpoint.experts is not None)


def evaluate_dynamic(
    checkpoint: Checkpoint,
    ids: Ids,
    starts: Offsets,
    settings: DynamicSettings,
    training: tuple[Ids, Offsets] | None = None,
    device: str = "cpu",
    watch: Watch = lambda count: None,
    own: bool = False,
) -> DynamicScore:
    """Dynamic evaluation of a checkpoint, over the very predictions that `evaluate` makes under protocol B.

    Counts are mixed with what the network says as it goes on learning, by gates that begin as those for what it says at
    rest and learn with it.

    Args:
        checkpoint: The model; it is left as it is.
        ids, starts: As in `evaluate`.
        settings: How to learn.
        training: (ids, starts) of training documents for the gradient statistics, if there are any.
        device: Where to compute.
        watch: Takes the number of predictions made since it was last called, training ids included.
        own: As in `evaluate`.

    Raises:
        StreamError: No document has two tokens.
        SettingError: The learning rate makes the network diverge.
    """
    ids, starts = _predictable(ids, starts, checkpoint.tokenizer)
    if training is not None:
        training = unframed(*training, checkpoint.tokenizer.measured_size)
    network, experts = checkpoint.network(device), checkpoint.experts
    if experts is None:
        score, used = dynamic(network, ids, starts, settings, training, device, watch)
        return DynamicScore(score.mean, used)
    beside = Beside(
        experts, gates_for(network, experts, ids, starts, own, device), ids, starts, settings.learning_rate != 0
    )
    score, used = dynamic(network, ids, starts, settings, training, device, watch, beside)
    return DynamicScore(score.mean, used, (beside.found.corpus, beside.found.document))


def evaluate_ensemble(
    checkpoints: Sequence[Checkpoint],
    ids: Ids,
    starts: Offsets,
    average: Average = "probabilities",
    device: str = "cpu",
    watch: Watch = lambda count: None,
) -> Evaluation:
    """Measure the average of several checkpoints of one tokenizer; arguments as in `evaluate`.

    Raises:
        StreamError: No document has two tokens.
    """
    tokenizer = checkpoints[0].tokenizer
    ids, starts = _predictable(ids, starts, tokenizer)
    ensemble = Ensemble([checkpoint.network(device) for checkpoint in checkpoints], average)
    b = stateful(ensemble, ids, starts, device, watch)
    a = cold_windows(ensemble, ids, starts, device=device, watch=watch)
    size, notes, seconds = _counts(tokenizer, ids, starts)
    return Evaluation(b.count, _documents(starts), size, a.mean, b.mean, notes=notes, seconds=seconds)


def _predictable(ids: Ids, starts: Offsets, tokenizer: Tokenizer) -> tuple[Ids, Offsets]:
    """The ids without framing, if there is something to predict among them."""
    ids, starts = unframed(ids, starts, tokenizer.measured_size)
    if not (np.diff(starts) > 1).any():
        raise StreamError("no document has more than one token, so there is nothing to predict", "choose longer files")
    return ids, starts


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


def _documents(starts: Offsets) -> int:
    """How many have something to predict."""
    return int((np.diff(starts) > 1).sum())


def _counts(tokenizer: Tokenizer, ids: Ids, starts: Offsets) -> tuple[int, int | None, float | None]:
    """(bytes, notes, seconds) of what is predicted."""
    counted = _predicted_bytes(tokenizer, ids, starts)
    return _music(tokenizer, ids, starts) if counted is None else (counted, None, None)


def _predicted(values: NDArray[Any], starts: Offsets) -> NDArray[Any]:
    """`values` (N,) without those of the first token of each document."""
    return np.delete(values, np.unique(starts[starts < len(values)]))


def _predicted_bytes(tokenizer: Tokenizer, ids: Ids, starts: Offsets) -> int | None:
    """Bytes of all predicted tokens, where tokens stand for bytes."""
    table = tokenizer.token_bytes()
    if table is None:
        return None
    lengths = np.array([len(token) for token in table])
    return int(lengths[_predicted(ids, starts)].sum())


def _music(tokenizer: Tokenizer, ids: Ids, starts: Offsets) -> tuple[int, int | None, float | None]:
    """(bytes, notes, seconds) of the decoded documents; notes and seconds where they are music."""
    documents = [tokenizer.decode(ids[begin:end]) for begin, end in pairwise(starts)]
    size = sum(map(len, documents))
    extents = [extent for document in documents if (extent := tokenizer.medium.extent(document)) is not None]
    if not extents:
        return size, None, None
    return size, sum(extent.notes for extent in extents), sum(extent.seconds for extent in extents)


def _ratio(bits: float, count: float) -> float | None:
    """Bits per byte, note or second; None where there are none."""
    return bits / count if count else None
