"""`seqgen train --report`: the page about a run, from its folder, while the run is fresh or long after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqgen import files
from seqgen.checkpoint import Checkpoint
from seqgen.errors import MALFORMED, CheckpointError
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.train.facts import advice
from seqgen.jobs.train.watching import INSIDE_FILE, SAMPLES_FILE
from seqgen.render.training_report import Story, training_page
from seqgen.training.journal import LOG_FILE, TIMING_FILE, Row, sound_lines

CLOCK = {"step": float, "seconds": float}
LOSSES = dict.fromkeys(("step", "epoch", "nats", "validation_nats", "raw_nats", "averaged_nats"), float)
SAMPLES = {"step": float, "nats": float, "text": str}
SHOWN = 5  # numbers of lines that are left out


def write_page(folder: Path, path: str | Path, observer: Observer = SILENT) -> None:
    """Write the page about the run in a folder; the observer is told which lines make no sense.

    Raises:
        CheckpointError: There is no run, or its files are damaged.
        OutputError: The page cannot be written.
    """
    found = story(folder, observer)
    try:
        page = training_page(found)
    except MALFORMED as error:
        raise _damaged(folder, error) from error
    files.write_bytes(path, page.encode("utf-8", "replace"))


def story(folder: Path, observer: Observer = SILENT) -> Story:
    """A run folder as data for the page."""
    checkpoint = Checkpoint.load(folder)
    log, samples = _log(folder, observer), _lines(folder / SAMPLES_FILE, SAMPLES, *SAMPLES, observer=observer)
    training, metrics = checkpoint.training, checkpoint.metrics
    measured = "ngram_nats" in metrics
    try:
        return Story(
            folder.resolve().name,
            _facts(checkpoint),
            log,
            samples,
            {
                "Model": {"cell": training["model"], **training["settings"], **training["cell"]},
                "Training": training["train"],
            },
            [(f"{metrics['ngram_order']}-gram", metrics["ngram_nats"])] if measured else [],
            advice(training, log, metrics) if measured else "",
            _lines(folder / INSIDE_FILE, {"step": float}, "step", observer=observer),
        )
    except MALFORMED as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{folder}: its story in the checkpoint makes no sense ({error!r})", "train it again")


def _log(folder: Path, observer: Observer) -> list[Row]:
    """The lines of the log, each with the time at its step, and what every validation has."""
    timing = _lines(folder / TIMING_FILE, CLOCK, "step", "seconds", observer=observer)
    clock = {line["step"]: line["seconds"] for line in timing}
    lines = _lines(folder / LOG_FILE, LOSSES, "step", observer=observer)
    return [{"nats": None} | line | {"seconds": clock.get(line["step"])} for line in lines]


def _facts(checkpoint: Checkpoint) -> list[tuple[str, Any]]:
    metrics, about, training = checkpoint.metrics, checkpoint.provenance, checkpoint.training
    budget = [f"{value:g} {unit}" for unit, value in training["budget"].items() if value is not None]
    parent = about.get("parent")
    shape = f"{checkpoint.model} {checkpoint.settings.layers}×{checkpoint.settings.hidden}"
    rows = [
        ("validation, nats per token", metrics.get("nats_per_token", metrics.get("validation_nats"))),
        ("n-gram baseline, nats per token", metrics.get("ngram_nats")),
        ("corpus, tokens to train on", about.get("train_tokens")),
        ("held out, tokens", about.get("validation_tokens")),
        ("codec, vocabulary", f"{checkpoint.tokenizer.codec_name}, {checkpoint.tokenizer.vocab_size:,}"),
        ("model", f"{shape}, {checkpoint.parameters:,} parameters"),
        ("went on from", None if parent is None else f"{parent['name']} ({parent['sha256'][:12]})"),
        ("preset", training.get("preset")),
        ("device, precision", f"{about.get('device')}, {about.get('precision')}"),
        ("budget", ", ".join(budget)),
        ("best model: steps, tokens, seconds", f"{metrics['steps']:,}, {metrics['tokens']:,}, {metrics['seconds']:g}"),
        ("seed", str(training["seed"])),
    ]
    return [(what, value) for what, value in rows if value is not None]


def _lines(path: Path, kinds: Mapping[str, type], *keys: str, observer: Observer) -> list[Row]:
    """The lines of a file that make sense; those that do not are named, and left out of the page."""

    def needed(line: Row) -> bool:
        validated = line.get("validation_nats") is not None
        return all(line.get(key) is not None for key in (*keys, *(("epoch",) if validated else ())))

    found, odd = sound_lines(path, kinds, needed)
    if odd:
        shown = ", ".join(map(str, odd[:SHOWN])) + (" …" if len(odd) > SHOWN else "")
        observer.note(f"{path}: left out of the page, since they make no sense: line {shown}")
    return found
