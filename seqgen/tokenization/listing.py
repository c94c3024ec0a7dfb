"""What of a file a document is: as the user said, else the file, or its lines where it looks like a list.

Careful with what nobody asked for: prose, verse, plays, code, tables and logs stay whole. A list is many short lines
of a few words, nearly all of letters, that do not end as sentences do, are not indented, and hardly ever repeat.
"""

import contextlib
import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence

from seqgen.codecs import Codec, sparse
from seqgen.documents import BOM, Documents
from seqgen.errors import CorpusError, DataError, UsageError
from seqgen.media import TEXT
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.sources import Note, Source
from seqgen.tokenization.text import is_binary

LISTS = ("", ".txt", ".text", ".lst", ".list", ".names", ".words", ".dic", ".-")  # what a list's file is called
FEWEST = 100  # lines of a list
LOOKED_AT = 2_000  # lines of each file, from its start and from all over its first piece
SHORT, SHORTEST_HALF = 48, 28  # characters of nineteen lines in twenty, and of half of them
WORDS = 4.0  # in a line, on average
RARE = 0.02  # share of lines, or of characters, that may be otherwise
SENTENCE = frozenset(".,;:!?…。，；：！？、\"'”’»)-–—")
SHOWN = 3


def resolved(
    asked: str | Documents | None,
    kind: type[Codec],
    sources: Sequence[Source],
    encoding: str | None,
    known: Documents | None,
    note: Note,
) -> Documents:
    """How files are cut into documents.

    Args:
        asked: file, line, blank or a mark; fields of a table; None: nobody said.
        kind: The codec's class.
        sources: The files.
        encoding: What to transcode from, or None.
        known: As the tokenizer has it that is to be used; None: there is none yet.
        note: Takes remarks for people.

    Raises:
        UsageError: The codec's files cannot be cut, or the mark is blank.
        CorpusError: The mark occurs nowhere.
    """
    readers = [Reader(source, encoding) for source in sources]
    if asked is None:
        if known is not None or kind.medium.name != TEXT.name:  # what nobody asked for is guessed of text alone
            return known or Documents()
        return _guessed(sources, readers, note)
    documents = asked if isinstance(asked, Documents) else Documents.named(asked)
    if documents.whole or documents.kind == "record":
        return documents
    if not kind.medium.separable:
        raise UsageError(f"documents is {asked!r}, but a file of {kind.medium.name} is one document", "leave it out")
    if documents.kind != "marker" or (known is not None and known.marker == asked):
        return documents if documents.kind != "marker" or known is None else known
    return _marked(documents, readers)


def _marked(documents: Documents, readers: Sequence[Reader]) -> Documents:
    """With the mark on lines of its own where one is, else anywhere."""
    anywhere, mark = False, documents.mark
    for reader in readers:
        rest = b""
        with contextlib.suppress(DataError):
            for piece in reader:
                whole = rest + piece
                if mark in whole:
                    anywhere = True
                    if any(line.strip() == mark.strip() for line in whole.split(b"\n")):
                        return documents
                rest = whole[-(len(mark) + 2) :]
    if anywhere:
        return dataclasses.replace(documents, inline=True)
    files = "the file" if len(readers) == 1 else f"any of the {len(readers):,} files"
    hint = "--documents takes file, line, blank (blank lines), or a text that stands between documents"
    raise CorpusError(f"the mark {documents.marker!r} occurs nowhere in {files}", hint)


def _guessed(sources: Sequence[Source], readers: Sequence[Reader], note: Note) -> Documents:
    """Lines, where all files look like lists."""
    if not all(source.suffix in LISTS for source in sources):
        return Documents()
    lines: list[str] = []
    for start in _starts(readers):
        own = _lines(start)
        if own is None or (own and not _is_list(own)):
            return Documents()
        lines += own
    if len(lines) < FEWEST:
        return Documents()
    examples = ", ".join(repr(line) for line in lines[:SHOWN])
    note(f"A list: each line is a document ({examples}, …); --documents file takes each file as one.")
    return Documents("line")


def _starts(readers: Sequence[Reader]) -> Iterator[bytes]:
    for reader in sparse(readers):
        with contextlib.suppress(DataError, StopIteration):
            yield next(iter(reader))


def _lines(start: bytes) -> list[str] | None:
    """Lines of a file's first piece, evenly chosen, its last one aside where it may be cut; None: it is no text."""
    if is_binary(start[: 1 << 16]):
        return None
    lines = start.removeprefix(BOM).split(b"\n")
    blank = sum(not line.strip() for line in lines[:-1])
    if blank > RARE * len(lines):
        return None
    whole = [line for line in (lines[:-1] if len(lines) > 1 else lines) if line.strip()]
    return [line.rstrip(b"\r").decode("utf-8", "replace") for line in whole[:: -(-len(whole) // LOOKED_AT) or 1]]


def _is_list(lines: Sequence[str]) -> bool:
    """Whether lines are short ones of a kind."""
    count = len(lines)
    lengths = sorted(map(len, lines))
    if lengths[count // 2] > SHORTEST_HALF or lengths[int(0.95 * (count - 1))] > SHORT:
        return False
    most = RARE * count
    if sum(line[0].isspace() for line in lines) > most or sum(line.rstrip()[-1] in SENTENCE for line in lines) > most:
        return False
    if sum(len(line.split()) for line in lines) > WORDS * count or len(set(lines)) < 0.5 * count:
        return False
    text = "".join(lines)
    strange = sum(unicodedata.category(letter)[0] not in "LM" and letter not in " '-’." for letter in text)
    return strange <= RARE * len(text)
