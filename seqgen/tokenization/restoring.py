"""A token stream → the files it was made from, as far as its codec keeps them. Knows streams and codecs.

Names in a stream come from elsewhere and are not trusted: no file is written outside the given folder.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.files import atomic_folder, new_file
from seqgen.stream import TokenStream
from seqgen.tokenization.sources import plain_name
from seqgen.tokenizer import Tokenizer

_BLOCK = 1 << 20
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_LONGEST = 100


def contents(tokenizer: Tokenizer, ids: NDArray[Any]) -> Iterator[bytes]:
    """The bytes of (N,) ids, in pieces where decoding is concatenation, else at once."""
    step = _BLOCK if tokenizer.is_text else len(ids)
    for begin in range(0, len(ids), max(step, 1)):
        yield tokenizer.decode(np.asarray(ids[begin : begin + step]))


def restore_all(stream: TokenStream, tokenizer: Tokenizer) -> Iterator[bytes]:
    """All documents, one after the other.

    Raises:
        UsageError: There are several, and the codec's files cannot be concatenated.
    """
    if stream.documents > 1 and not tokenizer.is_text:
        hint = "name a folder, without a suffix, for the output"
        raise UsageError(f"{stream.path}: holds {stream.documents} documents, which do not fit into one file", hint)
    return _joined(stream, tokenizer, range(stream.documents))


def _joined(stream: TokenStream, tokenizer: Tokenizer, documents: range) -> Iterator[bytes]:
    """Some documents as one file, with what stands between those of a list."""
    if not tokenizer.documents.whole:
        return tokenizer.documents.joined(tokenizer.decode(stream.document(index)) for index in documents)
    return contents(tokenizer, stream.ids[stream.starts[documents.start] : stream.starts[documents.stop]])


def restored_files(stream: TokenStream, tokenizer: Tokenizer) -> list[tuple[str, range]]:
    """(name of the source, its documents) of each file that documents are written to: each has its own, a list's one
    for all of a source.
    """
    single = [(name, range(index, index + 1)) for index, name in enumerate(_sources(stream))]
    if tokenizer.documents.whole:
        return single
    groups = (list(group) for _, group in itertools.groupby(single, key=lambda each: each[0]))
    return [(group[0][0], range(group[0][1].start, group[-1][1].stop)) for group in groups]


def restore_folder(stream: TokenStream, tokenizer: Tokenizer, folder: str | Path) -> int:
    """Write the documents into a new folder, in files named after their sources; returns how many.

    Raises:
        OutputError: The folder cannot be made, or holds something already.
    """
    with atomic_folder(folder) as staged:
        files = restored_files(stream, tokenizer)
        for name, (_, documents) in zip(names(tokenizer, (source for source, _ in files)), files):
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as file:
                file.writelines(_joined(stream, tokenizer, documents))
    return len(files)


def names(tokenizer: Tokenizer, sources: Iterable[str]) -> Iterator[str]:
    """A distinct relative path for each file, given the name of its source."""
    taken: set[str] = set()
    counts: dict[str, int] = {}  # how often a name was wanted
    exact = tokenizer.is_text  # then the file's own suffix still tells the truth
    before: str | None = None
    for name in sources:
        if name is not before:  # a source of many documents is looked at once
            path, before = Path(*_safe_parts(plain_name(name))), name
            suffix = path.suffix if exact and path.suffix else tokenizer.codec.suffix
            stem = str(path.with_suffix(""))
        key = stem.lower() + suffix
        unique, count = stem, counts.get(key, 1)
        while unique.lower() + suffix in taken:
            count += 1
            unique = f"{stem}-{count}"
        counts[key] = count
        taken.add(unique.lower() + suffix)
        yield unique + suffix


def _sources(stream: TokenStream) -> Iterator[str]:
    """The name of the source of each document; as many as there are documents, whatever the table says."""
    names = (str(source["name"]) for source in stream.sources for _ in range(int(source["documents"])))
    for _ in range(stream.documents):
        yield next(names, "document")


def _safe_parts(name: str) -> list[str]:
    """A name's folders and file without what could lead elsewhere or be no file name."""
    parts = [_UNSAFE.sub("_", part.encode("utf-8", "replace").decode())[:_LONGEST] for part in name.split("/")]
    return [part for part in parts if part.strip(". ")][-8:] or ["document"]
