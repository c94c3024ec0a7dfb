"""A folder is the registry: what lies in `seqgen/codecs`, `cells`, `memories` or `rules` is what there is.

A variant is one public module (or package) in the folder of its kind; modules whose names begin with an
underscore are the room's own furniture. The class of a variant carries its module's name, case and underscores
aside: `rules/top_k.py` defines `TopK`, `cells/lstm` defines `LSTM`.

Installed packages may bring more: see `seqgen.extensions`. A name that lies in the folder never means theirs.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from seqgen import extensions
from seqgen.errors import UsageError

LONGEST = 60  # characters of a wrong name that are compared
BROKEN = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError)  # how a module does not load
KINDS = {"codecs": "codec", "cells": "cell", "rules": "rule", "memories": "memory"}


@cache
def own(kind: str) -> tuple[str, ...]:
    """The variants that come with seqgen, sorted, without importing any of them."""
    folder = Path(__file__).parent / kind
    found = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(name for name in found if not name.startswith("_")))


@cache
def names(kind: str) -> tuple[str, ...]:
    """All variants of a kind, those of installed packages too, without importing any: for lists that people read."""
    return tuple(sorted({*own(kind), *(each.name for each in brought(kind))}))


@cache
def brought(kind: str) -> tuple[extensions.Extension, ...]:
    """What installed packages bring of a kind; what takes a name of seqgen's own is left out with a warning."""
    found = [each for each in extensions.found() if each.kind == kind]
    for each in found:
        if each.name in own(kind):
            extensions.warn(f"{each} is left out: seqgen has a {KINDS[kind]} of that name")
    return tuple(each for each in found if each.name not in own(kind))


@cache
def load(kind: str, name: str) -> Any:
    """The class of one variant.

    Raises:
        UsageError: There is no such variant, and the message lists those there are; or it is broken, as one that is
            just being written may be; or two packages bring one of that name.
    """
    if name not in own(kind):
        return _of_package(kind, name)
    try:
        return _class(kind, name)
    except BROKEN as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        hint = f"CONTRIBUTING.md says what a {KINDS[kind]} is made of"
        raise UsageError(f"the {KINDS[kind]} {name} cannot be used ({said})", hint) from error


def _class(kind: str, name: str) -> type:
    """The class of one of seqgen's own; one of BROKEN where the module does not load, or is not made as it must be."""
    module = importlib.import_module(f"seqgen.{kind}.{name}")
    wanted = name.replace("_", "")
    for attribute, value in vars(module).items():
        if isinstance(value, type) and attribute.lower() == wanted:
            if fault := extensions.fault(kind, value):
                raise TypeError(fault)
            return value
    spelled = "".join(part.capitalize() for part in name.split("_"))
    raise ImportError(f"{module.__name__} defines no class called {spelled}")


@cache
def usable(kind: str) -> dict[str, Any]:
    """The class of every variant, by name, for what looks through all; one that is broken costs a warning.

    What is returned is shared: it is not to be changed.
    """
    found = {}
    for name in names(kind):
        try:
            found[name] = load(kind, name)
        except UsageError as error:
            extensions.warn(f"{error.message}; {error.hint}")
    return found


def known(kind: str, name: str) -> str:
    """The name, if there is such a variant: nothing is imported, and packages are asked only for what is not ours.

    Raises:
        UsageError: There is none.
    """
    if name not in own(kind) and name not in names(kind):
        raise _unknown(kind, name)
    return name


def _unknown(kind: str, name: str) -> UsageError:
    return UsageError(f"no {KINDS[kind]} is called {name!r}", nearest(name, names(kind)))


def _of_package(kind: str, name: str) -> Any:
    given = [each for each in brought(kind) if each.name == name]
    if not given:
        raise _unknown(kind, name)
    if len(given) > 1:
        packages = " and ".join(each.package for each in given)
        raise UsageError(f"the packages {packages} both bring a {KINDS[kind]} called {name!r}", "uninstall one of them")
    return given[0].load()


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint that names the closest of `known`, and then them all."""
    return f"{closest(name, known)}there are: {', '.join(known)}"


def closest(name: str, known: Sequence[str]) -> str:
    """The beginning of a hint that names the closest of `known`; empty where none is close."""
    close = difflib.get_close_matches(name[:LONGEST], known, n=1)  # of longer ones the time grows with the square
    return f"did you mean {close[0]!r}? " if close else ""
