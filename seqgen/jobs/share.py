"""A checkpoint goes to the Hub with its card, or comes from there: what `seqgen push` and `seqgen pull` do."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqgen import catalogue, hub
from seqgen.checkpoint import MODEL_FILE, Checkpoint, find
from seqgen.errors import CheckpointError, HubError, SeqgenError, UsageError
from seqgen.export.card import UNKNOWN, About, card, is_ours, is_untouched, sources
from seqgen.files import atomic_folder, make_folder, new_file, require_free, size
from seqgen.hub.pushing import CARD
from seqgen.jobs.observer import SILENT, Observer
from seqgen.training.recorded import recorded


@dataclass(frozen=True)
class PushJob:
    """What to push, and where to.

    Attributes:
        checkpoint: A run folder, a file, or a published name.
        repository: `user/name` on the Hub.
        licence: That of the corpus; None: as far as it is known.
        private: Whether only its owner sees a repository that is made.
        replace: Whether what somebody else put there, or wrote into the card, is replaced.
    """

    checkpoint: str
    repository: str
    licence: str | None = None
    private: bool = False
    replace: bool = False


@dataclass(frozen=True)
class Parcel:
    """What a push would upload.

    Attributes:
        name: The repository.
        file: The checkpoint.
        card: The text of its README.md.
    """

    name: hub.Name
    file: Path
    card: str


def prepare(job: PushJob, observer: Observer = SILENT) -> Parcel:
    """What would go out; nothing is asked of the Hub, unless the corpus came from there.

    Raises:
        UsageError: The repository's name makes no sense, or has a revision or a path.
        CheckpointError: There is no such checkpoint, or it is damaged.
    """
    name = hub.repository(job.repository)
    if name.revision is not None or name.path:
        raise UsageError(f"{name}: a push goes to the main branch, under the usual name", f"write {name.repo}")
    checkpoint, file = Checkpoint.load(job.checkpoint), find(job.checkpoint)
    licence = job.licence or licence_of(checkpoint, file.parent)
    if licence == UNKNOWN:
        observer.note('The licence of the corpus is not known: the card says "unknown". --licence says it.')
    about = About(name.repo, file.stat().st_size, licence)
    return Parcel(name, file, card(checkpoint, about))


def push(job: PushJob, observer: Observer = SILENT) -> str:
    """Upload a checkpoint and its card as one commit.

    Returns:
        The pinned name: `hf://user/name@COMMIT`.

    Raises:
        SeqgenError: As `prepare`; or the Hub cannot be reached, does not take it, or holds something that is not ours.
    """
    parcel = prepare(job, observer)
    standing = hub.look(parcel.name)
    files: dict[str, Path | bytes] = {MODEL_FILE: parcel.file, CARD: parcel.card.encode()}
    if standing.commit is not None and standing.files and not job.replace:
        if standing.card is None or not is_ours(standing.card):
            held = ", ".join(standing.files[:3])
            raise HubError(
                f"{parcel.name}: holds something that seqgen did not push ({held})",
                "name another repository; --force puts the model beside it, and replaces files of the same names",
            )
        if not is_untouched(standing.card):
            del files[CARD]
            observer.note(f"{CARD} was changed on the Hub and stays as it is; --force replaces it.")
    made = "" if standing.commit else ("a new private repository, " if job.private else "a new public repository, ")
    seen = "" if not standing.commit else "private, " if standing.private else "public, "
    observer.note(f"Pushing to {parcel.name} ({made or seen}{' and '.join(files)}, {size(parcel.file.stat().st_size)})")
    commit, warned = hub.push(parcel.name, files, f"Push {parcel.name.repo}", standing, job.private)
    for remark in warned:
        observer.note(f"The Hub says: {remark}")
    return str(parcel.name.at(commit))


def pull(repository: str, output: str | None = None, observer: Observer = SILENT) -> Path:
    """Fetch a model into a folder of its own, once it has been read as any checkpoint is.

    Args:
        repository: `user/name`, `user/name@revision` or the same with hf:// before it.
        output: A new or empty folder; None: `checkpoints/NAME`.
        observer: Is told which commit it is.

    Returns:
        The folder, which is used as a run folder is.

    Raises:
        SeqgenError: It cannot be fetched, is no checkpoint, or the folder is taken; nothing is left behind.
    """
    asked = hub.repository(repository)
    folder = Path("checkpoints", asked.repo.partition("/")[2]) if output is None else Path(output)
    require_free(folder)
    name = hub.parse(hub.pinned(str(asked)))
    file = find(str(name))
    try:
        Checkpoint.load(file)
    except CheckpointError as error:
        raise CheckpointError(
            error.message.replace(str(file), str(name)), "its repository holds no sound model"
        ) from error
    observer.note(f"This is {name} ({size(file.stat().st_size)})")
    make_folder(folder.parent)
    with atomic_folder(folder) as staged, new_file(staged / MODEL_FILE) as copy:
        copy.write(file.read_bytes())
    return folder


def licence_of(checkpoint: Checkpoint, folder: Path) -> str:
    """That of everything a checkpoint learned from, where all of it is known; else "unknown"."""
    found = {_on_hub(name) for name in sources(checkpoint)} or set(_catalogued(folder))
    if (parent := checkpoint.provenance.get("parent")) is not None:  # what the weights began with is in them, too
        name = parent.get("name") if isinstance(parent, dict) else None
        found.add(_on_hub(name) if isinstance(name, str) and hub.is_name(name) else UNKNOWN)
    return "; ".join(sorted(found)) if found and UNKNOWN not in found else UNKNOWN


def _on_hub(pinned: str) -> str:
    """The licence on the own card of a dataset, or of a model."""
    with contextlib.suppress(HubError, UsageError):
        name = hub.parse(pinned)
        text = hub.text(name, CARD, 1_000_000) or ""
        front = text.replace("\r\n", "\n").split("\n---", 1)[0].split("\n")
        said = [line.partition(":")[2].strip().strip("\"'") for line in front if line.startswith("license:")]
        if front[0] == "---" and said and said[0]:
            return said[0]
    return UNKNOWN


def _catalogued(folder: Path) -> Iterator[str]:
    """The licences of the catalogue's corpora that a run learned from, where its stream holds just their files."""
    with contextlib.suppress(SeqgenError):
        files = {source["name"]: source["sha256"] for source in recorded(folder).stream.sources}
        for corpus in sorted({name.partition("/")[0] for name in files}):
            own = {name: digest for name, digest in files.items() if name.partition("/")[0] == corpus}
            yield catalogue.recipe(corpus).licence if _holds(corpus, own) else UNKNOWN


def _holds(corpus: str, files: dict[str, str]) -> bool:
    """Whether the catalogue's copy of a corpus has these files, by name and content."""
    climbs = any(".." in name.split("/") for name in files)
    if climbs or corpus not in catalogue.names() or (place := catalogue.locate(corpus)) is None:
        return False
    try:
        return all(
            hashlib.sha256((place.parent / name).read_bytes()).hexdigest() == digest for name, digest in files.items()
        )
    except OSError:
        return False
