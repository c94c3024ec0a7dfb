"""Which tokens may follow in source code: the lexer of a language run over any vocabulary whose tokens stand for bytes.

It knows tokens as bytes and nothing of codecs. A mask is put together from three groups of tokens: those without
brackets and `#`, which mostly depend on the place alone; those with brackets, which see the end of the stack; and those
with `#`, which see the conditionals too. The first group is by far the largest and its masks are few, so that a mask
that was never asked for before costs the work of the two small groups only.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs._code.closing import closing
from seqgen.codecs._code.language import Language
from seqgen.codecs._code.layout import FLAT
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.state import CLOSERS, DEPTH, FRAMES, OPENERS, State

MASKS = 4096  # masks kept, V bytes each
GOES_ON_AS_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]+|[^#][A-Za-z_][A-Za-z_0-9]*", re.DOTALL)


class CodeGrammar:
    """Which tokens may follow in source code of a language.

    Args:
        language: Its table.
        token_bytes: (V,) the bytes of each token. To be able to close everything, each single byte should be one.
        tidy: Whether each branch of a conditional has to close what it opens, and phrases are kept.
    """

    def __init__(self, language: Language, token_bytes: Sequence[bytes], tidy: bool = False) -> None:
        self.language, self.lexer = language, Lexer(language, tidy)
        self._tokens = [token.decode("latin-1") for token in token_bytes]
        # All bytes from 80 on are one kind, so the many tokens of a large character set are few to the machine.
        kinds = [re.sub("[\x80-\xff]", "\x80", token) for token in self._tokens]
        self._kinds = sorted(set(kinds))
        number = {kind: index for index, kind in enumerate(self._kinds)}
        self._kind_of: NDArray[np.intp] = np.array([number[kind] for kind in kinds], np.intp)
        self._several = max(map(len, self._kinds), default=0) > 1
        self._blocks = bool(language.blocks) and self._several  # one token may open and close several blocks
        self._closers = max((sum(map(kind.count, CLOSERS)) for kind in self._kinds), default=0)
        self._openers = max((sum(map(kind.count, OPENERS)) for kind in self._kinds), default=0)
        self._openers = max(self._openers, bool(language.blocks))
        self._directives = 1 + max((kind.count("#") for kind in self._kinds), default=0)
        self._groups = self._grouped()
        self._verdicts: dict[Hashable, NDArray[np.intp]] = {}
        self._masks: dict[Hashable, Mask] = {}
        self._matching: dict[re.Pattern[str], Mask] = {}

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._tokens)

    @property
    def texts(self) -> Sequence[str]:
        """(V,) the tokens, a character a byte."""
        return self._tokens

    def _grouped(self) -> tuple["Group", "Group", "Group"]:
        """The kinds without brackets and `#`, those with brackets, those with `#`, where it begins a directive."""
        plain: list[int] = []
        bracketed: list[int] = []
        directing: list[int] = []
        for index, kind in enumerate(self._kinds):
            directs = "#" in kind and bool(self.language.directives)
            group = directing if directs else bracketed if set(kind) & (OPENERS | CLOSERS) else plain
            group.append(index)
        lexer, all_kinds = self.lexer, self._kinds
        return Group(lexer, all_kinds, plain), Group(lexer, all_kinds, bracketed), Group(lexer, all_kinds, directing)

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
        views = self._views(state)
        mask = self._masks.get(views)
        if mask is None:
            verdict = np.zeros(len(self._kinds), np.bool_)
            for group, view in zip(self._groups, views):
                verdict[self._fitting(group, view, state)] = True
            mask = verdict[self._kind_of]
            mask.setflags(write=False)
            _keep(self._masks, views, mask)
        return mask

    def may_end(self, state: State) -> bool:
        """In code, nothing open once the line ends; in a directive, too, where the language does not ask for that end.

        C does (ISO C11, 5.1.1.2); C++ and C# take a file whose last line is `#endif`.
        """
        directing = self.language.phrases is None and (state.place == "directive" or state.place[0] == "#")
        if state.inside or state.pending or not (directing or (state.place in ("start", "code") and not state.prose)):
            return False
        after, fine = self.lexer.advance(state, "\n")
        return fine and not (after.stack or after.frames or after.prose or after.layout.wants)

    def closing(self, state: State) -> bytes:
        """A short ending after which the file may end: what is open closed, inner before outer."""
        ending = ""
        while not (state.place in ("start", "code") and self.may_end(state)):
            char = closing(self.lexer, state)
            state = self.lexer.advance(state, char)[0]
            ending += char
        return ending.encode("ascii")

    def byte(self, char: str) -> int:
        """The token of a single byte, given as the character of the same number."""
        return self._tokens.index(char)

    def matching(self, pattern: re.Pattern[str]) -> Mask:
        """(V,) True for tokens that begin so."""
        mask = self._matching.get(pattern)
        if mask is None:
            mask = np.array([pattern.match(token) is not None for token in self._tokens], np.bool_)
            self._matching[pattern] = mask
        return mask

    def _fitting(self, group: "Group", view: Hashable, state: State) -> NDArray[np.intp]:
        """Which kinds of a group are allowed in a state of this view."""
        fitting = self._verdicts.get(view)
        if fitting is None:
            fitting = group.fitting(state)
            _keep(self._verdicts, view, fitting)
        return fitting

    def _views(self, state: State) -> tuple[Hashable, Hashable, Hashable]:
        """What a token of each group can see of a state: tokens fare alike in states with equal views."""
        lexer, layout = self.lexer, FLAT
        tidy, place, frames, prose = lexer.tidy, state.place, state.frames, state.prose
        word = state.word if lexer.sees_words else state.word != ""
        last = state.last if lexer.sees_last or (self._several and self.language.layout) else ""
        if self.language.layout and (self._several or place == "start"):
            layout = state.layout._replace(blank=0, decorated=False)
        within = self.language.layout and state.stack != ""
        here: Hashable = (place, *state[1:5], last, word, layout, min(prose, 2), within)
        top = self._seen(state.stack)
        if lexer.phrases or self.language.blocks:
            here = here, top
        if not frames and place[0] != "#" and not tidy:
            return (0, here), (1, here, top), (2, here, top)
        depths = self._depths(state) if tidy else ()
        if place[0] == "#":
            level = tidy and bool(frames) and state.stack == frames[-1]
            here = here, prose + len(frames) >= FRAMES, bool(frames), level
        tops = tuple(map(self._seen, frames[-self._directives :]))
        room = min(FRAMES - len(frames) - prose, self._directives)
        whole = here, top, depths, tops, room, min(prose, self._directives + 1)
        return (0, here), (1, whole if place[0] == "#" else (here, top, depths[-1:])), (2, whole)

    def _seen(self, stack: str) -> tuple[Hashable, ...]:
        """What of a stack one token can close or uncover, what lies below, and how much it can open."""
        if self._blocks:
            return (stack,)
        bottom, room = max(len(stack) - self._closers - 1, 0), min(DEPTH - len(stack), self._openers)
        if not self.lexer.tidy:
            return stack[bottom:], room
        phrases = self.lexer.phrases
        return stack[bottom:], room, bottom > 0, phrases is not None and phrases.deep(stack[:bottom])

    def _depths(self, state: State) -> tuple[Hashable, ...]:
        """How far a tidy stack lies above each conditional's, as far as one token can come."""
        stack, frames = state.stack, state.frames[-self._directives - 1 :]
        if all(map(str.startswith, (*frames[1:], stack), frames)):
            return tuple(min(len(stack) - len(frame), self._closers + 1) for frame in frames)
        return ((stack, frames),)  # what was read was not tidy


