"""Which entries of a folder are wanted: the user's patterns, the folder's own .gitignore, and what nobody wrote.

A .gitignore counts in the folder that it lies in and below. Those above the given folder do not, nor do git's settings:
who names a folder means it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqgen.errors import SettingError
from seqgen.files import leaving
from seqgen.files.patterns import MOST_CHARACTERS, Patterns

LIST = ".gitignore"
MOST_BYTES = 1 << 16  # of a .gitignore that are read
MOST_IGNORED = 20_000  # patterns of all lists together, beyond which further lists are left aside

Lists = tuple[tuple[int, Patterns], ...]  # of a folder and of those above it: (how deep it lies, what it says)


@dataclass(frozen=True)
class Choice:
    """What of a folder is wanted.

    Attributes:
        follow_links: Whether links may lead out of it.
        made: Whether what nobody wrote is wanted, too: what `seqgen.files.leaving` and a .gitignore name.
        hidden: Whether hidden files are.
        include: Patterns in the manner of .gitignore, one of which a file or a folder above it has to fit, if any.
        exclude: Patterns that none may fit.
    """

    follow_links: bool = False
    made: bool = False
    hidden: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns:
                if not Patterns([pattern]).count:
                    fault = f"{option} is {pattern[:60]!r}, expected a pattern such as '*.py' or 'tests/'"
                    raise SettingError(fault, f"of at most {MOST_CHARACTERS} characters, and no comment")


USUAL = Choice()


class Chooser:
    """Tells why an entry is left out, along one walk."""

    def __init__(self, choice: Choice) -> None:
        self._made, self.hidden = choice.made, choice.hidden
        self._include = Patterns(choice.include) if choice.include else None
        self._exclude = Patterns(choice.exclude)
        self._room = MOST_IGNORED

    def lists(self, folder: str, names: frozenset[str], depth: int, above: Lists) -> Lists:
        """The lists that count in a folder, given those that count above it."""
        if self._made or LIST not in names or self._room <= 0:
            return above
        found = Patterns(_lines(Path(folder, LIST)))
        self._room -= found.count
        return (*above, (depth, found)) if found.count else above

    def folder(self, parts: Sequence[str], beside: frozenset[str], names: frozenset[str], lists: Lists) -> str:
        """Why a folder is left out, by its path, what lies beside it and what it holds; "" where it is wanted."""
        if self._exclude.verdict(parts, True):
            return leaving.EXCLUDED
        if not self._made and (reason := leaving.folder_reason(parts[-1], len(parts) == 1, beside, names)):
            return reason
        if parts[-1].startswith(".") and not self.hidden and parts[-1] not in leaving.WRITTEN:
            return leaving.HIDDEN
        return _listed(parts, True, lists)

    def file(self, parts: Sequence[str], lists: Lists) -> str:
        """Why a file is left out, by its path; "" where it is wanted."""
        name = parts[-1]
        if self._exclude.verdict(parts, False) or (self._include is not None and not self._include.covers(parts)):
            return leaving.EXCLUDED
        if name.startswith(".") and not self.hidden:
            return leaving.HIDDEN
        return "" if self._made else leaving.file_reason(name) or _listed(parts, False, lists)


def _listed(parts: Sequence[str], folder: bool, lists: Lists) -> str:
    """Whether a .gitignore names an entry; the nearest that says something decides."""
    for depth, patterns in reversed(lists):
        verdict = patterns.verdict(parts[depth:], folder)
        if verdict is not None:
            return leaving.IGNORED if verdict else ""
    return ""


def _lines(path: Path) -> list[str]:
    """The lines of a .gitignore that is a plain file; none of any other."""
    try:
        if path.is_symlink() or not path.is_file():
            return []
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8-sig", "replace").split("\n")
    except OSError:
        return []
