"""Text with every accident of encoding and line ends comes back byte for byte from every text codec."""

import unicodedata
from pathlib import Path
from random import Random

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.selftest import Tally

TITLE = "accidents of text: byte-exact round trip"
QUICK, LONG = 2_000, 10_000
PIECES = (
    b"\x92", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\r", b"\r\n", b"\n", b"\n\r", b"\x85", b"\xe2\x80\xa8",
    "é".encode(), unicodedata.normalize("NFD", "é").encode(), "é".encode("utf-16-le"), "é".encode("latin-1"),
    b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xed\xa0\xbd\xed\xb8\x80", "😀".encode(), b"\xf0\x9f\x98", b"\xc0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xf4\x90\x80\x80", "ﬁ".encode(), "한".encode(), unicodedata.normalize("NFD", "한").encode(), "\u202e".encode(),
    "\ufeff".encode(), "\ufffd".encode(), "\uffff".encode(), b"\x1b[31m",
    b"\x7f", b"\t", b" ", b"the ", b"Word", b"/* x */",
    b'"a\\"b"', b"'\\''", b"#define X \\\n", b"??/", b"\xc2", b"\xe2\x82",
)  # fmt: skip
CODECS = ("byte", "c_source", "char", "subword")
TRAIN = "the quick brown fox jumps over the lazy dog; é ü 😀 int main(void) { return 0; }\n" * 40


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Each codec, fitted to plain text, takes and gives back the same bytes, or what it promises instead."""
    codecs = [_fitted(name) for name in CODECS]
    for index in range(count):
        data = b"".join(random.choices(PIECES, k=random.randrange(1, 30)))
        codec = codecs[index % len(codecs)]
        name = CODECS[index % len(codecs)]
        try:
            back = codec.decode(codec.encode(data))
            wanted = codec.normalize(data)
        except Exception as error:
            tally.case(False, f"{name}: {type(error).__name__}: {error} for {data!r}")
            continue
        tally.case(back == wanted == data, f"{name}: {data!r} became {back!r}")


def _fitted(name: str) -> Codec:
    kind = registry.load("codecs", name)
    codec: Codec = kind.fit([TRAIN.encode()], kind.Options())
    return codec
