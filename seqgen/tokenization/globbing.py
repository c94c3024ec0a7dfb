"""A glob → what matches it, in time linear in the folders there are. Knows names and links, not corpora.

The library's own `**` follows links along every path, of which a few folders hold millions. Here `**` stands for the
folders of the real tree; and what a glob finds behind a link out of its own folder is left alone, as in any folder.
"""

import glob
import os
from collections.abc import Iterator
from itertools import dropwhile

from seqgen.files.walking import OUTSIDE, folders, within

RECURSIVE = "**"


def globbed(pattern: str, follow_links: bool = False) -> tuple[list[str], dict[str, str]]:
    """(what matches, sorted; name → reason of what was passed over)."""
    matches = sorted(set(_matches(pattern.replace(os.sep, "/"))))
    if follow_links:
        return matches, {}
    top = os.path.realpath(_top(pattern))
    inside = [match for match in matches if within(os.path.realpath(match), top)]
    kept = set(inside)
    outside = [match for match in matches if match not in kept]
    more = f", and so are {len(outside) - 1:,} more" if len(outside) > 1 else ""
    return inside, dict.fromkeys(outside[:1], OUTSIDE + more)


def _matches(pattern: str) -> Iterator[str]:
    parts = pattern.split("/")
    if RECURSIVE not in parts:
        yield from glob.glob(pattern)  # noqa: PTH207 (patterns may be absolute)
        return
    at = parts.index(RECURSIVE)
    start = "".join(f"{part}/" for part in parts[:at])
    rest = "/".join(dropwhile(RECURSIVE.__eq__, parts[at:]))
    for top in glob.glob(start) if start else [""]:  # noqa: PTH207
        if not rest:
            yield top or "."
            continue
        for folder in folders(top or "."):
            below = folder if top else folder.removeprefix(".").removeprefix("/")
            yield from _matches(glob.escape(below and f"{below.rstrip('/')}/") + rest)


def _top(pattern: str) -> str:
    """The folder before the first part that has something to match in it."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first]) or ("/" if first else ".")
