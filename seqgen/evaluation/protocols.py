"""How many nats a network needs for held-out ids, in ways that can be compared with published numbers.

Protocol A, cold windows: non-overlapping windows of 256 predictions from 257 ids, each from a zero state, the first
prediction from one id of context. Protocol B, stateful: one pass over each document, the state carried through it.
Both predict codec ids alone: `unframed` takes document and label tokens away before, so that they are neither counted
nor given as help; of an item of a list the document token is given, and the whole item predicted. A document of n ids
has n − 1 predictions; no state crosses from one document into the next. The softmax runs over the whole vocabulary: a
network that expects a document to end here pays for it.

Every protocol is a list of spans: ids from `begin` on are read from a zero state, and those in [counted, end) are
predicted. Spans of similar length run side by side, as the lanes of a batch. Knows ids, not media.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from seqgen.models.network import State

Ints = NDArray[np.integer[Any]]
Spans = NDArray[np.int64]  # (S, 3) begin, counted, end
Device = str | torch.device
Watch = Callable[[int], object]  # takes the number of predictions made since it was last called

WINDOW = 256
BATCH = 64  # lanes side by side
PIECE = 1024  # predictions in a piece of `sampled_logits`
CHUNK = 1024  # steps at a time
LOGITS = 1 << 24  # numbers in one block of logits, at most: 64 MB


class Block(NamedTuple):
    """Predictions of several lanes, step by step.

    Attributes:
        logits: (steps·lanes, V).
        targets: (steps·lanes,) what came.
        wanted: (steps, lanes) whether it is counted.
        read: (lanes, steps) the ids after which it came.
        places: (lanes, steps) where it stands.
        first: Whether lanes begin with this block; else they are the first ones of the block before, or all of them.
    """

    logits: Tensor
    targets: Tensor
    wanted: Tensor
    read: NDArray[np.int64]
    places: NDArray[np.int64]
    first: bool


class Network(Protocol):
    """What is measured: a `RecurrentLM`, or several that are heard as one."""

    vocab_size: int
    training: bool

    def initial_state(self, batch: int) -> State:
        """Per layer a tuple of (batch, H)."""
        ...

    def __call__(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, T, V) after each of `ids` (B, T), and the state after the last."""
        ...

    def eval(self) -> object:
        """Drop nothing."""
        ...

    def train(self, mode: bool) -> object:
        """Be as in training, or not."""
        ...


@dataclass(frozen=True)
class Score:
    """Summed nats over so many predictions."""

    nats: float
    count: int

    @property
    def mean(self) -> float:
        """Nats per prediction; NaN where there was nothing to predict."""
        return self.nats / self.count if self.count else float("nan")


def unframed(ids: Ints, starts: Ints, codec_size: int) -> tuple[Ints, NDArray[np.int64]]:
    """(M,) ids without those from `codec_size` on, and where the same documents begin and, at last, end among them.

    Args:
        ids: (N,) framed ids.
        starts: (D,) or (D+1,) where documents begin; N may be the last.
        codec_size: The codec's own vocabulary size.
    """
    ids = np.asarray(ids)
    kept = ids < codec_size
    before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    return ids[kept], before[np.append(starts[starts < len(ids)], len(ids))]


def cold_windows(
    network: Network,
    ids: Ints,
    starts: Ints,
    window: int = WINDOW,
    device: Device = "cpu",
    watch: Watch = lambda count: None,
) -> Score:
    """Protocol A. Whole windows are counted; a document too short for one counts as one shorter window."""
    return _total(network, ids, spans_of(len(ids), starts, window, whole=True), device, watch)


def stateful(
    network: Network, ids: Ints, starts: Ints, device: Device = "cpu", watch: Watch = lambda count: None
) -> Score:
    """Protocol B. The state is zero at the start of every document."""
    return _total(network, ids, spans_of(len(ids), starts, len(ids)), device, watch)


