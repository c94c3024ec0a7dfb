"""What a network is measured on while it trains and when it is done: the held-out part of a corpus.

Codec tokens alone are counted, without framing, as `seqgen.evaluation.protocols` has it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen.errors import CorpusError
from seqgen.evaluation import protocols
from seqgen.evaluation.temperature import Temperature, held_out_temperature
from seqgen.experts.ngram import NGram
from seqgen.models.network import RecurrentLM
from seqgen.training.data import Spans
from seqgen.training.device import autocast

QUICK = {"cpu": 40_000, "cuda": 1_000_000, "mps": 400_000}  # tokens of a validation while training
FINAL = 1_000_000  # tokens of the measurement at the end
NGRAM = 2_000_000  # training tokens that the n-gram baseline counts
SLICE = 4_000  # tokens; long enough that beginning without context costs little
LANES = 32
HINT = "add more files, hold out more (-P validation 0.3), or give another corpus with --val"
WARMUP = 64  # tokens a lane reads, uncounted, before its first

Ids = NDArray[np.unsignedinteger[Any]]


class Validation:
    """The held-out documents of a corpus.

    Args:
        ids: (N,) the stream that holds them.
        spans: Where in it they lie.
        codec_size: The codec's own vocabulary size.
        precision: What the quick measurement multiplies in.

    Raises:
        CorpusError: There is nothing to predict: no model would ever be the best so far.
    """

    def __init__(self, ids: Ids, spans: Spans, codec_size: int, precision: torch.dtype) -> None:
        self.ids, self.starts = own_tokens(ids, spans, codec_size, FINAL)
        if not (np.diff(self.starts) > 1).any():
            raise CorpusError("what is held out has no document of two tokens, so there is nothing to predict", HINT)
        self._quick = {kind: own_tokens(ids, spans, codec_size, limit) for kind, limit in QUICK.items()}
        self.precision = precision

    def quick(self, network: RecurrentLM) -> float:
        """Nats per token, nearly, over a bounded part: protocol B in lanes, in the training's precision."""
        device = network.embedding.weight.device
        ids, starts = self._quick[device.type]
        with autocast(device, self.precision):
            return protocols.lanes(network, ids, starts, LANES, WARMUP, device).mean

    def exact(self, network: RecurrentLM) -> float:
        """Nats per token under protocol B, in float32."""
        return protocols.stateful(network, self.ids, self.starts, network.embedding.weight.device).mean

    def temperature(self, network: RecurrentLM) -> Temperature:
        """What logits are best divided by, found on a bounded part."""
        device = network.embedding.weight.device
        return held_out_temperature(network, *self._quick[device.type], device)

    def ngram(self, ids: Ids, spans: Spans, codec_size: int) -> tuple[float, int]:
        """(nats per token, order) of an n-gram model of the training documents on these."""
        model = NGram.fit(*own_tokens(ids, spans, codec_size, NGRAM), codec_size)
        nats = model.nats(self.ids, self.starts)
        nats = np.delete(nats, self.starts[self.starts < len(nats)])  # a document's first token is nobody's prediction
        return float(nats.mean()), model.order


def own_tokens(ids: Ids, spans: Spans, codec_size: int, limit: int) -> tuple[Ids, NDArray[np.int64]]:
    """(ids, starts) of the codec's own tokens in `spans`, up to about `limit` of them.

    Where there are more, documents are cut into slices, and slices are taken evenly from all over the corpus: one
    stretch of it would be easier or harder than the rest. Each slice then counts as a document.
    """
    begin, end = spans.begin, spans.end
    if spans.tokens > limit:
        begin, end = _slices(spans)
        count = max(1, int(len(begin) * limit / spans.tokens))
        chosen = np.unique(np.linspace(0, len(begin) - 1, count).astype(np.int64))
        begin, end = begin[chosen], end[chosen]
    pieces = [np.asarray(ids[at:stop]) for at, stop in zip(begin.tolist(), end.tolist())]
    own = [piece[piece < codec_size] for piece in pieces]
    return np.concatenate(own), np.cumsum([0] + [len(piece) for piece in own])


def _slices(spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(begin, end) of the documents in slices of at most SLICE tokens."""
    count = np.maximum(1, -(-(spans.end - spans.begin) // SLICE))
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    begin = np.repeat(spans.begin, count) + number * SLICE
    return begin, np.minimum(begin + SLICE, np.repeat(spans.end, count))


def check_lengths(train: Spans, validation: Spans, window: int) -> None:
    """Raise CorpusError where a split is too short to train on windows of so many tokens, or to validate on."""
    needed = window + 1
    if train.tokens < needed:
        shorter = f", or choose a shorter window: -P window {min(16, train.tokens - 1)}" if train.tokens > 1 else ""
        left = f"{train.tokens} token{'s' * (train.tokens != 1)}"
        raise CorpusError(
            f"the corpus leaves {left} to train on, expected at least one window ({needed})",
            f"add more files{shorter}",
        )
    if validation.tokens < 2:
        raise CorpusError(f"the corpus leaves {validation.tokens} tokens to validate on, expected at least 2", HINT)
