"""C as a lexical state machine over the bytes of tokens: comments, literals, directives and brackets.

It knows which byte may follow and nothing of expressions, types or names. Any vocabulary whose tokens stand for bytes
can be run through it. The rules are those of ISO C 2011, 5.1.1.2 and 6.4, made into a machine that takes any bytes:
`step` never fails, and what `allowed` refuses is merely set right as well as it can be.

Branches of a conditional (`#if … #else … #endif`) each begin with the brackets that were open before it; what the last
branch leaves open stays open. So one brace may be opened in both branches and closed once behind them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask

DEPTH = 64  # brackets open at once
FRAMES = 32  # conditionals open at once
MASKS = 4096  # masks kept, V bytes each
CLOSES = {")": "(", "]": "[", "}": "{"}
CLOSED_BY = {opener: closer for closer, opener in CLOSES.items()}
OPENS_FRAME = {"#if", "#ifdef", "#ifndef"}
NEXT_BRANCH = {"#else", "#elif", "#elifdef", "#elifndef"}
CONDITIONALS = OPENS_FRAME | NEXT_BRANCH | {"#endif"}
PREFIXES = {name[:end] for name in CONDITIONALS for end in range(1, len(name) + 1)}
BLANK = set(" \t\r\v\f")
CONTROL = {chr(value) for value in [*range(0x20), 0x7F]} - BLANK - {"\n"}
NOT_IN_CODE = CONTROL | {"@", "`", "#"} | {chr(value) for value in range(0x80, 0x100)}
WORD = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class State(NamedTuple):
    """Where in a C file one is.

    Attributes:
        place: `start` of a line, `code`, `directive`, or a `#` and what has been read of a conditional's name.
        inside: "" or what is unfinished: `/`, `//`, `/*`, `/**` (a star seen), `"`, `'`, `''` (just opened), `\\`,
            and with a trailing backslash after an escape.
        stack: The brackets that are open, the innermost last.
        frames: For each conditional that is open, the stack before it.
    """

    place: str = "start"
    inside: str = ""
    stack: str = ""
    frames: tuple[str, ...] = ()


Move = tuple[State, bool]  # the state after a byte, and whether that byte was allowed


def advance(state: State, char: str) -> Move:
    """The state after one byte, given as the character of the same number, and whether it was allowed."""
    inside = state.inside
    if not inside:
        return _name(state, char) if state.place[0] == "#" else _plain(state, char)
    if inside[0] in "\"'":
        return _literal(state, char)
    if inside == "/":
        return _slash(state, char)
    if inside == "\\":
        return _continuation(state, char)
    return _comment(state, char)


def _plain(state: State, char: str) -> Move:
    """Outside comments and literals, in code or in a directive."""
    place, _, stack, frames = state
    if char == "\n":
        return State("start", "", stack, frames), True
    if char in BLANK:
        return state, True
    if char == "/" or char == "\\":
        return State(place, char, stack, frames), True
    place = "directive" if place == "directive" else "code"
    if char == '"' or char == "'":
        return State(place, '"' if char == '"' else "''", stack, frames), True
    if place == "directive":
        return State(place, "", stack, frames), char not in CONTROL
    if char == "#" and state.place == "start":
        return State("#", "", stack, frames), True
    if char in CLOSED_BY:
        full = len(stack) >= DEPTH
        return State(place, "", stack if full else stack + char, frames), not full
    if char in CLOSES:
        return _close(State(place, "", stack, frames), CLOSES[char])
    return State(place, "", stack, frames), char not in NOT_IN_CODE


def _close(state: State, opener: str) -> Move:
    """A closing bracket; one that does not match closes what stands between, or nothing."""
    place, _, stack, frames = state
    at = stack.rfind(opener)
    return State(place, "", stack[:at] if at >= 0 else stack, frames), at >= 0 and at == len(stack) - 1


def _name(state: State, char: str) -> Move:
    """In the name of a directive, of which only the conditionals' matter."""
    place, _, stack, frames = state
    if place + char in PREFIXES:
        return State(place + char, "", stack, frames), _may_be(place + char, frames)
    if place == "#" and char in BLANK:
        return state, True
    if place in CONDITIONALS and char not in WORD:
        stack, frames = _branch(place, stack, frames)
    return _plain(State("directive", "", stack, frames), char)


def _may_be(name: str, frames: tuple[str, ...]) -> bool:
    """Whether such a directive may stand here: no `#else` or `#endif` without a conditional, and not too many."""
    return len(frames) < FRAMES if name == "#if" else bool(frames) or name not in ("#el", "#en")


