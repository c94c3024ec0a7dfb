"""What fills a hole in source code: it closes what it opened and nothing else, and ends where the file goes on.

Both sides are read by the lexer. The left one says where the hole begins; of the right one it is found what it closes,
and which conditionals it ends, without having opened them. A filling may end where just that is open, outside all it
began itself, and where the next bytes of the right side may stand. From a wanted length on, what is open is closed a
byte at a time. It keeps brackets, literals, comments and conditionals, and phrases where the language has them; it is
no parser.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs._code.balanced import LONGEST_ENDING
from seqgen.codecs._code.closing import closing
from seqgen.codecs._code.directives import CONDITIONALS, OPENS_FRAME
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.state import CLOSERS, State

OPENED_BY = {")": "(", "]": "[", "}": "{"}
COMPLETE = (";", "w")  # what a statement may end with, and an operand
SEEN = 64  # bytes of the right side that must be able to follow


class Demand(NamedTuple):
    """What stands open before the right side.

    Attributes:
        brackets: The signs that close it, of what was opened first at first.
        frames: How many conditionals.
    """

    brackets: str = ""
    frames: int = 0


class Progress(NamedTuple):
    """Where in a filling one is: the lexer's state, and tokens so far."""

    inner: State
    tokens: int = 0


def demanded(lexer: Lexer, right: str) -> Demand:
    """What a right side closes that it has not opened, read from outside all comments and literals."""
    state, brackets, frames = State(), "", 0
    for char in right:
        place = state.place
        code = not (state.inside or state.pending or state.prose)
        if code and char in CLOSERS and place in ("start", "code"):
            if all(lexer.closer(opened) != char for opened in state.stack):
                opener, brackets = OPENED_BY[char], char + brackets
                every = tuple(opener + each for each in state.frames)
                state = state._replace(stack=opener + state.stack, frames=every)
        elif code and place in CONDITIONALS - OPENS_FRAME and char not in lexer.language.letters and not state.frames:
            state, frames = state._replace(frames=("",)), frames + 1
        state = lexer.advance(state, char)[0]
    return Demand(brackets, frames)


@dataclass(frozen=True, eq=False)
class CodeHole:
    """A grammar of what fills a hole.

    Attributes:
        inner: The grammar of the language, a tidy one.
        left, right: The source around the hole, a character a byte.
        length: Tokens from which on an end is looked for.
    """

    inner: CodeGrammar
    left: str
    right: str
    length: int
    _ends: dict[State, bool] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Tokens within which every filling ends."""
        return self.length + LONGEST_ENDING

    @cached_property
    def begin(self) -> State:
        """Where the hole begins."""
        state = State()
        for char in self.left:
            state = self.inner.lexer.advance(state, char)[0]
        return state

    @cached_property
    def demand(self) -> Demand:
        """What is to be open where it ends."""
        return demanded(self.inner.lexer, self.right)

    @cached_property
    def _kept(self) -> tuple[int, int]:
        """(brackets, conditionals) opened on the left that stay open: none of them is closed by the filling."""
        own = "".join(self.inner.lexer.closer(each) for each in self.begin.stack)
        same = next((at for at, (a, b) in enumerate(zip(own, self.demand.brackets)) if a != b), None)
        most = min(len(own), len(self.demand.brackets))
        return most if same is None else same, min(len(self.begin.frames), self.demand.frames)

    @cached_property
    def _following(self) -> str:
        """The next bytes of the right side, as far as the lexer lets them follow something complete."""
        return max((self._fine_after(last) for last in COMPLETE), key=len)

    def _fine_after(self, last: str) -> str:
        """The same, of something that ends so."""
        lexer, seen = self.inner.lexer, ""
        state = State(place="start", stack=self._opened, last=last, frames=("",) * self.demand.frames)
        for char in self.right[:SEEN]:
            state, fine = lexer.advance(state, char)
            if not fine or state.place[0] == "#":
                break
            seen += char
        return seen

    @property
    def _opened(self) -> str:
        """A stack that the right side can go on from: the left's, as far as it stays."""
        kept = self._kept[0]
        return self.begin.stack[:kept] + "".join(OPENED_BY[char] for char in self.demand.brackets[kept:])

    def start(self) -> Progress:
        """The beginning of the hole."""
        return Progress(self.begin)

    def step(self, state: Progress, token: int) -> Progress:
        """The state after one more token, allowed or not."""
        return Progress(self.inner.step(state.inner, token), state.tokens + 1)

    def allowed(self, state: Progress) -> Mask:
        """(V,) True where a token may follow; none may where the filling has to end."""
        inner = state.inner
        if state.tokens >= self.length:
            mask = np.zeros(self.inner.vocab_size, np.bool_)
            if not self.may_end(state):
                mask[self.inner.byte(closing(self.inner.lexer, inner))] = True
            return mask
        mask = self.inner.allowed(inner)
        brackets, frames = self._kept
        if len(inner.frames) <= frames:
            mask = mask & ~self._ending_frames[inner.place == "#"]
        if len(inner.stack) <= brackets + self._most:
            mask = self._without(mask, inner, brackets)
        return mask

    def may_end(self, state: Progress) -> bool:
        """Whether the right side may go on here."""
        found = self._ends.get(state.inner)
        if found is None:
            found = self._ends[state.inner] = self._fits(state.inner)
        return found

    @cached_property
    def _ending_frames(self) -> tuple[Mask, Mask]:
        """(V,) the tokens that may end a conditional, or begin its next branch; and those that may behind a #."""
        texts = self.inner.texts
        whole = ["#" in text and text.partition("#")[2].lstrip(" \t").startswith("e") for text in texts]
        rest = [text.lstrip(" \t").startswith("e") for text in texts]
        return np.array(whole, np.bool_), np.array(rest, np.bool_)

    @cached_property
    def _closing(self) -> list[tuple[int, str]]:
        """Tokens with closing brackets."""
        return [(token, text) for token, text in enumerate(self.inner.texts) if CLOSERS & set(text)]

    @cached_property
    def _most(self) -> int:
        """Brackets that one token closes at most."""
        return max((sum(map(text.count, CLOSERS)) for _, text in self._closing), default=0)

    def _without(self, mask: Mask, state: State, brackets: int) -> Mask:
        """The mask without tokens that close more than is the filling's own."""
        lexer, kept = self.inner.lexer, mask.copy()
        for token, text in self._closing:
            if not kept[token]:
                continue
            after = state
            for char in text:
                after = lexer.advance(after, char)[0]
                if len(after.stack) < brackets:
                    kept[token] = False
                    break
        return kept

    def _fits(self, state: State) -> bool:
        lexer, demand = self.inner.lexer, self.demand
        same = (state.inside, state.place[0] == "#") == (self.begin.inside, False)
        if not same or state.pending or state.prose != self.begin.prose or len(state.frames) != demand.frames:
            return False
        if state.inside:
            return state.stack == self.begin.stack
        if "".join(lexer.closer(each) for each in state.stack) != demand.brackets:
            return False
        following = self._following
        if state.word and following[:1] in lexer.language.letters:
            return False
        if state.place == "directive" and following[:1] != "\n":
            return False
        for char in following:
            state, fine = lexer.advance(state, char)
            if not fine:
                return False
        return True
