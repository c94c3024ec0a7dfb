"""The table of a programming language: its comments, literals, brackets, and what ends a definition. No code runs here
but what makes tables shorter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seqgen.codecs._code.phrases import Phrases
from seqgen.codecs._code.state import WORD


@dataclass(frozen=True)
class Region:
    """A comment or a literal: what it begins and ends with, and what it may hold.

    Attributes:
        opens: What begins it. Where one is the beginning of another, the longer one counts.
        closes: What ends it; "": nothing stands inside, and it counts as a space.
        comment: Whether it is a comment.
        escape: The sign that takes its meaning from the next one; "" where there is none.
        lines: Whether it may hold ends of lines.
        doubled: Whether its end, twice in a row, is none.
        nests: Whether it may hold others of its kind, as comments of Rust may.
        holes: What begins code inside it, up to the brace that closes it, such as `${`.
        classes: Whether between [ and ] nothing ends it, as in regular expressions.
        delimited: Whether what follows up to ( is part of its end, as in `R"x(…)x"`.
        filled: Whether something has to stand in it.
        named: Whether it is none but a name where no second quote follows one word, as `'a` of Rust.
    """

    opens: str
    closes: str
    comment: bool = False
    escape: str = ""
    lines: bool = False
    doubled: bool = False
    nests: bool = False
    holes: str = ""
    classes: bool = False
    delimited: bool = False
    filled: bool = False
    named: bool = False


@dataclass(frozen=True)
class Language:
    """What the lexer has to know of a language.

    Attributes:
        regions: Its comments and literals.
        foreign: Signs that stand nowhere in code.
        letters: What words are made of.
        blocks: Word that opens a block → word that closes it, for languages that have no braces.
        goes_on: Words behind which a statement is not complete, and a value may begin.
        newline_ends: Whether a complete statement ends with its line; else with a semicolon or a brace.
        directives: What lines that begin with # may be for its preprocessor, beside conditionals; none: it has none.
        layout: Whether indentation matters.
        braces: Word → the kind of the next brace of its statement; see `State.awaits`.
        values: Words that begin a value in a statement, which goes on behind the braces in it; `=>` where that does,
            too. A single = does so where there are any.
        functions: Words that begin a value with a body where a value begins.
        bodied: The classes of what stood last behind which a brace of a value holds statements, as it does behind the
            brackets of a function; behind others it holds items. None: braces are blocks.
        divides: Whether a slash begins a regular expression where no value stands before it.
        heads: Words behind which brackets are no value: a statement follows them, as behind `if (x)`.
        leads: Words behind which a statement begins, as behind `else`.
        declares: Words behind which a name or a pattern is declared, where slashes divide.
        apart: Whether a ' within a number keeps its digits apart.
        phrases: What a tidy file keeps beyond brackets and literals.
        parser: The module and function of its grammar for tree-sitter.
        parsers: The same for other endings of file names.
    """

    regions: tuple[Region, ...]
    foreign: str = ""
    letters: frozenset[str] = WORD
    blocks: Mapping[str, str] = field(default_factory=dict)
    goes_on: frozenset[str] = frozenset()
    newline_ends: bool = False
    directives: frozenset[str] = frozenset()
    layout: bool = False
    braces: Mapping[str, str] = field(default_factory=dict)
    values: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    bodied: frozenset[str] = frozenset()
    divides: bool = False
    heads: frozenset[str] = frozenset()
    leads: frozenset[str] = frozenset()
    declares: frozenset[str] = frozenset()
    apart: bool = False
    phrases: Phrases | None = None
    parser: str = ""
    parsers: Mapping[str, str] = field(default_factory=dict)


def line_comment(opens: str, escape: str = "") -> Region:
    """A comment up to the end of its line."""
    return Region(opens, "\n", comment=True, escape=escape)


def block_comment(opens: str, closes: str, nests: bool = False) -> Region:
    """A comment with an end of its own."""
    return Region(opens, closes, comment=True, lines=True, nests=nests)


def string(opens: str, closes: str = "", lines: bool = False) -> Region:
    """A literal in which a backslash escapes; it ends as it begins where nothing else is said."""
    return Region(opens, closes or opens, escape="\\", lines=lines)


def character(quote: str) -> Region:
    """A literal that holds a character at least."""
    return Region(quote, quote, escape="\\", filled=True)


def raw(opens: str, closes: str = "") -> Region:
    """A literal of any lines in which nothing is escaped."""
    return Region(opens, closes or opens, lines=True)


CONTINUED = (Region("\\\n", ""), Region("\\\r\n", ""))  # a backslash before the end of a line
C_DIRECTIVES = frozenset({"include", "define", "undef", "line", "error", "warning", "pragma"})
C_COMMENTS = (line_comment("//"), block_comment("/*", "*/"))
