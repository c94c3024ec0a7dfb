"""Which tokens may follow in UTF-8 text, as tables over tokens that stand for bytes; and whether a text is UTF-8.

Well-formed sequences are those of the Unicode Standard 15.0, table 3-7: no overlong form, no surrogate, nothing
beyond U+10FFFF. What may follow depends on the bytes of an unfinished character alone, so few places are enough:

    0  between two characters          4  after E0: A0 to BF, then one more
    1  one more byte is to come        5  after ED: 80 to 9F, then one more
    2  two more                        6  after F0: 90 to BF, then two more
    3  three more, after F1 to F3      7  after F4: 80 to 8F, then two more
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Table = NDArray[np.int8]

KNOWN = "utf8"  # the name among a corpus's bounds
WELL_FORMED, ILL_FORMED = 1, 2  # its values; of several blocks of a corpus the larger one holds
PLACES = 8
NEVER = -1
HIGH, SPACE, DOCUMENT = 0x80, 0x20, 0x00
# What a cut in the middle of a character leaves at the end of one document or at the beginning of another.
CUT = re.compile(
    "(?:^|\0)[\udc80-\udcbf]{1,3}"
    "|(?:[\udcc2-\udcf4]|[\udce0-\udcf4][\udc80-\udcbf]|[\udcf0-\udcf4][\udc80-\udcbf]{2})(?=\0|$)"
)


class Spelling(NamedTuple):
    """A grammar of few states, as two tables that engines follow by themselves. State 0 is the first.

    Attributes:
        after: (S, V) uint8 the state after each token, also after one that was not allowed.
        allowed: (S, V) True where a token may follow; one at least in each state.
    """

    after: NDArray[np.uint8]
    allowed: Mask


def transitions(pieces: Sequence[bytes]) -> Table:
    """(8, V) the place after each token, −1 where the token must not follow."""
    of_bytes = _of_bytes()
    table = np.full((PLACES, len(pieces)), NEVER, np.int8)
    for token, piece in enumerate(pieces):
        if piece and _is_whole(piece):
            table[0, token] = 0
            continue
        places = np.arange(PLACES, dtype=np.int8)
        for value in piece:
            places = np.where(places == NEVER, NEVER, of_bytes[places, value]).astype(np.int8)
        table[:, token] = places
    return table


def spelling(table: Table, seen: Mask | None) -> Spelling:
    """What may follow where, from `transitions`.

    Args:
        table: (8, V) from `transitions`.
        seen: (V,) the tokens of which text is made; None: all. The others are not refused, but no character is begun
            that they alone could finish.
    """
    useful = table if seen is None else np.where(seen, table, NEVER)
    ends = np.zeros(PLACES + 1, np.bool_)  # from which places a character can be finished; the last is NEVER's
    ends[0] = True
    for _ in range(PLACES):
        ends[:PLACES] |= ends[useful].any(axis=1)
    fine = (table != NEVER) & (ends[table] | ~ends[:PLACES, None])
    after = np.where(table != NEVER, table, np.maximum(table[0], 0))  # what must not follow begins anew
    return Spelling(after.astype(np.uint8), fine)


def lone_bytes(pieces: Sequence[bytes]) -> NDArray[np.uint8]:
    """(V,) the byte of each token that is one from 80 on; a space for those that are whole characters."""
    return np.array([piece[0] if len(piece) == 1 and piece[0] >= HIGH else SPACE for piece in pieces], np.uint8)


def well_formed(ids: NDArray[Any], lone: NDArray[np.uint8]) -> int:
    """WELL_FORMED or ILL_FORMED.

    A character that is cut by an end of a document is no fault: where long corpora are cut, nobody looks.

    Args:
        ids: (N,) of documents; ids from V on stand between them.
        lone: (V,) from `lone_bytes`.
    """
    framed = np.append(lone, np.uint8(DOCUMENT))
    data = framed[np.minimum(ids, len(lone))].tobytes()
    if data.isascii():
        return WELL_FORMED
    try:
        data.decode()
    except UnicodeDecodeError:
        text = CUT.sub("\0", data.decode("utf-8", "surrogateescape"))
        return ILL_FORMED if any("\udc80" <= char <= "\udcff" for char in set(text)) else WELL_FORMED
    return WELL_FORMED


def _is_whole(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _of_bytes() -> Table:
    """(8, 256) the place after each byte."""
    table = np.full((PLACES, 256), NEVER, np.int8)
    for place, first, last, after in (
        *((0, 0x00, 0x7F, 0), (0, 0xC2, 0xDF, 1), (0, 0xE1, 0xEF, 2), (0, 0xF1, 0xF3, 3)),
        *((0, 0xE0, 0xE0, 4), (0, 0xED, 0xED, 5), (0, 0xF0, 0xF0, 6), (0, 0xF4, 0xF4, 7)),
        *((1, 0x80, 0xBF, 0), (2, 0x80, 0xBF, 1), (3, 0x80, 0xBF, 2)),
        *((4, 0xA0, 0xBF, 1), (5, 0x80, 0x9F, 1), (6, 0x90, 0xBF, 2), (7, 0x80, 0x8F, 2)),
    ):
        table[place, first : last + 1] = after
    return table
