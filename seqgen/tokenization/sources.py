"""What the user names as a source → the files it stands for. Knows names and suffixes, and of contents only the start.

A source is a file, a folder (all files below it but hidden ones, sorted), a glob, the name of a catalogued corpus, or
"-" for standard input. What exists on the disk wins over a corpus of the same name.
"""

import glob
import mimetypes
import os
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.errors import CorpusError
from seqgen.files import STANDARD, size
from seqgen.report import Report

COMPRESSED = (".gz", ".zst")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
MAX_SPOOLED = 10_000_000_000
Note = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """One file of a corpus.

    Attributes:
        name: What the stream calls it: its path from the given folder's own name on; unique in a list.
        path: Where it lies.
        label: The first folder below the given one, where that has at least two that hold files.
        given: Which of the given sources it belongs to.
        found: Whether it was found in a folder rather than named.
    """

    name: str
    path: Path
    label: str | None = None
    given: int = 0
    found: bool = False

    @property
    def suffix(self) -> str:
        """Its file name ending in lower case, that of compression aside."""
        return Path(plain_name(self.path.name)).suffix.lower()

    @property
    def packing(self) -> str:
        """`.gz`, `.zst` or nothing: how its content is compressed, by its name."""
        suffix = self.path.suffix.lower()
        return suffix if suffix in COMPRESSED else ""


def plain_name(name: str) -> str:
    """A file name without the ending of compression."""
    return name.rpartition(".")[0] if name.lower().endswith(COMPRESSED) else name


def resolve(names: Iterable[str | Path], note: Note = lambda message: None) -> list[Source]:
    """The files that the given sources stand for, each once, in the order given.

    Args:
        names: Files, folders, globs, corpus names or "-".
        note: Takes remarks on what happens meanwhile, such as a download.

    Raises:
        CorpusError: A source does not exist or holds no file.
        DownloadError: A catalogued corpus cannot be fetched.
    """
    sources: list[Source] = []
    seen: set[Path] = set()
    taken: Counter[str] = Counter()
    for given, name in enumerate(names):
        for source in _expand(str(name), note):
            real = source.path.resolve()
            if real in seen:
                continue
            seen.add(real)
            taken[source.name] += 1
            unique = source.name if taken[source.name] == 1 else f"{source.name} ({taken[source.name]})"
            sources.append(replace(source, name=unique, given=given))
    return _sensible_labels(sources)


def select(sources: Sequence[Source], codec: str) -> tuple[list[Source], Report]:
    """Those sources that are meant for a codec, and a report of those left out.

    A file that the user named is always meant. Of the files found in folders, those with one of the codec's suffixes,
    or further ones, are; if none has one, those whose suffix belongs to no codec.

    Raises:
        CorpusError: Nothing is left.
    """
    kind: type[Codec] = registry.load("codecs", codec)
    wanted = {source.suffix for source in sources}
    own = {*kind.suffixes, *kind.further}
    if own:  # text comes under any name, but what is not text is recognised by its suffix alone
        known = {suffix for name in registry.names("codecs") for suffix in _suffixes(name)}
        wanted = wanted & own or (wanted - known if is_text(kind) else set())
    report, chosen = Report(), []
    for source in sources:
        if not source.found or source.suffix in wanted:
            chosen.append(source)
        else:
            report.skipped[source.name] = f"not a file for codec {codec} (by its suffix {source.suffix or 'none'})"
    if not chosen:
        expected = f"expected {' '.join((*kind.suffixes, *kind.further))}"
        raise CorpusError(f"none of the {len(sources)} files is for codec {codec} ({expected})", "try another codec")
    return _sensible_labels(chosen), report


def guess_codec(sources: Sequence[Source]) -> str:
    """The codec for which most files have a suffix; failing that, `byte` for binary files and `char` for others."""
    counts = Counter(source.suffix for source in sources)
    votes = {
        name: sum(counts[suffix] for suffix in registry.load("codecs", name).suffixes)
        for name in registry.names("codecs")
    }
    best = max(votes, key=lambda name: votes[name])  # of equals the first in the alphabet
    if votes[best]:
        return best
    if len(sources) == 1 and is_archive(sources[0].path):
        raise archive_error(sources[0].path)
    from seqgen.tokenization.reading import looks_binary

    return "byte" if looks_binary(sources[0]) else "char"


