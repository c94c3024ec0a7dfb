"""Bytes that are no UTF-8: how many there are, and which encoding they are likely to be in. Knows bytes only."""

import codecs

# Those that text is found in today, the commonest first: of several that fit alike the first is named.
COMMON = ("cp1252", "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1250", "cp1253")
AUTO = "auto"  # the name of no encoding: each file's own
UNKNOWN = "unknown"
SAMPLE = 1 << 16  # bytes that are looked at
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF32_BE: "utf-32"}
_BEFORE = 1 << 12  # of them, so many before the first that is no UTF-8


class Strange:
    """Counts the bytes of a text that are no UTF-8, piece by piece.

    Attributes:
        count: How many there were so far.
        sample: Some of the text around the first of them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.sample = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._waiting = False

    def look(self, piece: bytes, final: bool = False) -> None:
        """Count those of one more piece; the last time `final`."""
        if piece.isascii() and not self._waiting:
            return
        text = self._decoder.decode(piece, final)
        self._waiting = bool(self._decoder.getstate()[0])
        try:
            text.encode()
        except UnicodeEncodeError as error:
            self.count += sum("\udc80" <= character <= "\udcff" for character in text[error.start :])
            if not self.sample:
                first = len(text[: error.start].encode())
                self.sample = piece[max(0, first - _BEFORE) :][:SAMPLE]


def likely(sample: bytes) -> str:
    """The encoding that a text is likely to be in, of which a part is given; UNKNOWN where none of COMMON fits."""
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=list(COMMON), enable_fallback=False)
    best = found.best()
    if best is None:
        return UNKNOWN
    equals = [each for each in found if (each.chaos, each.coherence) == (best.chaos, best.coherence)]
    alike = {name for each in equals for name in (each.encoding, *each.could_be_from_charset)}
    return next((name for name in COMMON if name in alike), UNKNOWN)


def marked(start: bytes) -> str:
    """The encoding that a byte order mark at the start of a file names, or ""."""
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), "")
