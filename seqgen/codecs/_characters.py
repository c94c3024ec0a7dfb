"""Characters and bytes as ids, vectorised: what `char` and `c_source` are made of.

Ids 0 to 255 are the single bytes, so ASCII text is its own ids; from 256 on come multi-byte UTF-8 characters in order
of code point. A character without an id of its own, and every byte that is not valid UTF-8, is told by its bytes, so
any byte sequence has ids and comes back from them. This module knows nothing of documents, options or reports.
"""

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids, Lengths
from seqgen.codecs.byte import byte_name, text_name

BYTES = 256
CODE_POINTS = 0x110000
MOST_CHARACTERS = (1 << 16) - 1 - BYTES  # ids fit in 16 bits and leave UNKNOWN free
UNKNOWN = (1 << 16) - 1
SEPARATORS = (b"\n", b"\0", b"\x1e")  # ASCII, so that they are ids of their own
BLOCK = 1 << 16  # bytes (or ids) worked on at once: the temporary arrays then stay in the processor's cache


class Characters:
    """The ids of bytes and of a given set of characters.

    Args:
        characters: The multi-byte characters, ascending by code point, each once.

    Raises:
        ValueError: They are not ascending, or one is ASCII or a surrogate, or there are more than 65,279.
    """

    def __init__(self, characters: str) -> None:
        if not isinstance(characters, str):
            raise TypeError(f"characters must be text, not {type(characters).__name__}")
        points = code_points(characters)
        surrogate = (points >= 0xD800) & (points < 0xE000)
        if (
            len(points) > MOST_CHARACTERS
            or (points < 0x80).any()
            or surrogate.any()
            or (points[1:] <= points[:-1]).any()
        ):
            raise ValueError("characters must be ascending, distinct, multi-byte, no surrogates and at most 65,279")
        self.characters = characters
        self._points = points

    def __len__(self) -> int:
        return BYTES + len(self.characters)

    @cached_property
    def _id_of(self) -> NDArray[np.uint16]:
        """(0x110000,) the id of each code point, or UNKNOWN; a lone byte is the code point that escapes it."""
        table = np.full(CODE_POINTS, UNKNOWN, np.uint16)
        table[:0x80] = np.arange(0x80)
        table[0xDC80:0xDD00] = np.arange(0x80, 0x100)  # PEP 383: byte b is decoded as the surrogate U+DC00 + b
        table[self._points] = np.arange(BYTES, len(self))
        return table

    @cached_property
    def _point_of(self) -> NDArray[np.uint32]:
        """(V,) the code point of each id; a lone byte from 80 on is the surrogate that escapes it."""
        lone = np.arange(BYTES, dtype=np.uint32)
        lone[0x80:] += 0xDC00
        return np.concatenate([lone, self._points])

    def encode(self, data: bytes) -> Ids:
        """(N,) uint16 ids of any bytes."""
        if data.isascii():
            return np.frombuffer(data, np.uint8).astype(np.uint16)
        return np.concatenate([self._encode_block(block) for block in blocks(data)])

    def encode_several(self, texts: Sequence[bytes]) -> tuple[Ids, Lengths] | None:
        """((N,) ids of several texts, one after the other, (D,) how many each has), all encoded at once.

        None where every byte that could stand between them occurs in one. Without it bytes that are not UTF-8 at the
        end of a text and at the start of the next could make a character together.
        """
        for between in SEPARATORS:
            joined = between.join(texts)
            if joined.count(between) == len(texts) - 1:
                ids = self.encode(joined)
                at = np.flatnonzero(ids == between[0])
                return np.delete(ids, at), np.diff(np.concatenate([[-1], at, [len(ids)]])) - 1
        return None

    def _encode_block(self, block: bytes) -> NDArray[np.uint16]:
        if block.isascii():
            return np.frombuffer(block, np.uint8).astype(np.uint16)
        points = code_points(block.decode("utf-8", "surrogateescape"))
        ids = self._id_of.take(points)
        unknown = np.flatnonzero(ids == UNKNOWN)
        return self._spell(ids, points, unknown) if len(unknown) else ids

    def _spell(
        self, ids: NDArray[np.uint16], points: NDArray[np.uint32], unknown: NDArray[np.intp]
    ) -> NDArray[np.uint16]:
        """`ids` with the bytes of the characters at the places `unknown` put in instead of them."""
        rows, lengths = utf8(points[unknown])
        widths = np.ones(len(ids), np.intp)
        widths[unknown] = lengths
        spelled = np.repeat(ids, widths)
        spelled[np.repeat(ids == UNKNOWN, widths)] = rows[np.arange(4) < lengths[:, None]]
        return spelled

    def decode(self, ids: Ids) -> bytes:
        """The bytes that (N,) ids in [0, V) stand for."""
        if not ids.size or int(ids.max()) < BYTES:
            return ids.astype(np.uint8).tobytes()
        return b"".join(self._decode_block(ids[at : at + BLOCK]) for at in range(0, len(ids), BLOCK))

    def _decode_block(self, ids: Ids) -> bytes:
        points = np.zeros(len(ids) + 1, "=u4")
        points[:-1] = self._point_of.take(ids)
        points[-1] = ord("!")  # numpy drops NULs at the end of a string: something must stand behind them
        text: str = points.view(f"=U{len(points)}")[0]
        return text.encode("utf-8", "surrogateescape")[:-1]

    def names(self) -> list[str]:
        """(V,) readable names: characters as themselves where they print, else as `<0A>` or `<U+0085>`."""
        return [byte_name(value) for value in range(BYTES)] + [text_name(char) for char in self.characters]

    def token_bytes(self) -> list[bytes]:
        """(V,) the bytes that each id stands for."""
        return [bytes([value]) for value in range(BYTES)] + [char.encode() for char in self.characters]


