"""C that ends between two definitions: the lexical grammar, and from a wanted length on the way to an end.

It counts tokens and definitions, and knows nothing of what the model would rather say. While there is grace, an end is
taken where the model comes to one by itself; then what is open is closed byte by byte.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.c_source.closing import closing, settled
from seqgen.codecs.c_source.grammar import CGrammar
from seqgen.codecs.c_source.lexer import State

LONGEST_ENDING = 600  # bytes: DEPTH brackets, FRAMES conditionals, and what completes statements between them
# Tokens after which a function may still get its body: no end of a declaration, an initialiser, a list or an array.
BODIED = re.compile(r"(?!\w*+\s*+[;=,\[])")
BODIED_AFTER_LIST = re.compile(r"(?!\s*+[;=,\[(])")


class Progress(NamedTuple):
    """Where in a file one is, and how far.

    Attributes:
        inner: The lexical state.
        tokens: Tokens so far.
        functions: Function bodies that have been closed outside all brackets.
    """

    inner: State
    tokens: int = 0
    functions: int = 0


@dataclass(frozen=True, eq=False)
class Balanced:
    """A C grammar whose files end outside all brackets, literals, comments and conditionals, behind a definition.

    Attributes:
        inner: The lexical grammar; a tidy one makes conditionals balance whatever is compiled.
        length: Tokens, the prompt's included, from which on an end is looked for.
        grace: So many tokens more, the model may find the end itself.
        functions: An end is looked for, too, when so many function bodies are complete, and nothing is declared
            without a body; 0: only by length.
    """

    inner: CGrammar
    length: int
    grace: int
    functions: int = 0
    _closers: dict[str, Mask] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Tokens within which every file ends, the prompt's included."""
        return self.length + self.grace + LONGEST_ENDING

    def start(self) -> Progress:
        """The beginning of a file."""
        return Progress(self.inner.start())

    def step(self, state: Progress, token: int) -> Progress:
        """The state after one more token, allowed or not."""
        before = state.inner
        after = self.inner.step(before, token)
        closed = after.last == "}" and not after.stack and bool(before.stack)
        return Progress(after, state.tokens + 1, state.functions + closed)

    def allowed(self, state: Progress) -> Mask:
        """(V,) True where a token may follow; none may where the file ends."""
        if not self._wanted(state):
            return self._towards_body(state.inner)
        if self._over(state.inner):
            return self._only("")
        if not settled(state.inner) and state.tokens < self.length + self.grace:
            return self._towards_body(state.inner)
        return self._only(closing(state.inner))

    def may_end(self, state: Progress) -> bool:
        """Outside everything, on a new line behind a definition."""
        return self._over(state.inner)

    def _towards_body(self, state: State) -> Mask:
        """(V,) what the grammar allows; where functions are wanted, nothing that makes a mere declaration of one."""
        mask = self.inner.allowed(state)
        if not self.functions or state.stack or state.inside or state.place not in ("start", "code"):
            return mask
        bodied = mask & (self._bodied_after_list if state.last == ")" else self._bodied)
        return bodied if bodied.any() else mask

    @cached_property
    def _bodied(self) -> Mask:
        return self.inner.matching(BODIED)

    @cached_property
    def _bodied_after_list(self) -> Mask:
        return self.inner.matching(BODIED_AFTER_LIST)

    def _wanted(self, state: Progress) -> bool:
        """Whether an end is looked for."""
        return state.tokens >= self.length or 0 < self.functions <= state.functions

    def _over(self, state: State) -> bool:
        return settled(state) and not state.frames

    def _only(self, char: str) -> Mask:
        """(V,) True for the token of one byte, or for none."""
        mask = self._closers.get(char)
        if mask is None:
            mask = np.zeros(self.inner.vocab_size, np.bool_)
            if char:
                mask[self.inner.byte(char)] = True
            mask.setflags(write=False)
            self._closers[char] = mask
        return mask
