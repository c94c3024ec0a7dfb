"""C as a lexical state machine over the bytes of tokens: comments, literals, directives and brackets.

It knows which byte may follow and nothing of expressions, types or names. The rules are those of ISO C 2011, 5.1.1.2
and 6.4, made into a machine that takes any bytes: `advance` never fails, and what it does not allow is merely set
right as well as it can be.

Branches of a conditional (`#if … #else … #endif`) each begin with the brackets that were open before it; what the last
branch leaves open stays open. So one brace may be opened in both branches and closed once behind them. A `tidy` state
asks for more: each branch closes what it opens, and conditionals stand between statements, so that brackets match
whatever is compiled. What stands in `#if 0` is prose: only comments, literals and conditionals are looked at, and a
literal ends with its line.
"""

from typing import NamedTuple

DEPTH = 64  # brackets open at once
FRAMES = 32  # conditionals open at once
BLOCK, RECORD, LIST = "{", "s", "="  # braces: around statements, members or items
CLOSED_BY = {"(": ")", "[": "]", BLOCK: "}", RECORD: "}", LIST: "}"}
OPENERS, CLOSERS = frozenset("([{"), frozenset(")]}")
OPENS_FRAME = {"#if", "#ifdef", "#ifndef"}
NEXT_BRANCH = {"#else", "#elif", "#elifdef", "#elifndef"}
CONDITIONALS = OPENS_FRAME | NEXT_BRANCH | {"#endif"}
PREFIXES = {name[:end] for name in CONDITIONALS for end in range(1, len(name) + 1)}
BLANK = set(" \t\r\v\f")
CONTROL = {chr(value) for value in [*range(0x20), 0x7F]} - BLANK - {"\n"}
NOT_IN_CODE = CONTROL | {"@", "`", "#"} | {chr(value) for value in range(0x80, 0x100)}
WORD = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
COMPLETE = {"", ";", "}", "{"}  # what stands before a statement
ZERO = ("#if ", "#if 0")  # places on the way to a block of prose


class State(NamedTuple):
    """Where in a C file one is.

    Attributes:
        place: `start` of a line, `code`, `directive`, or a `#` and what has been read of a conditional's name; after
            `#if` also the 0 that makes its first branch prose.
        inside: "" or what is unfinished: `/`, `//`, `/*`, `/**` (a star seen), `"`, `'`, `''` (just opened), `\\`,
            and with a trailing backslash after an escape.
        stack: The brackets that are open, the innermost last; a brace as BLOCK, RECORD or LIST.
        frames: For each conditional that is open, the stack before it.
        last: The last byte of code that is no space: `w` for words, numbers and braces that are part of a
            declaration or expression, `"` for literals, "" where there was none yet.
        prose: How many conditionals deep one is in an `#if 0`; 0 outside.
        tidy: Whether conditionals have to stand between statements and each branch has to close what it opens.
    """

    place: str = "start"
    inside: str = ""
    stack: str = ""
    frames: tuple[str, ...] = ()
    last: str = ""
    prose: int = 0
    tidy: bool = False


Move = tuple[State, bool]  # the state after a byte, and whether that byte was allowed


def advance(state: State, char: str) -> Move:
    """The state after one byte, given as the character of the same number, and whether it was allowed."""
    inside = state[1]
    if not inside:
        return _name(state, char) if state[0][0] == "#" else _plain(state, char)
    if inside[0] in "\"'":
        return _literal(state, char)
    if inside == "/":
        return _slash(state, char)
    if inside == "\\":
        return _continuation(state, char)
    return _comment(state, char)


def _plain(state: State, char: str) -> Move:
    """Outside comments and literals, in code or in a directive."""
    place, _, stack, frames, last, prose, tidy = state
    if char == "\n":
        return _line_ends(state), True
    if char in BLANK:
        return state, True
    if char == "/" or char == "\\":
        return State(place, char, stack, frames, last, prose, tidy), True
    if place != "directive":
        if char == "#" and place == "start":
            return State("#", "", stack, frames, last, prose, tidy), _between_statements(state)
        place = "code"
    if char == '"' or char == "'":
        return State(place, '"' if char == '"' else "''", stack, frames, last, prose, tidy), True
    if place == "directive" or prose:
        return State(place, "", stack, frames, last, prose, tidy), char not in CONTROL
    if char in OPENERS:
        return _open(state, char)
    if char in CLOSERS:
        return _close(state, char)
    last = "w" if char in WORD else char
    return State(place, "", stack, frames, last, prose, tidy), char not in NOT_IN_CODE


def _line_ends(state: State) -> State:
    _, _, stack, frames, last, prose, tidy = state
    if state.place == "#if 0" and not prose:
        prose = 1
    return State("start", "", stack, frames, last, prose, tidy)


def _open(state: State, char: str) -> Move:
    """An opening bracket. Of a brace, what stands before it says what it is."""
    _, _, stack, frames, last, prose, tidy = state
    if char == "{":
        around = stack[-1:]
        if last in ("=", ",", "[") or around == LIST:
            char = LIST
        elif last in ("w", '"') and around in ("", RECORD):
            char = RECORD
    full = len(stack) >= DEPTH
    after = char if char in OPENERS else "{"
    return State("code", "", stack if full else stack + char, frames, after, prose, tidy), not full


