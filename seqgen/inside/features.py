"""What of a text a cell may follow: quotes, brackets, comments, columns and the like, a number at each byte.

A value at a byte is what holds once that byte was read, so that a cell that knows it can show it there: of `/*` the
comment begins at the second byte. Whether a text is code is not asked: what it does not hold is left out.

What is said of brackets is said of those of code, and only there: within comments and quotes it says nothing, since a
cell that counts the brackets of a comment, too, follows what is open no less. Measured there, it would seem to fail.
Of the branches of `#if … #else … #endif` a compiler takes one. Each begins at the depth of brackets that stood at the
`#if`, and what follows goes on from the first: added up, an `if(a){` in one and an `if(b){` in another would be two
braces, of which one is never closed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 0.002  # the share of places at which something holds, or does not, from which on it counts
LONGEST_COLUMN = 120
SPANS = re.compile(  # in linear time on any text: what is long ends with the text, what must end is short
    rb'(?P<comment>/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*)|(?P<quote>"(?:\\.|[^"\\\n]){0,250}"|\xe2\x80\x9c.{1,250}?\xe2\x80\x9d)'
    rb"|(?P<character>'(?:\\.|[^'\\\n])')",
    re.DOTALL,
)
SPEAKER = re.compile(rb"^[A-Z][A-Za-z .'-]{1,28}:(?=\n)|^[A-Z][A-Z .'-]{2,28}[.:]", re.MULTILINE)
DIRECTIVE = re.compile(rb"^[ \t]*(#(?:[^\\\n]|\\[^\0])*)", re.MULTILINE)  # a backslash takes the next line in
BRANCH = re.compile(rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|else|elif|endif)\b", re.MULTILINE)
CONDITION = re.compile(rb"\b(?:if|while|for)\s*\(")
OPENING, CLOSING = b"([{", b")]}"

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Feature:
    """Something that holds at each place, or does so to some degree.

    Attributes:
        name: Of it.
        values: (N,) its values; where it says nothing, NaN.
    """

    name: str
    values: Values

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) where it says something."""
        return np.isfinite(self.values)


def text_features(data: bytes) -> list[Feature]:
    """The features that a text has, with a value at each of its N bytes."""
    return [feature for feature in _all(data) if _varies(feature.values)]


def at_tokens(features: list[Feature], lengths: NDArray[np.int64]) -> list[Feature]:
    """The same at (T,) tokens of so many bytes each: the value at the last byte; those of none say nothing."""
    last = np.cumsum(lengths) - 1
    return [
        Feature(each.name, np.where(lengths > 0, each.values[np.maximum(last, 0)], np.nan).astype(np.float32))
        for each in features
    ]


def _all(data: bytes) -> Iterator[Feature]:
    byte = np.frombuffer(data, np.uint8)
    apart = _spans(data)
    code = ~(apart["comment"] | apart["quote"] | apart["character"])
    branches = _branches(data, code)
    for name in ("quote", "comment"):
        yield Feature(f"inside a {name}", apart[name].astype(np.float32))
    total = np.zeros(len(data), np.int64)
    for opening, closing, name in zip(OPENING, CLOSING, ("parentheses", "square brackets", "braces")):
        depth = _depth(byte, opening, closing, code, branches)
        total += depth
        yield Feature(f"inside {name}", _only(code, depth > 0))
        if int(depth.max(initial=0)) > 1:
            yield Feature(f"depth of {name}", _only(code, np.minimum(depth, 8)))
    yield Feature("bracket depth", _only(code, np.minimum(total, 12)))
    yield Feature("inside a condition", _only(code, _conditions(data, byte, code)))
    yield from _lines(data, byte)
    yield Feature("inside a speaker's name", _marked(data, SPEAKER))
    yield Feature("inside a directive", _marked(data, DIRECTIVE))
    letter = ((byte | 32) >= ord("a")) & ((byte | 32) <= ord("z")) | (byte == ord("_")) | (byte >= 128)
    yield Feature("letters of the word so far", np.minimum(_since(~letter), 12).astype(np.float32))
    yield Feature("upper case", ((byte >= ord("A")) & (byte <= ord("Z"))).astype(np.float32))


