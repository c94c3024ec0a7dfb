"""Presets: training recipes by name, one TOML file each in the folder `presets` beside this module.

A file holds `about`, a line for people; `model`, the cell; and a table `settings` with what else would be given with
-P. It knows names and values; whether they fit is checked where they are used, and by the tests.
"""

from dataclasses import dataclass
from pathlib import Path

from seqgen import settings
from seqgen.errors import UsageError
from seqgen.registry import nearest

AUTO = "auto"  # no preset: settings by corpus, device and budget
FOLDER = Path(__file__).with_suffix("")
ORDER = ("tiny", "small", "medium", "large")  # by size; others follow by name


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        name: What it is called.
        about: What it is for, in a line.
        model: The cell's name.
        settings: Settings of cell, model and training by name.
    """

    name: str
    about: str
    model: str
    settings: settings.Values


def names() -> tuple[str, ...]:
    """The presets there are, the smallest first."""
    found = {path.stem for path in FOLDER.glob("*.toml")}
    return (*(name for name in ORDER if name in found), *sorted(found - set(ORDER)))


def load(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UsageError: There is none; the hint lists those there are.
    """
    if name not in names():
        raise UsageError(f"no preset is called {name!r}", nearest(name, [AUTO, *names()]))
    values = settings.read_toml(FOLDER / f"{name}.toml")
    return Preset(name, values["about"], values["model"], values["settings"])
