"""Files of the Hub in the cache.

Each lies in a folder of its own, named by a digest of its path in the repository. So no name in a repository, however
odd, chooses a place on this disk, and no two are one where case does not count.
"""

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from seqgen.errors import MALFORMED, OutputError
from seqgen.files import atomic_folder, cache_folder, new_file, system, verified
from seqgen.hub import library
from seqgen.hub.downloading import downloaded
from seqgen.hub.listing import Entry
from seqgen.hub.names import Name

FOUND = "found"
LETTERS = 100  # of a file's own name


def home(name: Name) -> Path:
    """The folder of a commit."""
    folder = f"{name.kind}s--{name.repo.replace('/', '--')}"
    return cache_folder("hub", library.endpoint_key(), folder, str(name.revision))


def kept(name: Name, path: str) -> Path | None:
    """A file that is there, whole; None where it is not, or is damaged."""
    place = _place(name, path)
    file = place / _plain(path)
    try:
        about = json.loads((place / FOUND).read_bytes())
        if (about["path"], about["bytes"]) != (path, file.stat().st_size):
            return None
        verified.once([file], about["sha256"], lambda: _compare(file, about["sha256"]))
    except (OSError, *MALFORMED):
        return None
    return file


def fetched(name: Name, entry: Entry) -> Path:
    """A file that is not there, fetched.

    Raises:
        HubError: It cannot be fetched, or is not what the Hub lists.
        OutputError: The cache cannot be written.
    """
    place = _place(name, entry.path)
    try:
        if place.exists():
            if (there := kept(name, entry.path)) is not None:
                return there  # another process was quicker
            shutil.rmtree(place, ignore_errors=True)
        with atomic_folder(place) as staged:  # what a killed process leaves of it, the next one removes
            with tempfile.TemporaryDirectory(dir=staged) as scratch:
                system.calls.rename(downloaded(name, entry, Path(scratch)), staged / _plain(entry.path))
            with new_file(staged / FOUND) as file:
                file.write(_found(staged / _plain(entry.path), entry))
    except OutputError:
        if (there := kept(name, entry.path)) is None:
            raise
        return there
    return place / _plain(entry.path)


def _found(file: Path, entry: Entry) -> bytes:
    """What is written down of a file."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return json.dumps({"path": entry.path, "bytes": entry.bytes, "sha256": digest}).encode()


def _place(name: Name, path: str) -> Path:
    return home(name) / hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(path: str) -> str:
    """What a file is called here: its own name, without what a file system may refuse."""
    own = re.sub(r"[^\w .()+-]", "_", PurePosixPath(path).name)[-LETTERS:].lstrip(". ")
    return "file" if own in ("", FOUND) else own


def _compare(file: Path, expected: str) -> None:
    """Raises ValueError where a file has another SHA-256."""
    with file.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != expected:
            raise ValueError("not what was put there")
