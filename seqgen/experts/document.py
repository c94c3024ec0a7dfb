"""The n-gram of the document so far: what followed here before, in this very document.

Interpolated Witten-Bell (Witten & Bell 1991, "The zero-frequency problem", method C) of contexts of one to ORDER − 1
tokens. Of each context the latest FOLLOWERS tokens that followed it are kept, n of them, u different ones:

    P_k(w | c) = (n(cw) + u(c) · P_{k−1}(w | c')) / (n(c) + u(c)),    P_0(w) = 1 / V

A document is one mapping of contexts to followers, both texts whose characters are token ids: they are never changed,
so that a copy of a document shares them. Memory is bounded, however long a document is: after every HISTORY tokens
what the older half of them taught is forgotten.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]

ORDER = 7
FOLLOWERS = 128
HISTORY = 1 << 15  # tokens


class Evidence(NamedTuple):
    """What a document knows of its next token.

    Attributes:
        probabilities: (B, V) float64.
        reached: B numbers, the longest context that occurred before, in tokens; 0: none.
        followers: B numbers, how many tokens followed it.
        different: B numbers, how many of them are different.
        length: B numbers, tokens of the document.
    """

    probabilities: NDArray[np.float64]
    reached: list[int]
    followers: list[int]
    different: list[int]
    length: list[int]


class Document:
    """One document while it grows."""

    __slots__ = ("contexts", "followers", "history", "length")

    def __init__(self) -> None:
        self.followers: dict[str, str] = {}
        self.history = ""  # the tokens that are remembered
        self.contexts: list[str] = []  # the latest ones, from the shortest on
        self.length = 0

    def copy(self) -> "Document":
        """The same document, which may go on in another way."""
        other = Document()
        other.followers, other.history = self.followers.copy(), self.history
        other.contexts, other.length = self.contexts, self.length
        return other

    def add(self, token: str) -> None:
        """Take one more token in."""
        followers = self.followers
        for context in self.contexts:
            followers[context] = (followers.get(context, "") + token)[-FOLLOWERS:]
        self.history += token
        self.length += 1
        if len(self.history) == HISTORY:
            self._forget()
        tail = self.history[1 - ORDER :]
        self.contexts = [tail[at:] for at in range(len(tail) - 1, -1, -1)]

    def found(self) -> list[str]:
        """What followed the latest contexts, from the shortest on, as far as they occurred before."""
        found = []
        for context in self.contexts:
            followers = self.followers.get(context)
            if followers is None:
                break
            found.append(followers)
        return found

    def _forget(self) -> None:
        kept, length = self.history[HISTORY // 2 :], self.length
        self.__init__()  # type: ignore[misc]
        for token in kept:
            self.add(token)
        self.length = length


Knowledge = tuple[list[str], int]  # what followed the latest contexts, from the shortest on; tokens of the document


def evidence(rows: Sequence[Knowledge], vocab_size: int) -> Evidence:
    """What (B,) documents know of their next tokens, in numbers."""
    size = len(rows)
    about, rest, sizes = list[tuple[int, int, int, int]](), np.empty((size, 1)), list[int]()
    texts, counts, weights = list[str](), list[int](), list[float]()
    for row, (found, length) in enumerate(rows):
        left, total, longest = 1.0, 0, (0, 0)
        for followers in reversed(found):
            n, u = len(followers), len(set(followers))
            longest = longest if total else (n, u)
            weights.append(left / (n + u))
            counts.append(n)
            left *= u / (n + u)
            total += n
        rest[row] = left / vocab_size
        about.append((len(found), *longest, length))
        sizes.append(total)
        texts += reversed(found)
    tokens = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    if size > 1:
        tokens += np.repeat(np.arange(size) * vocab_size, sizes)
    mass = np.bincount(tokens, np.repeat(weights, counts) if counts else None, size * vocab_size)
    return Evidence(mass.reshape(size, vocab_size) + rest, *map(list, zip(*about)))
