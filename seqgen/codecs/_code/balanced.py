"""Source code that ends between two definitions: the lexical grammar, and from a wanted length on the way to an end.

It knows nothing of what the model would rather say. While there is grace, an end is taken where the model comes to one
by itself; then what is open is closed byte by byte.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs._code.closing import closing, fresh, settled
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.state import DEPTH, FRAMES, State

WITHIN = re.compile(r"[ \t\r\n]")  # what begins nothing new where indentation counts
LONGEST_ENDING = 8 * (DEPTH + FRAMES)  # bytes: brackets, blocks, conditionals, and what completes statements between


class Progress(NamedTuple):
    """Where in a file one is, and how far.

    Attributes:
        inner: The lexical state.
        tokens: Tokens so far.
        functions: Blocks between braces that have been closed outside everything, as the bodies of functions of C are.
    """

    inner: State
    tokens: int = 0
    functions: int = 0


@dataclass(frozen=True, eq=False)
class BalancedCode:
    """A grammar whose files end outside all brackets, literals, comments, blocks and conditionals, behind a definition.

    Attributes:
        inner: The lexical grammar; a tidy one makes conditionals balance whatever is compiled.
        length: Tokens, the prompt's included, from which on an end is looked for.
        grace: So many tokens more, the model may find the end itself.
        functions: An end is looked for, too, when so many function bodies are complete, and nothing is declared
            without a body, where the language has phrases; 0: only by length.
    """

    inner: CodeGrammar
    length: int
    grace: int
    functions: int = 0
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
        before = state.inner
        after = self.inner.step(before, token)
        closed = after.last == "}" and not after.stack and bool(before.stack)
        return Progress(after, state.tokens + 1, state.functions + closed)

    def allowed(self, state: Progress) -> Mask:
        """(V,) True where a token may follow; none may where the file ends."""
        inner, lexer = state.inner, self.inner.lexer
        if state.tokens < self.length and not 0 < self.functions <= state.functions:
            return self._towards_body(inner)
        if self.may_end(state):
            return self._only("")
        if state.tokens >= self.length + self.grace or settled(lexer, inner):
            return self._only(closing(lexer, inner))
        mask = self._towards_body(inner)
        within = mask & self.inner.matching(WITHIN) if fresh(lexer, inner) else mask
        return within if within.any() else mask

    def may_end(self, state: Progress) -> bool:
        """Outside everything, on a new line behind a definition."""
        return settled(self.inner.lexer, state.inner) and not state.inner.frames

    def _towards_body(self, state: State) -> Mask:
        """(V,) what the grammar allows; where functions are wanted, nothing that makes a mere declaration of one."""
        mask, phrases = self.inner.allowed(state), self.inner.lexer.phrases
        if not self.functions or phrases is None or state.stack or state.inside or state.pending:
            return mask
        if state.place not in ("start", "code"):
            return mask
        bodied = mask & self.inner.matching(phrases.bodied(state.last))
        return bodied if bodied.any() else mask

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
