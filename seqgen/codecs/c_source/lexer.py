"""C as a lexical state machine over the bytes of tokens: comments, literals, directives and brackets.

It knows which byte may follow and nothing of expressions, types or names. The rules are those of ISO C 2011, 5.1.1.2
and 6.4, made into a machine that takes any bytes: `advance` never fails, and what it does not allow is merely set
right as well as it can be.

Branches of a conditional (`#if … #else … #endif`) each begin with the brackets that were open before it; what the last
branch leaves open stays open. So one brace may be opened in both branches and closed once behind them. What stands in
`#if 0` is prose: only comments, literals and conditionals are looked at, and a literal ends with its line.

A `tidy` state asks for more: each branch closes what it opens, and conditionals stand between statements, so that
brackets match whatever is compiled; words and signs keep the order that `_c_phrases` knows.
"""

from typing import NamedTuple

from seqgen.codecs.c_source import phrases

DEPTH = 64  # brackets open at once
FRAMES = 32  # conditionals open at once
BLOCK, RECORD, LIST = "{", "s", "="  # braces: around statements, members or items
CLOSED_BY = {
    "[": "]",
    RECORD: "}",
    LIST: "}",
    **dict.fromkeys(phrases.PARENS, ")"),
    **dict.fromkeys(phrases.BLOCKS, "}"),
}
OPENERS, CLOSERS = frozenset("([{"), frozenset(")]}")
OPENS_FRAME = {"#if", "#ifdef", "#ifndef"}
NEXT_BRANCH = {"#else", "#elif", "#elifdef", "#elifndef"}
CONDITIONALS = OPENS_FRAME | NEXT_BRANCH | {"#endif"}
PREFIXES = {name[:end] for name in CONDITIONALS for end in range(1, len(name) + 1)}
BLANK = set(" \t\r\v\f")
CONTROL = {chr(value) for value in [*range(0x20), 0x7F]} - BLANK - {"\n"}
NOT_IN_CODE = CONTROL | {"@", "`", "#"} | {chr(value) for value in range(0x80, 0x100)}
WORD = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
COMPLETE = {"", ";", "}", "{", "I", ":"}  # what stands before a statement
ZERO = ("#if ", "#if 0")  # places on the way to a block of prose


class State(NamedTuple):
    """Where in a C file one is.

    Attributes:
        place: `start` of a line, `code`, `directive`, or a `#` and what has been read of a conditional's name; after
            `#if` also the 0 that makes its first branch prose.
        inside: "" or what is unfinished: `/`, `//`, `/*`, `/**` (a star seen), `"`, `'`, `''` (just opened), `\\`,
            and with a trailing backslash after an escape.
        stack: The brackets that are open, the innermost last; a brace as BLOCK, RECORD or LIST, and where it is tidy
            as `_c_phrases` has them.
        frames: For each conditional that is open, the stack before it.
        last: The last byte of code that is no space: `w` for words, numbers and braces that are part of a
            declaration or expression, `"` for literals, "" where there was none yet; a class where it is tidy.
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
    word: str = ""


Move = tuple[State, bool]  # the state after a byte, and whether that byte was allowed


def advance(state: State, char: str) -> Move:
    """The state after one byte, given as the character of the same number, and whether it was allowed."""
    inside = state[1]
    if state[7] and char not in WORD:
        return _word_ends(state, char)
    if not inside:
        return _name(state, char) if state[0][0] == "#" else _plain(state, char)
    if inside[0] in "\"'":
        return _literal(state, char)
    if inside == "/":
        return _slash(state, char)
    if inside == "\\":
        return _continuation(state, char)
    return _comment(state, char)


def takes_names(state: State) -> bool:
    """Whether every name is allowed to follow, or to go on. False says nothing."""
    place, inside, stack, _, last, prose, tidy, word = state
    if inside or place[0] == "#":
        return inside not in ("", "/", "\\")
    if not tidy or prose or place == "directive":
        return True
    return word != phrases.NUMBER and phrases.may_grow(phrases.NAME, last, stack)


def _plain(state: State, char: str) -> Move:
    """Outside comments and literals, in code or in a directive."""
    place, _, stack, frames, last, prose, tidy, _ = state
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
        if tidy and not prose:
            return _tidy(state, char)
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


def _tidy(state: State, char: str) -> Move:
    """In tidy code, a byte that is no space and begins no comment."""
    _, _, stack, frames, last, prose, tidy, word = state
    if char in WORD:
        word = phrases.grow(word, char)
        return State("code", "", stack, frames, last, prose, tidy, word), phrases.may_grow(word, last, stack)
    if char in OPENERS:
        kind = phrases.opening(char, last, stack)
        fine = bool(kind) and len(stack) < DEPTH
        stack = stack + (kind or char) if len(stack) < DEPTH else stack
        return State("code", "", stack, frames, char, prose, tidy), fine
    if char in CLOSERS:
        after, fine = _close(state, char)
        fine = fine and phrases.may_close(last, stack)
        return after._replace(last=phrases.after_closing(stack[-1:])), fine
    kind = phrases.sign(char, last, stack)
    if char == '"' or char == "'":
        return State("code", '"' if char == '"' else "''", stack, frames, last, prose, tidy), bool(kind)
    if char == ";" and stack[-1:] in phrases.FOR:
        stack = stack[:-1] + phrases.FOR[stack[-1]]
    return State("code", "", stack, frames, kind or char, prose, tidy), bool(kind)


def _word_ends(state: State, char: str) -> Move:
    """Behind a word of a tidy file."""
    place, inside, stack, frames, last, prose, tidy, word = state
    kind = phrases.end_word(word, last, stack)
    after, fine = advance(State(place, inside, stack, frames, kind or "w", prose, tidy), char)
    return after, fine and kind != ""


def _line_ends(state: State) -> State:
    _, _, stack, frames, last, prose, tidy, _ = state
    if state.place == "#if 0" and not prose:
        prose = 1
    return State("start", "", stack, frames, last, prose, tidy)


def _open(state: State, char: str) -> Move:
    """An opening bracket. Of a brace, what stands before it says what it is."""
    _, _, stack, frames, last, prose, tidy, _ = state
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
    _, _, stack, frames, _, prose, tidy, _ = state
    at = max(stack.rfind(opener) for opener, closer in CLOSED_BY.items() if closer == char)
    fine = at >= 0 and at == len(stack) - 1 and not (tidy and frames and at < len(frames[-1]))
    after = "w" if at >= 0 and stack[at] in (RECORD, LIST) else char
    return State("code", "", stack[:at] if at >= 0 else stack, frames, after, prose, tidy), fine


def _name(state: State, char: str) -> Move:
    """In the name of a directive, of which only the conditionals' matter, or behind `#if`."""
    place, _, stack, frames, last, prose, tidy, _ = state
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
    return (
        not state.tidy
        or state.prose > 0
        or (state.last in COMPLETE and state.stack[-1:] in ("", RECORD, *phrases.BLOCKS))
    )


