"""The files below a folder, each real file once, always in the same order, in time linear in the entries.

It opens no file but each folder's .gitignore, so pipes and devices cannot stop it. It does not recurse, so that no
depth is too much. What it passes over or leaves out is counted by reason, with the first name. Knows names and links,
not what files hold.

Links: the folder's real tree is walked first. Then each link is followed to where it ends. A folder or file that was
found already is not read again. What lies outside the given folder is read only where that was asked for.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from seqgen.files.choosing import USUAL, Choice, Chooser, Lists
from seqgen.files.leaving import VERSIONS
from seqgen.report import LeftOut

OUTSIDE = "is a link that leads out of the folder (--follow-links reads those)"
NOWHERE = "is a link that leads nowhere"
ODD = "is a pipe, a socket or a device"


@dataclass(frozen=True)
class Own:
    """What of a folder's entries is seqgen's own output.

    Attributes:
        folder: What the folder is as a whole, or "".
        names: Entry → what it is.
    """

    folder: str = ""
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Found:
    """A file.

    Attributes:
        parts: Its path below the folder that was walked.
        path: That path behind the folder's own.
        real: The same, links resolved.
        size: Its bytes.
    """

    parts: tuple[str, ...]
    path: str
    real: str
    size: int = field(default=0, compare=False)


Judge = Callable[[str, frozenset[str]], Own]


class Walk:
    """All files below a folder that are wanted.

    Args:
        folder: Where to begin. It may be a link itself.
        choice: What is wanted.
        judge: Tells seqgen's own output by a folder's path and its names. A folder of that kind below the given one
            is passed over, of the given one only the entries that it names.

    Attributes:
        files: Sorted by their parts.
        passed: Reason → (the first name, how many more) of what is no file of a corpus.
        left: What of the rest was left out, by reason. Stores of versions such as .git are not even counted.

    Raises:
        OSError: The folder itself cannot be read.
    """

    def __init__(self, folder: str | Path, choice: Choice = USUAL, judge: Judge = lambda path, names: Own()) -> None:
        self.files: list[Found] = []
        self.passed: dict[str, tuple[str, int]] = {}
        self.left: dict[str, LeftOut] = {}
        self._follow, self._chooser, self._judge = choice.follow_links, Chooser(choice), judge
        self._root = os.path.realpath(folder)
        self._folders: set[tuple[int, int]] = set()
        self._real: set[str] = set()
        self._links: list[tuple[Found, Lists]] = []
        self._descend(Found((), os.fspath(folder), self._root), frozenset(), ())
        while self._links:
            links, self._links = sorted(self._links, key=lambda each: each[0]), []
            for link, lists in links:
                self._resolve(link, lists)
        self.files.sort()

    def reasons(self, name: str) -> dict[str, str]:
        """The first entry of each reason that was passed over → a sentence; names begin with `name`."""
        return {f"{name}/{first}": reason + and_more(more) for reason, (first, more) in self.passed.items()}

    def _descend(self, start: Found, beside: frozenset[str], lists: Lists) -> None:
        """Collect the files of a real tree, and its links for later."""
        pending = [(start, beside, lists)]
        while pending:
            folder, beside, lists = pending.pop()
            try:
                if not self._is_new(folder):
                    continue
                with os.scandir(folder.path) as scanned:
                    entries = sorted(scanned, key=lambda entry: entry.name)
            except OSError as error:
                if not folder.parts:
                    raise
                self._pass([folder], f"cannot be read ({error.strerror})")
                continue
            names = frozenset(entry.name for entry in entries)
            if folder.parts and (reason := self._chooser.folder(folder.parts, beside, names, lists)):
                self._leave(folder, reason)
                continue
            own = self._judge(folder.path, names)
            if own.folder and folder.parts:
                self._pass([folder], own.folder)
                continue
            lists = self._chooser.lists(folder.path, names, len(folder.parts), lists)
            below = [each for entry in entries for each in self._sorted_in(folder, entry, own, lists)]
            pending += [(each, names, lists) for each in reversed(below)]

    def _sorted_in(self, folder: Found, entry: "os.DirEntry[str]", own: Own, lists: Lists) -> Iterable[Found]:
        """Put an entry where it belongs; gives it back where it is a folder to walk."""
        name = entry.name
        if name in VERSIONS:
            return ()
        found = Found((*folder.parts, name), os.path.join(folder.path, name), os.path.join(folder.real, name))
        try:
            if name in own.names:
                self._pass([found], own.names[name])
            elif entry.is_symlink():
                if not name.startswith(".") or self._chooser.hidden:
                    self._links.append((found, lists))
            elif entry.is_dir(follow_symlinks=False):
                return (found,)
            elif entry.is_file(follow_symlinks=False):
                self._add(replace(found, size=entry.stat(follow_symlinks=False).st_size), lists)
            elif not name.startswith("."):
                self._pass([found], ODD)
        except OSError as error:
            self._pass([found], f"cannot be read ({error.strerror})")
        return ()

    def _resolve(self, link: Found, lists: Lists) -> None:
        """Follow a link, unless what it leads to was found or may not be read."""
        try:
            about = os.stat(link.path)  # refuses long chains, which realpath would follow
            real = os.path.realpath(link.path)
        except OSError:
            self._pass([link], NOWHERE)
            return
        found = Found(link.parts, link.path, real, about.st_size)
        if not self._follow and not within(real, self._root):
            self._pass([found], OUTSIDE)
        elif stat.S_ISDIR(about.st_mode):
            self._descend(found, frozenset(), lists)
        elif not stat.S_ISREG(about.st_mode):
            self._pass([found], ODD)
        elif real not in self._real:
            self._add(found, lists)

    def _add(self, found: Found, lists: Lists) -> None:
        """A plain file, which is read or left out."""
        if reason := self._chooser.file(found.parts, lists):
            self.left.setdefault(reason, LeftOut()).count("/".join(found.parts), found.size)
        else:
            self._real.add(found.real)
            self.files.append(found)

    def _leave(self, folder: Found, reason: str) -> None:
        """A folder that is left out: what it holds is counted, not named."""
        left = self.left.setdefault(reason, LeftOut())
        name = "/".join((*folder.parts, ""))
        for files, size in _weights(folder.path):
            left.count(name, size, files)

    def _is_new(self, folder: Found) -> bool:
        """Whether a folder was not walked before, under whatever name."""
        about = os.stat(folder.path)
        key = about.st_dev, about.st_ino
        new = key not in self._folders
        self._folders.add(key)
        return new

    def _pass(self, passed: Iterable[Found], reason: str) -> None:
        for each in passed:
            first, more = self.passed.get(reason, (os.path.join(*each.parts), -1))
            self.passed[reason] = first, more + 1


def and_more(count: int) -> str:
    """The end of a sentence about an entry that is true of so many more."""
    return f", and so {'is' if count == 1 else 'are'} {count:,} more" if count else ""


def within(real: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it, both with their links resolved."""
    return real == folder or real.startswith(os.path.join(folder, ""))


def folders(top: str | Path, closed: Callable[[str, OSError], object] = lambda folder, error: None) -> Iterator[str]:
    """A folder and all real ones below it but hidden ones; no links are followed.

    Args:
        top: The folder.
        closed: Takes each that cannot be read, which is left out.
    """
    pending = [os.fspath(top)]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as scanned:
                below = sorted(
                    each.path for each in scanned if each.name[0] != "." and each.is_dir(follow_symlinks=False)
                )
        except OSError as error:
            closed(folder, error)
            continue
        yield folder
        pending += reversed(below)


def _weights(top: str) -> Iterator[tuple[int, int]]:
    """(plain files, their bytes) of a folder and of each real one below it; what cannot be read weighs nothing."""
    pending = [top]
    while pending:
        files = size = 0
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as scanned:
            for entry in scanned:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
        yield files, size