def _close(state: State, char: str) -> Move:
    """A closing bracket; one that does not match closes what stands between, or nothing."""
    _, _, stack, frames, _, prose, tidy = state
    at = max(stack.rfind(opener) for opener, closer in CLOSED_BY.items() if closer == char)
    fine = at >= 0 and at == len(stack) - 1 and not (tidy and frames and at < len(frames[-1]))
    after = "w" if at >= 0 and stack[at] in (RECORD, LIST) else char
    return State("code", "", stack[:at] if at >= 0 else stack, frames, after, prose, tidy), fine


def _name(state: State, char: str) -> Move:
    """In the name of a directive, of which only the conditionals' matter, or behind `#if`."""
    place, _, stack, frames, last, prose, tidy = state
    if place in ZERO:
        if char == "0" and place == "#if ":
            return State("#if 0", "", stack, frames, last, prose, tidy), True
        if char in " \t\r\n/\\":
            return _plain(state, char)
        return _plain(State("directive", "", stack, frames, last, prose, tidy), char)
    if place + char in PREFIXES:
        return State(place + char, "", stack, frames, last, prose, tidy), _may_be(place + char, state)
    if place == "#" and char in BLANK:
        return state, True
    if place not in CONDITIONALS or char in WORD:
        return _plain(State("directive", "", stack, frames, last, prose, tidy), char)
    after = _branch(place, state)
    if place == "#if" and char in BLANK and not prose:
        return after._replace(place="#if "), True
    return _plain(after, char)


def _may_be(name: str, state: State) -> bool:
    """Whether such a directive may stand here: no `#else` or `#endif` without a conditional, and not too many."""
    if name == "#if":
        return state.prose + len(state.frames) < FRAMES
    if name not in ("#el", "#en"):
        return True
    return bool(state.frames) and (not state.tidy or state.prose > 0 or state.stack == state.frames[-1])


def _between_statements(state: State) -> bool:
    """Whether a directive may stand here in a tidy file."""
    return not state.tidy or state.prose > 0 or (state.last in COMPLETE and state.stack[-1:] not in ("(", "[", LIST))


def _branch(name: str, state: State) -> State:
    """The state in the rest of the line after the conditional `name`."""
    _, _, stack, frames, last, prose, tidy = state
    if name in OPENS_FRAME:
        if prose:
            return State("directive", "", stack, frames, last, min(prose + 1, FRAMES), tidy)
        return State("directive", "", stack, (*frames, stack)[-FRAMES:], last, prose, tidy)
    if prose > 1:
        return State("directive", "", stack, frames, last, prose - (name == "#endif"), tidy)
    if name in NEXT_BRANCH:
        return State("directive", "", frames[-1] if frames else stack, frames, last, 0, tidy)
    return State("directive", "", stack, frames[:-1], last, 0, tidy)


def _literal(state: State, char: str) -> Move:
    """In a string or a character constant. Neither may hold a raw end of line; in directives and prose it ends both."""
    place, inside, stack, frames, last, prose, tidy = state
    quote, loose = inside[0], place == "directive" or prose > 0
    if inside[-1] == "\\":
        after = inside if char == "\r" else quote
        return State(place, after, stack, frames, last, prose, tidy), char not in CONTROL
    if char == "\n":
        return State("start", "", stack, frames, last if loose else '"', prose, tidy), loose
    if char == "\\":
        return State(place, quote + "\\", stack, frames, last, prose, tidy), True
    if char == quote:
        return State(place, "", stack, frames, last if loose else '"', prose, tidy), inside != "''" or loose
    fine = char not in CONTROL and (char != "\r" or loose)
    return State(place, quote, stack, frames, last, prose, tidy), fine


def _slash(state: State, char: str) -> Move:
    """After a slash: a comment begins, or it divided."""
    place, _, stack, frames, last, prose, tidy = state
    if char == "/" or char == "*":
        return State(place, "/" + char, stack, frames, last, prose, tidy), True
    if place in ("start", "code"):
        place, last = "code", last if prose else "/"
    return _plain(State("directive" if place[0] == "#" else place, "", stack, frames, last, prose, tidy), char)


def _continuation(state: State, char: str) -> Move:
    """After a backslash outside comments and literals: the line goes on in the next one."""
    place, _, stack, frames, last, prose, tidy = state
    if char == "\n":
        return State(place, "", stack, frames, last, prose, tidy), True
    if char in BLANK:
        return state, True
    if place[0] == "#":
        place = "directive"
    after, fine = _plain(State(place, "", stack, frames, last, prose, tidy), char)
    return after, fine and (place == "directive" or prose > 0)


def _comment(state: State, char: str) -> Move:
    place, inside, stack, frames, last, prose, tidy = state
    fine = char not in CONTROL
    if inside == "/*" or inside == "/**":
        if char == "/" and inside == "/**":
            return State(place, "", stack, frames, last, prose, tidy), True
        return State(place, "/**" if char == "*" else "/*", stack, frames, last, prose, tidy), fine
    if char == "\n" and inside == "//":
        return _line_ends(state), True
    goes_on = char == "\\" or (char == "\r" and inside == "//\\")
    return State(place, "//\\" if goes_on else "//", stack, frames, last, prose, tidy), fine
