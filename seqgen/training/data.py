"""The order of training data, as a pure function of (seed, epoch, step): there is no cursor to lose.

Each epoch the documents are laid on a ring in a new order, the ring is turned at random and cut into B equal arcs,
and each of B streams reads one arc in windows of T tokens. A document, or the part of it that lies in an arc, begins
on a window's first token with a fresh hidden state, and the state is carried from window to window until it ends.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import CorpusError

if TYPE_CHECKING:
    from seqgen.training.infilling import Infilled

IGNORED = -100  # the target of a padded position; torch's cross-entropy leaves it out

Offsets = NDArray[np.int64]
Tables = NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Documents, or parts of them, as [begin, end) offsets in a token stream.

    Attributes:
        begin, end: (D,) int64.
    """

    begin: Offsets
    end: Offsets

    @property
    def tokens(self) -> int:
        """Tokens in all spans."""
        return int((self.end - self.begin).sum())

    def __len__(self) -> int:
        return len(self.begin)


@dataclass(frozen=True, eq=False)
class Material:
    """What a run learns from.

    Attributes:
        ids: (N,) the token stream, memory-mapped or not.
        spans: What of it to train on.
        end_id: The document token.
        tables: (M, V) ids to ids, one of which each document goes through in each epoch; None: as it is.
        infilled: Rearranges documents with holes, anew in each epoch; None: nothing is rearranged.
    """

    ids: NDArray[np.unsignedinteger]
    spans: Spans
    end_id: int
    tables: Tables | None = None
    infilled: "Infilled | None" = None


class View(Protocol):
    """Ids that are made as they are read, such as `seqgen.training.infilling.Arranged`."""

    def read(self, at: int, stop: int, /) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """((n,) ids from `at` on, fewer at the end; (n,) which of them are no targets)."""
        ...


Stream = NDArray[Any] | View


class Epoch:
    """One pass over the training spans.

    Args:
        spans: What to read.
        batch: B, streams side by side.
        window: T, tokens a step.
        seed, number: The epoch's order is a pure function of these.
        reset: Each piece starts from a fresh state; else only the first of each stream does.
        chance: The chance that a stream's state starts anew at any step, so that cold starts are learned too.
        ids: The stream of this epoch where it is another than that of the run.
    """

    def __init__(
        self,
        spans: Spans,
        batch: int,
        window: int,
        seed: int,
        number: int,
        reset: bool = True,
        chance: float = 0.0,
        ids: "Stream | None" = None,
    ) -> None:
        generator = np.random.default_rng([seed, 2, number])
        self._key, self.chance, self.number = (seed, 3, number), chance, number
        self.batch, self.window, self.reset, self.spans = batch, window, reset, spans
        self.ids = ids
        self._streams = _deal(spans, batch, window, generator)
        self.steps = int(max(stream[0][-1] for stream in self._streams))

    def windows(self, step: int) -> tuple[Offsets, Offsets, NDArray[np.bool_]]:
        """(begin (B,), length (B,), fresh (B,)) of one step; a stream that has run out has length 0."""
        begin, length = np.zeros(self.batch, np.int64), np.zeros(self.batch, np.int64)
        fresh = np.zeros(self.batch, np.bool_)
        for row, (first, starts, ends) in enumerate(self._streams):
            piece = int(np.searchsorted(first, step, side="right")) - 1
            if piece < len(starts):
                at = int(starts[piece]) + (step - int(first[piece])) * self.window
                begin[row], length[row] = at, min(self.window, int(ends[piece]) - at)
                fresh[row] = step == first[piece] and (self.reset or piece == 0)
        if self.chance:
            fresh |= np.random.default_rng([*self._key, step]).random(self.batch) < self.chance
        return begin, length, fresh

    def plan(self, first: int, steps: int) -> tuple[Offsets, Offsets, NDArray[np.bool_]]:
        """What `windows` gives for each of `steps` steps from `first` on: (S, B) each."""
        step = np.arange(first, first + steps)
        begin, length = np.zeros((steps, self.batch), np.int64), np.zeros((steps, self.batch), np.int64)
        fresh = np.zeros((steps, self.batch), np.bool_)
        for row, (start, starts, ends) in enumerate(self._streams):
            read = step[step < start[-1]]  # steps before the stream has run out
            piece = np.searchsorted(start, read, side="right") - 1
            at = starts[piece] + (read - start[piece]) * self.window
            begin[: len(read), row], length[: len(read), row] = at, np.minimum(self.window, ends[piece] - at)
            fresh[: len(read), row] = (read == start[piece]) & (self.reset | (piece == 0))
        if self.chance:
            for row, number in enumerate(step.tolist()):
                fresh[row] |= np.random.default_rng([*self._key, number]).random(self.batch) < self.chance
        return begin, length, fresh


def gather(ids: Stream, begin: Offsets, length: Offsets, window: int, end_id: int) -> tuple[Offsets, Offsets]:
    """(inputs (B, T), targets (B, T)) of one step; targets past a window's length, or only told, are IGNORED.

    The last token of the stream is followed by `end_id`, the document token that would stand there.
    """
    inputs = np.full((len(begin), window), end_id, np.int64)
    targets = np.full((len(begin), window), IGNORED, np.int64)
    for row, (at, count) in enumerate(zip(begin.tolist(), length.tolist())):
        told: NDArray[np.bool_] | None = None
        if isinstance(ids, np.ndarray):
            piece = ids[at : at + count + 1]
        else:
            piece, told = ids.read(at, at + count + 1)
        inputs[row, :count] = piece[:count]
        targets[row, : len(piece) - 1] = piece[1:]
        if told is not None:
            targets[row, : len(piece) - 1][told[1:]] = IGNORED
        if 0 < count == len(piece):
            targets[row, count - 1] = end_id
    return inputs, targets


def wanted_of(ids: Stream, begin: Offsets, length: Offsets) -> int:
    """How many targets of one step, of windows (B,), are not IGNORED."""
    total = int(length.sum())
    if isinstance(ids, np.ndarray):
        return total
    return total - sum(int(ids.read(at, at + n + 1)[1][1:].sum()) for at, n in zip(begin.tolist(), length.tolist()))


def _deal(
    spans: Spans, batch: int, window: int, generator: np.random.Generator
) -> list[tuple[Offsets, Offsets, Offsets]]:
    """Cut the ring of documents into `batch` equal arcs.

    Returns:
        Per stream: the step at which each of its pieces begins and, last, the step at which all are read;
        the pieces' begins; the pieces' ends.
    """
    total = spans.tokens
    if total < 2:
        raise CorpusError(f"the corpus has {total} tokens to train on, expected at least 2", "add more files")
    order = generator.permutation(len(spans))
    length = (spans.end - spans.begin)[order]
    place = np.cumsum(length) - length  # where each document begins on the ring
    turn, arc = int(generator.integers(total)), -(-total // batch)
    cuts = (turn + arc * np.arange(batch)) % total
    starts = np.union1d(place, cuts)  # of pieces, on the ring; sorted, each once
    lengths = np.diff(starts, append=total)
    document = np.searchsorted(place, starts, side="right") - 1
    begin = spans.begin[order][document] + starts - place[document]
    turned = (starts - turn) % total
    rank = np.argsort(turned)
    edges = np.searchsorted(turned[rank], arc * np.arange(batch + 1))
    return [_stream(begin[part], lengths[part], window) for part in np.split(rank, edges[1:-1])]


def _stream(begin: Offsets, length: Offsets, window: int) -> tuple[Offsets, Offsets, Offsets]:
    steps = np.cumsum(-(-length // window))
    return np.concatenate(([0], steps)), begin, begin + length
