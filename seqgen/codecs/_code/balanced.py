"""Source code that ends between two definitions: the lexical grammar, and from a wanted length on the way to an end.

It knows nothing of what the model would rather say. While there is grace, an end is taken where the model comes to one
by itself; then what is open is closed byte by byte.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs._code.closing import closing, fresh, settled
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.state import DEPTH, FRAMES, State

LONGEST_ENDING = 8 * (DEPTH + FRAMES)  # bytes: brackets, blocks, conditionals, and what completes statements between


class Progress(NamedTuple):
    """Where in a file one is, and after how many tokens."""

    inner: State
    tokens: int = 0


@dataclass(frozen=True, eq=False)
class BalancedCode:
    """A grammar whose files end outside all brackets, literals, comments, blocks and conditionals, behind a definition.

    Attributes:
        inner: The lexical grammar; a tidy one makes conditionals balance whatever is compiled.
        length: Tokens, the prompt's included, from which on an end is looked for.
        grace: So many tokens more, the model may find the end itself.
    """

    inner: CodeGrammar
    length: int
    grace: int
    _kept: dict[str, Mask] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Tokens within which every file ends, the prompt's included."""
        return self.length + self.grace + LONGEST_ENDING

    def start(self) -> Progress:
        """The beginning of a file."""
        return Progress(self.inner.start())

    def step(self, state: Progress, token: int) -> Progress:
        """The state after one more token, allowed or not."""
        return Progress(self.inner.step(state.inner, token), state.tokens + 1)

    def allowed(self, state: Progress) -> Mask:
        """(V,) True where a token may follow; none may where the file ends."""
        inner = state.inner
        if state.tokens < self.length:
            return self.inner.allowed(inner)
        if self.may_end(state):
            return self._only("")
        if state.tokens >= self.length + self.grace or settled(self.inner.lexer, inner):
            return self._only(closing(self.inner.lexer, inner))
        mask = self.inner.allowed(inner)
        if fresh(self.inner.lexer, inner):
            return mask & self._within if (mask & self._within).any() else mask
        return mask

    def may_end(self, state: Progress) -> bool:
        """Outside everything, on a new line behind a definition."""
        return settled(self.inner.lexer, state.inner) and not state.inner.frames

    @cached_property
    def _within(self) -> Mask:
        """(V,) what begins nothing new where indentation counts: space, ends of lines, comments."""
        return self.inner.beginning(" \t\r\n")

    def _only(self, char: str) -> Mask:
        """(V,) True for the token of one byte, or for none."""
        mask = self._kept.get(char)
        if mask is None:
            mask = np.zeros(self.inner.vocab_size, np.bool_)
            if char:
                mask[self.inner.byte(char)] = True
            mask.setflags(write=False)
            self._kept[char] = mask
        return mask
