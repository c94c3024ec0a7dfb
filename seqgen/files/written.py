"""Which files seqgen wrote: the SHA-256 of each, so that a changed one is no longer known. Knows contents, no names.

The hashes lie in the cache, `written/00` to `written/ff`, one a line. Without them nothing is lost: a file is then
taken for somebody else's.
"""

import contextlib
import os
from pathlib import Path

from seqgen.files import own

FOLDER = "written"
MOST = 650_000  # bytes of one list, 10,000 files; the older half goes then


def remember(path: Path) -> None:
    """Keep the hash of a file, unless its header says whose it is or the cache cannot be written."""
    with contextlib.suppress(OSError):
        if own.container_kind(path):
            return
        digest = _digest(path)
        known = _list(digest)
        if _holds(known, digest):
            return
        known.parent.mkdir(parents=True, exist_ok=True)
        if known.exists() and known.stat().st_size > MOST:
            known.write_bytes(known.read_bytes()[-65 * (MOST // 130) :])
        with known.open("ab") as file:
            file.write(digest.encode() + b"\n")


def knows(path: Path) -> bool:
    """Whether a file is as seqgen wrote it."""
    with contextlib.suppress(OSError):
        digest = _digest(path)
        return _holds(_list(digest), digest)
    return False


def cache() -> Path:
    """The root of the cache, which may not be there."""
    import platformdirs

    root = os.environ.get("SEQGEN_CACHE") or platformdirs.user_cache_dir("seqgen", appauthor=False)
    return Path(root).expanduser()


def _list(digest: str) -> Path:
    return cache() / FOLDER / digest[:2]


def _holds(known: Path, digest: str) -> bool:
    return known.exists() and digest.encode() in known.read_bytes().split()


def _digest(path: Path) -> str:
    import hashlib  # which takes long to import

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