class Group:
    """Kinds of tokens by their first byte; those that go on as a name apart, since all of them mostly fare alike.

    Args:
        lexer: Of the language.
        kinds: All kinds.
        members: Which of them are in the group.
    """

    def __init__(self, lexer: Lexer, kinds: Sequence[str], members: Sequence[int]) -> None:
        self._lexer, self._kinds = lexer, kinds
        self._alone: dict[str, list[int]] = {}
        self._named: dict[str, list[int]] = {}
        self._others: dict[str, list[int]] = {}
        for index in members:
            if kind := kinds[index]:
                longer = self._named if GOES_ON_AS_NAME.fullmatch(kind) else self._others
                into = longer if len(kind) > 1 else self._alone
                into.setdefault(kind[0], []).append(index)
        self._firsts = sorted(self._alone.keys() | self._named.keys() | self._others.keys())

    def fitting(self, state: State) -> NDArray[np.intp]:
        """The kinds of which each byte is allowed in its turn."""
        found: list[int] = []
        for first in self._firsts:
            after, fine = self._lexer.advance(state, first)
            if fine:
                found += self._alone.get(first, ())
                if named := self._named.get(first):
                    found += named if self._lexer.takes_names(after) else self._tested(named, after)
                if others := self._others.get(first):
                    found += self._tested(others, after)
        return np.array(found, np.intp)

    def _tested(self, members: Sequence[int], after: State) -> list[int]:
        return [index for index in members if self._follows(after, self._kinds[index][1:])]

    def _follows(self, state: State, rest: str) -> bool:
        for char in rest:
            state, fine = self._lexer.advance(state, char)
            if not fine:
                return False
        return True


def _keep(kept: dict[Hashable, Any], key: Hashable, value: object) -> None:
    """Remember a value, and forget all others where they have become too many."""
    if len(kept) >= MASKS:
        kept.clear()
    kept[key] = value
