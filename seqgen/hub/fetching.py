"""From a name to files on this disk: a revision becomes a commit, a commit a list of files, and those are fetched."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqgen.errors import MALFORMED, HubError, UsageError
from seqgen.files import size, write_bytes
from seqgen.hub import downloading, keeping, listing
from seqgen.hub.listing import LARGEST, LONGEST, Entry
from seqgen.hub.names import MODEL, Name, has_magic, matches

Note = Callable[[str], None]
CARD = "README.md"
PART_BYTES = 200  # of a part of a path
SHOWN = 5  # files that a hint names
HIDDEN = "."  # what begins so is no file of a corpus


@dataclass(frozen=True)
class Found:
    """A dataset's files on this disk.

    Attributes:
        name: The pinned repository.
        files: (path in the repository, where it lies), sorted by path.
        passed: Path → reason of what was left out.
        depth: How many folders the name itself goes down; None: it is a glob or a file.
    """

    name: str
    files: list[tuple[str, Path]]
    passed: dict[str, str]
    depth: int | None


def pinned(text: str) -> str:
    """The same name with the commit that it means now; where it has a whole one, nobody is asked.

    Raises:
        UsageError: It is no name.
        HubError: The Hub cannot be reached, or does not know it.
    """
    return str(listing.pinned(text))


def checkpoint(text: str) -> Path:
    """The file of a model, fetched where it is not in the cache. Nothing in it has been looked at.

    Raises:
        UsageError: It is no name of a model.
        HubError: It cannot be fetched, or is not what the Hub lists; nothing is left behind.
        OutputError: The cache cannot be written.
    """
    name = listing.pinned(text)
    if name.kind == "dataset":
        raise UsageError(f"{name}: is a dataset, expected a checkpoint", "a model is called hf://user/repo")
    path = name.path or MODEL
    return keeping.kept(name, path) or keeping.fetched(name, listing.entry(name, path))


def text(name: Name, path: str, most: int) -> str | None:
    """A short text of a pinned repository, which is not kept; None where it is longer than `most` bytes or no UTF-8.

    Raises:
        HubError: It cannot be fetched.
    """
    entry = listing.entry(name, path)
    if entry.bytes > most:
        return None
    with tempfile.TemporaryDirectory(prefix="seqgen-") as scratch:
        data = downloading.downloaded(name, entry, Path(scratch)).read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def dataset(text: str, note: Note = lambda message: None) -> Found:
    """The files of a dataset that a name means.

    Args:
        text: The name.
        note: Takes remarks for people.

    Raises:
        UsageError: It is no name.
        HubError: They cannot be fetched, are not what the Hub lists, or there is none; what is whole is kept.
        OutputError: The cache cannot be written.
    """
    name = listing.pinned(text)
    chosen, passed = _chosen(name)
    total = sum(entry.bytes for entry in chosen)
    if total > LARGEST:
        raise HubError(f"{name}: is {size(total)}, expected {size(LARGEST)} at most", "name a part of it by a glob")
    there = {entry.path: keeping.kept(name, entry.path) for entry in chosen}
    missing = [entry for entry in chosen if there[entry.path] is None]
    if missing:
        bulk = size(sum(entry.bytes for entry in missing))
        note(f"fetching {name}: {len(missing):,} {'file' if len(missing) == 1 else 'files'}, {bulk}")
    files = [(entry.path, there[entry.path] or keeping.fetched(name, entry)) for entry in chosen]
    alone = has_magic(name.path) or [entry.path for entry in chosen] == [name.path]
    depth = len(name.path.split("/")) if name.path else 0
    return Found(str(Name(name.kind, name.repo, name.revision)), files, passed, None if alone else depth)


def _chosen(name: Name) -> tuple[list[Entry], dict[str, str]]:
    """(the files that a name means, path → reason of those left out). Raises HubError where there is none."""
    chosen, passed, listed = list[Entry](), dict[str, str](), _tree(name)
    for entry in listed:
        hidden = any(part.startswith(HIDDEN) for part in entry.path.split("/"))
        if hidden or not matches(name.path, entry.path):
            continue
        reason = "is the dataset's card" if (entry.path, name.path) == (CARD, "") else _odd(entry.path)
        if reason:
            passed[entry.path[:LONGEST]] = reason
        else:
            chosen.append(entry)
    if not chosen:
        first = "".join(f"; {path!a} {reason}" for path, reason in list(passed.items())[:1])
        some = ", ".join(ascii(entry.path[:LONGEST])[1:-1] for entry in listed[:SHOWN])
        held = f"it holds {some}{' and others' if len(listed) > SHOWN else ''}" if listed else "it holds nothing"
        raise HubError(f"{name}: holds no such file", f"{held}{first}")
    return chosen, passed


def _tree(name: Name) -> list[Entry]:
    """Every file of a pinned dataset, from the cache where the list is there. Raises HubError."""
    kept = keeping.home(name) / "tree"
    try:
        return [
            Entry(str(path), int(length), str(checksum)) for path, length, checksum in json.loads(kept.read_bytes())
        ]
    except (OSError, *MALFORMED):
        found = listing.tree(name)
    write_bytes(kept, json.dumps([[each.path, each.bytes, each.checksum] for each in found]).encode())
    return found


def _odd(path: str) -> str:
    """Why a path is left out, or nothing."""
    if any(len(part.encode("utf-8", "replace")) > PART_BYTES for part in path.split("/")):
        return "has too long a name"
    return "" if path.isprintable() and "\\" not in path else "has an odd name"
