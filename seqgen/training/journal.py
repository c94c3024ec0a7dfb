"""A run's log: losses in one file, the clock in another. Knows lines and files, not what they mean.

The clock is kept apart so that `log.jsonl` is the same to the byte however often a run was stopped on its way.
"""

import json
from pathlib import Path
from typing import Any

from seqgen import files

LOG_FILE = "log.jsonl"
TIMING_FILE = "timing.jsonl"
NAMES = (LOG_FILE, TIMING_FILE)


class Journal:
    """The log of the run in a folder.

    Args:
        folder: The run folder; it may not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, line: dict[str, Any]) -> None:
        """Append a line; its `seconds`, if it has any, go to the other file."""
        rest = {key: value for key, value in line.items() if key != "seconds"}
        self._append(LOG_FILE, rest)
        if "seconds" in line:
            self._append(TIMING_FILE, {"step": line["step"], "seconds": line["seconds"]})

    def lengths(self) -> dict[str, int]:
        """How long the files are, in bytes."""
        paths = [self.folder / name for name in NAMES]
        return {path.name: path.stat().st_size for path in paths if path.exists()}

    def cut(self, lengths: dict[str, int]) -> None:
        """Drop what was appended since the files were that long.

        Raises:
            OutputError: They cannot be written.
        """
        for name in NAMES:
            path = self.folder / name
            data = path.read_bytes() if path.exists() else b""
            files.write_bytes(path, data[: lengths.get(name, 0)])

    def _append(self, name: str, line: dict[str, Any]) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
