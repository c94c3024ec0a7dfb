"""Which tokens may follow in a C file: the lexical state machine run over any vocabulary whose tokens stand for bytes.

It knows tokens as bytes and nothing of codecs. A mask is put together from three groups of tokens: those without
brackets and `#`, which depend on the place alone; those with brackets, which see the end of the stack; and those with
`#`, which see the conditionals too. The first group is by far the largest and its masks are few, so that a mask that
was never asked for before costs the work of the two small groups only.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.c_source import phrases
from seqgen.codecs.c_source.closing import closing, complete
from seqgen.codecs.c_source.lexer import CLOSERS, DEPTH, FRAMES, OPENERS, State, advance, takes_names

MASKS = 4096  # masks kept, V bytes each
GOES_ON_AS_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]+|[^#][A-Za-z_][A-Za-z_0-9]*", re.DOTALL)


class CGrammar:
    """Which tokens may follow in a C file.

    Args:
        token_bytes: (V,) the bytes of each token. To be able to close everything, each single byte should be one.
        tidy: Whether conditionals have to stand between statements, each branch closing what it opens.
    """

    def __init__(self, token_bytes: Sequence[bytes], tidy: bool = False) -> None:
        self._tokens = [token.decode("latin-1") for token in token_bytes]
        self._start = State(tidy=tidy)
        # All bytes from 80 on are one kind, so the many tokens of a large character set are few to the machine.
        kinds = [re.sub("[\x80-\xff]", "\x80", token) for token in self._tokens]
        self._kinds = sorted(set(kinds))
        number = {kind: index for index, kind in enumerate(self._kinds)}
        self._kind_of: NDArray[np.intp] = np.array([number[kind] for kind in kinds], np.intp)
        self._closers = max((sum(map(kind.count, CLOSERS)) for kind in self._kinds), default=0)
        self._openers = max((sum(map(kind.count, OPENERS)) for kind in self._kinds), default=0)
        self._directives = 1 + max((kind.count("#") for kind in self._kinds), default=0)
        self._groups = self._grouped()
        self._verdicts: dict[Hashable, NDArray[np.intp]] = {}
        self._masks: dict[Hashable, Mask] = {}

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._tokens)

    def _grouped(self) -> tuple["Group", "Group", "Group"]:
        """The kinds without brackets and `#`, those with brackets, those with `#`."""
        plain: list[int] = []
        bracketed: list[int] = []
        directing: list[int] = []
        for index, kind in enumerate(self._kinds):
            group = directing if "#" in kind else bracketed if set(kind) & (OPENERS | CLOSERS) else plain
            group.append(index)
        return Group(self._kinds, plain), Group(self._kinds, bracketed), Group(self._kinds, directing)

    def start(self) -> State:
        """The beginning of a file."""
        return self._start

    def step(self, state: State, token: int) -> State:
        """The state after one more token, allowed or not."""
        for char in self._tokens[token]:
            state = advance(state, char)[0]
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
        """In code, nothing open."""
        return state.place in ("start", "code") and not (state.inside or state.stack or state.frames)

    def closing(self, state: State) -> bytes:
        """A short ending after which the file may end: what is open closed, inner before outer."""
        ending = ""
        while not (self.may_end(state) and complete(state)):
            char = closing(state)
            state = advance(state, char)[0]
            ending += char
        return ending.encode("ascii")

    def byte(self, char: str) -> int:
        """The token of a single byte, given as the character of the same number."""
        return self._tokens.index(char)

    def matching(self, pattern: re.Pattern[str]) -> Mask:
        """(V,) True for tokens that begin so."""
        return np.array([pattern.match(token) is not None for token in self._tokens], np.bool_)

    def _fitting(self, group: "Group", view: Hashable, state: State) -> NDArray[np.intp]:
        """Which kinds of a group are allowed in a state of this view."""
        fitting = self._verdicts.get(view)
        if fitting is None:
            fitting = group.fitting(state)
            _keep(self._verdicts, view, fitting)
        return fitting

    def _views(self, state: State) -> tuple[Hashable, Hashable, Hashable]:
        """What a token of each group can see of a state: tokens fare alike in states with equal views."""
        place, inside, stack, frames, last, prose, tidy, word = state
        here: Hashable = place, inside, min(prose, 2)
        top = self._seen(stack)
        if not frames and place[0] != "#" and not tidy:
            return (0, here), (1, here, top), (2, here, top)
        depths = self._depths(state) if tidy else ()
        if tidy:
            here = here, last, word, top
        if place[0] == "#":
            here = here, prose + len(frames) >= FRAMES, bool(frames), tidy and bool(frames) and stack == frames[-1]
        tops = tuple(map(self._seen, frames[-self._directives :]))
        room = min(FRAMES - len(frames) - prose, self._directives)
        whole = here, top, depths, tops, room, min(prose, self._directives + 1)
        return (0, here), (1, whole if place[0] == "#" else (here, top, depths[-1:])), (2, whole)

    def _seen(self, stack: str) -> tuple[Hashable, ...]:
        """The brackets of a stack that one token can close or uncover, what lies below, and how many it can open."""
        bottom, room = max(len(stack) - self._closers - 1, 0), min(DEPTH - len(stack), self._openers)
        if not self._start.tidy:
            return stack[bottom:], room
        return stack[bottom:], room, bottom > 0, not phrases.DEFINES.isdisjoint(stack[:bottom])

    def _depths(self, state: State) -> tuple[Hashable, ...]:
        """How far a tidy stack lies above each conditional's, as far as one token can come."""
        stack, frames = state.stack, state.frames[-self._directives - 1 :]
        if all(map(str.startswith, (*frames[1:], stack), frames)):
            return tuple(min(len(stack) - len(frame), self._closers + 1) for frame in frames)
        return ((stack, frames),)  # what was read was not tidy


class Group:
    """Kinds of tokens by their first byte; those that go on as a name apart, since all of them mostly fare alike.

    Args:
        kinds: All kinds.
        members: Which of them are in the group.
    """

    def __init__(self, kinds: Sequence[str], members: Sequence[int]) -> None:
        self._kinds = kinds
        self._named: dict[str, list[int]] = {}
        self._others: dict[str, list[int]] = {}
        for index in members:
            if kind := kinds[index]:
                into = self._named if GOES_ON_AS_NAME.fullmatch(kind) else self._others
                into.setdefault(kind[0], []).append(index)
        self._firsts = sorted(self._named.keys() | self._others.keys())

    def fitting(self, state: State) -> NDArray[np.intp]:
        """The kinds of which each byte is allowed in its turn."""
        found: list[int] = []
        for first in self._firsts:
            after, fine = advance(state, first)
            if fine:
                named = self._named.get(first, [])
                found += named if takes_names(after) else self._tested(named, after)
                found += self._tested(self._others.get(first, []), after)
        return np.array(found, np.intp)

    def _tested(self, members: Sequence[int], after: State) -> list[int]:
        return [index for index in members if _follows(after, self._kinds[index][1:])]


def _follows(state: State, rest: str) -> bool:
    for char in rest:
        state, fine = advance(state, char)
        if not fine:
            return False
    return True


def _keep(kept: dict[Hashable, Any], key: Hashable, value: object) -> None:
    """Remember a value, and forget all others where they have become too many."""
    if len(kept) >= MASKS:
        kept.clear()
    kept[key] = value
