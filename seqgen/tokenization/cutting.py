"""A file's bytes → parts that can be encoded on their own. Knows a codec's `documents` and `boundary`, and no files."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seqgen.codecs import Codec
from seqgen.documents import BOM, Documents
from seqgen.errors import CorpusError
from seqgen.files import size
from seqgen.tokenization.reading import PIECE

MAX_WHOLE = 64 << 20


class Items(NamedTuple):
    """Some of the documents of a file that holds many, in order.

    Attributes:
        documents: Their bytes, without what stands between them.
        labels: One each; None: the file's own for all.
    """

    documents: Sequence[bytes]
    labels: Sequence[str | None] | None = None


def items(cut: Documents, pieces: Iterator[bytes]) -> Iterator[Items]:
    """The documents of a file that is not one, some at a time: about as many as a piece holds.

    Raises:
        CorpusError: A document is longer than 64 MiB.
    """
    rest, first = b"", True
    for piece in pieces:
        some, rest = cut.items(rest + (piece.removeprefix(BOM) if first else piece), False)
        first = False
        if len(rest) > MAX_WHOLE:
            reason = f"holds more than {size(MAX_WHOLE)} in one of its {cut.plural}"
            raise CorpusError(reason, "--documents says where a document ends; with file the whole file is one")
        if some:
            yield Items(some)
    some, _ = cut.items(rest, True)
    if some:
        yield Items(some)


def documents(codec: Codec, pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(part, whether it ends a document) of one file, cut where the codec says it may be.

    A file of less than 64 MiB is taken whole and split into documents by the codec; a longer one is one document.

    Raises:
        CorpusError: A part longer than that cannot be cut.
    """
    start, complete = _gather(pieces)
    if complete:
        for document in codec.documents(start):
            *whole, last = parts(codec, document)
            yield from ((part, False) for part in whole)
            yield last, True
        return
    rest, start = start, b""
    for piece in pieces:
        *whole, rest = parts(codec, rest)
        yield from ((part, False) for part in whole)
        rest += piece
        if len(rest) > MAX_WHOLE:
            raise CorpusError(f"is longer than {size(MAX_WHOLE)}, and this codec needs it whole", "split the file")
    *whole, rest = parts(codec, rest)
    yield from ((part, False) for part in whole)
    yield rest, True


def parts(codec: Codec, data: bytes) -> Iterator[bytes]:
    """`data` in parts of about 1 MB that can be encoded on their own; longer where the codec allows no cut."""
    begin, width = 0, PIECE
    while begin + width < len(data):
        if cut := codec.boundary(data[begin : begin + width]):
            yield data[begin : begin + cut]
            begin, width = begin + cut, PIECE
        else:
            width *= 2
    yield data[begin:]


def _gather(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """The file so far, and whether that is all of it."""
    gathered, length = [], 0
    for piece in pieces:
        gathered.append(piece)
        length += len(piece)
        if length >= MAX_WHOLE:
            return b"".join(gathered), False
    return b"".join(gathered), True