def learn(documents: Iterable[Iterable[bytes]], min_count: int, max_characters: int, known: str = "") -> str:
    """The multi-byte characters of a corpus, see `tally` and `chosen`."""
    return chosen(tally(documents), min_count, max_characters, known)


def tally(documents: Iterable[Iterable[bytes]]) -> Counter[str]:
    """How often each multi-byte character occurs in documents, in memory that does not grow with them.

    Args:
        documents: Each in pieces, in order; a character may be cut by the end of a piece.
    """
    counts: Counter[int] = Counter()
    for document in documents:
        rest = b""
        for piece in document:
            whole = rest + piece if rest else piece
            end = boundary(whole)
            whole, rest = (whole[:end], whole[end:]) if end < len(whole) else (whole, b"")
            _count(whole, counts)
    return Counter({chr(point): times for point, times in counts.items() if not 0xD800 <= point < 0xE000})


def chosen(counts: Counter[str], min_count: int, max_characters: int, known: str = "") -> str:
    """Characters that get a token, ascending by code point.

    Args:
        counts: How often each occurs.
        min_count: Characters seen less often are left out.
        max_characters: At most so many, the most frequent; of equals the lower code point.
        known: Characters that are left out.
    """
    kept = {char: times for char, times in counts.items() if times >= max(min_count, 1)}
    for char in known:
        kept.pop(char, None)
    return "".join(sorted(sorted(kept, key=lambda char: (-kept[char], char))[:max_characters]))


def _count(data: bytes, counts: Counter[int]) -> None:
    """Add the multi-byte characters of `data`; escaped bytes, which are none, are among them."""
    if data.isascii():
        return
    for block in blocks(data, 1 << 20):
        points = code_points(block.decode("utf-8", "surrogateescape"))
        found = np.bincount(points[points >= 0x80])
        seen = np.flatnonzero(found)
        counts.update(dict(zip(seen.tolist(), found[seen].tolist())))


def boundary(data: bytes) -> int:
    """The length of the longest prefix that ends in no unfinished character: at most three bytes are held back."""
    tail = data[-3:]
    return len(data) - len(tail) + codecs.utf_8_decode(tail, "surrogateescape", False)[1]


def blocks(data: bytes, size: int = BLOCK) -> Iterator[bytes]:
    """`data` in blocks of about `size` bytes, no character cut."""
    start = 0
    while start < len(data):
        block = data[start : start + size]
        if start + size < len(data):
            block = block[: boundary(block)]
        yield block
        start += len(block)


def code_points(text: str) -> NDArray[np.uint32]:
    """(N,) the code points of a text, lone surrogates included (which `str.encode` would refuse)."""
    return np.array([text], f"=U{len(text)}").view(np.uint32) if text else np.empty(0, np.uint32)


def utf8(points: NDArray[np.uint32] | Sequence[int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(N, 4) the UTF-8 bytes of (N,) code points from U+0080 on, padded with zeros, and (N,) their number.

    Source: RFC 3629, section 3.
    """
    point = np.asarray(points, np.uint32)[:, None]
    lengths = (2 + (point >= 0x800) + (point >= 0x10000)).astype(np.uint8)
    shifts = 6 * (lengths.astype(np.int64) - 1 - np.arange(4))  # the last byte holds the lowest six bits
    rows = (point >> shifts.clip(0)) & 0x3F | 0x80
    rows[:, :1] = (point >> shifts[:, :1]) | np.array([0, 0, 0xC0, 0xE0, 0xF0])[lengths]
    return np.where(shifts >= 0, rows, 0).astype(np.uint8), lengths[:, 0]
