"""Rules, cells and codecs that other installed packages bring. They name them in their `pyproject.toml`:

    [project.entry-points."seqgen.rules"]
    mine = "my_package.rules:Mine"

`seqgen.cells` and `seqgen.codecs` likewise. Nothing of such a package is imported before its variant is asked for by
name, or before all of a kind are looked through; and packages are looked for only where seqgen itself has no such
name, or where all names are listed. The current folder is never looked into. What is broken costs one sentence.
"""

import contextlib
import dataclasses
import importlib
import inspect
import os
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgen.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = {"codecs": "seqgen.codecs", "cells": "seqgen.cells", "rules": "seqgen.rules"}
# What a variant is made from, in `seqgen.<kind>`.
BASES = {"codecs": "Codec", "cells": "Cell", "rules": "Rule", "memories": "Memory"}
METADATA = (".dist-info", ".egg-info")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ExtensionWarning(UserWarning):
    """Something of an installed package cannot be used; the sentence names it."""


@dataclasses.dataclass(frozen=True)
class Extension:
    """A variant that a package declares.

    Attributes:
        kind, name: What it is.
        package, version: Who brings it; the version may be unknown and then is "".
        entry: Where its class is.
    """

    kind: str
    name: str
    package: str
    version: str
    entry: "EntryPoint"

    def load(self) -> Any:
        """Its class.

        Raises:
            UsageError: It cannot be imported, or is not what its kind needs.
        """
        try:
            found = self.entry.load()
            said = fault(self.kind, found)
        except (Exception, SystemExit) as error:  # whatever a stranger's module does
            said = f"{type(error).__name__}: {error}"
        if said:
            short = " ".join(said.split())[:300]
            hint = f"pip install --upgrade {self.package}, or pip uninstall {self.package}"
            raise UsageError(f"{self} cannot be used ({short})", hint)
        return found

    def __str__(self) -> str:
        return f"{GROUPS[self.kind].removeprefix('seqgen.')[:-1]} {self.name} of the package {self.package}"


@cache
def found() -> tuple[Extension, ...]:
    """What all installed packages declare, by name; what is declared wrongly is left out with a warning."""
    made: list[Extension] = []
    packages = set()
    for folder in _declaring():
        package, _, version = folder.name.rpartition(".")[0].partition("-")
        if package.lower() in packages:
            continue  # the first on the path is the one that is imported
        packages.add(package.lower())
        try:
            made += _declared(folder, package, version)
        except Exception as error:  # entry points that nobody can read
            warn(f"the package {package} is left out: its entry points cannot be read ({type(error).__name__})")
    return tuple(sorted(made, key=lambda each: (each.kind, each.name, each.package)))


def warn(sentence: str) -> None:
    """Say that something of a package is left out; the command line says it as a note."""
    warnings.warn(sentence, ExtensionWarning, stacklevel=3)


def _declared(folder: Path, package: str, version: str) -> Iterator[Extension]:
    """What one package declares."""
    from importlib.metadata import Distribution  # which takes longer to import than all of the above

    kinds = {group: kind for kind, group in GROUPS.items()}
    for entry in Distribution.at(folder).entry_points:
        if entry.group not in kinds:
            continue
        if NAME.fullmatch(entry.name):
            yield Extension(kinds[entry.group], entry.name, package, version, entry)
        else:
            shown = ascii(entry.name)[:60]
            warn(f"{shown} of the package {package} is left out: a name has small letters, digits and _ only")


def _declaring() -> Iterator[Path]:
    """The metadata folders of the installed packages that say anything of seqgen, in the order of `sys.path`."""
    here = ""
    with contextlib.suppress(OSError):  # it was removed
        here = os.path.realpath(os.getcwd())  # noqa: PTH109 (as below, paths are compared as text)
    for place in dict.fromkeys(os.path.realpath(each) for each in sys.path if each):
        if place != here:
            yield from filter(_mentions_us, _metadata(place))


def _metadata(place: str) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.name.endswith(METADATA))
    except OSError:  # an archive, a folder that is not there
        return []


def _mentions_us(folder: Path) -> bool:
    try:
        return b"[seqgen." in (folder / "entry_points.txt").read_bytes()
    except OSError:
        return False


def fault(kind: str, found: Any) -> str:
    """What a class lacks to be of its kind; nothing where it is fine."""
    base = getattr(importlib.import_module(f"seqgen.{kind}"), BASES[kind])
    if not (isinstance(found, type) and issubclass(found, base)) or inspect.isabstract(found):
        return f"it is no finished class made from seqgen.{kind}.{BASES[kind]}"
    missing = [name for name in inspect.get_annotations(base) if not hasattr(found, name)]
    if missing:
        return f"it says nothing of {', '.join(missing)}"
    settings: Any = getattr(found, "Options", None) if kind == "codecs" else found
    if not dataclasses.is_dataclass(settings):
        return "its settings are no dataclass"
    if kind == "rules" and len(dataclasses.fields(settings)) != 1:
        return "a rule is a frozen dataclass with one field, its value"
    return ""
