"""A glob → what matches it, in time linear in the folders there are. Knows names and links, not corpora.

The library's own `**` follows links along every path, of which a few folders hold millions. Here `**` stands for the
folders of the real tree; and what a glob finds behind a link out of its own folder is left alone, as in any folder.
What a tool made or a .gitignore names is left out as in a folder, too, unless the pattern has its very name.
"""

import contextlib
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path

from seqgen.files import own
from seqgen.files.choosing import USUAL, Choice, Chooser, Lists
from seqgen.files.walking import OUTSIDE, Own, and_more, folders, within
from seqgen.report import LeftOut

RECURSIVE = "**"


@dataclass
class Globbed:
    """What matches a pattern.

    Attributes:
        matches: Files and folders, sorted; nothing of a folder that is one of them.
        passed: Name → reason of what was passed over, the first of each reason.
        closed: Folder → why it cannot be read, of those that the pattern leads into.
        left: Reason → what of it was left out.
    """

    matches: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    left: dict[str, LeftOut] = field(default_factory=dict)


def globbed(pattern: str, choice: Choice = USUAL) -> Globbed:
    """What matches a pattern and is wanted."""
    found, wanted = Globbed(closed=dict(_closed(pattern.replace(os.sep, "/")))), _Wanted(pattern, choice)
    if found.closed:
        first, why = next(iter(found.closed.items()))
        found.passed[first] = f"cannot be read ({why})" + and_more(len(found.closed) - 1)
    top = os.path.realpath(_top(pattern))
    outside = 0
    for match in sorted(set(_matches(pattern.replace(os.sep, "/"))), key=lambda match: f"{match}/"):
        if found.matches and f"{match}/".startswith(f"{found.matches[-1].rstrip('/')}/"):
            continue
        if not choice.follow_links and not within(os.path.realpath(match), top):
            found.passed |= {} if outside else {match: OUTSIDE}
            outside += 1
        elif passed := wanted.own(match):
            found.passed.setdefault(match, passed)
        elif reason := wanted.reason(match):
            with contextlib.suppress(OSError):
                found.left.setdefault(reason, LeftOut()).count(match, Path(match).stat().st_size)
        else:
            found.matches.append(match)
    if outside > 1:
        found.passed = {
            name: OUTSIDE + and_more(outside - 1) if reason == OUTSIDE else reason
            for name, reason in found.passed.items()
        }
    return found


@dataclass(frozen=True)
class _Folder:
    """A folder on the way to a match: what it holds, why it is left out, and which lists of patterns count in it."""

    names: frozenset[str]
    reason: str
    passed: Own
    lists: Lists


class _Wanted:
    """Whether matches are wanted, by the folders that they lie in, below what stands before the first star."""

    def __init__(self, pattern: str, choice: Choice) -> None:
        self._top = _top(pattern)
        self._named = {part for part in pattern.split("/") if not glob.has_magic(part)}
        self._chooser = Chooser(replace(choice, hidden=True))  # a star stands for nothing hidden
        self._folders: dict[tuple[str, ...], _Folder] = {}

    def reason(self, match: str) -> str:
        """Why a match is left out; "" where it is wanted."""
        parts = self._parts(match)
        if not parts:
            return ""
        if Path(match).is_dir():
            return self._folder(parts).reason
        above = self._folder(parts[:-1])
        return above.reason or ("" if parts[-1] in self._named else self._chooser.file(parts, above.lists))

    def own(self, match: str) -> str:
        """Which of seqgen's own outputs a match is or lies in; "" where it is none."""
        parts = self._parts(match)
        if parts and parts[-1] not in self._named and (found := self._folder(parts[:-1]).passed.names.get(parts[-1])):
            return found
        ends = range(1, len(parts) + Path(match).is_dir())
        return next((said for end in ends if (said := self._folder(parts[:end]).passed.folder)), "")

    def _parts(self, match: str) -> tuple[str, ...]:
        return Path(os.path.relpath(match, self._top)).parts

    def _folder(self, parts: tuple[str, ...]) -> _Folder:
        if parts not in self._folders:
            self._folders[parts] = self._looked(parts)
        return self._folders[parts]

    def _looked(self, parts: tuple[str, ...]) -> _Folder:
        path = str(Path(self._top, *parts))
        names = frozenset[str]()
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            names = frozenset(entry.name for entry in entries)
        passed = own.own(path, names)
        if not parts:
            return _Folder(names, "", replace(passed, folder=""), self._chooser.lists(path, names, 0, ()))
        above = self._folder(parts[:-1])
        reason = above.reason
        if not reason and parts[-1] not in self._named:
            reason = self._chooser.folder(parts, above.names, names, above.lists)
        return _Folder(names, reason, passed, self._chooser.lists(path, names, len(parts), above.lists))


def _matches(pattern: str) -> Iterator[str]:
    parts = pattern.split("/")
    if RECURSIVE not in parts:
        yield from glob.glob(pattern)  # noqa: PTH207 (patterns may be absolute)
        return
    at = parts.index(RECURSIVE)
    start = "".join(f"{part}/" for part in parts[:at])
    rest = "/".join(dropwhile(RECURSIVE.__eq__, parts[at:]))
    for top in glob.glob(start) if start else [""]:  # noqa: PTH207
        if not rest:
            yield top or "."
            continue
        for folder in folders(top or "."):
            below = folder if top else folder.removeprefix(".").removeprefix("/")
            yield from _matches(glob.escape(below and f"{below.rstrip('/')}/") + rest)


def _closed(pattern: str) -> Iterator[tuple[str, str]]:
    """(folder, why) of each that a pattern leads into and that cannot be read, of which a glob says nothing."""
    parts, faults = pattern.split("/"), list[tuple[str, OSError]]()
    for at in range(_first(parts), len(parts)):
        start = "".join(f"{part}/" for part in parts[:at])
        tops = glob.glob(start) if glob.has_magic(start) else [start or "."]  # noqa: PTH207
        if parts[at] == RECURSIVE:
            for top in tops:
                for _ in folders(top, lambda folder, error: faults.append((folder, error))):
                    pass
            yield from ((folder.rstrip("/"), why) for folder, error in faults if (why := _permission(error)))
            return
        for top in tops:
            try:
                if glob.has_magic(parts[at]):
                    os.scandir(top).close()
                else:
                    os.lstat(f"{top}/{parts[at]}")
            except OSError as error:
                if why := _permission(error):
                    yield top.rstrip("/") or "/", why


def _permission(error: OSError) -> str:
    return error.strerror or "not permitted" if isinstance(error, PermissionError) else ""


def _first(parts: list[str]) -> int:
    """The first part that has something to match in it."""
    return next(index for index, part in enumerate(parts) if glob.has_magic(part))


def _top(pattern: str) -> str:
    """The folder before the first part that has something to match in it."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = _first(parts)
    return "/".join(parts[:first]) or ("/" if first else ".")
