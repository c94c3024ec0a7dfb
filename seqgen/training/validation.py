"""What a network is measured on while it trains and when it is done: the held-out part of a corpus.

Codec tokens alone are counted, without framing, as `seqgen.evaluation.protocols` has it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen.evaluation import protocols
from seqgen.evaluation.ngram import NGram
from seqgen.models._network import RecurrentLM
from seqgen.training.data import Spans
from seqgen.training.device import autocast

QUICK = {"cpu": 40_000, "cuda": 1_000_000, "mps": 400_000}  # tokens of a validation while training
FINAL = 1_000_000  # tokens of the measurement at the end
NGRAM = 2_000_000  # training tokens that the n-gram baseline counts
LANES = 32
WARMUP = 64  # tokens a lane reads, uncounted, before its first

Ids = NDArray[np.unsignedinteger[Any]]


class Validation:
    """The held-out documents of a corpus.

    Args:
        ids: (N,) the stream that holds them.
        spans: Where in it they lie.
        codec_size: The codec's own vocabulary size.
        precision: What the quick measurement multiplies in.
    """

    def __init__(self, ids: Ids, spans: Spans, codec_size: int, precision: torch.dtype) -> None:
        self.ids, self.starts = own_tokens(ids, spans, codec_size, FINAL)
        self.precision = precision

    def quick(self, network: RecurrentLM) -> float:
        """Nats per token, nearly, over a bounded part: protocol B in lanes, in the training's precision."""
        device = network.embedding.weight.device
        ids = self.ids[: QUICK[device.type]]
        with autocast(device, self.precision):
            starts = self.starts[self.starts < len(ids)]
            return protocols.lanes(network, ids, starts, LANES, WARMUP, device).mean

    def exact(self, network: RecurrentLM) -> float:
        """Nats per token under protocol B, in float32."""
        return protocols.stateful(network, self.ids, self.starts, network.embedding.weight.device).mean

    def ngram(self, ids: Ids, spans: Spans, codec_size: int) -> tuple[float, int]:
        """(nats per token, order) of an n-gram model of the training documents on these."""
        model = NGram.fit(*own_tokens(ids, spans, codec_size, NGRAM), codec_size)
        nats = model.nats(self.ids, self.starts)
        nats = np.delete(nats, self.starts[self.starts < len(nats)])  # a document's first token is nobody's prediction
        return float(nats.mean()), model.order


def own_tokens(ids: Ids, spans: Spans, codec_size: int, limit: int) -> tuple[Ids, NDArray[np.int64]]:
    """(ids, starts) of the codec's own tokens in `spans`, up to about `limit` of them.

    Documents are taken evenly from all over the corpus, since neighbours resemble each other; the last is cut.
    """
    share = min(1.0, limit / max(spans.tokens, 1))
    count = max(1, round(len(spans) * share))
    chosen = np.unique(np.linspace(0, len(spans) - 1, count).astype(np.int64))
    length = max(1, limit // count)
    pieces = []
    for begin, end in zip(spans.begin[chosen].tolist(), spans.end[chosen].tolist()):
        piece = np.asarray(ids[begin : min(end, begin + length) if share < 1 else end])
        pieces.append(piece[piece < codec_size])
    starts = np.cumsum([0] + [len(piece) for piece in pieces])
    return np.concatenate(pieces), starts
