"""Words, spaces and punctuation as tokens; a word outside the vocabulary is told by its characters, these by bytes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np

from seqgen.codecs import Codec, Counted, Golden, Grammar, Ids, PageForm, id_type
from seqgen.codecs._characters import BYTES, Characters, boundary
from seqgen.codecs._segmenting import ALONE, MARKS, PIECE, count, line_end, parts, pieces
from seqgen.codecs.byte import text_name
from seqgen.report import Report
from seqgen.settings import option, require

KEPT = 1 << 18  # spellings of rare words that are remembered
LONGEST = 64  # characters of a token


@dataclass(frozen=True)
class WordOptions:
    """Which words get a token of their own."""

    vocab_size: int = option(8000, "number of tokens, 256 bytes and the characters included; the most frequent words")
    min_count: int = option(3, "how often a word or a multi-byte character must be seen to get its own token")
    join_space: bool = option(True, "whether a word takes the space before it along")

    def __post_init__(self) -> None:
        require(BYTES <= self.vocab_size <= 65_535, "vocab_size", self.vocab_size, f"{BYTES} to 65535")
        require(self.min_count >= 1, "min_count", self.min_count, "at least 1")


class Word(Counted, Codec):
    """Any text, one token a word, number, space or mark; rare words go by characters, what is not UTF-8 by bytes.

    Ids 0 to 255 are the single bytes; multi-byte characters and then words follow, the most frequent first.
    """

    Options = WordOptions
    suffixes = ()
    suffix = ".txt"
    slow_from = 16_000_000
    golden = Golden("né né né né 水\n".encode(), (110, 256, 257, 257, 257, 32, 230, 176, 180, 10))

    def __init__(self, characters: str, words: Sequence[str], options: WordOptions) -> None:
        if len(set(words)) < len(words) or not all(1 < len(word) <= LONGEST for word in words):
            raise ValueError(f"words must be distinct and have 2 to {LONGEST} characters")
        self._characters, self._words, self._options = Characters(characters), tuple(words), options
        self._pieces = self._characters.token_bytes() + [word.encode() for word in words]  # a surrogate is a ValueError
        self._ids = _Spellings(self._characters, words)

    @classmethod
    def counted(cls, documents: Iterable[Iterable[bytes]], options: WordOptions) -> Counter[str]:
        return count(documents, options.join_space)

    @classmethod
    def of_counts(cls, counts: Counter[str], options: WordOptions) -> Self:
        room = options.vocab_size - BYTES
        characters = _characters(counts, options.min_count, room // 2)
        words = {
            word: times for word, times in counts.items() if times >= options.min_count and 1 < len(word) <= LONGEST
        }
        ranked = sorted(words, key=lambda word: (-words[word], word))
        return cls(characters, ranked[: room - len(characters)], options)

    @classmethod
    def restore(cls, options: WordOptions, state: Mapping[str, Any]) -> "Word":
        if not isinstance(state["words"], list) or not all(isinstance(word, str) for word in state["words"]):
            raise TypeError("words must be a list of texts")
        return cls(state["characters"], state["words"], options)

    def state(self) -> dict[str, object]:
        return {"characters": self._characters.characters, "words": list(self._words)}

    @property
    def options(self) -> WordOptions:
        return self._options

    @property
    def vocab_size(self) -> int:
        return len(self._characters) + len(self._words)

    def documents(self, data: bytes) -> Sequence[bytes]:
        return (data,)

    def boundary(self, data: bytes) -> int:
        """The end of the last line; of a character in a line that is too long to wait for its end."""
        return line_end(data) or (boundary(data) if len(data) > PIECE else 0)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        kind = id_type(self.vocab_size)
        found = [np.empty(0, kind)]
        for piece in pieces(data.decode("utf-8", "surrogateescape")):
            said = map(self._ids.__getitem__, parts(piece, self._options.join_space))
            found.append(np.fromiter(chain.from_iterable(said), kind))
        return np.concatenate(found)

    def encode_prompt(self, data: bytes) -> Ids:
        return self.encode(data)

    def decode(self, ids: Ids) -> bytes:
        return b"".join([self._pieces[id] for id in ids.tolist()])

    def normalize(self, data: bytes) -> bytes:
        return data

    def vocabulary(self) -> list[str]:
        return self._characters.names() + [text_name(word) for word in self._words]

    def token_bytes(self) -> list[bytes]:
        return list(self._pieces)

    def grammar(self) -> Grammar | None:
        return None

    def page_form(self, grammar: Grammar | None) -> PageForm:
        letters = {"alone": ALONE, "marks": MARKS}
        return PageForm("word", {**letters, "first": len(self._characters), "joined": self._options.join_space})


class _Spellings(dict[str, tuple[int, ...]]):
    """Part of a text → its ids: a word's own, or those of its characters, which are found out when they are needed."""

    def __init__(self, characters: Characters, words: Sequence[str]) -> None:
        super().__init__((word, (id,)) for id, word in enumerate(words, len(characters)))
        self._characters, self._most = characters, len(words) + KEPT

    def __missing__(self, part: str) -> tuple[int, ...]:
        ids = tuple(self._characters.encode(part.encode("utf-8", "surrogateescape")).tolist())
        if len(self) < self._most:
            self[part] = ids
        return ids


def _characters(found: Counter[str], min_count: int, most: int) -> str:
    """The multi-byte characters of counted parts, ascending; at most so many, the most frequent ones."""
    seen: Counter[str] = Counter()
    for part, times in found.items():
        if not part.isascii():
            for char in part:
                seen[char] += times
    kept = [char for char, times in seen.items() if times >= min_count and not (char.isascii() or _is_lone(char))]
    return "".join(sorted(sorted(kept, key=lambda char: (-seen[char], char))[:most]))


def _is_lone(char: str) -> bool:
    """Whether it stands for a byte that is no UTF-8."""
    return "\udc80" <= char <= "\udcff"
