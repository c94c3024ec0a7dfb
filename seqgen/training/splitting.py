"""What of a corpus is held out: about the share that was asked for, whatever the documents are like.

Whole documents where a set of them has that share, else the tails of as few as will do; never the bulk of a corpus, and
for every seed as much. The first version could not do that: it always held out one document at least, and so a book
that lies beside a note. It still decides where what it takes is fair, and for runs that began with it. Since the third,
files that are copies of each other are held out together or not at all (`seqgen.training.duplicates`).
"""

import numpy as np
from numpy.typing import NDArray

from seqgen.training.data import Offsets, Spans

FIRST, FAIRLY, SPLIT = 1, 2, 3  # versions, of which `training.json` names one
FAIR = 0.1  # how far from the share what is held out may be, as a part of it
HALF = 0.5  # of a document, more than which is not held out of it unless so large a share is asked for


def split(starts: Offsets, head: int, share: float, seed: int, version: int = SPLIT) -> tuple[Spans, Spans]:
    """(training, validation): by document where there are several, by tail where there is one or no set of them fits.

    Args:
        starts: (D+1,) document offsets.
        head: Framing tokens before a document's own; a tail split counts the document's own alone.
        share: The share held out.
        seed: Picks the documents.
        version: FIRST for runs that began with it.
    """
    begin, end = starts[:-1], starts[1:]
    if len(begin) == 1:
        own = int(end[0] - begin[0]) - head
        cut = np.array([begin[0] + head + int(own * (1 - share))])
        return Spans(begin.copy(), cut), Spans(cut, end.copy())
    length, wanted = end - begin, share * int(starts[-1] - starts[0])
    order = np.random.default_rng([seed, 1]).permutation(len(begin))
    held = np.cumsum(length[order]) <= wanted
    held[0], held[-1] = True, False
    chosen = order[held]
    if version == FIRST or _fair(int(length[chosen].sum()), wanted):
        return _apart(begin, end, chosen)
    fitting = _fitting(length, order, wanted)
    return _tails(begin, end, head, order, wanted, share) if fitting is None else _apart(begin, end, fitting)


def _fair(tokens: float, wanted: float) -> bool:
    return abs(tokens - wanted) <= FAIR * wanted


def _apart(begin: Offsets, end: Offsets, chosen: NDArray[np.int64]) -> tuple[Spans, Spans]:
    """Whole documents held out of the others."""
    out = np.zeros(len(begin), np.bool_)
    out[chosen] = True
    return Spans(begin[~out], end[~out]), Spans(begin[out], end[out])


def _fitting(length: Offsets, order: NDArray[np.int64], wanted: float) -> NDArray[np.int64] | None:
    """Documents, in the order of the seed, that have about as many tokens as are wanted; None: no set was found.

    Those that are too long for what is left are passed over. Of few documents, each may be the first.
    """
    for turn in range(min(len(order), 64)):
        taken, total = list[int](), 0
        for document in np.roll(order, -turn):
            size = int(length[document])
            if total + size <= (1 + FAIR) * wanted:
                taken.append(int(document))
                total += size
            if _fair(total, wanted):
                return np.array(taken)
    return None


def _tails(
    begin: Offsets, end: Offsets, head: int, order: NDArray[np.int64], wanted: float, share: float
) -> tuple[Spans, Spans]:
    """The tails of documents held out: of one that is long enough where there is one, else of several."""
    own = np.maximum(end - begin - head, 0)
    room = (own * max(HALF, share)).astype(np.int64)
    long = room[order] >= wanted
    cut, left = end.copy(), max(1, round(wanted))
    for document in (*order[long], *order[~long]):
        take = min(left, int(room[document]))
        cut[document] -= take
        left -= take
        if not left:
            break
    out = cut < end
    return Spans(begin.copy(), cut), Spans(cut[out], end[out])
