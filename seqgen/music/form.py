"""The form of a piece, in words: sections by letters, or bars that come back as in a corpus. Knows no codec."""

from dataclasses import dataclass, replace

from seqgen.errors import UsageError

CORPUS = "corpus"
SECTION = 8  # bars, where neither the form nor a length says
MOST = 64  # sections
_EXAMPLES = "such as aaba, aabb:8 (sections of eight bars) or corpus"


@dataclass(frozen=True)
class Form:
    """What comes back in a piece.

    Attributes:
        letters: One for each section: those with the same letter are alike. "": as in the corpus.
        section: Bars of a section; None: what the length of the piece leaves for each.
        own: Whether the length of the piece is that of its sections because nobody asked for another.
        similarity: (lag in bars, how like a bar is to the one so many before, 0 to 1, on the average) of a corpus.
    """

    letters: str
    section: int | None = None
    own: bool = False
    similarity: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, text: str) -> "Form":
        """From "aaba", "aaba:8" or "corpus".

        Raises:
            UsageError: It is none of these.
        """
        if text.strip().lower() == CORPUS:
            return cls("")
        letters, colon, size = text.strip().lower().partition(":")
        if not (letters.isascii() and letters.isalpha() and len(letters) <= MOST):
            raise UsageError(f"form is {text[:40]!r}, expected corpus or up to {MOST} letters", _EXAMPLES)
        if not colon:
            return cls(letters)
        if not (size.isascii() and size.isdecimal() and len(size) < 4 and int(size)):
            raise UsageError(f"a section of the form is {size[:40]!r}, expected a number of bars", _EXAMPLES)
        return cls(letters, int(size))

    @property
    def bars(self) -> int | None:
        """How long the sections are together, where only the form says; None: as in the corpus, however long."""
        return len(self.letters) * (self.section or SECTION) or None

    def fitted(self, bars: int | None, seconds: float | None) -> "Form":
        """The form in a piece of a length that is asked for; what sections leave over follows them.

        Raises:
            UsageError: They do not fit into it.
        """
        if not self.letters:
            return self
        name, count = self.letters, len(self.letters)
        if seconds is not None:
            if self.section is not None:
                raise UsageError(
                    f"the form {name}:{self.section} is a length in bars, and one in time was asked for, too",
                    f"leave the length out, or let it decide: --form {name}",
                )
            return self
        if bars is None:
            return replace(self, section=self.section or SECTION, own=True)
        if bars < count * (self.section or 1):
            needs = (
                f"{name}:{self.section} is {count * self.section}" if self.section else f"{name} is {count} at least"
            )
            shorter = f"--bars {count * (self.section or SECTION)}"
            shorter += f", or shorter sections: {name}:{bars // count}" if bars >= count else ""
            raise UsageError(f"{bars} bars cannot hold the form: {needs}", shorter)
        return replace(self, section=self.section or bars // count)
