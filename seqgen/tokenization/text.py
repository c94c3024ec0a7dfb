"""What is text, and in which encoding: telling it from binary data, and transcoding it to UTF-8. Knows bytes only."""

import codecs
import contextlib
from collections.abc import Iterator

from seqgen.errors import CorpusError, SettingError

_CONTROL = bytes(set(range(32)) - set(b"\a\b\t\n\v\f\r\x1b"))
_DOCUMENTS = (b"%PDF-", b"PK\x03\x04", b"{\\rtf1", b"%!PS-Adobe")  # text in packing, whatever their first bytes
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF32_BE: "utf-32"}


def decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A strict incremental decoder.

    Raises:
        SettingError: There is no such text encoding.
    """
    try:
        if not isinstance("x".encode(encoding), bytes):
            raise LookupError
        return codecs.getincrementaldecoder(encoding)("strict")
    except (LookupError, UnicodeError, ValueError) as error:
        hint = "common ones are utf-8, utf-16, latin-1, cp1252, shift_jis, gb18030, koi8-r; auto takes the likely one"
        raise SettingError(f"encoding is {encoding!r}, expected the name of a text encoding", hint) from error


def transcoded(pieces: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """Text in `encoding` as UTF-8.

    Raises:
        CorpusError: A byte does not fit; the message gives its offset, the hint another encoding.
    """
    decode = decoder(encoding)
    seen = 0
    for piece, final in _with_end(pieces):
        try:
            text = decode.decode(piece, final)
            converted = text.encode()
        except UnicodeDecodeError as error:
            offset = seen + len(piece) - len(error.object) + error.start  # the decoder may have held bytes back
            window = error.object[max(0, error.start - 64) : error.start + 64]
            found = f"byte 0x{error.object[error.start]:02x} at offset {offset} is not {encoding} ({error.reason})"
            raise CorpusError(f"{name}: {found}", f"try --encoding {suggested(window, encoding)}") from error
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"{name}: decodes to a lone surrogate, which is no text", "leave out --encoding"
            ) from error
        seen += len(piece)
        if converted:
            yield converted


def _with_end(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece in pieces:
        yield piece, False
    yield b"", True


def suggested(window: bytes, failed: str) -> str:
    """An encoding in which some bytes make sense."""
    for candidate in ("utf-8", "cp1252", "latin-1"):
        if codecs.lookup(candidate) != codecs.lookup(failed):
            with contextlib.suppress(UnicodeDecodeError):
                window.decode(candidate)
                return candidate
    return "latin-1"


def check_text(sample: bytes, name: str, encoding: str | None = None) -> None:
    """Raise CorpusError where the start of a file is not text."""
    marked = next((kind for mark, kind in _WIDE.items() if sample.startswith(mark)), None)
    if marked and encoding is None:
        raise CorpusError(f"{name}: begins with the byte order mark of {marked}", f"pass --encoding {marked}")
    if not is_binary(sample):
        return
    guess = wide(sample)
    if guess and encoding is None:
        raise CorpusError(f"{name}: is not UTF-8 text; it looks like {guess}", f"pass --encoding {guess}")
    raise CorpusError(f"{name}: is binary, expected text", "codec byte takes any file: -c byte")


def wide(sample: bytes) -> str:
    """The kind of UTF-16 where every other byte is mostly zero, else nothing."""
    low, high = sample[::2].count(0) / (len(sample) + 1), sample[1::2].count(0) / (len(sample) + 1)
    if abs(low - high) < 0.3:
        return ""
    return "utf-16-be" if low > high else "utf-16-le"


def is_binary(sample: bytes) -> bool:
    """More than two control characters in a hundred bytes: no text has that, hardly any other file has less.

    UTF-16 and UTF-32 with their byte order mark are text.
    """
    if sample.startswith(tuple(_WIDE)):
        return False
    if sample.startswith(_DOCUMENTS):
        return True
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return control > 0.02 * len(sample)
