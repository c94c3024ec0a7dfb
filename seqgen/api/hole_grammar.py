"""What may fill a hole, over the full vocabulary: a codec's own grammar, whole lines, and the token that ends it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seqgen.codecs import Grammar, Mask


class Lines(NamedTuple):
    """How far whole lines have come.

    Attributes:
        inner: The state of the grammar behind, or None.
        begun: Lines that have ended.
        fresh: Whether a line has just ended, or nothing has been written.
        tokens: So far.
    """

    inner: Any
    begun: int = 0
    fresh: bool = True
    tokens: int = 0


@dataclass(frozen=True, eq=False)
class WholeLines:
    """A grammar of lines: it ends behind the end of one.

    Attributes:
        inner: Another that is kept besides; None: there is none.
        breaks: (V0,) the tokens that end a line.
        length: Tokens from which on the line is ended.
        count: So many lines there are to be; None: as many as come.
    """

    inner: Grammar | None
    breaks: Mask
    length: int
    count: int | None = None

    def start(self) -> Lines:
        """Where the first line begins."""
        return Lines(None if self.inner is None else self.inner.start())

    def step(self, state: Lines, token: int) -> Lines:
        """The state after one more token."""
        inner, ends = None if self.inner is None else self.inner.step(state.inner, token), bool(self.breaks[token])
        return Lines(inner, state.begun + ends, ends, state.tokens + 1)

    def allowed(self, state: Lines) -> Mask:
        """(V0,) True where a token may follow; none may where the last line has ended."""
        if self.count is not None and state.begun >= self.count and self.may_end(state):
            return np.zeros(len(self.breaks), np.bool_)
        mask = np.ones(len(self.breaks), np.bool_) if self.inner is None else self.inner.allowed(state.inner)
        if self.inner is not None and self.inner.may_end(state.inner):
            return mask if mask.any() else self.breaks
        return self.breaks if self.inner is None and state.tokens >= self.length else mask

    def may_end(self, state: Lines) -> bool:
        """Behind a line."""
        enough = self.count is None or state.begun >= self.count
        return state.fresh and state.tokens > 0 and enough and (self.inner is None or self.inner.may_end(state.inner))


@dataclass(frozen=True, eq=False)
class FilledGrammar:
    """The grammar of a prompt and what fills its hole.

    Attributes:
        inner: Of the filling, over the codec's tokens.
        read: The tokens of the prompt, which it passes over.
        end_id: The token that ends the filling.
        vocab_size: Of all tokens.
        own: Of the codec's.
    """

    inner: Grammar
    read: int
    end_id: int
    vocab_size: int
    own: int

    def start(self) -> tuple[int, Any]:
        """Before the prompt."""
        return self.read, self.inner.start()

    def step(self, state: tuple[int, Any], token: int) -> tuple[int, Any]:
        """The state after one more token."""
        left, inner = state
        if left:
            return left - 1, inner
        return 0, inner if token >= self.own else self.inner.step(inner, token)

    def allowed(self, state: tuple[int, Any]) -> Mask:
        """(V,) True where a token may follow."""
        mask = np.zeros(self.vocab_size, np.bool_)
        mask[: self.own] = self.inner.allowed(state[1])
        mask[self.end_id] = self.may_end(state)
        return mask

    def may_end(self, state: tuple[int, Any]) -> bool:
        """Whether the hole may be closed here."""
        return self.inner.may_end(state[1])
