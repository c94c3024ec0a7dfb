"""C source files: characters as in `char`, a grammar over them, and two habits of C files dealt with.

Amalgamations (many files in one, as SQLite is shipped) are split where they say a file begins, and licence comments at
the head of a file can be left out, so that a model need not learn them by heart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Codec, Golden, Ids, Lengths
from seqgen.codecs._characters import boundary
from seqgen.codecs._code.balanced import BalancedCode
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs.c_source.cuts import statement_cuts
from seqgen.codecs.c_source.language import LANGUAGE
from seqgen.codecs.char import CharOptions
from seqgen.infilling import Cuts
from seqgen.media import Plain
from seqgen.report import Report
from seqgen.settings import option

FILE_BEGINS = re.compile(rb"^/\*+ *Begin file [^\n]*\*/[ \t\r]*$", re.MULTILINE)
HEAD_COMMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(/\*.*?\*/|(?://[^\n]*+(?:\n[ \t]*+|\Z))+)\s*", re.DOTALL)
LICENCE = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)


@dataclass(frozen=True)
class CSourceOptions(CharOptions):
    """What becomes of a C file before its characters are numbered."""

    max_characters: int = option(256, "at most so many multi-byte characters, the most frequent ones")
    strip_licence: bool = option(False, "leave out comments at the head of a file that speak of copyright or licence")
    split: bool = option(True, "split an amalgamation at its 'Begin file' comments")


class CSource(SourceCode):
    """C, one token a character, with a grammar that keeps brackets and literals in order."""

    Options = CSourceOptions
    language = LANGUAGE
    suffixes = (".c", ".h", ".inc")
    suffix = ".c"
    medium = Plain("C")
    golden = Golden("né 水\n".encode(), (110, 256, 32, 257, 10))
    _options: CSourceOptions

    @classmethod
    def reads_any_text(cls) -> bool:
        return False

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

    def encode_several(self, documents: Sequence[bytes], report: Report | None = None) -> tuple[Ids, Lengths]:
        if self._options.strip_licence:
            return Codec.encode_several(self, documents, report)  # each has a head of its own
        return super().encode_several(documents, report)

    def cuts(self, ids: Ids) -> Cuts:
        return np.concatenate([statement_cuts(self._plain[ids].tobytes()), super().cuts(ids)[:1]])

    @cached_property
    def _plain(self) -> NDArray[np.uint8]:
        """(vocab_size,) a byte for each token: its own, or that of a letter."""
        return np.array([piece[0] if len(piece) == 1 else ord("x") for piece in self.token_bytes()], np.uint8)

    def normalize(self, data: bytes) -> bytes:
        return without_licence(data) if self._options.strip_licence else data


def c_grammar(token_bytes: Sequence[bytes]) -> CodeGrammar:
    """The grammar of C over any vocabulary whose tokens stand for bytes.

    Args:
        token_bytes: (V,) the bytes of each token.
    """
    return CodeGrammar(LANGUAGE, token_bytes)


def balanced_grammar(token_bytes: Sequence[bytes], length: int, grace: int, functions: int = 0) -> BalancedCode:
    """A grammar whose files end outside everything, for any vocabulary whose tokens stand for bytes.

    Args:
        token_bytes: (V,) the bytes of each token; every single byte is one.
        length: Tokens, the prompt's included, from which on an end is looked for.
        grace: So many tokens more, the model may find an end itself; then what is open is closed.
        functions: An end is looked for, too, when so many function bodies are complete, and nothing is declared
            without a body; 0: only by length.
    """
    return BalancedCode(CodeGrammar(LANGUAGE, token_bytes, tidy=True), length, grace, functions)


def without_licence(data: bytes) -> bytes:
    """A file without the comments at its head that speak of copyright or licence, nor the space around them."""
    start = 0
    while (comment := HEAD_COMMENT.match(data, start)) and LICENCE.search(comment[1]):
        start = comment.end()
    return data[start:]
