"""The order of training data, as a pure function of (seed, epoch, step): there is no cursor to lose.

A document is cut into pieces, the pieces are shuffled anew each epoch, and each of B streams reads piece after
piece in windows of T tokens. A piece begins on a window's first token with a fresh hidden state, and the state is
carried from window to window until the piece ends. Where the cuts fall moves from epoch to epoch.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import CorpusError

IGNORED = -100  # the target of a padded position; torch's cross-entropy leaves it out
PIECES_PER_STREAM = 4  # long documents are cut at least this fine, so that the streams end together

Offsets = NDArray[np.int64]


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


def split(starts: Offsets, head: int, share: float, seed: int) -> tuple[Spans, Spans]:
    """(training, validation): by document where there are several, by tail where there is one.

    Args:
        starts: (D+1,) document offsets.
        head: Framing tokens before a document's own; a tail split counts the document's own alone.
        share: The share held out.
        seed: Picks the documents.
    """
    begin, end = starts[:-1], starts[1:]
    if len(begin) == 1:
        own = int(end[0] - begin[0]) - head
        cut = np.array([begin[0] + head + int(own * (1 - share))])
        return Spans(begin.copy(), cut), Spans(cut, end.copy())
    order = np.random.default_rng([seed, 1]).permutation(len(begin))
    held = np.cumsum((end - begin)[order]) <= share * int(starts[-1] - starts[0])
    held[0], held[-1] = True, False
    chosen, rest = np.sort(order[held]), np.sort(order[~held])
    return Spans(begin[rest], end[rest]), Spans(begin[chosen], end[chosen])


class Epoch:
    """One pass over the training spans.

    Args:
        spans: What to read.
        batch: B, streams side by side.
        window: T, tokens a step.
        seed, number: The epoch's order is a pure function of these.
        reset: Each piece starts from a fresh state; else only the first of each stream does.
    """

    def __init__(self, spans: Spans, batch: int, window: int, seed: int, number: int, reset: bool = True) -> None:
        generator = np.random.default_rng([seed, 2, number])
        begin, end = _pieces(spans, batch, window, generator)
        order = generator.permutation(len(begin))
        self.batch, self.window, self.reset = batch, window, reset
        self._streams = _deal(begin[order], end[order], batch, window)
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
        return begin, length, fresh


def gather(
    ids: NDArray[np.unsignedinteger], begin: Offsets, length: Offsets, window: int, end_id: int
) -> tuple[Offsets, Offsets]:
    """(inputs (B, T), targets (B, T)) of one step; targets past a window's length are IGNORED.

    The last token of the stream is followed by `end_id`, the document token that would stand there.
    """
    inputs = np.full((len(begin), window), end_id, np.int64)
    targets = np.full((len(begin), window), IGNORED, np.int64)
    for row, (at, count) in enumerate(zip(begin.tolist(), length.tolist())):
        piece = ids[at : at + count + 1]
        inputs[row, :count] = piece[:count]
        targets[row, : len(piece) - 1] = piece[1:]
        if 0 < count == len(piece):
            targets[row, count - 1] = end_id
    return inputs, targets


def _pieces(spans: Spans, batch: int, window: int, generator: np.random.Generator) -> tuple[Offsets, Offsets]:
    """Spans cut so that no piece is longer than a share of one stream; the first cut falls at random."""
    if spans.tokens < 2:
        raise CorpusError(f"the corpus has {spans.tokens} tokens to train on, expected at least 2", "add more files")
    longest = max(window, spans.tokens // (batch * PIECES_PER_STREAM))
    longest -= longest % window  # whole windows: only a document's last one is padded
    begins, ends = [], []
    for begin, end in zip(spans.begin.tolist(), spans.end.tolist()):
        cuts = [begin]
        if end - begin > longest:
            first = begin + int(generator.integers(1, longest + 1))
            cuts += range(first, end, longest)
        begins += cuts
        ends += cuts[1:] + [end]
    return np.array(begins, np.int64), np.array(ends, np.int64)


def _deal(begin: Offsets, end: Offsets, batch: int, window: int) -> list[tuple[Offsets, Offsets, Offsets]]:
    """Give each piece in turn to the stream that ends first.

    Returns:
        Per stream: the step at which each of its pieces begins and, last, the step at which all are read;
        the pieces' begins; the pieces' ends.
    """
    dealt: list[list[int]] = [[] for _ in range(batch)]
    clocks: list[list[int]] = [[0] for _ in range(batch)]
    heap = [(0, row) for row in range(batch)]
    for index, steps in enumerate((-((begin - end) // window)).tolist()):
        clock, row = heapq.heappop(heap)
        dealt[row].append(index)
        clocks[row].append(clock + steps)
        heapq.heappush(heap, (clock + steps, row))
    return [(np.array(clocks[row]), begin[dealt[row]], end[dealt[row]]) for row in range(batch)]
