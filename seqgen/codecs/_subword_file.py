"""The one form of a sentencepiece model that seqgen writes and reads: pieces, scores, and settings that never differ.

The library's own reader takes whatever a model file may hold (character maps, other algorithms, tests of itself), and
some of its versions crash on forged ones. So it is handed no byte that is not accounted for: a model is read here into
its pieces, and refused unless writing these gives the same bytes again. Knows the wire format of protocol buffers
(https://protobuf.dev/programming-guides/encoding) and nothing of the library.

    1 (each piece)   1: UTF-8 · 2: float32 score · 3: kind, left out where NORMAL
    2 (training)     fixed, but for the algorithm and the number of pieces
    3 (normalizing)  fixed: none
"""

import itertools
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NORMAL, UNKNOWN, USER_DEFINED, BYTE = 1, 2, 4, 6
UNIGRAM, BPE = 1, 2
VARINT, DELIMITED, FLOAT = 0, 2, 5  # how a value is written
OWN_SYMBOLS = ("\n", "\t")
CONTROL = (  # the pieces that every model begins with
    (b"<unk>", UNKNOWN),
    *((symbol.encode(), USER_DEFINED) for symbol in OWN_SYMBOLS),
    *((b"<0x%02X>" % value, BYTE) for value in range(256)),
)
LONGEST = 16  # characters of a piece: the library's own limit
MOST = 65_536  # pieces
MAX_BYTES = MOST * (4 * LONGEST + 16)
THREADS, SENTENCE = 4, 32_768  # of training, which the model records
NORMALIZING = bytes.fromhex("1a100a086964656e74697479120018002000")  # name "identity", no map, no spaces added or cut
DAMAGED = "the subword model is damaged"
STRANGE = "the subword model holds what seqgen never writes"


@dataclass(frozen=True)
class Piece:
    """A piece, how likely it is, and its kind."""

    text: bytes
    score: float
    kind: int


def read(model: bytes) -> list[Piece]:
    """The pieces of a model, in its order.

    Raises:
        ValueError: These are not the bytes of a model of seqgen's.
    """
    if len(model) > MAX_BYTES:
        raise ValueError(f"{STRANGE}: {len(model):,} bytes, at most {MAX_BYTES:,}")
    pieces, algorithm = parts(model)
    if tuple((piece.text, piece.kind) for piece in pieces[: len(CONTROL)]) != CONTROL:
        raise ValueError("the subword model has no pieces for bytes")
    for piece in pieces[len(CONTROL) :]:
        if piece.kind != NORMAL or not 1 <= _characters(piece.text) <= LONGEST:
            raise ValueError(f"{STRANGE}: a piece of kind {piece.kind} and {len(piece.text):,} bytes")
    if len({piece.text for piece in pieces}) != len(pieces) or not all(math.isfinite(each.score) for each in pieces):
        raise ValueError(f"{STRANGE}: pieces that are alike, or a score that is no number")
    if algorithm not in (UNIGRAM, BPE) or write(pieces, algorithm) != model:
        raise ValueError(STRANGE)
    return pieces


def parts(model: bytes) -> tuple[list[Piece], int]:
    """The pieces of a model as the library writes it, whatever else is in it, and its algorithm.

    Raises:
        ValueError: These bytes are no such model.
    """
    pieces, algorithm = list[Piece](), 0
    for number, value in _fields(model):
        if number == 1 and isinstance(value, bytes):
            pieces.append(_piece(value))
        elif number == 2 and isinstance(value, bytes):
            algorithm = next((found for key, found in _fields(value) if key == 3 and isinstance(found, int)), UNIGRAM)
    return pieces, algorithm


def write(pieces: list[Piece], algorithm: int) -> bytes:
    """The bytes of a model of these pieces."""
    body = bytearray()
    for piece in pieces:
        kind = b"" if piece.kind == NORMAL else _varint(3, piece.kind)
        body += _delimited(1, _delimited(1, piece.text) + b"\x15" + struct.pack("<f", piece.score) + kind)
    return bytes(body) + _delimited(2, _training(algorithm, len(pieces))) + NORMALIZING


def _training(algorithm: int, count: int) -> bytes:
    """How such a model is trained: `_subword_model.train` asks for this and nothing else."""
    none = (1 << 64) - 1  # -1: no piece marks a beginning, an end, or nothing
    symbols = b"".join(_delimited(31, symbol.encode()) for symbol in OWN_SYMBOLS)
    before = ((3, algorithm), (4, count)), ((16, THREADS), (18, SENTENCE), (26, 1))
    after = ((33, 0), (35, 1), (41, none), (42, none), (43, none))
    first, second, third = (b"".join(itertools.starmap(_varint, pairs)) for pairs in (*before, after))
    return first + b"\x55" + struct.pack("<f", 1.0) + second + symbols + third


def _characters(text: bytes) -> int:
    """How many characters a piece has; 0 where it is no UTF-8."""
    try:
        return len(text.decode())
    except UnicodeDecodeError:
        return 0


def _piece(data: bytes) -> Piece:
    found = dict(_fields(data))
    text, score, kind = found.get(1), found.get(2), found.get(3, NORMAL)
    if not isinstance(text, bytes) or not isinstance(score, float) or not isinstance(kind, int):
        raise ValueError(DAMAGED)
    return Piece(text, score, kind)


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """(number, value) of each field of a message.

    Raises:
        ValueError: It is cut short, or a value is written in a way that no model's is.
    """
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        if key & 7 == VARINT:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        size, at = _number(data, at) if key & 7 == DELIMITED else (4, at)
        if key & 7 not in (DELIMITED, FLOAT) or size > len(data) - at:
            raise ValueError(DAMAGED)
        part = data[at : at + size]
        yield key >> 3, part if key & 7 == DELIMITED else struct.unpack("<f", part)[0]
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, and where it ends."""
    value = 0
    for index, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, at + index + 1
    raise ValueError(DAMAGED)


def _base128(value: int) -> bytes:
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _varint(number: int, value: int) -> bytes:
    return _base128(number << 3 | VARINT) + _base128(value)


def _delimited(number: int, value: bytes) -> bytes:
    return _base128(number << 3 | DELIMITED) + _base128(len(value)) + value
