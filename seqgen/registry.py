"""A folder is the registry: what lies in `seqgen/codecs`, `models` or `rules` is what there is.

A variant is one public module (or package) in the folder of its kind; modules whose names begin with an
underscore are the room's own furniture. The class of a variant carries its module's name, case and underscores
aside: `rules/top_k.py` defines `TopK`, `models/lstm.py` defines `LSTM`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from seqgen.errors import UsageError

LONGEST = 60  # characters of a wrong name that are compared
KINDS = {"codecs": "codec", "models": "model", "rules": "rule"}


@cache
def names(kind: str) -> tuple[str, ...]:
    """The variants of a kind, sorted, without importing any of them."""
    folder = Path(__file__).parent / kind
    found = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(name for name in found if not name.startswith("_")))


@cache
def load(kind: str, name: str) -> Any:
    """The class of one variant.

    Raises:
        UsageError: There is no such variant; the message lists those there are.
    """
    if name not in names(kind):
        raise UsageError(f"no {KINDS[kind]} is called {name!r}", nearest(name, names(kind)))
    module = importlib.import_module(f"seqgen.{kind}.{name}")
    wanted = name.replace("_", "")
    for attribute, value in vars(module).items():
        if isinstance(value, type) and attribute.lower() == wanted:
            return value
    raise ImportError(f"{module.__name__} defines no class called {name!r}")


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint that names the closest of `known`, and then them all."""
    return f"{closest(name, known)}there are: {', '.join(known)}"


def closest(name: str, known: Sequence[str]) -> str:
    """The beginning of a hint that names the closest of `known`; empty where none is close."""
    close = difflib.get_close_matches(name[:LONGEST], known, n=1)  # of longer ones the time grows with the square
    return f"did you mean {close[0]!r}? " if close else ""
