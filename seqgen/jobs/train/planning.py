"""How a run is to go: flags, preset, checkpoint to go on from and defaults, resolved into a `TrainPlan`."""

import dataclasses
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seqgen import hub, registry, settings
from seqgen.cells import Cell
from seqgen.checkpoint import MODEL_FILE, Checkpoint, find, make_model
from seqgen.codecs import Codec
from seqgen.errors import MALFORMED, CheckpointError, SeqgenError, SettingError, UsageError
from seqgen.jobs.train.kinds import DEFAULT_MODEL, model_kinds
from seqgen.jobs.train.settings import TrainJob
from seqgen.models import ModelSettings, weight_shapes
from seqgen.settings import Values
from seqgen.stream import TokenStream
from seqgen.training import defaults, infilling, parallel, presets
from seqgen.training.defaults import Reading
from seqgen.training.device import pick_device
from seqgen.training.estimate import reference_rate
from seqgen.training.memory import fitting_batch
from seqgen.training.packing import packs
from seqgen.training.plan import PlanRecord, TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.recorded import TRAINING_FILE, unsealed
from seqgen.training.settings import TrainSettings
from seqgen.training.splitting import FIRST, SPLIT

MOST = 10**15  # minutes, epochs, steps
MEMORY = ("memory", "memory_length")  # settings that change what a token costs
REMEMBERED = 256  # tokens of a document from which on a memory pays, in the mean
GENTLER = 0.5  # the learning rate of a model that goes on from a checkpoint, as a share of a fresh one's


@dataclass(frozen=True, eq=False)
class Parent:
    """The checkpoint that a run goes on from.

    Attributes:
        name: What its run folder or file is called.
        sha256: Of the file.
        checkpoint: What it holds.
    """

    name: str
    sha256: str
    checkpoint: Checkpoint

    @classmethod
    def load(cls, path: str) -> "Parent":
        """The checkpoint of a run folder, a file, or a published name, here or on the Hub. Raises DataError."""
        path = hub.pinned(path) if hub.is_name(path) else path
        file = find(path)
        checkpoint = Checkpoint.load(file)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        own = file.resolve().parent.name if file.name == MODEL_FILE else file.stem
        return cls(path if hub.is_name(path) else own, digest, checkpoint)


def preset_of(job: TrainJob) -> presets.Preset | None:
    """The preset asked for, or None for `auto`."""
    return None if job.preset == presets.AUTO else presets.load(job.preset)


def model_of(job: TrainJob, parent: Parent | None) -> str:
    """The cell's name: as asked for, as the checkpoint or the preset has it, or the default.

    Raises:
        UsageError: The checkpoint has another, or there is a preset besides.
    """
    preset, asked = preset_of(job), job.model
    if parent is None:
        return str(asked or (preset.model if preset else DEFAULT_MODEL))
    found = parent.checkpoint.model
    if asked not in (None, found):
        raise UsageError(f"--model is {asked!r}, but the checkpoint {parent.name} is of {found!r}", "leave it out")
    if preset is None:
        return found
    raise UsageError("both --preset and --from were given", "the checkpoint has a shape: leave --preset out")


def new_plan(job: TrainJob, stream: TokenStream, given: Mapping[str, object], parent: Parent | None) -> TrainPlan:
    """The resolved configuration of a run that begins: what was asked for, and defaults for the rest.

    Args:
        job: What was asked for.
        stream: The corpus.
        given: The share of the job's settings that is not the codec's.
        parent: What the run goes on from.
    """
    device, preset, budget = pick_device(job.device), preset_of(job), job.budget
    if budget == Budget():
        budget = Budget(minutes=defaults.CPU_MINUTES if device.type == "cpu" else defaults.GPU_MINUTES)
    model = model_of(job, parent)
    kinds = model_kinds(model)
    inherited = {} if parent is None else dataclasses.asdict(parent.checkpoint.settings)
    codec = registry.load("codecs", str(stream.codec_spec["name"]))
    memory = {} if "memory" in given else _memory(codec, stream, device.type, given)
    reading = _reading(job, stream, device.type, budget, {**memory, **given, **inherited}, model)
    values = dict(preset.settings) if preset else _automatic(device.type, reading, {**given, **inherited})
    values = {**memory, **values} if codec.with_counts else {**memory, **values, "counts": 0}
    if codec.transposes:
        moved = defaults.transposition(device.type, reading, {**values, **given, **inherited})
        values = {"transpose": moved} | values
    if parent is not None:
        values = _gentle(values) | infilling.inherited(parent.name, parent.checkpoint, given)
    cell, shape, train = settings.distribute({**_known(values, kinds), **given}, *kinds)
    if parent is not None:
        cell, shape = _inherited(parent, given, kinds)
    made: Cell = settings.parse(kinds[0], cell)
    sized = settings.parse(ModelSettings, shape)
    training = settings.parse(TrainSettings, train)
    if "pack" not in train:
        training = dataclasses.replace(training, pack=packs(stream.starts, training))
    if device.type == "cuda" and "batch" not in given:  # nobody's wish: as many streams as there is memory for
        free = torch.cuda.mem_get_info(device)[0]
        batch = fitting_batch(made, sized, stream.vocab_size, training.batch, training.window, free)
        training = dataclasses.replace(training, batch=batch)
    return TrainPlan(
        model,
        made,
        sized,
        training,
        budget,
        _seed(job, stream, parent),
        device,
        preset=job.preset,
        parent=None if parent is None else {"name": parent.name, "sha256": parent.sha256},
    )


