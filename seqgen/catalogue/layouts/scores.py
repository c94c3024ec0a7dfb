"""MusicXML scores in one folder a composer, without those that claim rights.

`beethoven/opus18no1/movement1.mxl` becomes `beethoven/opus18no1-movement1.mxl`, so that the folder is the composer.
"""

import io
import re
from collections.abc import Iterable, Iterator

from seqgen.catalogue import archives

RIGHTS = re.compile(rb"<rights[^<>]*+>\s*+[^<\s]")


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Each score that has no rights line, as it is."""
    for name, data in members:
        if not claims_rights(name, data):
            composer, _, rest = name.partition("/")
            yield f"{composer}/{rest.replace('/', '-')}", data


def claims_rights(name: str, data: bytes) -> bool:
    """Whether a score, compressed (.mxl) or not, has a `<rights>` element with text in it."""
    if not name.endswith(".mxl"):
        return RIGHTS.search(data) is not None
    inside = archives.read_zip(io.BytesIO(data), archives.wanted(["*.xml", "*.musicxml"]))
    return any(RIGHTS.search(part) for _, part in inside)
