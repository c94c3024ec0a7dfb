"""What a language may know of words and signs that stand side by side, beyond brackets and literals: for tidy files.

`last` is the class of the sign before, `stack` what is open; both are the language's own. See `c_source/phrases.py`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from seqgen.codecs._code.state import State


class Phrases(Protocol):
    """Words and signs of a language: a module of these names will do."""

    @property
    def KEYWORDS(self) -> Mapping[str, str]:
        """Word → its class."""
        ...

    @property
    def CLOSED_BY(self) -> Mapping[str, str]:
        """Kind of bracket → what closes it."""
        ...

    @property
    def LITERALS(self) -> Mapping[str, str]:
        """What begins a literal → the class of a whole one."""
        ...

    def may_grow(self, word: str, last: str, stack: str) -> bool:
        """Whether some word that begins so may stand here."""
        ...

    def end_word(self, word: str, last: str, stack: str) -> str:
        """The class of a finished word, or "" where such a word may not stand."""
        ...

    def sign(self, char: str, last: str, stack: str) -> str:
        """The class of a sign that is no bracket, or of a literal that begins; "" where it may not stand."""
        ...

    def after_sign(self, char: str, stack: str) -> str:
        """The stack behind a sign."""
        ...

    def opening(self, char: str, last: str, stack: str) -> str:
        """The kind of an opening bracket, or "" where it may not stand."""
        ...

    def may_close(self, last: str, stack: str) -> bool:
        """Whether the innermost bracket may be closed here."""
        ...

    def after_closing(self, top: str) -> str:
        """The class of a closing bracket, by its kind."""
        ...

    def between(self, last: str, stack: str) -> bool:
        """Whether a directive may stand here."""
        ...

    def deep(self, below: Iterable[str]) -> bool:
        """What is to be known of the brackets that no token reaches."""
        ...

    def complete(self, state: State) -> bool:
        """Whether no statement is open."""
        ...

    def completion(self, state: State) -> str:
        """The next byte of what completes the word, expression, statement or bracket in which one is."""
        ...

    def bodied(self, last: str) -> re.Pattern[str]:
        """The beginnings of tokens after which a function may still get its body."""
        ...
