"""What `seqgen export` does: a model becomes one HTML page, or one ES module, that runs without Python."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from seqgen import hub
from seqgen.arguments import check_types
from seqgen.errors import UsageError
from seqgen.files import STANDARD, size, write_bytes
from seqgen.jobs.observer import SILENT, Observer

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.export.packing import Arrays
    from seqgen.export.page import About

KINDS = {".html": "html", ".js": "js", ".mjs": "js"}
MOST = 120_000_000  # bytes of a file: browsers take about ten times that in memory while they open it


@dataclass(frozen=True)
class ExportJob:
    """What to export.

    Attributes:
        checkpoint: A run folder, a file, a published name, or `hf://user/repo`.
        output: A .html page or a .js module; "-": a page on standard output.
        precision: float32, float16 or int8.
        licence: That of the corpus; None: as far as it is known.
        title: What the page is called; None: as the checkpoint.
        seed: With which the page begins.
        kind: What the output is to be; None: as its name says.
        memory: Whether counts of corpus and document come along, where the checkpoint has them.
    """

    checkpoint: str
    output: str
    precision: Literal["float32", "float16", "int8"] = "float16"
    licence: str | None = None
    title: str | None = None
    seed: int = 1
    kind: Literal["html", "js"] | None = None
    memory: bool = True

    def __post_init__(self) -> None:
        check_types(self)


def export(job: ExportJob, observer: Observer = SILENT) -> int:
    """Write the file; how many bytes it has.

    Raises:
        UsageError: The output has another ending, a page cannot run such a model, or it would be too large.
        CheckpointError: There is no such checkpoint, or it is damaged.
    """
    kind = job.kind or _kind(job.output)
    from seqgen.api.model import load
    from seqgen.api.sampling import Sampling
    from seqgen.export.form import counts_of, form_of, weights_of
    from seqgen.export.packing import packed
    from seqgen.export.page import module_js, page_html

    name = hub.pinned(job.checkpoint) if hub.is_name(job.checkpoint) else job.checkpoint
    model = load(name)
    sampling = Sampling(seed=job.seed, memory=job.memory)
    form = form_of(model, sampling)
    weights, counts = weights_of(model), counts_of(model, sampling)
    _require_room(job, model, weights, counts)
    about = _about(job, model, name, form.missing, observer)
    made = (page_html if kind == "html" else module_js)(form, packed(weights, job.precision, counts), about)
    for missing in form.missing:
        observer.note(f"Left out: {missing}.")
    write_bytes(job.output, made)
    if job.output != STANDARD:
        observer.note(f"Wrote {job.output} ({size(len(made))}, {job.precision})")
    return len(made)


def _kind(output: str) -> str:
    """html or js, by the name of the file.

    Raises:
        UsageError: It does not say.
    """
    suffix = ".html" if output == STANDARD else Path(output).suffix.lower()
    if suffix not in KINDS:
        hint = "-o model.html for a page that anyone opens, -o model.js for a page of your own, or --format"
        raise UsageError(f"{output}: cannot tell what to write, expected a name that ends in .html or .js", hint)
    return KINDS[suffix]


def _require_room(job: ExportJob, model: "Model", weights: "Arrays", counts: "Arrays") -> None:
    """Raise UsageError where a browser could not open the file."""
    from seqgen.export.packing import packed_size

    needed, least = (packed_size(weights, each, counts) * 4 // 3 for each in (job.precision, "int8"))
    if needed <= MOST:
        return
    smaller = f"--int8 makes it {size(least)}" if least <= MOST else f"with --int8 it would still have {size(least)}"
    hint = smaller if job.precision != "int8" else "train a smaller model: -P hidden, -P layers"
    if counts and (bare := packed_size(weights, job.precision) * 4 // 3) <= MOST:
        hint = f"--no-memory leaves its counts out and makes it {size(bare)}"
    problem = (
        f"{job.output} would have {size(needed)} for {model.checkpoint.parameters:,} parameters in {job.precision}"
    )
    raise UsageError(f"{problem}, expected at most {size(MOST)}", hint)


def _about(job: ExportJob, model: "Model", name: str, missing: tuple[str, ...], observer: Observer) -> "About":
    """What the page says of the model."""
    from seqgen.checkpoint import find
    from seqgen.export import card
    from seqgen.export.page import About

    checkpoint, file = model.checkpoint, find(name)
    licence = job.licence or _licence(model, name, file)
    if licence == card.UNKNOWN:
        observer.note('The licence of the corpus is not known: the page says "unknown". --licence says it.')
    told = card.About(name, file.stat().st_size, licence)
    shape, medium = checkpoint.settings, checkpoint.tokenizer.medium.name
    line = f"A recurrent network that makes {medium} in your browser: {checkpoint.model} {shape.layers}×{shape.hidden}"
    rows = [
        *card.story(checkpoint, told),
        *((title, f"{value:.4f}") for _, title, value in card.measured(checkpoint)),
        ("codec", checkpoint.tokenizer.codec_name),
        ("memory", shape.memory or "none"),
        ("counts", "of corpus and document" if job.memory and checkpoint.experts is not None else "none"),
        ("weights in this page", job.precision),
        ("first seed", str(job.seed)),
    ]
    title = job.title or Path(name).stem or name
    return About(title, f"{line}, {checkpoint.parameters:,} parameters.", rows, missing)


def _licence(model: "Model", name: str, file: Path) -> str:
    """That of the corpus: of a run, of a published model by its card or the corpus of its name; else "unknown"."""
    from seqgen import catalogue
    from seqgen.checkpoint import published
    from seqgen.export.card import UNKNOWN
    from seqgen.jobs.share import licence_of

    found = licence_of(model.checkpoint, file.parent)
    if found != UNKNOWN or published().get(name) != file:
        return found
    beside = file.with_suffix(".md")
    lines = beside.read_text("utf-8").splitlines() if beside.is_file() else []
    told = [line.split("|")[2].strip() for line in lines if line.startswith("| licence of the corpus |")]
    return told[0] if told else catalogue.recipe(name).licence if name in catalogue.names() else UNKNOWN
