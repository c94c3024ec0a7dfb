"""What the codecs of programming languages are: characters as in `char`, and a grammar that their table drives."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import ClassVar

from seqgen.codecs import EndingGrammar, Grammar, PageForm
from seqgen.codecs._code.balanced import BalancedCode
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.hole import CodeHole
from seqgen.codecs._code.language import Language
from seqgen.codecs._code.page import page_form
from seqgen.codecs.char import Char


class SourceCode(Char):
    """A language, one token a character.

    Class attributes:
        language: Its table.
    """

    language: ClassVar[Language]
    with_counts = False  # samples of sqlite then say again what the corpus said: new 8-grams 23 to 13 %
    rules = (("dry", 0.3),)  # with look-back 22 % of their 16-grams came again, where code has 9: so 10

    @classmethod
    def reads_any_text(cls) -> bool:
        return True

    @classmethod
    def tree_sitter(cls, suffix: str) -> str:
        return cls.language.parsers.get(suffix, cls.language.parser)

    @cached_property
    def _grammar(self) -> CodeGrammar:
        return CodeGrammar(self.language, self.token_bytes())

    def grammar(self) -> Grammar:
        return self._grammar

    def page_form(self, grammar: Grammar | None) -> PageForm:
        if grammar is None:
            return super().page_form(grammar)
        return PageForm("code", {"language": page_form(self.language)}, grammar=True)

    @classmethod
    def grammar_over(cls, pieces: Sequence[bytes]) -> CodeGrammar:
        return CodeGrammar(cls.language, pieces)

    @classmethod
    def balanced_over(cls, pieces: Sequence[bytes], length: int, grace: int) -> BalancedCode:
        return BalancedCode(CodeGrammar(cls.language, pieces, tidy=True), length, grace)

    @classmethod
    def hole_over(cls, pieces: Sequence[bytes], left: bytes, right: bytes, length: int) -> EndingGrammar | None:
        if cls.language.layout or cls.language.blocks:
            return None  # what is open there no sign says
        return CodeHole(_tidy(cls, tuple(pieces)), left.decode("latin-1"), right.decode("latin-1"), length)


@lru_cache(maxsize=8)
def _tidy(kind: type[SourceCode], pieces: tuple[bytes, ...]) -> CodeGrammar:
    """A tidy grammar that many holes share, with what it has found of states."""
    return CodeGrammar(kind.language, pieces, tidy=True)