def _branch(name: str, state: State) -> State:
    """The state in the rest of the line after the conditional `name`."""
    _, _, stack, frames, last, prose, tidy, _ = state
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
    place, inside, stack, frames, last, prose, tidy, _ = state
    quote, loose = inside[0], place == "directive" or prose > 0
    after = last if loose else "n" if tidy and quote == "'" else '"'
    if inside[-1] == "\\":
        return State(place, inside if char == "\r" else quote, stack, frames, last, prose, tidy), char not in CONTROL
    if char == "\n":
        return State("start", "", stack, frames, after, prose, tidy), loose
    if char == "\\":
        return State(place, quote + "\\", stack, frames, last, prose, tidy), True
    if char == quote:
        return State(place, "", stack, frames, after, prose, tidy), inside != "''" or loose
    fine = char not in CONTROL and (char != "\r" or loose)
    return State(place, quote, stack, frames, last, prose, tidy), fine


def _slash(state: State, char: str) -> Move:
    """After a slash: a comment begins, or it divided."""
    place, _, stack, frames, last, prose, tidy, _ = state
    if char == "/" or char == "*":
        return State(place, "/" + char, stack, frames, last, prose, tidy), True
    fine = True
    if place in ("start", "code"):
        fine = not tidy or prose > 0 or phrases.sign("/", last, stack) != ""
        place, last = "code", last if prose else "o" if tidy else "/"
    after, follows = _plain(
        State("directive" if place[0] == "#" else place, "", stack, frames, last, prose, tidy), char
    )
    return after, fine and follows


def _continuation(state: State, char: str) -> Move:
    """After a backslash outside comments and literals: the line goes on in the next one."""
    place, _, stack, frames, last, prose, tidy, _ = state
    if char == "\n":
        return State(place, "", stack, frames, last, prose, tidy), True
    if char in BLANK:
        return state, True
    if place[0] == "#":
        place = "directive"
    after, fine = _plain(State(place, "", stack, frames, last, prose, tidy), char)
    return after, fine and (place == "directive" or prose > 0)


def _comment(state: State, char: str) -> Move:
    place, inside, stack, frames, last, prose, tidy, _ = state
    fine = char not in CONTROL
    if inside == "/*" or inside == "/**":
        if char == "/" and inside == "/**":
            return State(place, "", stack, frames, last, prose, tidy), True
        return State(place, "/**" if char == "*" else "/*", stack, frames, last, prose, tidy), fine
    if char == "\n" and inside == "//":
        return _line_ends(state), True
    goes_on = char == "\\" or (char == "\r" and inside == "//\\")
    return State(place, "//\\" if goes_on else "//", stack, frames, last, prose, tidy), fine
