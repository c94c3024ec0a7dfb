"""`hf://…` as text: what it names, how it is written with its commit, and which paths a glob means."""

import dataclasses
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from seqgen.errors import UsageError

SCHEME = "hf://"
DATASETS = "datasets/"
MODEL = "model.safetensors"
COMMIT = re.compile(r"[0-9a-f]{40}")
PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")  # of USER/NAME, as the Hub allows
REVISION = re.compile(r"[\w.+/-]{1,250}", re.ASCII)
HINT = "write hf://user/repo, hf://user/repo@revision or hf://datasets/user/repo/path"
MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Name:
    """A repository, a revision of it, and what of it is meant.

    Attributes:
        kind: Whether it is a model or a dataset.
        repo: `user/repo`.
        revision: A branch, a tag or a commit; None: the main branch.
        path: Of a model its file, of a dataset a path or glob; "" is the usual file, or everything.
    """

    kind: Literal["model", "dataset"]
    repo: str
    revision: str | None = None
    path: str = ""

    def __str__(self) -> str:
        revision = "" if self.revision is None else f"@{quote(self.revision, safe='')}"
        return f"{self.root}{revision}" + (f"/{self.path}" if self.path else "")

    @property
    def root(self) -> str:
        """The repository alone, without a revision."""
        return f"{SCHEME}{DATASETS if self.kind == 'dataset' else ''}{self.repo}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names a whole commit, and so the same bytes for ever."""
        return self.revision is not None and COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str) -> "Name":
        """The same at a commit."""
        return dataclasses.replace(self, revision=commit)


def is_name(text: object) -> bool:
    """Whether this is a name of the Hub and no file."""
    return isinstance(text, str) and text.startswith(SCHEME)


def is_dataset(text: object) -> bool:
    """Whether this names files of a dataset."""
    return isinstance(text, str) and text.startswith(SCHEME + DATASETS)


def parse(text: str) -> Name:
    """What a name means.

    Raises:
        UsageError: It is none, or names what no repository can hold.
    """
    kind: Literal["model", "dataset"] = "dataset" if is_dataset(text) else "model"
    user, _, rest = text.removeprefix(SCHEME).removeprefix(DATASETS if kind == "dataset" else "").partition("/")
    named, _, path = rest.partition("/")
    name, at, revision = named.partition("@")
    revision = unquote(revision)
    parts = path.split("/") if path else []
    if not is_name(text) or not _is_repository(user, name) or (at and not _is_revision(revision)):
        raise UsageError(f"{text[:200]!a} names no repository of the Hub", HINT)
    if any(part in ("", ".", "..") for part in parts) or not path.isprintable():
        raise UsageError(f"{text[:200]!a}: no repository holds such a path", HINT)
    if kind == "model" and path and not path.endswith(".safetensors"):
        raise UsageError(f"{text}: is no checkpoint, expected a file that ends in .safetensors", HINT)
    return Name(kind, f"{user}/{name}", revision or None, path)


def repository(text: str) -> Name:
    """A model's repository from `user/name`, `user/name@revision` or the same with hf:// before it.

    Raises:
        UsageError: It is neither.
    """
    try:
        name = parse(text if is_name(text) else SCHEME + text)
    except UsageError as error:
        hint = error.hint if is_name(text) else "write user/name, or user/name@revision to pull a revision of it"
        raise UsageError(error.message.replace(ascii(SCHEME + text), ascii(text)), hint) from None
    if name.kind == "dataset":
        raise UsageError(
            f"{text} is a dataset, expected a model", "a dataset is a SOURCE: seqgen train hf://datasets/…"
        )
    return name


def origin(source: str) -> str | None:
    """The pinned repository that a file of a stream came from, by the file's name; None where it is a file from here.

    No file of a disk has such a name: a path holds no two slashes in a row where a stream names it.
    """
    try:
        name = parse(source)
    except UsageError:
        return None
    return str(dataclasses.replace(name, path="")) if name.is_pinned else None


def origins(sources: Iterable[str]) -> list[str]:
    """The pinned repositories that the files of a stream came from, each once."""
    return sorted({found for source in sources if (found := origin(source)) is not None})


def matches(pattern: str, path: str) -> bool:
    """Whether a path, or a folder that holds it, is what a pattern means: `*` within a name, `**` over folders."""
    if pattern in ("", path) or path.startswith(f"{pattern}/"):  # a name may hold a bracket
        return True
    names, rows = path.split("/"), pattern.split("/")
    alive = {0}  # how many parts of the pattern may be used up by the names read so far
    for name in ["", *names]:
        if name:
            alive = {
                following
                for used in alive
                if used < len(rows)
                for following in ([used] if rows[used] == "**" else [used + 1] * fnmatch.fnmatchcase(name, rows[used]))
            }
        for used in sorted(alive):
            while used < len(rows) and rows[used] == "**":
                used += 1
                alive.add(used)
        if len(rows) in alive and name:
            return True
    return False


def has_magic(pattern: str) -> bool:
    """Whether it is a glob rather than a path."""
    return not MAGIC.isdisjoint(pattern)


def _is_repository(*parts: str) -> bool:
    return all(PART.fullmatch(part) and "--" not in part and ".." not in part for part in parts)


def _is_revision(revision: str) -> bool:
    return REVISION.fullmatch(revision) is not None and not {"", ".", ".."} & set(revision.split("/"))
