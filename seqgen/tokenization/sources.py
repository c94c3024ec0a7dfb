"""What the user names as a source → the files it stands for. Knows names and suffixes, and of contents only the start.

A source is a file, a folder (all files below it, sorted), a glob, the name of a catalogued corpus, a dataset of the Hub
(`hf://datasets/…`), or "-" for standard input. What exists on the disk wins over a corpus of the same name. What in a
folder is no file of a corpus (links out of it, run folders, pipes, what cannot be read) is passed over, and
`Sources.passed` says so; what is hidden or what nobody wrote (dependencies, build outputs and so on) is left out, and
`Sources.left` says how much. A file that the user names is read, whatever it is.
"""

import glob
import os
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import BinaryIO

from seqgen import hub, registry
from seqgen.errors import CorpusError
from seqgen.files import STANDARD, own, size
from seqgen.files.choosing import USUAL, Choice
from seqgen.files.walking import Walk
from seqgen.report import LeftOut
from seqgen.tokenization.globbing import globbed

COMPRESSED = (".gz", ".zst")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
STREAM = ".tokens"
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
        real: The path with its links resolved, once `resolve` has looked.
        size: Its bytes on the disk, once `resolve` has looked.
        made: Whether it is wanted even if a tool made it.
        head: (begin, end) of the bytes of its text that are left out, such as a licence at its head.
    """

    name: str
    path: Path
    label: str | None = None
    given: int = 0
    found: bool = False
    real: str = field(default="", compare=False)
    size: int = field(default=0, compare=False)
    made: bool = False
    head: tuple[int, int] = (0, 0)

    @cached_property
    def suffix(self) -> str:
        """Its file name ending in lower case, that of compression aside. It is asked for often."""
        name = plain_name(self.path.name)
        dot = name.rfind(".")
        return name[dot:].lower() if 0 < dot < len(name) - 1 else ""

    @property
    def packing(self) -> str:
        """`.gz`, `.zst` or nothing: how its content is compressed, by its name."""
        suffix = self.path.suffix.lower()
        return suffix if suffix in COMPRESSED else ""


class Sources(list[Source]):
    """The files of a corpus, and what of the given folders is none of it.

    Attributes:
        passed: Name → reason of what was passed over, the first of each reason with the number of the others.
        left: Reason → what was left out.
    """

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        super().__init__(sources)
        self.passed: dict[str, str] = {}
        self.left: dict[str, LeftOut] = {}

    def take(self, other: "Sources") -> None:
        """What is known of the files of another list, but not these files."""
        self.passed |= other.passed
        for reason, left in other.left.items():
            self.left.setdefault(reason, LeftOut()).add(left)


def is_stream(names: Sequence[str]) -> bool:
    """Whether this is one `.tokens` file on this disk."""
    return len(names) == 1 and names[0].endswith(STREAM) and not hub.is_name(names[0])


def plain_name(name: str) -> str:
    """A file name without the ending of compression."""
    return name.rpartition(".")[0] if name.lower().endswith(COMPRESSED) else name


def resolve(names: Iterable[str | Path], note: Note = lambda message: None, choice: Choice = USUAL) -> Sources:
    """The files that the given sources stand for, each once, in the order given.

    Args:
        names: Files, folders, globs, corpus names or "-".
        note: Takes remarks on what happens meanwhile, such as a download.
        choice: What of folders is wanted.

    Raises:
        CorpusError: A source does not exist or holds no file.
        DownloadError: A catalogued corpus cannot be fetched.
    """
    sources = Sources()
    seen: set[str] = set()
    taken: Counter[str] = Counter()
    for given, name in enumerate(names):
        expanded = _expand(str(name), note, choice)
        sources.take(expanded)
        for source in expanded:
            if source.real in seen:
                continue
            seen.add(source.real)
            taken[source.name] += 1
            unique = source.name if taken[source.name] == 1 else f"{source.name} ({taken[source.name]})"
            sources.append(replace(source, name=unique, given=given))
    sources[:] = sensible_labels(sources)
    return sources


def is_archive(path: Path) -> bool:
    """Whether a file holds many files, by its name."""
    return path.name.lower().endswith(ARCHIVES)


def archive_error(path: Path) -> CorpusError:
    """The sentence for an archive where plain files are meant."""
    return CorpusError(f"{path}: is an archive, expected plain files", "unpack it, and name the folder")


def sensible_labels(sources: list[Source]) -> list[Source]:
    """Labels from folder names stay where a given folder has at least two of them."""
    kinds: dict[int, set[str]] = {}
    for source in sources:
        if source.label:
            kinds.setdefault(source.given, set()).add(source.label)
    return [
        source if not source.found or len(kinds.get(source.given, ())) != 1 else replace(source, label=None)
        for source in sources
    ]


def _expand(name: str, note: Note, choice: Choice) -> Sources:
    """The files of one given source."""
    if hub.is_name(name):
        return _from_hub(name, note)
    if name == STANDARD:
        return _one(STANDARD, spooled(sys.stdin.buffer, "standard input"))
    path = Path(name)
    if _is_there(path):
        return _existing(path, choice)
    if glob.has_magic(name):
        return _matching(name, choice)
    # What a recipe names was chosen by hand: all of it is wanted.
    return _walked(_catalogued(name, note), name, replace(choice, made=True))


def _is_there(path: Path) -> bool:
    """Whether something has this name. Raises CorpusError where only its folder could tell, and must not.

    Of a pattern in such a folder its matches say more.
    """
    try:
        path.lstat()
    except PermissionError as error:
        if glob.has_magic(str(path)):
            return False
        raise CorpusError(f"{path}: cannot be read ({error.strerror})", "may you enter its folder?") from error
    except (OSError, ValueError):
        return False
    return True


def _from_hub(name: str, note: Note) -> Sources:
    """The files of a dataset of the Hub. Their names hold its commit: that is the story of the stream."""
    if not hub.is_dataset(name):
        hint = f"{name.replace(hub.SCHEME, hub.SCHEME + hub.DATASETS, 1)} would be one"
        raise CorpusError(f"{name}: is a checkpoint, expected a dataset of the Hub", hint)
    if name.endswith(STREAM):
        hint = "fetch it with `hf download`, and name the file"
        raise CorpusError(f"{name}: is a token stream already, expected files that are yet to be tokenized", hint)
    found = hub.dataset(name, note)
    sources = Sources()
    sources.passed |= {f"{found.name}/{path}": reason for path, reason in found.passed.items()}
    for path, place in found.files:
        below = [] if found.depth is None else path.split("/")[found.depth :]
        label = below[0] if len(below) > 1 else None
        whole = f"{found.name}/{path}"
        sources.append(
            Source(whole, place, label, found=found.depth is not None, real=str(place), size=place.stat().st_size)
        )
    return sources


def _matching(pattern: str, choice: Choice) -> Sources:
    """The files of all that matches a glob; they were found, not named."""
    matched = globbed(pattern, choice)
    found = Sources()
    found.passed |= matched.passed
    found.left |= matched.left
    for match in matched.matches:
        expanded = _existing(Path(match), choice)
        found += [source if source.found else replace(source, found=True, made=choice.made) for source in expanded]
        found.take(expanded)
    if not matched.matches and matched.closed:
        folder, why = next(iter(matched.closed.items()))
        raise CorpusError(f"{folder}: cannot be read ({why}), so nothing matches {pattern}", "may you enter it?")
    if not matched.matches:
        nothing = _nothing(matched.left, matched.passed, "")
        raise CorpusError(f"{pattern}: no file matches this pattern{' that is wanted' * bool(matched.left)}", nothing)
    return found


def _existing(path: Path, choice: Choice) -> Sources:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    if stat.S_ISDIR(mode):
        return _walked(path, path.resolve().name, choice)
    if path.suffix.lower() == STREAM:
        raise CorpusError(f"{path}: is a token stream already, expected files that are yet to be tokenized")
    if stat.S_ISREG(mode):
        return _one(path.name, path)
    with path.open("rb") as file:  # a pipe, such as the shell's <(command)
        return _one(path.name, spooled(file, str(path)))


def _one(name: str, path: Path) -> Sources:
    """A file that the user named."""
    return Sources([Source(name, path, real=os.path.realpath(path), size=path.stat().st_size)])


def _catalogued(name: str, note: Note) -> Path:
    from seqgen import catalogue

    known = tuple(catalogue.names())
    if name not in known:
        hint = registry.nearest(name, known).replace("there are:", "the catalogued corpora are:")
        raise CorpusError(f"{name}: there is no such file, folder or corpus", hint)
    return Path(catalogue.get(name, note=note))


def _walked(folder: Path, name: str, choice: Choice) -> Sources:
    """All files below a folder that are wanted, sorted by path."""
    try:
        walk = Walk(folder, choice, own.own)
    except OSError as error:
        raise CorpusError(f"{folder}: cannot be read ({error.strerror})") from error
    passed = walk.reasons(name)
    if not walk.files:
        raise CorpusError(f"{folder}: holds no files", _nothing(walk.left, passed))
    sources = Sources()
    sources.passed |= passed
    for reason, left in walk.left.items():
        sources.left[reason] = replace(left, names=[f"{name}/{each}" for each in left.names])
    for file in walk.files:
        label = file.parts[0] if len(file.parts) > 1 else None
        path = Path(file.path)
        known = Source("/".join((name, *file.parts)), path, label, found=True, real=file.real, size=file.size)
        sources.append(replace(known, made=True) if choice.made else known)
    return sources


def _nothing(
    left: Mapping[str, LeftOut], passed: Mapping[str, str], otherwise: str = "hidden files do not count"
) -> str:
    """What to say of a folder or a pattern without files."""
    said = [f"left out: {', '.join(left)}; --all reads what is hidden or made by a tool"] if left else []
    said += [f"{path} {reason}" for path, reason in list(passed.items())[:1]]
    return "; ".join(said) or otherwise


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
