"""Where the takes of a user lie, and whether they are kept at all."""

import os
from pathlib import Path

from seqgen.settings import FALSE

FILE = "takes.sqlite"
PLACE = "SEQGEN_TAKES"  # the variable that says where
OFF = FALSE | {"none"}


def kept() -> bool:
    """Whether takes are kept at all: not where SEQGEN_TAKES is a word for no."""
    return os.environ.get(PLACE, "").lower() not in OFF


def place() -> Path:
    """Where the takes of this user lie; where they would, if none are kept."""
    given = os.environ.get(PLACE)
    if given and kept():
        path = Path(given).expanduser()
        return path / FILE if path.is_dir() or given.endswith(("/", os.sep)) else path
    import platformdirs

    return Path(platformdirs.user_data_dir("seqgen", appauthor=False)) / FILE
