"""What became of the files of a corpus: read, skipped, dropped, repaired, each counted by kind.

Nothing is lost in silence: whoever leaves something out, or mends it, says so here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict


class LeftOutRecord(TypedDict):
    """What was left out for one reason, as plain data."""

    files: int
    bytes: int
    names: list[str]


class ReportRecord(TypedDict):
    """A report as plain data: how much was read, why the rest was not, what was dropped and repaired."""

    read: int
    skipped: dict[str, str]
    dropped: dict[str, int]
    repaired: dict[str, int]
    bytes: NotRequired[int]
    left_out: NotRequired[dict[str, LeftOutRecord]]
    strange: NotRequired[dict[str, int]]


NAMED = 5  # of what is left out for one reason


@dataclass
class LeftOut:
    """What of a corpus was left out for one reason.

    Attributes:
        files, bytes: How much.
        names: The first of them; of a folder that was left out whole, it alone.
    """

    files: int = 0
    bytes: int = 0
    names: list[str] = field(default_factory=list)

    def count(self, name: str, size: int, files: int = 1) -> None:
        """A file of so many bytes, or a folder of several, is left out."""
        self.files += files
        self.bytes += size
        if len(self.names) < NAMED and name not in self.names:
            self.names.append(name)

    def add(self, other: "LeftOut") -> None:
        """Count what was left out elsewhere for the same reason."""
        self.files += other.files
        self.bytes += other.bytes
        self.names += other.names[: NAMED - len(self.names)]

    def to_json(self) -> LeftOutRecord:
        """Plain data for JSON."""
        return {"files": self.files, "bytes": self.bytes, "names": list(self.names)}


@dataclass
class Report:
    """Counts over one file or a whole corpus.

    Attributes:
        read: Files that were encoded.
        bytes: How many bytes they have; 0 where an older version did not say.
        left_out: Reason → what was left out for it without being opened, or by its first bytes.
        strange: Likely encoding → bytes of text that are no UTF-8, kept as they are.
        skipped: Source name → reason, for files that could not be read.
        dropped: Kind of event or text → how many were left out of files that were read.
        repaired: Kind of fault → how many were mended.
    """

    read: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    strange: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Report") -> None:
        """Count another report's files in."""
        self.read += other.read
        self.skipped.update(other.skipped)
        self.dropped.update(other.dropped)
        self.repaired.update(other.repaired)
        self.bytes += other.bytes
        self.leave(other.left_out)
        self.strange.update(other.strange)

    def leave(self, left_out: Mapping[str, LeftOut]) -> None:
        """Count what was left out, too."""
        for reason, left in left_out.items():
            self.left_out.setdefault(reason, LeftOut()).add(left)

    def to_json(self) -> ReportRecord:
        """Plain data for JSON; `bytes` and `left_out` are in it where there are any."""
        found: ReportRecord = {
            "read": self.read,
            "skipped": dict(self.skipped),
            "dropped": dict(sorted(self.dropped.items())),
            "repaired": dict(sorted(self.repaired.items())),
        }
        if self.bytes:
            found["bytes"] = self.bytes
        if self.left_out:
            found["left_out"] = {reason: left.to_json() for reason, left in sorted(self.left_out.items())}
        if self.strange:
            found["strange"] = dict(sorted(self.strange.items()))
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """The report that `to_json` wrote, of this version or of one that knew no bytes and no `left_out`."""
        left = {
            str(reason): LeftOut(int(each["files"]), int(each["bytes"]), [str(name) for name in each["names"]])
            for reason, each in data.get("left_out", {}).items()
        }
        skipped, dropped, repaired = data["skipped"], data["dropped"], data["repaired"]
        size = int(data.get("bytes", 0))
        return cls(
            int(data["read"]),
            dict(skipped),
            Counter(dropped),
            Counter(repaired),
            size,
            left,
            Counter(data.get("strange", {})),
        )
