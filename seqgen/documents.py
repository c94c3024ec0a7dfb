"""What a document is: the file, a line, what stands between blank lines or marks, a record. Knows bytes only.

Where it is not the file, a file is a list of items. What stands between two of them, the joint, belongs to neither:
it is taken away before the codec, and put back where items are written into one file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

from seqgen.errors import UsageError

BOM = b"\xef\xbb\xbf"
KINDS = ("file", "line", "blank", "marker", "record")


@dataclass(frozen=True)
class Documents:
    """How a file is cut into documents.

    Attributes:
        kind: file: not at all; line: each line that is not blank; blank: what stands between blank lines; marker: what
            stands between marks; record: a record of a table.
        marker: The mark, of kind marker.
        inline: Whether the mark is one anywhere, and not on a line of its own alone.
        field, label: Which of a record's fields is its text, and which its label, if one is; of kind record.
        lines: Whether no record's text has a line end, so that a line is one where they are written.
    """

    kind: Literal["file", "line", "blank", "marker", "record"] = "file"
    marker: str = ""
    inline: bool = False
    field: str = ""
    label: str = ""
    lines: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS or (self.kind == "marker") != bool(self.marker.strip()):
            raise ValueError(f"documents by {self.kind!r} and {self.marker!r}")
        if (self.kind == "record") != bool(self.field):
            raise ValueError(f"documents by {self.kind!r} and the field {self.field!r}")

    @classmethod
    def named(cls, text: str) -> "Documents":
        """What `--documents` stands for: file, line, blank or else a mark.

        Raises:
            UsageError: It is blank.
        """
        if text in BY_NAME:
            return BY_NAME[text]
        if not text.strip():
            raise UsageError("the mark between documents is blank", "--documents blank cuts at blank lines")
        return cls("marker", text)

    @classmethod
    def asked(cls, documents: str | None, field: str | None, label: str | None) -> "str | Documents | None":
        """`--documents`, `--field` and `--label-field` as one.

        Raises:
            UsageError: They do not go together.
        """
        if field is None:
            if label is not None:
                raise UsageError(f"the field {label!r} was given for labels, but none for texts", "give --field, too")
            return documents
        if documents is not None:
            raise UsageError("both --documents and --field were given", "with --field each record is a document")
        if not field or label == "":
            raise UsageError("the name of a field is empty")
        return cls("record", field=field, label=label or "")

    @property
    def whole(self) -> bool:
        """Whether a file is one document."""
        return self.kind == "file"

    @property
    def mark(self) -> bytes:
        """The mark as bytes."""
        return self.marker.encode("utf-8", "surrogateescape")

    @property
    def joint(self) -> bytes:
        """What stands between two items of a file."""
        marked = b"\n" + self.mark.strip() + b"\n"
        record = b"\n" if self.lines else b"\n\n"
        return {"file": b"", "line": b"\n", "blank": b"\n\n", "marker": marked, "record": record}[self.kind]

    @property
    def plural(self) -> str:
        """What sentences call the items."""
        name = f"texts between {self.marker.strip()!r}"
        names = {"file": "files", "line": "lines", "blank": "texts between blank lines", "record": "records"}
        return names.get(self.kind, name)

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {key: value for key, value in asdict(self).items() if value or key in ("kind", "marker", "inline")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Documents":
        """What `to_json` wrote. Raises KeyError, TypeError or ValueError on anything else."""
        kind, marker, inline = data["kind"], data["marker"], data["inline"]
        field, label, lines = data.get("field", ""), data.get("label", ""), data.get("lines", False)
        texts = all(isinstance(each, str) for each in (marker, field, label))
        if not texts or not isinstance(inline, bool) or not isinstance(lines, bool):
            raise TypeError("a mark or a field of the wrong type")
        return cls(kind, marker, inline, field, label, lines)

    def items(self, data: bytes, final: bool) -> tuple[list[bytes], bytes]:
        """(the items of some text, what is left of it as it may go on); nothing is left of the last text.

        Items are stripped of line ends around them; those that hold nothing but spaces are left out.
        """
        parts, rest = self._parts(data + b"\n" if final else data)
        if final:
            parts, rest = [*parts, rest], b""
        return [part for part in (part.strip(b"\r\n") for part in parts) if not part.isspace() and part], rest

    def _parts(self, data: bytes) -> tuple[list[bytes], bytes]:
        if self.kind == "line" or self.inline:
            *parts, rest = data.split(b"\n" if self.kind == "line" else self.mark)
            return parts, rest
        lines = data.split(b"\n")
        last = lines.pop()  # has no line end, so more of it may come
        mark = self.mark.strip()
        groups = [(cut, list(group)) for cut, group in groupby(lines, key=lambda line: line.strip() == mark)]
        whole = [b"\n".join(group) for cut, group in groups if not cut]
        if groups and not groups[-1][0]:
            return whole[:-1], whole[-1] + b"\n" + last
        return whole, last

    def joined(self, items: Iterable[bytes]) -> Iterator[bytes]:
        """A file of items, in pieces; it ends in a line end."""
        joint = b""
        for item in items:
            yield joint + item
            joint = self.joint
        if joint:
            yield b"\n"


WHOLE = Documents()
BY_NAME = {"file": WHOLE, "line": Documents("line"), "blank": Documents("blank")}
