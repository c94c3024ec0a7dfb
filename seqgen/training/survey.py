"""What training is about to see: its documents counted block by block, so that a corpus may be larger than memory."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seqgen.seen import Counts, Seen
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import Spans, Tables

BAR_SIMILARITY: Final = "bar_similarity"  # its name among a checkpoint's metrics
DOCUMENTS = 1000  # whose bars are compared, at most
BLOCK = 1 << 22  # tokens looked at together


def survey(ids: NDArray[np.unsignedinteger], spans: Spans, tokenizer: Tokenizer, tables: Tables | None = None) -> Seen:
    """How often each token occurs in documents, and what `Codec.bounds` finds in them.

    Args:
        ids: (N,) the token stream.
        spans: The training documents in it.
        tokenizer: The stream's.
        tables: (M, V) ids to ids, one of which each document goes through in each epoch.
    """
    size = tokenizer.vocab_size
    seen = Seen(np.zeros(size, np.int64))
    for begin, end in _blocks(*_stretches(spans), spans):
        block = ids[begin:end]
        seen = seen.joined(Seen(np.bincount(block, minlength=size), tokenizer.codec.bounds(block)))
    return seen if tables is None else Seen(_through(seen.counts, tables), seen.bounds)


def similarity_of_bars(ids: NDArray[np.unsignedinteger], spans: Spans, tokenizer: Tokenizer) -> dict[str, float]:
    """`Codec.bar_similarity` of up to DOCUMENTS training documents, evenly taken; empty where there are no bars."""
    chosen = np.unique(np.linspace(0, len(spans) - 1, min(DOCUMENTS, len(spans))).astype(np.int64))
    pairs = zip(spans.begin[chosen].tolist(), spans.end[chosen].tolist())
    return tokenizer.codec.bar_similarity(tokenizer.own(ids[begin:end]) for begin, end in pairs)


def _stretches(spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(begins, ends) of documents that stand side by side, as one."""
    new = np.append(True, spans.begin[1:] != spans.end[:-1])[: len(spans)]
    last = np.append(new[1:], True)[: len(spans)]
    return spans.begin[new], spans.end[last]


def _blocks(begins: NDArray[np.int64], ends: NDArray[np.int64], spans: Spans) -> Iterator[tuple[int, int]]:
    """Stretches of BLOCK tokens at most, which end where documents do, but in documents longer than that."""
    for begin, end in zip(begins.tolist(), ends.tolist()):
        while end - begin > BLOCK:
            ended = spans.end[: np.searchsorted(spans.end, begin + BLOCK, side="right")]
            cut = int(ended[-1]) if len(ended) and ended[-1] > begin else begin + BLOCK
            yield begin, cut
            begin = cut
        yield begin, end


def _through(counts: Counts, tables: Tables) -> Counts:
    """(V,) how often each token occurs on the average once documents have gone through tables, rounded up."""
    moved = np.bincount(tables.ravel(), weights=np.tile(counts, len(tables)), minlength=len(counts))
    return np.ceil(moved / len(tables)).astype(np.int64)
