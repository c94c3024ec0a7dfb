"""Which tokens may follow in source code: the lexer of a language run over any vocabulary whose tokens stand for bytes.

It knows tokens as bytes and nothing of codecs. Tokens are kept as a tree of their bytes, so that what they have in
common is tried once; and a mask is kept for all states in which tokens fare alike.
"""

import re
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs._code.language import Language
from seqgen.codecs._code.layout import FLAT
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.state import CLOSERS, DEPTH, OPENERS, State

MASKS = 4096  # masks kept, V bytes each


class Node:
    """A place in the tree of tokens.

    Attributes:
        after: The places behind one more byte.
        kinds: The tokens that end here.
    """

    def __init__(self) -> None:
        self.after: dict[str, Node] = {}
        self.kinds: list[int] = []


class CodeGrammar:
    """Which tokens may follow in source code of a language.

    Args:
        language: Its table.
        token_bytes: (V,) the bytes of each token. To be able to close everything, each single byte should be one.
        tidy: Whether each branch of a conditional has to close what it opens.
    """

    def __init__(self, language: Language, token_bytes: Sequence[bytes], tidy: bool = False) -> None:
        self.language, self.lexer = language, Lexer(language, tidy)
        self._tokens = [token.decode("latin-1") for token in token_bytes]
        # All bytes from 80 on are one kind, so the many tokens of a large character set are few to the machine.
        kinds = [re.sub("[\x80-\xff]", "\x80", token) for token in self._tokens]
        named = sorted(set(kinds))
        number = {kind: index for index, kind in enumerate(named)}
        self._kind_of: NDArray[np.intp] = np.array([number[kind] for kind in kinds], np.intp)
        self._kinds, self._root = len(named), _tree(named)
        words = sum(len(each) > 1 for each in named) and len(language.blocks)
        self._closers = max((sum(map(kind.count, CLOSERS)) for kind in named), default=0) + 1
        self._openers = max((sum(map(kind.count, OPENERS)) for kind in named), default=0)
        self._whole = bool(words)  # one token may open and close several blocks
        self._longest = max(map(len, named), default=0)
        self._masks: dict[Hashable, Mask] = {}

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._tokens)

    def start(self) -> State:
        """The beginning of a file."""
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, allowed or not."""
        for char in self._tokens[token]:
            state = self.lexer.advance(state, char)[0]
        return state

    def allowed(self, state: State) -> Mask:
        """(V,) True where a token may follow; not to be written to. A token of no bytes never may."""
        view = self._view(state)
        mask = self._masks.get(view)
        if mask is None:
            verdict = np.zeros(self._kinds, np.bool_)
            self._try(state, self._root, verdict)
            mask = verdict[self._kind_of]
            mask.setflags(write=False)
            if len(self._masks) >= MASKS:
                self._masks.clear()
            self._masks[view] = mask
        return mask

    def may_end(self, state: State) -> bool:
        """With the end of the line nothing is open."""
        after, fine = self.lexer.advance(state, "\n")
        return fine and not (after.inside or after.pending or after.stack or after.frames or after.layout.wants)

    def byte(self, char: str) -> int:
        """The token of a single byte, given as the character of the same number."""
        return self._tokens.index(char)

    def beginning(self, chars: str) -> Mask:
        """(V,) True for tokens that begin with one of these."""
        return np.array([token[:1] != "" and token[0] in chars for token in self._tokens], np.bool_)

    def _try(self, state: State, node: Node, verdict: Mask) -> None:
        """Mark the tokens below a place of which each byte is allowed in its turn."""
        for char, below in node.after.items():
            after, fine = self.lexer.advance(state, char)
            if fine:
                verdict[below.kinds] = True
                if below.after:
                    self._try(after, below, verdict)

    def _view(self, state: State) -> Hashable:
        """What tokens can see of a state: they fare alike in states with equal views."""
        language, stack = self.language, state.stack
        several = self._longest > 1
        room = min(DEPTH - len(stack), max(self._openers, 1) if not self._whole else DEPTH)
        if not (state.frames or self._whole):
            stack = stack[-self._closers :]
        layout = state.layout._replace(blank=0, decorated=False)
        if not (language.layout and (several or state.place == "start")):
            layout = FLAT
        last = state.last if language.divides or several else ""
        return state._replace(stack=stack, layout=layout, last=last, record=state.record and several), room


def _tree(kinds: Sequence[str]) -> Node:
    """Tokens as a tree; one of no bytes is not in it."""
    root = Node()
    for index, kind in enumerate(kinds):
        node = root
        for char in kind:
            node = node.after.setdefault(char, Node())
        if kind:
            node.kinds.append(index)
    return root
