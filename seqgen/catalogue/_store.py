"""The cache of fetched corpora: staged, checked, renamed, so that what is there is whole."""

import contextlib
import errno
import hashlib
import importlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from seqgen.catalogue import _fetch, archives
from seqgen.catalogue._recipe import Expect, Recipe, recipe
from seqgen.errors import DownloadError, OutputError
from seqgen.files import cache_folder, make_folder, new_file, size, sync_folder, system, verified

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

Member = tuple[str, bytes]
Note = Callable[[str], None]
LOCK = "lock"
STARTING = 10  # seconds in which a staged folder may not be locked yet
STALE = 24 * 3600  # seconds after which a staged folder is nobody's, locked or not


def locate(name: str) -> Path | None:
    """The folder of a corpus that is already in the cache, whole, or None.

    Raises:
        UsageError: There is no such corpus.
    """
    return _intact(recipe(name))


def get(name: str, to: Path | None = None, note: Note = lambda message: None) -> Path:
    """The folder of plain files of a corpus, fetched into the cache when missing.

    Args:
        name: The corpus.
        to: A new or empty folder that gets a copy of its own, and is returned.
        note: Takes remarks for people.

    Raises:
        UsageError: There is no such corpus.
        DownloadError: It cannot be fetched, or is not what its recipe promises; nothing is left behind.
        OutputError: The cache or `to` cannot be written.
    """
    chosen = recipe(name)
    if to is not None:
        _require_free(to)
    folder = _intact(chosen)
    if folder is None:
        if _home(chosen).exists():
            note(f"{chosen.name}: what the cache has of it is damaged; it is fetched again")
        folder = _fetched(chosen, note)
    return folder if to is None else _copied(folder, to)


def _home(chosen: Recipe) -> Path:
    return cache_folder("corpora") / chosen.key()


def _intact(chosen: Recipe) -> Path | None:
    """The cached folder, if it holds what was put there; by count alone where an earlier version put it there."""
    folder = _home(chosen) / chosen.name
    try:
        found = json.loads((folder.parent / "found.json").read_text("utf-8"))
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        if (found["files"], found["bytes"]) != (len(paths), sum(path.stat().st_size for path in paths)):
            return None
        if "sha256" in found:
            verified.once(paths, found["sha256"], lambda: _compare(folder, paths, found["sha256"]))
        return folder
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _compare(folder: Path, paths: Iterable[Path], expected: str) -> None:
    """Raises ValueError where names and contents have another digest."""
    if _digest(folder, paths) != expected:
        raise ValueError("not what was put there")


def _digest(folder: Path, paths: Iterable[Path]) -> str:
    """A SHA-256 of the files in a folder, names and contents."""
    found = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            found.update(f"{path.relative_to(folder).as_posix()}\0".encode("utf-8", "surrogateescape"))
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _fetched(chosen: Recipe, note: Note) -> Path:
    home = _home(chosen)
    _sweep(home.parent)
    note(f"fetching {chosen.name}: {chosen.source}")
    start = time.monotonic()
    with _disk(home.parent), _staged(home) as stage:
        with tempfile.TemporaryDirectory(prefix=".download.", dir=stage) as scratch:
            archive = _fetch.fetch(chosen.source, Path(scratch))
            found = _write(_files(chosen, archive), stage / chosen.name)
        _verify(chosen, found, note)
        folder = stage / chosen.name
        digest = _digest(folder, sorted(path for path in folder.rglob("*") if path.is_file()))
        texts = {
            "ATTRIBUTION.txt": f"{chosen.name}: {chosen.licence}\n{chosen.attribution}\n",
            "found.json": json.dumps({"files": found.files, "bytes": found.bytes, "sha256": digest}),
        }
        for name, text in texts.items():
            with new_file(stage / name) as file:
                file.write(text.encode())
        system.calls.sync_all()
        _put(stage, home, chosen)
    seconds = time.monotonic() - start
    note(f"{chosen.name}: {found.files:,} files, {size(found.bytes)}, in {seconds:.1f} s")
    return home / chosen.name