def _only(where: NDArray[np.bool_], values: NDArray[Any]) -> Values:
    """Values where something holds; elsewhere nothing is said."""
    return np.where(where, values, np.nan).astype(np.float32)


def _lines(data: bytes, byte: NDArray[np.uint8]) -> Iterator[Feature]:
    breaks = byte == ord("\n")
    column = _since(breaks)
    yield Feature("column", np.minimum(column, LONGEST_COLUMN).astype(np.float32))
    line = np.cumsum(breaks) - breaks  # the line that each byte stands in, its end included
    lengths = np.bincount(line, ~breaks)
    yield Feature("length of the line", np.minimum(lengths[line], LONGEST_COLUMN).astype(np.float32))
    blank = (byte == ord(" ")) | (byte == ord("\t"))
    leading = np.array([len(each) - len(each.lstrip(b" \t")) for each in data.split(b"\n")], np.int64)
    indented = np.minimum(leading[line], np.maximum(column, 0))
    yield Feature("indentation", np.minimum(indented, 40).astype(np.float32))
    yield Feature("at the beginning of a line", (blank & (column <= leading[line])).astype(np.float32))


def _spans(data: bytes) -> dict[str, NDArray[np.bool_]]:
    """Where comments, quotes and character constants are known to be open; their closing marks are not counted."""
    found = {name: np.zeros(len(data), np.bool_) for name in ("comment", "quote", "character")}
    for match in SPANS.finditer(data):
        kind = str(match.lastgroup)
        first = match.start() + (kind == "comment")  # a slash alone may divide
        found[kind][first : match.end() - 1] = True
    return found


def _branches(data: bytes, code: NDArray[np.bool_]) -> list[tuple[int, bytes]]:
    """(where its line begins, its word) of each directive that begins or ends a branch, outside comments and quotes."""
    found = ((match.start(), match[1]) for match in BRANCH.finditer(data))
    return [(place, word) for place, word in found if code[place]]


def _depth(
    byte: NDArray[np.uint8], opening: int, closing: int, code: NDArray[np.bool_], branches: Sequence[tuple[int, bytes]]
) -> NDArray[np.int64]:
    """(N,) how many brackets of a kind are open; one that closes nothing is passed over."""
    step = ((byte == opening) & code).astype(np.int64) - ((byte == closing) & code)
    found = np.zeros(len(byte), np.int64)
    now, begin, open_ifs = 0, 0, list[list[int]]()  # of each #if its depth, and those at the ends of its branches
    for place, word in (*branches, (len(byte), b"")):
        total = now + np.cumsum(step[begin:place])
        found[begin:place] = total - np.minimum(np.minimum.accumulate(total), 0)
        now, begin = int(found[place - 1]) if place > begin else now, place
        if word.startswith(b"if"):
            open_ifs.append([now])
        elif open_ifs and word in (b"else", b"elif"):
            open_ifs[-1].append(now)
            now = open_ifs[-1][0]
        elif open_ifs and word == b"endif":
            now = [*open_ifs.pop(), now][1]
    return found


def _conditions(data: bytes, byte: NDArray[np.uint8], code: NDArray[np.bool_]) -> Values:
    depth = _depth(byte, ord("("), ord(")"), code, ())
    found = np.zeros(len(data), np.float32)
    for match in CONDITION.finditer(data):
        begin = match.end() - 1
        if code[begin]:
            inside = depth[begin : begin + 2000] >= depth[begin]
            found[begin : begin + (len(inside) if inside.all() else int(inside.argmin()))] = 1
    return found


def _marked(data: bytes, pattern: re.Pattern[bytes]) -> Values:
    """1 where a pattern matches, from its last group on, if it has one."""
    found = np.zeros(len(data), np.float32)
    for match in pattern.finditer(data):
        found[match.start(pattern.groups) : match.end()] = 1
    return found


def _since(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) bytes since the last mark, 0 at a mark."""
    where = np.arange(len(marks))
    return np.asarray(where - np.maximum.accumulate(np.where(marks, where, -1)))


def _varies(values: Values) -> bool:
    """Whether it takes more than one value, each of the two commonest often enough."""
    known = values[np.isfinite(values)]
    if not len(known):
        return False
    _, counts = np.unique(known, return_counts=True)
    return bool(len(known) - counts.max() > LEAST * len(known))
