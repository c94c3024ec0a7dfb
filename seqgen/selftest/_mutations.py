"""Random damage to bytes, and forged containers whose checksums are right."""

import hashlib
import re
import struct
from random import Random

DICTIONARY = (
    b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"-1", b"1e999",
    b"9" * 40, b"NaN", b"[]", b"{}", b"null", b"true", b'""', b"\\u0000", b"\\ud800", b"[" * 60, b"0.5",
    b"18446744073709551616", b"MTrk", b"\xff\x2f\0", b"\x90", b"\xf0\x7f", b"X:1\n", b"|:", b"<note>", b"</note>",
    b"&#0;", b"<!DOCTYPE x>", b"\xe2\x80\xae", b"\xc0\x80", b"\xed\xa0\x80", b"\x1b[2J", b"\r", b"\n\n",
)  # fmt: skip
FORGED = (*DICTIONARY, b"0", b"1", b"-1", b"2", b"65537", b"1e9", b'"x"')
_JSON = re.compile(rb"-?\d+(?:\.\d+)?|\"[^\"]{0,40}\"|[\[\]{}:,]|true|false|null")


def mutated(random: Random, data: bytes, words: tuple[bytes, ...] = DICTIONARY) -> bytes:
    """`data` with one to sixteen changes: bits, bytes, words, pieces cut, doubled or moved, an end cut off."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        _change(random, changed, words)
    return bytes(changed)


def _change(random: Random, changed: bytearray, words: tuple[bytes, ...]) -> None:
    at, kind = random.randrange(len(changed) + 1), random.randrange(8)
    length = random.choice((1, 1, 2, 4, 9, 60))
    if kind == 0 and at < len(changed):
        changed[at] ^= 1 << random.randrange(8)
    elif kind == 1 and at < len(changed):
        changed[at] = random.randrange(256)
    elif kind == 2:
        changed[at:at] = random.choice(words)
    elif kind == 3:
        word = random.choice(words)
        changed[at : at + len(word)] = word
    elif kind == 4:
        del changed[at : at + length]
    elif kind == 5:
        changed[at:at] = changed[at : at + 10 * length]
    elif kind == 6:
        piece = changed[at : at + length]
        other = random.randrange(len(changed) + 1)
        changed[other:other] = piece
    elif kind == 7 and random.random() < 0.3:
        del changed[at:]


def digits_changed(random: Random, text: bytes) -> bytes:
    """JSON text of which one to three numbers, strings or marks are others: what forgers change."""
    places = [match.span() for match in _JSON.finditer(text)]
    for begin, end in sorted(random.sample(places, min(len(places), random.choice((1, 1, 2, 3)))), reverse=True):
        text = text[:begin] + random.choice(FORGED) + text[end:]
    return text


def sealed(header: bytes, data: bytes, tables: bytes | None = None, content: bytes | None = None) -> bytes:
    """A container of this header text and data whose checksums are right, as a forger would make it.

    `tables` and `content` are the parts whose checksums a token stream has besides.
    """
    parts = {"data": data, "tables": tables, "content": content}
    for name, part in parts.items():
        if part is not None:
            digest = hashlib.sha256(part).hexdigest().encode()
            header = re.sub(rb'("%s_sha256":")[^"]*"' % name.encode(), rb"\g<1>" + digest + b'"', header)
    header = re.sub(rb'"header_sha256":"[^"]*"', b'"header_sha256":"' + b"0" * 64 + b'"', header)
    blank = struct.pack("<Q", len(header)) + header
    checksum = hashlib.sha256(blank).hexdigest().encode()
    return blank.replace(b'"header_sha256":"' + b"0" * 64, b'"header_sha256":"' + checksum) + data


def taken_apart(raw: bytes) -> tuple[bytes, bytes]:
    """(the header's text with its padding, the data) of a container."""
    length = int.from_bytes(raw[:8], "little")
    return raw[8 : 8 + length], raw[8 + length :]