def lanes(
    network: Network,
    ids: Ints,
    starts: Ints,
    lanes: int = 32,
    warmup: int = WINDOW,
    device: Device = "cpu",
) -> Score:
    """Protocol B, nearly, for use while training: long documents are cut into pieces that run side by side.

    The same predictions are counted. A piece reads the `warmup` ids before it from a zero state, uncounted, in place
    of all that came before.
    """
    size = -(-len(ids) // lanes)
    return _total(network, ids, spans_of(len(ids), starts, size, warmup), device)


def prediction_nats(network: Network, ids: Ints, device: Device = "cpu") -> NDArray[np.float32]:
    """(N − 1,) nats of each id after the first, the state carried from zero."""
    whole = spans_of(len(ids), np.zeros(1, np.int64), len(ids))
    blocks = [nats[0].cpu().numpy() for nats in _blocks(network, ids, whole, device)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def spans_of(length: int, starts: Ints, size: int, warmup: int = 0, whole: bool = False) -> Spans:
    """Every document's predictions in pieces of `size`.

    Args:
        length: N.
        starts: Where documents begin; N may be the last.
        size: Predictions in a piece.
        warmup: Ids to read before the one that gives a piece its first context.
        whole: Leave a document's shorter last piece out, unless it is the only one.
    """
    begin = starts[starts < length].astype(np.int64)
    end = np.append(begin[1:], length)[: len(begin)]
    predictions = np.maximum(end - begin - 1, 0)
    pieces = -(-predictions // max(size, 1))
    if whole:
        pieces = np.maximum(predictions // size, np.minimum(predictions, 1))
    begin, end = np.repeat(begin, pieces), np.repeat(end, pieces)
    number = np.arange(len(begin)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    counted = begin + 1 + number * size
    return np.stack([np.maximum(begin, counted - 1 - warmup), counted, np.minimum(counted + size, end)], axis=1)


def _total(network: Network, ids: Ints, spans: Spans, device: Device, watch: Watch = lambda count: None) -> Score:
    total = 0.0
    for nats in _blocks(network, ids, spans, device):
        total += float(nats.cpu().sum(dtype=torch.float64))  # some GPUs have no float64
        watch(nats.numel())
    return Score(total, int((spans[:, 2] - spans[:, 1]).sum()))


def sampled_logits(
    network: Network, ids: Ints, starts: Ints, limit: int, device: Device = "cpu"
) -> Iterator[tuple[Tensor, Tensor]]:
    """(logits (n, V), targets (n,)) of at most about `limit` predictions, in pieces from all over the ids.

    A piece reads the ids before it from a zero state, as `lanes` has it.
    """
    spans = spans_of(len(ids), starts, PIECE, WINDOW)
    chosen = np.linspace(0, len(spans) - 1, min(len(spans), max(1, limit // PIECE))).astype(np.int64)
    for block in passes(network, ids, spans[chosen], device):
        counted = block.wanted.flatten()
        yield block.logits[counted], block.targets[counted]


def _blocks(network: Network, ids: Ints, spans: Spans, device: Device) -> Iterator[Tensor]:
    """Blocks (lanes, steps) of nats, zero where nothing is counted."""
    for block in passes(network, ids, spans, device):
        nats = functional.cross_entropy(block.logits, block.targets, reduction="none").view(block.wanted.shape)
        yield (nats * block.wanted).t()


def passes(network: Network, ids: Ints, spans: Spans, device: Device = "cpu") -> Iterator[Block]:
    """All predictions of the spans, the longest first; the network ends as it was, training or not."""
    spans = spans[np.argsort(spans[:, 0] - spans[:, 2], kind="stable")]  # the longest first
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            for at in range(0, len(spans), BATCH):
                lanes = spans[at : at + BATCH]
                with one_torch_thread() if len(lanes) == 1 and torch.device(device).type == "cpu" else nullcontext():
                    yield from _batch(network, ids, lanes, device)
    finally:
        network.train(training)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """One lane is a matrix–vector product a step: threads wait for each other longer than it takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batch(network: Network, ids: Ints, spans: Spans, device: Device) -> Iterator[Block]:
    """The predictions of at most BATCH spans, side by side."""
    begin, counted, end = spans.T[:, :, None]  # (lanes, 1) each
    steps = (end - begin - 1)[:, 0]
    state = network.initial_state(len(spans))
    chunk = int(np.clip(LOGITS // (len(spans) * network.vocab_size), 1, CHUNK))
    for at in range(0, int(steps[0]), chunk):
        active = int((steps > at).sum())  # lanes end from the last one on
        state = tuple(tuple(part[:active] for part in parts) for parts in state)
        where = begin[:active] + np.arange(at, min(at + chunk, int(steps[0])) + 1)
        given = ids[np.minimum(where, len(ids) - 1)].astype(np.int64)
        block = torch.from_numpy(given).to(device)
        logits, state = network(block[:, :-1], state)
        flat = logits.transpose(0, 1).flatten(0, 1).float()  # a view: the network thinks time first
        wanted = torch.from_numpy(((where[:, 1:] >= counted[:active]) & (where[:, 1:] < end[:active])).T.copy())
        yield Block(flat, block[:, 1:].t().flatten(), wanted.to(device), given[:, :-1], where[:, 1:], at == 0)