def _reading(
    job: TrainJob, stream: TokenStream, device: str, budget: Budget, given: Mapping[str, object], model: str
) -> Reading:
    """How much a run reads; where minutes bound it, the processors of all ranks are tried for a second."""
    held_out = 0.0 if job.held_out else settings.convert("validation", given.get("validation", 0.1), float)
    tokens = max(1, round(len(stream.ids) * (1 - held_out)))
    kinds, memory = model_kinds(model), {key: given[key] for key in MEMORY if given.get(key) is not None}
    remembers = settings.parse(ModelSettings, memory).memory is not None
    if budget.minutes is None or device != "cpu":
        return Reading(tokens, budget, memory=remembers)
    cell: Cell = settings.parse(kinds[0], settings.distribute(given, *kinds)[0])
    rate = parallel.current().total(reference_rate(cell, stream.vocab_size, memory))
    return Reading(tokens, budget, rate, remembers)


def _memory(codec: type[Codec], stream: TokenStream, device: str, given: Mapping[str, object]) -> Mapping[str, object]:
    """Settings of the memory for documents of a codec: with holes one that sees what follows, none for short ones."""
    found = codec.memory if device == "cpu" and len(stream.ids) >= REMEMBERED * max(1, stream.documents) else {}
    return {**found, "memory": "lookahead"} if settings.convert("infill", given.get("infill", 0.0), float) else found


def _automatic(device: str, reading: Reading, given: Mapping[str, object]) -> Values:
    shape, train = defaults.choose(device, reading, given)
    return {**shape, **train}


def _gentle(values: Values) -> Values:
    """Settings for a model that knows something already: large steps would make it forget."""
    return values | {"learning_rate": GENTLER * settings.convert("learning_rate", values["learning_rate"], float)}


def _known(values: Values, kinds: tuple[type, ...]) -> Values:
    """Those values that some class knows: a preset for one cell may be used with another."""
    fields = {name for kind in kinds for name in settings.fields(kind)}
    return {key: value for key, value in values.items() if key in fields}


def _inherited(parent: Parent, given: Mapping[str, object], kinds: tuple[type, ...]) -> tuple[Values, Values]:
    """(cell's, model's) settings as the checkpoint has them.

    Raises:
        SettingError: Others were asked for.
    """
    checkpoint = parent.checkpoint
    cell = dataclasses.asdict(checkpoint.cell)  # type: ignore[call-overload]
    shape, hints = infilling.shape(checkpoint, given), _types(kinds)
    found = cell | shape
    for key, value in given.items():
        if key in found and settings.convert(key, value, hints[key]) != found[key]:
            has = settings.text(found[key])
            message = f"{key} is {value}, but the checkpoint {parent.name} has {has}"
            raise SettingError(message, f"leave it out: with --from, {key} comes from the checkpoint")
    return cell, shape


def _types(kinds: tuple[type, ...]) -> dict[str, object]:
    import typing

    return {key: hint for kind in kinds for key, hint in typing.get_type_hints(kind).items()}