def _files(chosen: Recipe, archive: Path) -> Iterator[Member]:
    """The corpus's files, name and content, from the members of its archive."""
    layout = importlib.import_module(f"seqgen.catalogue.layouts.{chosen.layout.replace('-', '_')}")
    files: Iterator[Member] = layout.files(_stripped(_members(chosen, archive), chosen.strip))
    return files


def _members(chosen: Recipe, archive: Path) -> Iterator[Member]:
    choose = archives.wanted(chosen.members)
    if chosen.source.file in ("wheel", "zip"):
        yield from archives.read_zip(archive, choose)
    elif chosen.source.file in ("sdist", "tar"):
        yield from archives.read_tar(archive, choose, inner=chosen.source.inner)
    elif chosen.source.file == "deb":
        with _fetch.debian_files(archive) as stream:
            yield from archives.read_tar_stream(stream, choose, inner=chosen.source.inner)
    elif choose(archive.name):
        yield archive.name, archive.read_bytes()


def _stripped(members: Iterable[Member], count: int) -> Iterator[Member]:
    for name, data in members:
        parts = name.split("/")
        yield "/".join(parts[min(count, len(parts) - 1) :]), data


def _write(files: Iterable[Member], folder: Path) -> Expect:
    """Write a new folder of plain files.

    Raises:
        DownloadError: There are none, or two have one name.
    """
    count = total = 0
    for name, data in files:
        path = folder.joinpath(*archives.safe_name(name).split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with new_file(path) as file:
                file.write(data)
        except FileExistsError:
            raise DownloadError(f"the archive gives two files the name {name!r}", "nothing was kept") from None
        count, total = count + 1, total + len(data)
    if not count:
        raise DownloadError("the archive holds none of the members that the recipe names", "nothing was kept")
    return Expect(count, total)


def _verify(chosen: Recipe, found: Expect, note: Note) -> None:
    expect = chosen.expect
    if found.files == expect.files and expect.bytes in (0, found.bytes):
        return
    wanted = f"expected {expect.files:,} files of {expect.bytes:,} bytes, found {found.files:,} of {found.bytes:,}"
    if chosen.source.kind != "debian":
        raise DownloadError(f"{chosen.name} is not what its recipe promises: {wanted}", "nothing was kept")
    note(f"{chosen.name}: this version of the package differs from the one the recipe was written for ({wanted})")


def _require_free(to: Path) -> None:
    with _disk(to):
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise OutputError(f"{to}: is there already, expected a new or empty folder", "name another with --to")


def _copied(folder: Path, to: Path) -> Path:
    make_folder(to.parent)
    with _disk(to), _staged(to) as stage:
        shutil.copytree(folder, stage / folder.name)
        if to.exists():
            to.rmdir()  # empty, as was checked
        system.calls.sync_all()
        system.calls.rename(stage / folder.name, to)
        sync_folder(to.parent)
    return to


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn what the disk has against it into one sentence."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = (
            "free some space first" if full else "choose a folder of your own: SEQGEN_CACHE sets where corpora are kept"
        )
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); nothing was left", hint) from error


@contextlib.contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder beside `target` that is gone afterwards, whatever happens.

    A lock on the file in it says that its process lives; the system drops the lock when the process is killed.
    """
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        with (stage / LOCK).open("wb") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put(stage: Path, home: Path, chosen: Recipe) -> None:
    """Move what was staged to its place; where another process was quicker, its copy is as good."""
    whole = stage / "whole"
    whole.mkdir()
    for part in (chosen.name, "ATTRIBUTION.txt", "found.json"):
        (stage / part).rename(whole / part)
    try:
        system.calls.rename(whole, home)
    except OSError:
        if _intact(chosen):
            return
        if not home.exists():
            raise
        home.rename(stage / "damaged")
        system.calls.rename(whole, home)
    sync_folder(home.parent)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left staged."""
    for path in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            age = time.time() - path.stat().st_mtime
            if age > STALE or (age > STARTING and _abandoned(path)):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(stage: Path) -> bool:
    """Whether nobody holds the lock of a staged folder. False where that cannot be told."""
    if fcntl is None:
        return False
    with (stage / LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
