"""Where in source code one is: the state of the lexer, and the kinds of signs."""

from typing import NamedTuple

from seqgen.codecs._code.layout import FLAT, Layout

DEPTH = 64  # brackets open at once
FRAMES = 32  # conditionals open at once
OPENERS, CLOSERS = frozenset("([{"), frozenset(")]}")
RECORD, HOLE = "s", "$"  # braces around members, around code in a literal
VALUE, HEAD = "o", "h"  # braces of a value, as those of an object are; brackets between a word such as `if` and a body
LIST = "l"  # braces around what no semicolon ends, as those of an enum are, behind which a statement is complete
BLOCK = "{"
# Braces around the statements of a value, as of a function that is assigned; by what the statement around them awaits.
VALUED, TENTATIVE, BODIED = "v", "=", "b"
BODIES = {"": "f", VALUED: "b", BLOCK: "g", LIST: "i"}
CLOSED_BY = {"(": ")", "[": "]", BLOCK: "}", RECORD: "}", HOLE: "}", VALUE: "}", HEAD: ")", LIST: "}"}
CLOSED_BY |= dict.fromkeys(BODIES.values(), "}")
STATEMENTS = frozenset({"", BLOCK, RECORD, *BODIES.values()})  # what statements stand in; "": the file
BLANK = frozenset(" \t\r\v\f")
CONTROL = frozenset(chr(value) for value in [*range(0x20), 0x7F]) - BLANK - {"\n"}
ASCII_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
HIGH = frozenset(chr(value) for value in range(0x80, 0x100))
WORD = ASCII_WORD | HIGH
OPERANDS = frozenset('w")]')  # the classes of what a value may end with
FRESH, HEADED = "e", "h"  # the classes of what a statement follows, and of a word that its brackets and a body follow
ARROW, DONE = "a", "d"  # those of `=>` and `->`, and of a value that ended with a body
ONE_PLUS, ONE_MINUS = "p", "m"  # those of a sign right behind a value, which the same sign makes part of it


class State(NamedTuple):
    """Where in a file one is.

    Attributes:
        place: `start` of a line, `code`, `directive`, or a # and what has been read of a directive's name; after `#if`
            also the 0 that makes its first branch prose.
        pending: What has been read of the beginning of a comment or literal that may yet be none, or a longer one.
        inside: The beginning of the comment or literal in which one is, or "".
        progress: What has been read of its end, or an escape; its beginning, where something has to stand in it.
        fence: What else its end needs: a delimiter, a star for each comment around it, what makes it no name,
            the bracket of a class in a regular expression.
        stack: What is open, the innermost last: brackets, braces by kind, and blocks by the first letter of their end.
        frames: For each conditional that is open, the stack before it.
        last: What stood last in code: a sign, `w` for a name or number, `k` for a word that goes on, `"` a literal, or
            one of the classes below; where phrases are kept, a class of theirs.
        word: The word that grows.
        awaits: What the statement in which one is says of its next brace: RECORD, LIST or VALUE, whose kind it is;
            VALUED, it belongs to a value, behind which the statement goes on; TENTATIVE, the same unless the sign = is
            the first half of ==; BODIED, the same, and statements stand in it; BLOCK, to no value whatever comes.
        layout: Where the indentation stands.
        prose: How many conditionals deep one is in an `#if 0`; 0 outside.
    """

    place: str = "start"
    pending: str = ""
    inside: str = ""
    progress: str = ""
    fence: str = ""
    stack: str = ""
    frames: tuple[str, ...] = ()
    last: str = ""
    word: str = ""
    awaits: str = ""
    layout: Layout = FLAT
    prose: int = 0

    @property
    def loose(self) -> bool:
        """Whether anything may stand here, as in directives and in prose: a literal ends with its line."""
        return self.place == "directive" or self.prose > 0


Move = tuple[State, bool]  # the state after a byte, and whether that byte was allowed
Reading = tuple[State, bool, bool]  # the same, and whether the byte was taken, or is still to be read
