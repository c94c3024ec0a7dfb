"""Text in words, runs of digits and of spaces, and single marks: joined they are the text. Knows no vocabulary.

Where words are not parted by spaces (Chinese, Japanese, Thai and their neighbours) each character is a part. Marks that
combine, joiners, and an apostrophe between letters belong to their word (Unicode Standard Annex 29, in the main).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from seqgen.codecs._characters import boundary
from seqgen.codecs._counted import added

# Thai, Lao, Tibetan, Burmese, Khmer; radicals, kana, Bopomofo; ideographs.
ALONE = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# What \w leaves out of words: combining marks (the Indic ones among them), the joiners.
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0981-\u0983\u09bc"
    "\u09be-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b4d\u0b82\u0bbe-\u0bcd"
    "\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc-\u0ccd\u0d00-\u0d03\u0d3b-\u0d4d\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d"
    "\u20d0-\u20f0\ufe20-\ufe2f"
)
LETTER = rf"(?:[^\W\d_{ALONE}]|[{MARKS}])"
WORD = rf"[^\W\d_{ALONE}](?:{LETTER}|['\u2019](?=[^\W\d_{ALONE}]))*+"
PARTS = re.compile(rf"{WORD}|\d++|[ \t]++|(?s:.)")
JOINED = re.compile(rf" ?(?:{WORD}|\d++)|[ \t]++|(?s:.)")
PIECE = 1 << 20  # characters looked at together


def parts(text: str, joined: bool) -> list[str]:
    """The parts of a text; `joined`: a word takes the space before it along."""
    return (JOINED if joined else PARTS).findall(text)


def pieces(text: str) -> Iterator[str]:
    """A long text in pieces that end with lines, where there are lines."""
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + PIECE) + 1
        end = end if end and start + PIECE < len(text) else start + PIECE
        yield text[start:end]
        start = end


def count(documents: Iterable[Iterable[bytes]], joined: bool) -> Counter[str]:
    """How often each part occurs in documents that are given in pieces, in bounded memory.

    A byte that is no UTF-8 is a lone surrogate. No part goes from one document into the next.
    """
    found: Counter[str] = Counter()
    for document in documents:
        rest = b""
        for some in document:
            whole = rest + some if rest else some
            end = line_end(whole) or boundary(whole)
            whole, rest = whole[:end], whole[end:]
            for piece in pieces(whole.decode("utf-8", "surrogateescape")):
                found.update(parts(piece, joined))
            found = added(found)
        found.update(parts(rest.decode("utf-8", "surrogateescape"), joined))
    return found


def line_end(data: bytes) -> int:
    """Behind the last end of a line, where a text can be cut and gives the same parts; 0: there is none."""
    return data.rfind(b"\n") + 1
