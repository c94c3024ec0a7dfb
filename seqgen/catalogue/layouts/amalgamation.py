"""A C amalgamation taken apart again, at the markers that SQLite's build leaves:

    /************** Begin file os.h ********…*/
    /************** Include os.h in the middle of sqliteInt.h ********…*/
    /************** Continuing where we left off in sqliteInt.h ********…*/
    /************** End of os.h ********…*/

A file that was included in the middle of another becomes a file of its own, and the other is whole again. Marker lines,
and what lies outside every file, are left out.
"""

import re
from collections.abc import Iterable, Iterator

MARKER = re.compile(rb"/\*{14} (Begin file|End of|Include|Continuing where we left off in) ([^\s*]++)[^*\n]*+\*++/\s*+")


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """One file for each "Begin file" marker, in their order."""
    for _, data in members:
        yield from split(data).items()


def split(amalgamation: bytes) -> dict[str, bytes]:
    """The files by name."""
    parts: dict[str, list[bytes]] = {}
    inside: list[str] = []  # names of the files that are open, outermost first
    for line in amalgamation.splitlines(keepends=True):
        marker = MARKER.fullmatch(line)
        name = marker[2].decode("ascii", "replace") if marker else ""
        if marker and marker[1] == b"Begin file":
            inside.append(name)
            parts.setdefault(name, [])
        elif marker and marker[1] == b"End of":
            if inside and inside[-1] == name:
                inside.pop()
        elif not marker and inside:
            parts[inside[-1]].append(line)
    return {name: b"".join(lines) for name, lines in parts.items()}
