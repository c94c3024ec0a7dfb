"""One file from the Hub, into a folder that is thrown away: no longer than it was listed, and of its checksum."""

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

from seqgen.errors import HubError
from seqgen.hub import library
from seqgen.hub.listing import Entry
from seqgen.hub.names import Name

LEFT = "nothing was left behind"
SHOWN = 1_000_000  # bytes from which a file has a progress bar


def downloaded(name: Name, entry: Entry, scratch: Path) -> Path:
    """The file, somewhere in `scratch`. A connection that is cut is taken up again by the package, a few times.

    Raises:
        HubError: It cannot be fetched, or is not what the Hub lists.
    """
    with library.told(name):
        loaded = library.library().hf_hub_download(
            name.repo, entry.path, repo_type=name.kind, revision=name.revision, local_dir=scratch,
            endpoint=library.endpoint(), library_name="seqgen", tqdm_class=_bar(name, entry),
        )  # fmt: skip
    file = Path(loaded)
    if not file.is_file() or file.is_symlink() or not file.resolve().is_relative_to(scratch.resolve()):
        raise HubError(f"{name}: {entry.path} did not arrive where it was to", LEFT)
    if file.stat().st_size != entry.bytes or _checksum(file, entry) != entry.checksum:
        raise HubError(f"{name}: what arrived of {entry.path} is not what the Hub lists", f"try again; {LEFT}")
    return file


def _checksum(file: Path, entry: Entry) -> str:
    """What the Hub should say of a file's content."""
    kind = entry.checksum.partition(":")[0]
    found = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    if kind == "git":
        found.update(b"blob %d\0" % entry.bytes)
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            found.update(block)
    return f"{kind}:{found.hexdigest()}"


def _bar(name: Name, entry: Entry) -> type:
    """A progress bar on stderr, which ends a download that has too many bytes."""
    from tqdm import tqdm  # not needed to start

    class Bar(tqdm):  # type: ignore[misc]
        """Counts what arrives, whether it is shown or not."""

        arrived = 0

        def __init__(self, *given: Any, **more: Any) -> None:
            more.pop("name", None)
            hidden = True if entry.bytes < SHOWN else None  # None: where stderr is no terminal
            shown = {"desc": PurePosixPath(entry.path).name[-24:], "disable": hidden, "leave": False}
            super().__init__(*given, **(more | shown))

        def update(self, n: float | None = 1) -> Any:
            self.arrived += int(n or 0)
            if self.arrived > entry.bytes:
                raise HubError(f"{name}: {entry.path} is longer than the Hub lists", LEFT)
            return super().update(n)

        def update_transfer(self, count: float) -> None:
            """Bytes on the wire, which Xet packs otherwise than in the file."""

        def set_transfer_postfix_str(self, text: str, refresh: bool = True) -> None:
            """Their speed."""

    return Bar
