"""A run's log: losses in one file, the clock in another, and the lines of such files read again with distrust.

The clock is kept apart so that `log.jsonl` is the same to the byte however often a run was stopped on its way.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqgen import files
from seqgen.container import plain_data
from seqgen.errors import MALFORMED, CheckpointError

LOG_FILE = "log.jsonl"
TIMING_FILE = "timing.jsonl"
NAMES = (LOG_FILE, TIMING_FILE)
Row = dict[str, Any]  # a line of JSON as it was read; what `kinds` names is of its kind
MOST = 1e15  # of a number in a line


def sound_lines(path: Path, kinds: Mapping[str, type], needed: Callable[[Row], bool]) -> tuple[list[Row], list[int]]:
    """The JSON objects of a file with one a line, as far as they are what they should be; none where there is no file.

    Args:
        path: The file.
        kinds: Key → float for a number, str for a text. What is another, or null where a number stands mostly, is
            left to whoever knows; what stands there is of its kind.
        needed: Whether a line has all that it must have.

    Returns:
        (the lines, the numbers from 1 on of those that make no sense and are left out).

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    lines, odd = [], []
    for number, line in enumerate(data.splitlines(), 1):
        found = sound(line, kinds)
        if found is None or not needed(found):
            odd.append(number)
        else:
            lines.append(found)
    return lines, odd


def sound(line: bytes, kinds: Mapping[str, type]) -> Row | None:
    """What a line holds; None where it is no JSON object, or a value of `kinds` in it is of another kind."""
    try:
        found = plain_data(line)
    except MALFORMED:
        return None
    if not isinstance(found, dict) or not all(_fits(found.get(key), kind) for key, kind in kinds.items()):
        return None
    return found


def _fits(value: Any, kind: type) -> bool:
    """Whether a value is a text, or a number that can be counted with, as `kind` asks; nothing fits everything."""
    if value is None or kind is str:
        return value is None or isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


class Journal:
    """The log of the run in a folder.

    Args:
        folder: The run folder; it may not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line; its `seconds`, if it has any, go to the other file."""
        rest = {key: value for key, value in line.items() if key != "seconds"}
        self._append(LOG_FILE, rest)
        if "seconds" in line:
            self._append(TIMING_FILE, {"step": line["step"], "seconds": line["seconds"]})

    def lengths(self) -> dict[str, int]:
        """How long the files are, in bytes."""
        paths = [self.folder / name for name in NAMES]
        return {path.name: path.stat().st_size for path in paths if path.exists()}

    def digest(self, length: int | None = None) -> str:
        """A SHA-256 of the first `length` bytes of the log, or of all of it."""
        path = self.folder / LOG_FILE
        return hashlib.sha256(path.read_bytes()[:length] if path.exists() else b"").hexdigest()

    def damage(self, lengths: dict[str, int], digest: str) -> str:
        """A sentence if the log does not begin with what had these lengths and this digest; "" if so, or unknown."""
        if digest in ("", self.digest(lengths.get(LOG_FILE, 0))):
            return ""
        return f"{self.folder / LOG_FILE}: is damaged: it is not what this run wrote"

    def cut(self, lengths: dict[str, int]) -> None:
        """Drop what was appended since the files were that long.

        Raises:
            OutputError: They cannot be written.
        """
        for name in NAMES:
            path = self.folder / name
            data = path.read_bytes() if path.exists() else b""
            files.write_bytes(path, data[: lengths.get(name, 0)])

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
