"""A checkpoint: a model, its codec, its settings and its story in one file that loads alone. Never imports torch.

A checkpoint is a safetensors file as `seqgen.container` lays it down. Its tensors are the weights, float32 or
float16, under the names and in the shapes of `seqgen.models.weight_shapes`; `counts` (V,) int64, how often training
saw each token, missing in old files; and `details` (K,) uint8: one JSON object in UTF-8, keys sorted:

    model       the cell's name
    cell        the cell's settings
    settings    the model's settings
    tokenizer   what `seqgen.tokenizer.Tokenizer.spec` gives
    training    the resolved training configuration
    metrics     what was measured, by name
    provenance  corpus fingerprint and labels, seed, versions, hardware
    bounds      what the corpus holds at most at one instant, by name; stands beside `counts`
    gate        how counts and network are mixed, `seqgen.experts.gate.Gate.to_json`; stands beside `experts.*`

`experts.tokens`, `experts.shares` and `experts.children` are counts of the corpus, as `seqgen.experts.corpus` has them.

The header's `__metadata__` holds `format` "seqgen checkpoint", `version` "1", or "2" where the model has a memory or
such counts, or "3" where it was trained with holes, and the container's two checksums, both verified on load. Shapes
are checked against the settings before any weight is read, and every weight must be finite.

A run folder holds `model.safetensors`, which is this file; CHECKPOINT on the command line may be either.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from seqgen import hub, registry, settings
from seqgen.cells import Cell
from seqgen.container import ROOM, Header, Writer, plain_data, read_header
from seqgen.errors import MALFORMED, CheckpointError, DataError, UsageError
from seqgen.experts import corpus
from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.gate import Gate
from seqgen.experts.mixing import Experts
from seqgen.files import atomic_write
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.seen import Seen, read_seen
from seqgen.settings import Values
from seqgen.tokenizer import Tokenizer

if TYPE_CHECKING:
    from seqgen.models.network import RecurrentLM

FORMAT = "seqgen checkpoint"
VERSION = "1"
WITH_MEMORY = "2"  # of a model with a memory or counts, which earlier versions of seqgen cannot run
WITH_HOLES = "3"  # of one that was trained with holes, whose tokens they do not know
WITH_LINES = "4"  # of one whose counts are mixed by a gate that is told where lines begin; before, it was not
MODEL_FILE = "model.safetensors"
LONGEST = 200  # letters of a name in a message
MAX_DETAILS = 64_000_000
COUNTS = "counts"
EXPERTS = "experts."
ENTRY_ROOM = 128  # header bytes that one tensor's name, type, shape and offsets take at most

Weights = dict[str, NDArray[Any]]


class Metrics(TypedDict, total=False):
    """What was measured of a model: first while it was trained, then at the end of its run.

    Keys:
        steps, tokens, seconds: How much training it had.
        validation_nats: The validation that chose it.
        averaged: Whether it is the average of weights, which was the better one.
        nats_per_token, bits_per_token: On all that was held out, under protocol B.
        ngram_nats, ngram_order: The baseline on the same.
        temperature: `seqgen.evaluation.temperature.Temperature.to_json`.
        bar_similarity: Of music in bars: `seqgen.codecs.Codec.bar_similarity` of the training corpus.
    """

    steps: int
    tokens: int
    seconds: float
    validation_nats: float | None
    averaged: bool
    nats_per_token: float
    bits_per_token: float
    ngram_nats: float
    ngram_order: int
    temperature: Mapping[str, object]
    bar_similarity: Mapping[str, float]


class Provenance(TypedDict, total=False):
    """Where a model came from: corpora by their fingerprints, `parent` by name and SHA-256.

    `sources` are the datasets of the Hub in the corpus, each with its commit.
    """

    corpus: str
    train_tokens: int
    validation_tokens: int
    seed: int
    device: str
    precision: str
    versions: dict[str, str]
    parent: dict[str, str]
    sources: list[str]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What is needed to generate, to evaluate, or to train on.

    Attributes:
        model: The cell's name in the registry.
        cell: The cell.
        settings: The model's shape.
        tokenizer: Codec and framing.
        weights: Name → float32 array (float16 on disk is widened on load).
        training: The resolved training configuration.
        metrics: What was measured.
        provenance: Where it came from.
        seen: What training saw; None: not known.
        experts: Counts that are mixed with the network; None: there are none.
    """

    model: str
    cell: Cell
    settings: ModelSettings
    tokenizer: Tokenizer
    weights: Weights
    training: dict[str, Any] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    provenance: Provenance = field(default_factory=Provenance)
    seen: Seen | None = None
    experts: Experts | None = None

    @classmethod
    def load(cls, path: str | Path) -> "Checkpoint":
        """The checkpoint in a file, a run folder, or published under a name, here or on the Hub (`seqgen.hub`).

        Raises:
            CheckpointError: There is none, or it is damaged, something else, or of another version.
            HubError: It cannot be fetched.
        """
        header = read_header(find(path), CheckpointError)
        _check_format(header)
        header.verify()
        try:
            details = plain_data(header.read("details").tobytes())
            cell, shape = make_model(details["model"], details["cell"], _shape(details["settings"]))
            tokenizer = Tokenizer.from_spec(details["tokenizer"])
            weights = _read_weights(header, weight_shapes(cell, shape, tokenizer.vocab_size))
            training, metrics, provenance = (dict(details[key]) for key in ("training", "metrics", "provenance"))
            seen = None
            if COUNTS in header.tensors:
                seen = read_seen(header.read(COUNTS), details["bounds"], tokenizer.vocab_size)
            experts = _read_experts(header, details["gate"], tokenizer) if "gate" in details else None
        except MALFORMED as error:
            raise _damaged(header.path, f"its details make no sense ({error})") from error
        except UsageError as error:
            raise _damaged(header.path, f"its settings make no sense ({error.message})") from error
        except CheckpointError:
            raise
        except DataError as error:
            raise _damaged(header.path, error.message) from error
        about = training, cast("Metrics", metrics), cast("Provenance", provenance)  # what they hold, readers check
        return cls(details["model"], cell, shape, tokenizer, weights, *about, seen, experts)

    def save(self, path: str | Path, dtype: type[np.floating[Any]] = np.float32) -> None:
        """Write the file atomically; `dtype` float16 halves it, for publishing.

        Raises:
            OutputError: It cannot be written; what was there before is untouched.
        """
        details = {
            "model": self.model,
            "cell": dataclasses.asdict(self.cell),  # type: ignore[call-overload]
            "settings": self.settings.to_json(),
            "tokenizer": self.tokenizer.spec(),
            "training": self.training,
            "metrics": self.metrics,
            "provenance": self.provenance,
        }
        names = weight_shapes(self.cell, self.settings, self.tokenizer.vocab_size)
        tensors = {name: self.weights[name].astype(dtype, copy=False) for name in names}
        if self.seen is not None:
            tensors[COUNTS], details["bounds"] = self.seen.counts, dict(self.seen.bounds)
        version = VERSION if self.settings.memory is None else WITH_MEMORY
        version = WITH_HOLES if self.tokenizer.signs else version
        if self.experts is not None:
            tensors |= {EXPERTS + name: array for name, array in self.experts.counts.arrays.items()}
            details["gate"], version = self.experts.gate.to_json(), WITH_LINES
        write_tensors(path, tensors, details, {"format": FORMAT, "version": version})

    @property
    def parameters(self) -> int:
        """How many numbers the weights hold."""
        return parameters({name: weight.shape for name, weight in self.weights.items()})

    def network(self, device: str = "cpu") -> "RecurrentLM":
        """The torch module with these weights, in evaluation mode."""
        import torch

        from seqgen.models.network import RecurrentLM

        network = RecurrentLM(self.cell, self.settings, self.tokenizer.vocab_size)
        state = {name: torch.from_numpy(np.array(weight)) for name, weight in self.weights.items()}
        network.load_state_dict(state, strict=False)
        return network.to(device).eval()