def is_archive(path: Path) -> bool:
    """Whether a file holds many files, by its name."""
    return path.name.lower().endswith(ARCHIVES)


def archive_error(path: Path) -> CorpusError:
    """The sentence for an archive where plain files are meant."""
    return CorpusError(f"{path}: is an archive, expected plain files", "unpack it, and name the folder")


@cache
def is_text(kind: type[Codec]) -> bool:
    """Whether a codec is meant for text, by the type of its artifact."""
    media, _ = mimetypes.MimeTypes().guess_type("x" + kind.artifact)
    return media is not None and media.startswith("text/")


def _suffixes(codec: str) -> tuple[str, ...]:
    found: tuple[str, ...] = registry.load("codecs", codec).suffixes
    return found


def _sensible_labels(sources: list[Source]) -> list[Source]:
    """Labels from folder names stay where a given folder has at least two of them."""
    kinds: dict[int, set[str]] = {}
    for source in sources:
        if source.label:
            kinds.setdefault(source.given, set()).add(source.label)
    return [
        source if not source.found or len(kinds.get(source.given, ())) != 1 else replace(source, label=None)
        for source in sources
    ]


def _expand(name: str, note: Note) -> list[Source]:
    """The files of one given source."""
    if name == STANDARD:
        return [Source(STANDARD, spooled(sys.stdin.buffer, "standard input"))]
    path = Path(name)
    if os.path.lexists(path):
        return _existing(path)
    if glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 (patterns may be absolute)
        if not matches:
            raise CorpusError(f"{name}: no file matches this pattern")
        return [source for match in matches for source in _existing(Path(match))]
    return _walked(_catalogued(name, note), name)


def _existing(path: Path) -> list[Source]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    if stat.S_ISDIR(mode):
        return _walked(path, path.resolve().name)
    if path.suffix.lower() == ".tokens":
        raise CorpusError(f"{path}: is a token stream already, expected files that are yet to be tokenized")
    if stat.S_ISREG(mode):
        return [Source(path.name, path)]
    with path.open("rb") as file:  # a pipe, such as the shell's <(command)
        return [Source(path.name, spooled(file, str(path)))]


def _catalogued(name: str, note: Note) -> Path:
    from seqgen import catalogue

    known = tuple(catalogue.names())
    if name not in known:
        hint = registry.nearest(name, known).replace("there are:", "the catalogued corpora are:")
        raise CorpusError(f"{name}: there is no such file, folder or corpus", hint)
    return Path(catalogue.get(name, note=note))


def _walked(folder: Path, name: str) -> list[Source]:
    """All files below a folder, sorted by path."""
    found = []
    for path in sorted(_files(folder, ()), key=lambda path: path.parts):
        below = path.relative_to(folder)
        label = below.parts[0] if len(below.parts) > 1 else None
        found.append(Source(f"{name}/{below.as_posix()}", path, label, found=True))
    if not found:
        raise CorpusError(f"{folder}: holds no files", "hidden files do not count")
    return found


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Regular files below a folder; links are followed, but never into a folder that is open already."""
    real = folder.resolve()
    if real in above:
        return
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise CorpusError(f"{folder}: cannot be read ({error.strerror})") from error
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path, (*above, real))
        elif path.is_file():
            yield path


@cache
def _scratch() -> "tempfile.TemporaryDirectory[str]":
    """A folder that vanishes when the program ends."""
    return tempfile.TemporaryDirectory(prefix="seqgen-", ignore_cleanup_errors=True)


def spooled(file: BinaryIO, name: str) -> Path:
    """A stream that can be read once, as a file that can be read twice and vanishes when the program ends."""
    descriptor, path = tempfile.mkstemp(dir=_scratch().name)
    total = 0
    with os.fdopen(descriptor, "wb") as copy:
        while piece := file.read(1 << 20):
            total += copy.write(piece)
            if total > MAX_SPOOLED:
                raise CorpusError(f"{name}: more than {size(MAX_SPOOLED)}", "write it to a file and name that")
    return Path(path)
