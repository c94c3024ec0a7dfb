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


Followers = tuple[str, int]  # the latest tokens that followed a context, and how many of them are different


class Document:
    """One document while it grows."""

    __slots__ = ("contexts", "followers", "history", "length")

    def __init__(self) -> None:
        self.followers: dict[str, Followers] = {}
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
        once = token, 1
        for context in self.contexts:
            if (known := followers.get(context)) is None:
                followers[context] = once
                continue
            text, different = known
            different += token not in text
            text += token
            if len(text) > FOLLOWERS:
                first, text = text[0], text[1:]
                different -= first not in text
            followers[context] = text, different
        self.history += token
        self.length += 1
        if len(self.history) == HISTORY:
            self._forget()
        tail = self.history[1 - ORDER :]
        self.contexts = [tail[at:] for at in range(len(tail) - 1, -1, -1)]

    def found(self) -> list[Followers]:
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


Knowledge = tuple[list[Followers], int]  # what followed the latest contexts, from the shortest on; tokens so far


def evidence(rows: Sequence[Knowledge], vocab_size: int) -> Evidence:
    """What (B,) documents know of their next tokens, in numbers."""
    size = len(rows)
    about, rest, sizes = list[tuple[int, int, int, int]](), np.empty((size, 1)), list[int]()
    texts, weights = list[str](), list[float]()
    for row, (found, length) in enumerate(rows):
        own, left = _weights(found)
        weights += own
        rest[row] = left / vocab_size
        text, different = found[-1] if found else ("", 0)
        about.append((len(found), len(text), different, length))
        sizes.append(sum(len(each) for each, _ in found))
        texts += [each for each, _ in reversed(found)]
    tokens, counts = _tokens(texts).astype(np.int64), [len(each) for each in texts]
    if size > 1:
        tokens += np.repeat(np.arange(size) * vocab_size, sizes)
    mass = np.bincount(tokens, np.repeat(weights, counts) if counts else None, size * vocab_size)
    return Evidence(mass.reshape(size, vocab_size) + rest, *map(list, zip(*about)))


def spread(found: list[Followers], vocab_size: int) -> NDArray[np.float64]:
    """(V,) the probabilities that `evidence` gives of one document, sooner."""
    if not found:
        return np.full(vocab_size, 1 / vocab_size)
    weights, left = _weights(found)
    texts = [text for text, _ in reversed(found)]
    every = np.array(weights).repeat([len(text) for text in texts])
    mass = np.asarray(np.bincount(_tokens(texts), every, vocab_size), np.float64)
    return np.add(mass, left / vocab_size, out=mass)


def _weights(found: list[Followers]) -> tuple[list[float], float]:
    """What each follower of each context is worth, from the longest context on; what is left for any token."""
    left, weights = 1.0, []
    for text, different in reversed(found):
        total = len(text) + different
        weights.append(left / total)
        left *= different / total
    return weights, left


def _tokens(texts: list[str]) -> NDArray[np.uint32]:
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
