"""What became of the files of a corpus: read, skipped, dropped, repaired, each counted by kind.

Nothing is lost in silence: whoever leaves something out, or mends it, says so here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict


class ReportRecord(TypedDict):
    """A report as plain data: how many files were read, why others were not, what was dropped and repaired."""

    read: int
    skipped: dict[str, str]
    dropped: dict[str, int]
    repaired: dict[str, int]


@dataclass
class Report:
    """Counts over one file or a whole corpus.

    Attributes:
        read: Files that were encoded.
        skipped: Source name → reason, for files that were left out whole.
        dropped: Kind of event or text → how many were left out of files that were read.
        repaired: Kind of fault → how many were mended.
    """

    read: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Report") -> None:
        """Count another report's files in."""
        self.read += other.read
        self.skipped.update(other.skipped)
        self.dropped.update(other.dropped)
        self.repaired.update(other.repaired)

    def to_json(self) -> ReportRecord:
        """Plain data for JSON."""
        return {
            "read": self.read,
            "skipped": dict(self.skipped),
            "dropped": dict(sorted(self.dropped.items())),
            "repaired": dict(sorted(self.repaired.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """The report that `to_json` wrote."""
        return cls(int(data["read"]), dict(data["skipped"]), Counter(data["dropped"]), Counter(data["repaired"]))
