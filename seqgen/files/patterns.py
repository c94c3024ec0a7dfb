"""Lists of patterns in the manner of .gitignore: what they say of an entry of a folder. Knows names only.

The rules are git's: a pattern without a slash is for a name at any depth, one with a slash begins where the list lies,
`**` stands for any folders, a slash at the end means folders alone, `!` takes back, the last pattern that fits decides.
What lies below a folder that fits is not asked about.

The time that a match takes grows with the length of name times pattern at most, whatever a stranger wrote: a star is
never tried again once the part behind it was found, in a name as in a path.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

ANY_FOLDERS = "**"
MOST_PATTERNS = 2_000  # of one list, and characters of one pattern; what is beyond is left aside
MOST_CHARACTERS = 500
_SPECIAL = "*?["


@dataclass(frozen=True)
class _Pattern:
    """One line.

    Attributes:
        parts: What each part of a path has to be, `**` for any; of a pattern without a slash the name alone.
        anywhere: Whether it is for a name at any depth.
        folder: Whether it is for folders alone.
        leaves_out: False where it takes back.
    """

    parts: tuple[str, ...]
    anywhere: bool
    folder: bool
    leaves_out: bool


class _Run:
    """Patterns in a row that say the same, tried together."""

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
        self.leaves_out = patterns[0].leaves_out
        names = [
            [each.parts[0] for each in patterns if each.anywhere and each.folder == kind] for kind in (False, True)
        ]
        self._any, self._folder = map(_either, names)
        self._paths = [(each.folder, [_part(part) for part in each.parts]) for each in patterns if not each.anywhere]

    def fits(self, path: Sequence[str], folder: bool) -> bool:
        """Whether one of them is for an entry."""
        if self._any is not None and self._any.match(path[-1]):
            return True
        if folder and self._folder is not None and self._folder.match(path[-1]):
            return True
        return any((folder or not wanted) and _along(parts, path) for wanted, parts in self._paths)


class Patterns:
    """A list of patterns, the text of a .gitignore by lines."""

    def __init__(self, lines: Iterable[str]) -> None:
        found = [pattern for line in lines if (pattern := _parsed(line)) is not None][:MOST_PATTERNS]
        self.count = len(found)
        self._runs = [_Run(list(run)) for _, run in groupby(found, key=lambda each: each.leaves_out)][::-1]

    def verdict(self, path: Sequence[str], folder: bool) -> bool | None:
        """True: an entry fits; False: it was taken back; None: nothing is said of it.

        Args:
            path: Its folders and its name, from where the list lies.
            folder: Whether it is a folder.
        """
        for run in self._runs:
            if run.fits(path, folder):
                return run.leaves_out
        return None

    def covers(self, path: Sequence[str]) -> bool:
        """Whether a file fits, or a folder that it lies in."""
        last = len(path)
        return any(self.verdict(path[:end], end < last) for end in range(1, last + 1))


def _parsed(line: str) -> _Pattern | None:
    """A line's pattern; None where it is empty, a comment, too long, or ends in a sign that escapes nothing."""
    text = line.rstrip("\r\n")
    text = text if text.endswith("\\ ") else text.rstrip(" \t")
    if not text or text.startswith("#") or len(text) > MOST_CHARACTERS:
        return None
    if (len(text) - len(text.rstrip("\\"))) % 2:
        return None
    leaves_out = not text.startswith("!")
    text = text if leaves_out else text[1:]
    folder = text.endswith("/")
    parts = tuple(part for part in text.split("/") if part)
    if not parts:
        return None
    anywhere = len(parts) == 1 and "/" not in text.rstrip("/") and parts[0] != ANY_FOLDERS
    return _Pattern(parts, anywhere, folder, leaves_out)


def _part(part: str) -> re.Pattern[str] | None:
    """What one part of a path has to match; None for any folders."""
    return None if part == ANY_FOLDERS else _either([part])


def _either(names: Sequence[str]) -> re.Pattern[str] | None:
    """An expression that matches a name that one of some patterns is for."""
    return re.compile("|".join(map(_expression, names))) if names else None


def _expression(pattern: str) -> str:
    """One pattern without slashes as an expression, in the words of `fnmatch`: it never goes back before a star."""
    plain, escaped = "", False
    for character in pattern:
        if escaped or character != "\\":
            plain += f"[{character}]" if escaped and character in _SPECIAL else character
        escaped = character == "\\" and not escaped
    return fnmatch.translate(plain.replace("[^", "[!"))


def _along(parts: Sequence[re.Pattern[str] | None], path: Sequence[str]) -> bool:
    """Whether a path goes along the parts of a pattern, to the end of both; at its end `**` stands for one at least."""
    at, part, again = 0, 0, (-1, -1)  # where to go on if what follows the last `**` does not fit
    while at < len(path):
        wanted = parts[part] if part < len(parts) else None
        if part < len(parts) and wanted is None:
            part, again = part + 1, (part + 1, at)
            if part == len(parts):
                return True
        elif wanted is not None and wanted.match(path[at]):
            at, part = at + 1, part + 1
        elif again[0] < 0:
            return False
        else:
            again = again[0], again[1] + 1
            part, at = again
    return part == len(parts)
