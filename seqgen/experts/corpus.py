"""The n-gram of a corpus as compact arrays: pruned to a size, two to four bytes an n-gram, read where it lies.

What is kept of `seqgen.experts.ngram`'s modified Kneser-Ney, interpolated form:

    P_k(w | c) = seen(cw) + γ(c) · P_{k−1}(w | c'),    γ(c) = 1 − Σ_w seen(cw),    P_0(w) = 1 / V

Since γ is what is left, it is not stored, and whatever is pruned or rounded, every distribution sums to one.

N-grams are the nodes of a tree, the root first, then order by order; the nodes of an order stand by parent and token.
`tokens` has the last token of each node but the root, as its place among the tokens that occur, the `alphabet`;
`shares` the code of its `seen`, `children` how many nodes are below each node but those of the highest order. The
parent of an n-gram is its context, so that what `seqgen.experts.pruning` left out leaves no hole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.experts.ngram import MAX_TOKENS, Ints, best_order, between, longest
from seqgen.experts.pruning import narrowest, pruned

Places = NDArray[np.int64]  # nodes, −1 for none

MAX_ORDER = 12
CODES = 256
STEP = np.log(2) / 16  # nats between two codes: a share is rounded down by 4 % at most
DENSE = 1 << 20  # numbers of a table of bigrams, at most
NAMES = ("alphabet", "tokens", "shares", "children")


@dataclass(frozen=True, eq=False)
class CorpusCounts:
    """An n-gram model of V tokens.

    Attributes:
        vocab_size: V.
        order: The most tokens of an n-gram.
        tokens: (M,) int64, the last token of each n-gram, order by order, by context and token.
        shares: (M,) uint8, c for seen = 2^(−c / 16), and 255 for 0.
        children: (C,) how many n-grams go on from the root, and from each n-gram below the highest order.
    """

    vocab_size: int
    order: int
    tokens: NDArray[np.int64]
    shares: NDArray[np.uint8]
    children: NDArray[Any]

    @classmethod
    def fit(
        cls, ids: Ints, starts: Ints, vocab_size: int, size: int, order: int | None = None, most: int = MAX_TOKENS
    ) -> "CorpusCounts":
        """Count (N,) ids within documents, and keep what is worth most.

        Args:
            ids: (N,) token ids below `vocab_size`. Of more than `most` the last ones are counted.
            starts: Where documents begin, sorted; N itself may be among them.
            vocab_size: V.
            size: How many bytes the arrays may take.
            order: The most tokens of an n-gram; none: what is best on held-out training tokens.
            most: How many ids are counted.
        """
        ids, starts = between(ids, starts, max(0, len(ids) - most), len(ids))
        order = min(best_order(ids, starts, vocab_size) if order is None else order, longest(ids, starts), MAX_ORDER)
        tokens, shares, children = pruned(ids, starts, vocab_size, order, size)
        codes = np.ceil(-np.log(shares.clip(1e-30)) / STEP).clip(0, CODES - 1)
        return cls(vocab_size, _order(children), tokens, codes.astype(np.uint8), children)

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], vocab_size: int) -> "CorpusCounts":
        """The model whose `arrays` these are, checked.

        Raises:
            ValueError: They make no tree of n-grams.
        """
        alphabet, places, shares, children = (arrays[name] for name in NAMES)
        if any(each.ndim != 1 or each.dtype.kind != "u" for each in (alphabet, places, shares, children)):
            raise ValueError("arrays of counts that are no rows of unsigned integers")
        if len(places) and int(places.max()) >= len(alphabet):
            raise ValueError(f"n-grams with tokens outside their alphabet of {len(alphabet)}")
        tokens = alphabet.astype(np.int64)[places]
        if len(tokens) != len(shares) or shares.dtype != np.uint8 or not len(children):
            raise ValueError(f"{len(tokens)} n-grams with {len(shares)} shares")
        if int(children.sum(dtype=np.uint64)) != len(tokens) or len(children) > len(tokens) + 1:
            raise ValueError(f"{len(tokens)} n-grams, but {len(children)} contexts that have others")
        if len(tokens) and int(tokens.max()) >= vocab_size:
            raise ValueError(f"n-grams with tokens outside the vocabulary of {vocab_size}")
        found = cls(vocab_size, _order(children), tokens, shares, children)
        if found.order > MAX_ORDER or (np.diff(found.keys) <= 0).any() or (found.left < 0).any():
            raise ValueError("n-grams out of their order, or shares above one")
        return found

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file holds."""
        alphabet, places = np.unique(self.tokens, return_inverse=True)
        return {
            "alphabet": alphabet.astype(narrowest(self.vocab_size)),
            "tokens": places.astype(narrowest(len(alphabet) - 1)),
            "shares": self.shares,
            "children": self.children,
        }

    @property
    def nbytes(self) -> int:
        """Of the arrays."""
        return sum(each.nbytes for each in self.arrays.values())

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """(M+1,) children of every node."""
        return np.pad(self.children.astype(np.int64), (0, len(self.tokens) + 1 - len(self.children)))

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """(M+1,) where in `tokens` the children of each node begin."""
        return np.asarray(np.cumsum(self.count) - self.count)

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """(M,) node of the context · V + token, rising."""
        return np.repeat(np.arange(len(self.count)), self.count) * self.vocab_size + self.tokens

    @cached_property
    def seen(self) -> NDArray[np.float64]:
        """(M,) the share of each n-gram in its context."""
        return np.asarray(np.append(np.exp(np.arange(CODES - 1) * -STEP), 0)[self.shares])

    @cached_property
    def left(self) -> NDArray[np.float64]:
        """(M+2,) γ of every node; 1 for the node −1, which is none."""
        parents = np.repeat(np.arange(len(self.count)), self.count)
        return np.append(1 - np.bincount(parents, self.seen, len(self.count)), 1.0)

    @cached_property
    def unigrams(self) -> NDArray[np.float64]:
        """(V,) P_1."""
        found = np.full(self.vocab_size, self.left[0] / self.vocab_size)
        found[self.tokens[: self.count[0]]] += self.seen[: self.count[0]]
        return found

    @cached_property
    def bigrams(self) -> NDArray[np.float64] | None:
        """(U+1, V) P_2 after each node of the first order, and before them P_1; None where that were too large."""
        nodes = np.arange(1, self.count[0] + 1)
        if (len(nodes) + 1) * self.vocab_size > DENSE:
            return None
        table = np.repeat(self.unigrams[None], len(nodes) + 1, axis=0)
        table[1:] *= self.left[nodes][:, None]
        items = np.arange(self.first[nodes[0]], self.first[nodes[-1]] + self.count[nodes[-1]]) if len(nodes) else nodes
        table[np.repeat(nodes, self.count[nodes]), self.tokens[items]] += self.seen[items]
        return table

    def start(self, batch: int) -> Places:
        """(B, order) the contexts of streams before their first token: of k tokens in column k, −1 where none is."""
        contexts = np.full((batch, max(1, self.order)), -1, np.int64)
        contexts[:, 0] = 0
        return contexts

    def step(self, ids: Ints, contexts: Places) -> Places:
        """(B, order) the contexts after `ids` (B,)."""
        after = np.full_like(contexts, -1)
        after[:, 0] = 0
        if len(self.keys):
            wanted = contexts[:, :-1] * self.vocab_size + ids[:, None]
            place = self.keys.searchsorted(wanted)
            found = self.keys.take(place, mode="clip") == wanted
            after[:, 1:] = np.where(found, place + 1, -1)
        return after

    def read(self, ids: Ints, contexts: Places) -> Places:
        """(T, order) the contexts of one stream after each of (T,) ids, `contexts` (order,) being those before."""
        found = np.full((len(ids), contexts.shape[0]), -1, np.int64)
        found[:, 0] = 0
        for length in range(1, found.shape[1]):
            before = np.append(contexts[length - 1], found[:-1, length - 1])
            wanted = before * self.vocab_size + ids
            place = self.keys.searchsorted(wanted)
            known = self.keys.take(place, mode="clip") == wanted if len(self.keys) else np.zeros(len(ids), np.bool_)
            found[:, length] = np.where(known, place + 1, -1)
        return found

    def reached(self, contexts: Places) -> NDArray[np.int64]:
        """(B,) the longest context of each stream from which anything goes on, in tokens."""
        return np.asarray(((self.count[contexts] > 0) * np.arange(contexts.shape[1])).max(axis=1))

    def probabilities(self, contexts: Places) -> NDArray[np.float64]:
        """(B, V) of the next token after (B, order) contexts."""
        table, low = self.bigrams, 2
        if table is None or contexts.shape[1] < 2:
            found, low = np.repeat(self.unigrams[None], len(contexts), axis=0), 1
        else:
            found = table.take(contexts[:, 1], axis=0, mode="clip")
        for nodes in contexts[:, low:].T:
            self._raise(found, nodes)
        return found

    def _raise(self, found: NDArray[np.float64], nodes: Places) -> None:
        """Take one more order into the (B, V) probabilities `found`, its contexts being (B,) `nodes`."""
        count = self.count[nodes]  # of the node −1, the last leaf, too: none
        total = int(count.sum())
        if not total:
            return
        found *= self.left[nodes][:, None]
        items = np.arange(total) + np.repeat(self.first[nodes] - count.cumsum() + count, count)
        rows = np.repeat(np.arange(len(nodes)) * self.vocab_size, count)
        found.reshape(-1)[rows + self.tokens[items]] += self.seen[items]


def _order(children: NDArray[Any]) -> int:
    """How many orders a tree has whose inner nodes have so many children."""
    order, at, width = 0, 0, 1
    counts = children.astype(np.int64)
    while width and at < len(counts):
        below = int(counts[at : at + width].sum())
        at, width = at + width, below
        order += below > 0
    return order