def make_model(name: str, cell: Mapping[str, Any], model: Mapping[str, Any]) -> tuple[Cell, ModelSettings]:
    """A cell and a shape from plain settings.

    Raises:
        UsageError: A name or key is unknown, a value out of range.
    """
    made = settings.parse(registry.load("cells", name), cell)
    assert isinstance(made, Cell)
    return made, settings.parse(ModelSettings, model)


def find(path: str | Path) -> Path:
    """The checkpoint file that a file name, a run folder, a published name or `hf://user/repo` stands for.

    Raises:
        CheckpointError: There is none; the hint names those there are.
        HubError: It cannot be fetched from the Hub.
    """
    if hub.is_name(path):
        return hub.checkpoint(str(path))
    given = Path(path)
    try:
        is_folder = given.is_dir()
        for candidate in (given / MODEL_FILE if is_folder else given, published().get(str(path))):
            if candidate is not None and candidate.is_file():
                return candidate
    except PermissionError:  # its folder is closed: the command line has one sentence for every such path
        raise
    except OSError as error:  # its name is too long
        hint = "is its name right?"
        raise CheckpointError(f"{str(given)[:LONGEST]}: cannot be looked for ({error.strerror})", hint) from None
    if is_folder:
        raise CheckpointError(f"{given}: holds no {MODEL_FILE}", "did its training reach a first validation?")
    runs = sorted(str(file.parent) for file in Path("checkpoints").glob(f"*/{MODEL_FILE}"))
    train = "train one with: seqgen train FOLDER -o checkpoints/NAME"
    names = [*runs, *published()]
    hint = f"{registry.nearest(str(path), names)}; {train}" if names else train
    raise CheckpointError(f"{given}: there is no such checkpoint", hint)


