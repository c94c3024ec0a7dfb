"""Lessons: small tasks that show how recurrent networks learn, each in one file that is read from top to bottom.

Each file holds `run(say, seed)`: it trains networks of the package's own cells in less than a minute on one core, says
what happens line by line, and returns the sections of a page. A lesson is found by its file's name.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqgen import registry
from seqgen.cells import Cell
from seqgen.errors import UsageError
from seqgen.registry import nearest
from seqgen.render.report import Section

Say = Callable[[str], object]


@dataclass(frozen=True)
class Lesson:
    """What a lesson comes to.

    Attributes:
        title: Of the page.
        sections: What it shows.
        numbers: What was measured, by name.
    """

    title: str
    sections: tuple[Section, ...]
    numbers: dict[str, float]


def made(name: str, **settings: float) -> Cell:
    """A cell of the package by its name."""
    cell = registry.load("cells", name)(**settings)
    assert isinstance(cell, Cell)
    return cell


def names() -> tuple[str, ...]:
    """The lessons there are, sorted; none is imported."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def about(name: str) -> str:
    """What a lesson is about: the first line of its file, which is not run."""
    line = Path(__path__[0], f"{name}.py").read_text("utf-8").split("\n")[0]
    return line.strip('"').partition(": ")[2].rstrip(".")


def run(name: str, say: Say, seed: int = 1) -> Lesson:
    """Run a lesson.

    Args:
        name: One of `names()`.
        say: Takes each line of what happens.
        seed: Of weights and data.

    Raises:
        UsageError: There is no such lesson.
    """
    if name not in names():
        raise UsageError(f"no lesson is called {name!r}", nearest(name, names()))
    found = importlib.import_module(f"{__name__}.{name}").run(say, seed)
    assert isinstance(found, Lesson)
    return found