def _branch(name: str, stack: str, frames: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The brackets and conditionals that are open after the directive `name`."""
    if name in OPENS_FRAME:
        return stack, (*frames, stack)[-FRAMES:]
    if name in NEXT_BRANCH:
        return (frames[-1] if frames else stack), frames
    return stack, frames[:-1]


def _literal(state: State, char: str) -> Move:
    """In a string or a character constant. Neither may hold a raw end of line; in a directive that ends both."""
    place, inside, stack, frames = state
    quote = inside[0]
    if inside[-1] == "\\":
        after = inside if char == "\r" else quote
        return State(place, after, stack, frames), char not in CONTROL
    if char == "\n":
        return State("start", "", stack, frames), place == "directive"
    if char == "\\":
        return State(place, quote + "\\", stack, frames), True
    if char == quote:
        return State(place, "", stack, frames), inside != "''" or place == "directive"
    return State(place, quote, stack, frames), char not in CONTROL and (char != "\r" or place == "directive")


def _slash(state: State, char: str) -> Move:
    """After a slash: a comment begins, or it divided."""
    place, _, stack, frames = state
    if char == "/" or char == "*":
        return State(place, "/" + char, stack, frames), True
    return _plain(State("code" if place == "start" else place, "", stack, frames), char)


def _continuation(state: State, char: str) -> Move:
    """After a backslash outside comments and literals: the line goes on in the next one."""
    place, _, stack, frames = state
    if char == "\n":
        return State(place, "", stack, frames), True
    if char in BLANK:
        return state, True
    after, fine = _plain(State(place, "", stack, frames), char)
    return after, fine and place == "directive"


def _comment(state: State, char: str) -> Move:
    place, inside, stack, frames = state
    fine = char not in CONTROL
    if inside == "/*" or inside == "/**":
        if char == "/" and inside == "/**":
            return State(place, "", stack, frames), True
        return State(place, "/**" if char == "*" else "/*", stack, frames), fine
    if char == "\n" and inside == "//":
        return State("start", "", stack, frames), True
    goes_on = char == "\\" or (char == "\r" and inside == "//\\")
    return State(place, "//\\" if goes_on else "//", stack, frames), fine


class CGrammar:
    """Which tokens may follow in a C file.

    Args:
        token_bytes: (V,) the bytes of each token. To be able to close everything, each single byte should be one.
    """

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        self._tokens = [token.decode("latin-1") for token in token_bytes]
        # All bytes from 80 on are one kind, so the many tokens of a large character set are few to the machine.
        kinds = [re.sub("[\x80-\xff]", "\x80", token) for token in self._tokens]
        self._kinds = sorted(set(kinds))
        number = {kind: index for index, kind in enumerate(self._kinds)}
        self._kind_of: NDArray[np.intp] = np.array([number[kind] for kind in kinds], np.intp)
        self._openers = max((sum(map(kind.count, CLOSED_BY)) for kind in self._kinds), default=0)
        self._closers = max((sum(map(kind.count, CLOSES)) for kind in self._kinds), default=0)
        self._directives = 1 + max((kind.count("#") for kind in self._kinds), default=0)
        self._masks: dict[object, Mask] = {}

    def start(self) -> State:
        """The beginning of a file."""
        return State()

    def step(self, state: State, token: int) -> State:
        """The state after one more token, allowed or not."""
        for char in self._tokens[token]:
            state = advance(state, char)[0]
        return state

    def allowed(self, state: State) -> Mask:
        """(V,) True where a token may follow; not to be written to. A token of no bytes never may."""
        key = self._view(state)
        if key not in self._masks:
            if len(self._masks) >= MASKS:
                self._masks.clear()
            mask = np.array([_fits(state, kind) for kind in self._kinds], np.bool_)[self._kind_of]
            mask.setflags(write=False)
            self._masks[key] = mask
        return self._masks[key]

    def may_end(self, state: State) -> bool:
        """In code, nothing open."""
        return state.place in ("start", "code") and not (state.inside or state.stack or state.frames)

    def closing(self, state: State) -> bytes:
        """A short ending after which the file may end: literals, comments, brackets and conditionals closed."""
        ending = ""
        while not self.may_end(state):
            char = _way_out(state)
            state = advance(state, char)[0]
            ending += char
        return ending.encode("ascii")

    def _view(self, state: State) -> object:
        """What one token can see of a state: the masks of states with equal views are equal."""
        place, inside, stack, frames = state
        stacks = stack, *frames[-self._directives :]
        seen = [(each[max(len(each) - self._closers, 0) :], min(DEPTH - len(each), self._openers)) for each in stacks]
        return place, inside, min(FRAMES - len(frames), self._directives), tuple(seen)


def _fits(state: State, token: str) -> bool:
    """Whether each byte of a token is allowed in its turn."""
    for char in token:
        state, fine = advance(state, char)
        if not fine:
            return False
    return bool(token)


WAYS_OUT = {'"': '"', '"\\': "n", "'": "'", "''": "x", "'\\": "n", "/*": "*", "/**": "/"}


def _way_out(state: State) -> str:
    """The next byte on the way to where a file may end."""
    place, inside, stack, frames = state
    if inside:
        return WAYS_OUT.get(inside, "\n")
    if place == "directive" or (place[0] == "#" and not frames):
        return "\n"
    if place[0] == "#":
        return "#endif"[len(place)] if "#endif".startswith(place) and place != "#endif" else "\n"
    if len(stack) > (len(frames[-1]) if frames else 0):
        return CLOSED_BY[stack[-1]]
    return "#" if place == "start" else "\n"