def published() -> dict[str, Path]:
    """Name → file of the checkpoints that come with seqgen: beside the package, or inside the wheel."""
    package = Path(__file__).parent
    folders = (package / "_data" / "checkpoints", package.parent / "checkpoints")
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.safetensors"))}


def write_tensors(path: str | Path, tensors: Weights, details: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write tensors and their `details` as one container, atomically."""
    text = json.dumps(details, sort_keys=True, separators=(",", ":"), allow_nan=False)
    with atomic_write(path) as file:
        writer = Writer(file, ROOM + ENTRY_ROOM * len(tensors))
        for name, tensor in tensors.items():
            writer.add(name, tensor)
        writer.add("details", np.frombuffer(text.encode("ascii"), np.uint8))
        writer.finish(metadata)


def _shape(settings: Mapping[str, object]) -> Values:
    """The model's settings; dropout stood among them before it became a matter of training alone."""
    return {key: value for key, value in settings.items() if key != "dropout"}


def _check_format(header: Header) -> None:
    found, version = header.metadata.get("format"), header.metadata.get("version")
    if found != FORMAT:
        raise CheckpointError(f"{header.path}: is not a checkpoint (its format is {found!r})")
    if version not in (VERSION, WITH_MEMORY, WITH_HOLES, WITH_LINES):
        hint = "install a newer seqgen"
        raise CheckpointError(
            f"{header.path}: is a checkpoint of version {version!r}, expected {VERSION!r} to {WITH_LINES!r}", hint
        )
    details = header.tensors.get("details")
    if details is None or details.dtype != np.uint8 or details.nbytes > MAX_DETAILS:
        raise _damaged(header.path, "it has no readable details")


def _read_weights(header: Header, shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """The weights, once every name, shape and type has been checked."""
    others = {"details", COUNTS, *(EXPERTS + name for name in corpus.NAMES)}
    missing = set(shapes) ^ (set(header.tensors) - others)
    if missing:
        raise _damaged(header.path, f"its weights do not fit its settings ({', '.join(sorted(missing)[:3])})")
    for name, shape in shapes.items():
        tensor = header.tensors[name]
        if tensor.shape != shape or tensor.dtype.name not in ("float32", "float16"):
            fault = f"weight {name!r} is {tensor.dtype.name} {tensor.shape}, expected {shape}"
            raise _damaged(header.path, fault)
    weights = {name: header.read(name).astype(np.float32, copy=False) for name in shapes}
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise _damaged(header.path, f"weight {name!r} holds numbers that are not finite")
    return weights


def _read_experts(header: Header, gate: Mapping[str, Any], tokenizer: Tokenizer) -> Experts:
    arrays = {name: header.read(EXPERTS + name) for name in corpus.NAMES}
    counts = CorpusCounts.restore(arrays, tokenizer.measured_size)
    return Experts(counts, Gate.restore(gate), tokenizer.document_id, tokenizer.lines())


def _damaged(path: Path, fault: str) -> CheckpointError:
    return CheckpointError(f"{path}: is damaged: {fault}", "restore it from a copy, or train it again")
