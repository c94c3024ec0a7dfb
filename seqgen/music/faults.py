"""Where damage in a file is told: an error when strict, a count in the report when not. Knows nothing of music."""

from typing import NoReturn

from seqgen.errors import MidiError
from seqgen.report import Report

SKIP = "drop the file, or pass -P skip_bad true"


def refuse(offset: int, problem: str) -> NoReturn:
    """Give the whole file up. Raises MidiError with the byte offset."""
    raise MidiError(f"byte {offset}: {problem}", SKIP)


class Faults:
    """What one reader found wrong, or left out.

    Args:
        report: Counts by kind; None makes every fault an error.
    """

    def __init__(self, report: Report | None) -> None:
        self._report = report

    def repaired(self, kind: str, offset: int, problem: str) -> None:
        """A fault that can be mended. Raises MidiError when strict."""
        if self._report is None:
            refuse(offset, problem)
        self._report.repaired[kind] += 1

    def dropped(self, kind: str, offset: int, problem: str) -> None:
        """A fault for which something is lost. Raises MidiError when strict."""
        if self._report is None:
            refuse(offset, problem)
        self._report.dropped[kind] += 1

    def mended(self, kind: str, count: int = 1) -> None:
        """A harmless irregularity: counted, never an error."""
        if self._report is not None and count:
            self._report.repaired[kind] += count

    def left_out(self, kind: str, count: int = 1) -> None:
        """Something sound that a `Score` has no place for: counted, never an error."""
        if self._report is not None and count:
            self._report.dropped[kind] += count