def _seed(job: TrainJob, stream: TokenStream, parent: Parent | None) -> int:
    """The seed asked for, or a fresh one; on the parent's own corpus its seed, so that the same part is held out."""
    if job.seed is not None:
        return job.seed
    if parent is not None:
        about = parent.checkpoint.provenance
        if about.get("corpus") == stream.fingerprint and isinstance(about.get("seed"), int):
            return int(about["seed"])
    return int(parallel.current().run_on_main(lambda: secrets.randbits(31)))


@dataclass(frozen=True)
class Recalled:
    """What an earlier call wrote down.

    Attributes:
        stream: Where the corpus lies.
        held_out: The same of what it is validated on; None: a part of it.
        plan: How it was to go.
        version: Of the split.
    """

    stream: str
    held_out: str | None
    plan: PlanRecord
    version: int


def recall(folder: Path) -> Recalled:
    """What an earlier call wrote down.

    Raises:
        CheckpointError: There was none, or it cannot be read.
    """
    path = folder / TRAINING_FILE
    try:
        found = unsealed(path.read_bytes())
        plan = _recorded(found["plan"])
        version = int(found.get("split", FIRST))
        if not FIRST <= version <= SPLIT:
            raise ValueError(f"its split is of version {version}")
        return Recalled(_text(found["stream"]), found["held_out"] and _text(found["held_out"]), plan, version)
    except FileNotFoundError:
        raise CheckpointError(f"{folder}: holds no run to go on with", "leave --resume out to begin one") from None
    except (OSError, SeqgenError, *MALFORMED) as error:
        reason = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else f"is damaged ({error})"
        raise CheckpointError(f"{path}: {reason}", "train anew under another -o") from error


def _recorded(plan: Any) -> PlanRecord:
    """A plan that was written down.

    Raises:
        SeqgenError: A setting makes no sense.
        Exception: One of MALFORMED: it is no plan.
    """
    make_model(_text(plan["model"]), dict(plan["cell"]), dict(plan["settings"]))
    settings.parse(TrainSettings, plan["train"])
    budget = Budget(**plan["budget"])
    for key, value in dataclasses.asdict(budget).items():
        if value is not None and not 0 < settings.convert(key, value, float) <= MOST:
            raise SettingError(f"{key} is {settings.text(value)}, expected more than 0 and at most {MOST}")
    if not 0 <= settings.convert("seed", plan["seed"], int) < 1 << 32:
        raise SettingError(f"seed is {settings.text(plan['seed'])}, expected 0 to {(1 << 32) - 1}")
    return {
        "model": plan["model"],
        "cell": dict(plan["cell"]),
        "settings": dict(plan["settings"]),
        "train": dict(plan["train"]),
        "budget": budget.to_json(),
        "seed": plan["seed"],
        "device": _text(plan["device"]),
        "preset": _text(plan.get("preset", presets.AUTO)),
        "parent": plan.get("parent") and dict(plan["parent"]),
    }


def _text(value: Any) -> str:
    """`value`. Raises ValueError where it is no text."""
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} instead of a text")
    return value


def old_plan(job: TrainJob, recorded: PlanRecord, given: Mapping[str, object]) -> TrainPlan:
    """The configuration of an earlier call; the budget may be a new one, and so may settings that then must agree."""
    kinds = model_kinds(recorded["model"])
    preset = preset_of(job)
    asked = {**(_known(preset.settings, kinds) if preset else {}), **given}
    cell, shape, train = settings.distribute(asked, *kinds)
    made, model = make_model(recorded["model"], recorded["cell"] | cell, recorded["settings"] | shape)
    return TrainPlan(
        recorded["model"],
        made,
        model,
        settings.parse(TrainSettings, settings.renamed(recorded["train"], TrainSettings) | train),
        Budget(**recorded["budget"]) if job.budget == Budget() else job.budget,
        recorded["seed"] if job.seed is None else job.seed,
        pick_device(job.device if job.device != "auto" else recorded["device"]),
        preset=recorded["preset"],
        parent=recorded["parent"],
    )


def describe_shape(plan: TrainPlan) -> str:
    """`lstm 2×512`, `lstm 2×512 with attention over 256 tokens`."""
    shape = plan.shape
    beside = "" if shape.memory is None else f" with {shape.memory} over {shape.memory_length:,} tokens"
    return f"{plan.model} {shape.layers}×{shape.hidden}{beside}"


def weight_count(plan: TrainPlan, vocab_size: int) -> int:
    """How many numbers the weights hold."""
    from seqgen.models import parameters

    return parameters(weight_shapes(plan.cell, plan.shape, vocab_size))
