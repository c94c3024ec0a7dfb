"""What the Hub says of the files of a commit: how many bytes each has, and their checksum. Asks; fetches nothing."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from seqgen.errors import HubError
from seqgen.files import size
from seqgen.hub import library
from seqgen.hub.names import COMMIT, MODEL, Name, parse

LARGEST = 10_000_000_000  # bytes that one name may fetch
MOST = 100_000  # files of a repository
LONGEST = 200  # letters of a path in a message
CHECKSUM = re.compile(r"git:[0-9a-f]{40}|sha256:[0-9a-f]{64}")


class _Listed(Protocol):
    """A file as the package describes it."""

    path: str
    size: int
    blob_id: str
    lfs: Any


@dataclass(frozen=True)
class Entry:
    """A file of a commit.

    Attributes:
        path: In the repository.
        bytes: Its length.
        checksum: `sha256:…` of the file, or `git:…` of the file as git hashes it (SHA-1).
    """

    path: str
    bytes: int
    checksum: str


def pinned(text: str) -> Name:
    """What a name means now, with its whole commit; where it has one, nobody is asked.

    Raises:
        UsageError: It is no name.
        HubError: The Hub cannot be reached, or does not know it.
    """
    name = parse(text)
    if name.is_pinned:
        return name
    with library.told(name):
        client = library.api()
        ask = client.dataset_info if name.kind == "dataset" else client.model_info
        commit = ask(name.repo, revision=name.revision, timeout=library.SECONDS).sha
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise HubError(f"{name}: the Hub names no commit", "is HF_ENDPOINT right?")
    return name.at(commit)


def entry(name: Name, path: str) -> Entry:
    """One file of a pinned repository. Raises HubError where it is not there, or too large."""
    with library.told(name):
        found = library.api().get_paths_info(name.repo, [path], revision=name.revision, repo_type=name.kind)
        entries = [_entry(name, each) for each in found if hasattr(each, "blob_id")]
    if [each.path for each in entries] != [path]:
        hint = "a model that was pushed by seqgen has one" if path == MODEL else "look at the list of files on its page"
        raise HubError(f"{name}: holds no {path}", hint)
    if entries[0].bytes > LARGEST:
        message = f"{name}: is {size(entries[0].bytes)}, expected {size(LARGEST)} at most"
        raise HubError(message, "fetch it with `hf download`, and name the file")
    return entries[0]


def tree(name: Name) -> list[Entry]:
    """Every file of a pinned repository, sorted by path. Raises HubError."""
    entries: dict[str, Entry] = {}
    with library.told(name):
        for each in library.api().list_repo_tree(
            name.repo, recursive=True, revision=name.revision, repo_type=name.kind
        ):
            if hasattr(each, "blob_id"):  # and so is no folder
                entries[each.path] = _entry(name, each)
            if len(entries) > MOST:
                raise HubError(
                    f"{name}: holds more than {MOST:,} files", "fetch it with `hf download`, name the folder"
                )
    return [entries[path] for path in sorted(entries)]


def _entry(name: Name, listed: _Listed) -> Entry:
    """A file, once the Hub's word on it has been looked at.

    Raises:
        HubError: No repository can hold a file of that name.
        ValueError: Its length or checksum makes no sense.
    """
    path = listed.path
    if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise HubError(
            f"{name}: lists a file called {path[:LONGEST]!a}", "no repository holds such; nothing is fetched"
        )
    checksum = f"git:{listed.blob_id}" if listed.lfs is None else f"sha256:{listed.lfs.sha256}"
    length = listed.size if listed.lfs is None else listed.lfs.size
    if not isinstance(length, int) or length < 0 or not CHECKSUM.fullmatch(checksum):
        raise ValueError("no length or no checksum")
    return Entry(path, length, checksum)
