"""Characters with byte fallback: any text, any bytes, nothing lost and no prompt refused."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from seqgen.clock import LOOKBACK
from seqgen.codecs import Codec, Counted, Golden, Grammar, Ids, Lengths, PageForm
from seqgen.codecs._characters import MOST_CHARACTERS, Characters, boundary, chosen, learn, tally
from seqgen.report import Report
from seqgen.settings import option, require


@dataclass(frozen=True)
class CharOptions:
    """Which characters get a token of their own; all others are told by their bytes."""

    min_count: int = option(1, "how often a multi-byte character must be seen to get its own token")
    max_characters: int = option(4096, "at most so many multi-byte characters, the most frequent ones")

    def __post_init__(self) -> None:
        require(self.min_count >= 1, "min_count", self.min_count, "at least 1")
        most = f"0 to {MOST_CHARACTERS}"
        require(0 <= self.max_characters <= MOST_CHARACTERS, "max_characters", self.max_characters, most)


class Char(Counted, Codec):
    """Any text, one token a character; what is not UTF-8 goes byte by byte."""

    Options = CharOptions
    suffixes: ClassVar[tuple[str, ...]] = (
        ".txt", ".text", ".md", ".rst", ".csv", ".tsv", ".json", ".html", ".xml", ".tex", ".log",
    )  # fmt: skip
    suffix = ".txt"
    memory = LOOKBACK
    slow_from = 1_000_000_000
    golden = Golden("né 水\n".encode(), (110, 256, 32, 257, 10))

    def __init__(self, characters: str, options: CharOptions) -> None:
        self._characters = Characters(characters)
        self._options = options

    @classmethod
    def counted(cls, documents: Iterable[Iterable[bytes]], options: CharOptions) -> Counter[str]:
        return tally(documents)

    @classmethod
    def of_counts(cls, counts: Counter[str], options: CharOptions) -> Self:
        return cls(chosen(counts, options.min_count, options.max_characters), options)

    def grow(self, documents: Iterable[bytes]) -> "Char":
        options, known = self._options, self._characters.characters
        new = learn([documents], options.min_count, max(0, options.max_characters - len(known)), known)
        return type(self)("".join(sorted(known + new)), options) if new else self

    @classmethod
    def restore(cls, options: CharOptions, state: Mapping[str, Any]) -> "Char":
        return cls(state["characters"], options)

    def state(self) -> dict[str, Any]:
        return {"characters": self._characters.characters}

    @property
    def options(self) -> CharOptions:
        return self._options

    @property
    def vocab_size(self) -> int:
        return len(self._characters)

    def documents(self, data: bytes) -> Sequence[bytes]:
        return (data,)

    def boundary(self, data: bytes) -> int:
        return boundary(data)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        return self._characters.encode(data)

    def encode_several(self, documents: Sequence[bytes], report: Report | None = None) -> tuple[Ids, Lengths]:
        several = self._characters.encode_several(documents)
        return super().encode_several(documents, report) if several is None else several

    def encode_prompt(self, data: bytes) -> Ids:
        return self.encode(data)

    def decode(self, ids: Ids) -> bytes:
        return self._characters.decode(ids)

    def normalize(self, data: bytes) -> bytes:
        return data

    def vocabulary(self) -> list[str]:
        return self._characters.names()

    def token_bytes(self) -> list[bytes]:
        return self._characters.token_bytes()

    def grammar(self) -> Grammar | None:
        return None

    def page_form(self, grammar: Grammar | None) -> PageForm:
        return PageForm("text")
