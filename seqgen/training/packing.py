"""Short documents side by side, each whole and from a fresh state, so that no window is padded.

Where documents are shorter than a window, an order that begins each on a window's first token trains mostly on
padding. Here a step takes whole documents instead, as many as make about the B·T tokens of other steps. Their order is
shuffled anew in each epoch, a pure function of (seed, epoch, step): documents that come near each other are sorted by
length, cut into groups of nearly equal length, and the groups dealt out to the steps at random, a few to each. A group
is one rectangle of tokens, which any cell takes, at the speed of a window.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen.training.data import IGNORED, Offsets, Spans, Stream, gather, wanted_of
from seqgen.training.settings import TrainSettings

FEWEST = 100  # documents; fewer are no list
WASTE = 0.2  # of padding, beside what is not, from which on documents are packed
NEAR = 64  # steps whose documents are sorted together
GROUPS = 2  # in a step
REACH = 8  # windows; a longer document is read in parts, each from a fresh state


def packs(starts: Offsets, settings: TrainSettings) -> bool:
    """Whether documents are so short beside the window that they are packed where nobody says.

    Args:
        starts: (D+1,) where they begin.
        settings: Of the training.
    """
    lengths = np.diff(starts)
    plain = settings.reset == "document" and not settings.reset_probability
    moved = settings.transpose or settings.stretch or settings.loudness
    if len(lengths) < FEWEST or not plain or moved:
        return False
    padded = int((-(-lengths // settings.window)).sum()) * settings.window
    return padded > (1 + WASTE) * int(lengths.sum())


def parts(spans: Spans, longest: int) -> Spans:
    """The spans, those longer than `longest` in parts."""
    count = np.maximum(1, -(-(spans.end - spans.begin) // longest))
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    begin = np.repeat(spans.begin, count) + number * longest
    return Spans(begin, np.minimum(begin + longest, np.repeat(spans.end, count)))


class PackedEpoch:
    """One pass over short documents.

    Args:
        spans: What to read.
        batch, window: About B·T tokens a step.
        seed, number: The epoch's order is a pure function of these.
        ids: The stream of this epoch where it is another than that of the run.

    Attributes:
        steps: How many there are.
    """

    def __init__(
        self, spans: Spans, batch: int, window: int, seed: int, number: int, ids: Stream | None = None
    ) -> None:
        self.batch, self.window, self.number, self.ids = batch, window, number, ids
        generator = np.random.default_rng([seed, 5, number])
        whole = parts(spans, REACH * window)
        order = generator.permutation(len(whole))
        length = (whole.end - whole.begin)[order]
        near = (np.cumsum(length) - length) // (NEAR * batch * window)
        ranked = np.lexsort((length, near))  # stable: of one length in the order that was drawn
        length, near = length[ranked], near[ranked]
        # groups: of about as many tokens each, none of two neighbourhoods
        before = np.cumsum(length) - length
        first = np.searchsorted(near, near)  # where each one's neighbourhood begins
        group = (before - before[first]) * GROUPS // (batch * window)
        new = np.ones(len(group), np.bool_)
        new[1:] = (group[1:] != group[:-1]) | (near[1:] != near[:-1])
        self._edges = np.append(np.flatnonzero(new), len(group))
        self._begin, self._length = whole.begin[order][ranked], length
        self._groups = generator.permutation(len(self._edges) - 1)
        self.steps = -(-len(self._groups) // GROUPS)

    def groups(self, step: int) -> list[tuple[Offsets, Offsets]]:
        """(begin (n,), length (n,)) of the documents of each group of a step."""
        chosen = self._groups[step * GROUPS : (step + 1) * GROUPS]
        slices = [slice(self._edges[group], self._edges[group + 1]) for group in chosen]
        return [(self._begin[each], self._length[each]) for each in slices]


@dataclass(frozen=True)
class Packed:
    """What one step learns from.

    Attributes:
        groups: (x, y) of each, (n, L) int64 inputs and targets on the device; targets to leave out are IGNORED.
        count: Targets that are not, of all ranks.
    """

    groups: tuple[tuple[Tensor, Tensor], ...]
    count: int


class PackedFeed:
    """Gives a step its documents.

    Args:
        ids: (N,) the stream.
        end_id: The document token.
        device: Where they go.
    """

    def __init__(self, ids: NDArray[np.unsignedinteger], end_id: int, device: torch.device) -> None:
        self.ids, self.end_id, self.device = ids, end_id, device

    def packed(self, epoch: PackedEpoch, step: int, rows: slice) -> Packed:
        """The documents of a step; of each group those whose number, by the batch, is among `rows`."""
        groups, count = [], 0
        for begin, length in epoch.groups(step):
            count += wanted_of(self.ids if epoch.ids is None else epoch.ids, begin, length)
            place = np.arange(len(begin)) % epoch.batch
            own = (place >= rows.start) & (place < rows.stop)
            if own.any():
                if epoch.ids is None:
                    x, y = side_by_side(self.ids, begin[own], length[own], self.end_id)
                else:
                    x, y = gather(epoch.ids, begin[own], length[own], int(length[own].max()), self.end_id)
                groups.append((torch.from_numpy(x).to(self.device), torch.from_numpy(y).to(self.device)))
        return Packed(tuple(groups), count)


def side_by_side(
    ids: NDArray[np.unsignedinteger], begin: Offsets, length: Offsets, end_id: int
) -> tuple[Offsets, Offsets]:
    """(inputs (n, L), targets (n, L)) of n pieces of a stream, L the longest; padded ones as `gather` has it."""
    offset = np.arange(int(length.max()) + 1)
    where = begin[:, None] + offset
    tokens = np.where(where < len(ids), ids[np.minimum(where, len(ids) - 1)].astype(np.int64), end_id)
    inside = offset[:-1] < length[:, None]
    return np.where(inside, tokens[:, :-1], end_id), np.where(inside, tokens[:, 1:], IGNORED)
