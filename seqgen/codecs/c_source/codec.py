"""C source files: characters as in `char`, a grammar over them, and two habits of C files dealt with.

Amalgamations (many files in one, as SQLite is shipped) are split where they say a file begins, and licence comments at
the head of a file can be left out, so that a model need not learn them by heart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seqgen.codecs import Codec, Golden, Grammar, Ids
from seqgen.codecs._characters import MOST_CHARACTERS, Characters, boundary, learn
from seqgen.codecs.c_source.balanced import Balanced
from seqgen.codecs.c_source.grammar import CGrammar
from seqgen.media import Plain
from seqgen.report import Report
from seqgen.settings import option, require

FILE_BEGINS = re.compile(rb"^/\*+ *Begin file [^\n]*\*/[ \t\r]*$", re.MULTILINE)
HEAD_COMMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(/\*.*?\*/|(?://[^\n]*+(?:\n[ \t]*+|\Z))+)\s*", re.DOTALL)
LICENCE = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)


@dataclass(frozen=True)
class CSourceOptions:
    """What becomes of a C file before its characters are numbered."""

    strip_licence: bool = option(False, "leave out comments at the head of a file that speak of copyright or licence")
    split: bool = option(True, "split an amalgamation at its 'Begin file' comments")
    min_count: int = option(1, "how often a multi-byte character must be seen to get its own token")
    max_characters: int = option(256, "at most so many multi-byte characters, the most frequent ones")

    def __post_init__(self) -> None:
        require(self.min_count >= 1, "min_count", self.min_count, "at least 1")
        most = f"0 to {MOST_CHARACTERS}"
        require(0 <= self.max_characters <= MOST_CHARACTERS, "max_characters", self.max_characters, most)


class CSource(Codec):
    """C, one token a character, with a grammar that keeps brackets and literals in order."""

    Options = CSourceOptions
    suffixes = (".c", ".h", ".inc")
    suffix = ".c"
    medium = Plain("C")
    golden = Golden("né 水\n".encode(), (110, 256, 32, 257, 10))

    def __init__(self, characters: str, options: CSourceOptions) -> None:
        self._characters = Characters(characters)
        self._options = options

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: CSourceOptions) -> "CSource":
        return cls(learn(documents, options.min_count, options.max_characters), options)

    def grow(self, documents: Iterable[bytes]) -> "CSource":
        options, known = self._options, self._characters.characters
        new = learn(documents, options.min_count, max(0, options.max_characters - len(known)), known)
        return CSource("".join(sorted(known + new)), options) if new else self

    @classmethod
    def restore(cls, options: CSourceOptions, state: Mapping[str, Any]) -> "CSource":
        return cls(state["characters"], options)

    def state(self) -> dict[str, Any]:
        return {"characters": self._characters.characters}

    @property
    def options(self) -> CSourceOptions:
        return self._options

    @property
    def vocab_size(self) -> int:
        return len(self._characters)

    def documents(self, data: bytes) -> Sequence[bytes]:
        """The files of an amalgamation, joined again the file itself; else the file."""
        if not self._options.split:
            return (data,)
        starts = [match.start() for match in FILE_BEGINS.finditer(data) if match.start() > 0]
        return [data[start:end] for start, end in zip([0, *starts], [*starts, len(data)])]

    def boundary(self, data: bytes) -> int:
        """Zero where the head of the document is to be looked at: a later part has a head of its own."""
        return 0 if self._options.strip_licence else boundary(data)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        kept = self.normalize(data)
        if report is not None and len(kept) < len(data):
            report.dropped["licence comment"] += 1
        return self._characters.encode(kept)

    def encode_prompt(self, data: bytes) -> Ids:
        return self.encode(data)

    def decode(self, ids: Ids) -> bytes:
        return self._characters.decode(ids)

    def normalize(self, data: bytes) -> bytes:
        return without_licence(data) if self._options.strip_licence else data

    def vocabulary(self) -> list[str]:
        return self._characters.names()

    def token_bytes(self) -> list[bytes]:
        return self._characters.token_bytes()

    @classmethod
    def tree_sitter(cls, suffix: str) -> str:
        return "tree_sitter_c:language"

    @cached_property
    def _grammar(self) -> CGrammar:
        return CGrammar(self.token_bytes())

    def grammar(self) -> Grammar:
        return self._grammar

    @classmethod
    def grammar_over(cls, pieces: Sequence[bytes]) -> CGrammar:
        return c_grammar(pieces)

    @classmethod
    def balanced_over(cls, pieces: Sequence[bytes], length: int, grace: int) -> Balanced:
        return balanced_grammar(pieces, length, grace)


def c_grammar(token_bytes: Sequence[bytes]) -> CGrammar:
    """The grammar of C over any vocabulary whose tokens stand for bytes.

    Args:
        token_bytes: (V,) the bytes of each token.
    """
    return CGrammar(token_bytes)


def balanced_grammar(token_bytes: Sequence[bytes], length: int, grace: int, functions: int = 0) -> Balanced:
    """A grammar whose files end outside everything, for any vocabulary whose tokens stand for bytes.

    Args:
        token_bytes: (V,) the bytes of each token; every single byte is one.
        length: Tokens, the prompt's included, from which on an end is looked for.
        grace: So many tokens more, the model may find an end itself; then what is open is closed.
        functions: An end is looked for, too, when so many function bodies are complete, and nothing is declared
            without a body; 0: only by length.
    """
    return Balanced(CGrammar(token_bytes, tidy=True), length, grace, functions)


def without_licence(data: bytes) -> bytes:
    """A file without the comments at its head that speak of copyright or licence, nor the space around them."""
    start = 0
    while (comment := HEAD_COMMENT.match(data, start)) and LICENCE.search(comment[1]):
        start = comment.end()
    return data[start:]
