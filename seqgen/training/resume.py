"""What only resuming needs: weights as they stand, optimizer, random state, hidden state, and where the run was.

It lies beside the checkpoint as `resume.safetensors`, a container like every other file of seqgen. The order of data
is a pure function of (seed, epoch, step), so three numbers say where to go on. Tensors:

    weights.*, adam.*, average.*   as `seqgen.training.snapshot` names them
    state.LAYER.PART               (B, H) the hidden states of all streams, whichever process read them
    random.*                       (R, K) the random state of each process
    losses                         (R,) float64, each process's sum since the last log line
    good.*                         the same of the last good state, where the run has moved on from it
    counts                         (V,) how often the corpus holds each token, where that is known

With another number of processes a run goes on as well; what it drops is then drawn anew.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen import settings
from seqgen.checkpoint import COUNTS, write_tensors
from seqgen.container import Header, plain_data, read_header
from seqgen.errors import MALFORMED, CheckpointError
from seqgen.seen import Seen, read_seen
from seqgen.training import snapshot
from seqgen.training.parallel import Ranks
from seqgen.training.progress import BudgetRecord, Progress, require_count, restored
from seqgen.training.rollback import Place
from seqgen.training.settings import TrainSettings
from seqgen.training.snapshot import Tensors
from seqgen.training.trainer import Trainer

FORMAT = "seqgen resume"
VERSION = "2"
RESUME_FILE = "resume.safetensors"
GOOD = "good."
LATER: dict[str, object] = {
    "pack": False,
    "optimizer": "adamw",
}  # settings that earlier runs did not have, as they were then


class Details(TypedDict):
    """What a file holds beside its tensors. Readers check each value."""

    progress: dict[str, Any]
    updates: int
    targets: int
    good: dict[str, int] | None
    budget: BudgetRecord
    files: dict[str, int]
    log_sha256: NotRequired[str]
    about: dict[str, Any]
    bounds: NotRequired[dict[str, int] | None]


class Restored(NamedTuple):
    """What a file says besides the trainer's state.

    Attributes:
        files: How long the run's other files were then, in bytes.
        log: The SHA-256 of the log; "" where it is not known.
        seen: What training sees, where that was known.
    """

    files: dict[str, int]
    log: str
    seen: Seen | None


def save(
    path: Path,
    trainer: Trainer,
    about: Mapping[str, object],
    files: dict[str, int],
    log: str = "",
    seen: Seen | None = None,
) -> None:
    """Write a trainer's whole state atomically. Every rank calls it, rank 0 writes.

    Args:
        path: The file.
        trainer: Stands between two steps.
        about: What must be the same when the run goes on (corpus, seed, settings).
        files: How long the run's other files are by now, in bytes.
        log: The SHA-256 of the log.
        seen: What training sees, if that is known.
    """
    place, ranks = trainer.good.place, trainer.ranks
    tensors = _gather(snapshot.capture(trainer.step), ranks)
    moved = place is not None and place.total_steps != trainer.progress.total_steps
    if moved:
        tensors |= {GOOD + name: tensor for name, tensor in _gather(trainer.good.tensors, ranks).items()}
    tensors["losses"] = ranks.stacked(trainer.losses.cpu().double())
    details: Details = {
        "progress": dataclasses.asdict(trainer.progress),
        "updates": trainer.step.steps,
        "targets": trainer.targets,
        "good": dataclasses.asdict(place) if moved and place is not None else None,
        "budget": trainer.budget.to_json(),
        "files": files,
        "log_sha256": log,
        "about": dict(about),
        "bounds": None if seen is None else dict(seen.bounds),
    }
    if ranks.is_main:
        arrays: dict[str, NDArray[Any]] = {name: np.atleast_1d(tensor.numpy()) for name, tensor in tensors.items()}
        if seen is not None:
            arrays[COUNTS] = seen.counts
        write_tensors(path, arrays, details, {"format": FORMAT, "version": VERSION})


def load(path: Path, trainer: Trainer, about: Mapping[str, object]) -> Restored:
    """Put a trainer, made with the same settings, back where `save` found it.

    Raises:
        CheckpointError: The file is missing, damaged, or belongs to a run with other settings.
    """
    if not path.exists():
        raise CheckpointError(
            f"{path.parent}: has nothing to go on with: the run ended before it saved for the first time",
            f"begin a run under another -o, from its best model so far, if it has one, by --from {path.parent}",
        )
    header = _open(path)
    try:
        details: Details = plain_data(header.read("details").tobytes())
        recorded = dict(details["about"])
        _check_same(path, recorded | {"train": LATER | settings.renamed(recorded["train"], TrainSettings)}, about)
        own = {"details", COUNTS}
        tensors = {name: torch.from_numpy(header.read(name)) for name in header.tensors if name not in own}
        seen = None
        if COUNTS in header.tensors:
            seen = read_seen(header.read(COUNTS), details["bounds"] or {}, trainer.network.vocab_size)
        _put_back(trainer, details, tensors)
        files = {name: require_count(name, length) for name, length in details["files"].items()}
        return Restored(files, str(details.get("log_sha256", "")), seen)
    except (RuntimeError, *MALFORMED) as error:
        raise CheckpointError(f"{path}: does not fit this run ({error})", "train anew under another -o") from error


def _open(path: Path) -> Header:
    header = read_header(path, CheckpointError)
    found, version = header.metadata.get("format"), header.metadata.get("version")
    if found != FORMAT:
        raise CheckpointError(f"{path}: is not a file to resume from (its format is {found!r})")
    if version != VERSION:
        hint = "go on with it by the version of seqgen that began it, or train anew under another -o"
        raise CheckpointError(f"{path}: is a file of version {version!r} to resume from, expected {VERSION!r}", hint)
    header.verify()
    return header


def _check_same(path: Path, recorded: Mapping[str, object], about: Mapping[str, object]) -> None:
    for key, wanted in about.items():
        found = recorded.get(key)
        if found == wanted:
            continue
        if isinstance(found, dict) and isinstance(wanted, dict):
            name = next(name for name in {**found, **wanted} if found.get(name) != wanted.get(name))
            key, found, wanted = name, found.get(name), wanted.get(name)
        if key == "corpus":  # a hash says nothing to people
            raise CheckpointError(
                f"{path}: the run to resume has another corpus than this call",
                "leave SOURCE out to go on with its own, or begin a run under another -o by --from",
            )
        raise CheckpointError(
            f"{path}: the run to resume has {key} {found!r}, this call has {wanted!r}",
            "resume with the same settings and corpus, or train anew under another -o",
        )


def _put_back(trainer: Trainer, details: Details, tensors: Tensors) -> None:
    ranks, step = trainer.ranks, trainer.step
    trainer.progress = restored(details["progress"])
    batch = trainer.progress.batch or trainer.settings.batch
    if batch > trainer.settings.batch:
        raise ValueError(f"{batch} streams, expected {trainer.settings.batch} at most")
    trainer.resize(batch)
    _require_inside(trainer, trainer.progress)
    place = None if details["good"] is None else Place(**details["good"])
    if place is not None:
        for name, value in dataclasses.asdict(place).items():
            require_count(name, value)
        _require_inside(trainer, place)
    good = {name.removeprefix(GOOD): tensor for name, tensor in tensors.items() if name.startswith(GOOD)}
    if place is not None:
        snapshot.restore(step, _deal(good, trainer))
        step.steps = place.updates
        trainer.good.keep(step, place)
    snapshot.restore(step, _deal(tensors, trainer))
    step.steps = require_count("updates", details["updates"])
    trainer.targets = require_count("targets", details["targets"])
    if place is None:
        trainer.keep()
    sums = tensors["losses"]
    own = sums[ranks.number] if len(sums) == ranks.count else sums.sum() * ranks.is_main
    trainer.losses.copy_(own)
    if details["budget"] != trainer.budget.to_json():  # validations are dealt out anew
        trainer.progress.checks = min(trainer.progress.checks, int(trainer.used() * trainer.settings.validations))
        trainer.progress.bad_checks = 0


def _require_inside(trainer: Trainer, place: Place | Progress) -> None:
    """Raise ValueError where an epoch has no such step."""
    steps = trainer.laid_out(place.epoch).steps
    if place.step >= steps:
        raise ValueError(f"step {place.step} of epoch {place.epoch}, which has {steps}")


def _gather(tensors: Tensors, ranks: Ranks) -> Tensors:
    """The whole of what each rank holds a part of, on the CPU. Every rank calls it."""
    found = {}
    for name, tensor in tensors.items():
        if name.startswith("state."):
            rows = ranks.stacked(tensor.float())  # exact: a bfloat16 is a float32 with a short tail
            found[name] = rows.reshape(-1, rows.shape[-1])
        elif name.startswith("random."):
            found[name] = ranks.stacked(tensor)
        else:
            found[name] = tensor.detach().cpu()
    return found


def _deal(tensors: Tensors, trainer: Trainer) -> Tensors:
    """This rank's part of what `_gather` found."""
    ranks, rows = trainer.ranks, trainer.ranks.rows(trainer.settings.batch)
    found = {}
    for name, tensor in tensors.items():
        if name.startswith("state."):
            if len(tensor) != trainer.settings.batch:
                raise ValueError(f"{len(tensor)} streams, expected {trainer.settings.batch}")
            found[name] = tensor[rows]
        elif not name.startswith("random."):
            found[name] = tensor
        elif len(tensor) == ranks.count:
            found[name] = tensor[ranks.number].contiguous()
    return found
