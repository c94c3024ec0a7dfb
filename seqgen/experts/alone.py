"""One stream at a time, to the same bits as many at once: what a token of one sampled stream costs least.

There every call of numpy is paid for, however few numbers it is about. So contexts are plain lists, few n-grams are
added one by one, and all else is done in as few calls as the order of operations of `CorpusCounts.probabilities`,
`hear`, `mix` and `joined` allows. What follows two tokens of the corpus, where many n-grams are, is kept.
"""

from bisect import bisect_left
from math import log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.document import Document, spread
from seqgen.experts.gate import (
    BEGUN,
    EXPERTS,
    FEATURES,
    FOLLOWERS,
    LEFT,
    LENGTH,
    LENGTHS,
    OF_CORPUS,
    SURE,
    TINY,
    Floats,
)

FEW = 6  # n-grams that are added one by one
KEPT = 1 << 22  # bytes of what follows two tokens, about
SURES = np.array([SURE, SURE + 1, FOLLOWERS - 2, SURE + 2, SURE + 3, FOLLOWERS - 1])  # of network, corpus, document
Row = NDArray[np.float64]


class Alone:
    """The counts of a corpus as single streams read them. Threads may share it."""

    def __init__(self, counts: CorpusCounts) -> None:
        self.counts, self.size = counts, counts.vocab_size
        self.tokens, self.count, self.first, self.seen, self.left = map(
            _numbers, (counts.tokens, counts.count, counts.first, counts.seen, counts.left)
        )
        self.kept: dict[int, Row] = {}
        self.most = max(1, KEPT // (8 * self.size + 200))

    def after(self, token: int, nodes: list[int]) -> list[int]:
        """The nodes of the contexts of each length after a token, −1 where there is none; see `CorpusCounts.step`."""
        return [0, *(-1 if node < 0 else self._below(node, token) for node in nodes[:-1])]

    def _below(self, node: int, token: int) -> int:
        count = self.count[node]
        if not count:
            return -1
        first = self.first[node]
        found = bisect_left(self.tokens, token, first, first + count)
        return found + 1 if found < first + count and self.tokens[found] == token else -1

    def row(self, nodes: list[int]) -> Row:
        """(V,) what comes next; not to be changed."""
        table = self.counts.bigrams
        if table is None or len(nodes) < 2:
            found, low = self.counts.unigrams, 1
        else:
            found, low = table[max(nodes[1], 0)], 2
        own = False
        for length in range(low, len(nodes)):
            node = nodes[length]
            count = 0 if node < 0 else self.count[node]
            if not count:
                continue
            if length == 2 and (known := self.kept.get(node)) is not None:
                found = known
                continue
            found = np.multiply(found, self.left[node], out=found if own else None)
            own = length > 2
            first = self.first[node]
            if count <= FEW:
                for at in range(first, first + count):
                    found[self.tokens[at]] += self.seen[at]
            else:
                found[self.counts.tokens[first : first + count]] += self.counts.seen[first : first + count]
            if length == 2:
                if len(self.kept) >= self.most:
                    self.kept = {}
                self.kept[node] = found
        return found

    def mixed(self, logits: Floats, nodes: list[int], document: Document, begun: int, weights: Floats) -> Floats:
        """(1, V') log-probabilities of a network and of what the counts know, as `Experts.mixed` has them.

        Args:
            logits: (1, V') of the network.
            nodes: Where the stream stands in the corpus.
            document: What came so far.
            begun: How many lines or bars began just now, see `Experts.begun`.
            weights: (EXPERTS, FEATURES), one of the gate's.
        """
        size = self.size
        network = _normalised(logits[0])
        if document.length <= LENGTHS[0]:
            said = _normalised(network[:size])
        else:
            experts, x = np.empty((EXPERTS, size), np.float32), np.zeros(FEATURES, np.float32)
            experts[0], experts[1], experts[2] = network[:size], self.row(nodes), _own(document, size, x)
            counted = experts[1:]
            np.maximum(counted, TINY, out=counted)
            np.log(counted, out=counted)
            self._features(nodes, x)
            if begun:
                x[BEGUN + begun] = 1
            sure = np.empty((2, EXPERTS), np.float32)
            np.exp(np.maximum.reduce(experts, axis=1, out=sure[0]), out=sure[1])
            x[SURES] = sure.ravel()
            experts *= np.add.reduce(weights * x, axis=1)[:, None]
            said = _normalised(np.add.reduce(experts, axis=0))
        if len(network) == size:
            return said[None]
        total = np.add.reduce(np.exp(network[:size]))
        np.add(said, np.log(np.maximum(total, np.float32(TINY))), out=network[:size])
        return network[None]

    def _features(self, nodes: list[int], x: Floats) -> None:
        """Tell features what the corpus knows here."""
        x[0], reached = 1, 0
        for length, node in enumerate(nodes):
            x[LEFT + length] = self.left[node]
            if node >= 0 and self.count[node]:
                reached = length
        x[1 + reached] = 1


def _numbers(array: NDArray[Any]) -> Any:
    """The same as a view whose items are numbers of Python's own."""
    return memoryview(np.ascontiguousarray(array))  # type: ignore[arg-type]


def _own(document: Document, size: int, x: Floats) -> Row:
    """(V,) what a document says of its next token; in features x what is known of it."""
    found = document.found()
    (text, different), length = found[-1] if found else ("", 0), document.length
    x[OF_CORPUS + len(found)] = x[LENGTH + bisect_left(LENGTHS, length)] = 1
    x[FOLLOWERS] = log1p(len(text))
    x[FOLLOWERS + 1] = different == 1
    return spread(found, size)


def _normalised(logits: Floats) -> Floats:
    """What `gate.normalised` makes of a row."""
    found: Floats = logits - np.maximum.reduce(logits)
    found -= np.log(np.add.reduce(np.exp(found)))
    return found
