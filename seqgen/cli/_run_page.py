"""`seqgen train --report`: the page about a run, from its folder, while the run is fresh or long after."""

import json
from pathlib import Path
from typing import Any

from seqgen import files
from seqgen.checkpoint import Checkpoint
from seqgen.cli._guidance import SAMPLES_FILE, advice
from seqgen.errors import MALFORMED, CheckpointError
from seqgen.render.training_report import Story, training_page
from seqgen.training.journal import LOG_FILE, TIMING_FILE


def write_page(folder: Path, path: str) -> None:
    """Write the page about the run in a folder.

    Raises:
        CheckpointError: There is no run, or its files are damaged.
        OutputError: The page cannot be written.
    """
    files.write_bytes(path, training_page(story(folder)).encode("utf-8", "replace"))


def story(folder: Path) -> Story:
    """A run folder as data for the page."""
    checkpoint = Checkpoint.load(folder)
    log, samples = _log(folder), _lines(folder / SAMPLES_FILE)
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
        )
    except MALFORMED as error:
        raise CheckpointError(f"{folder}: its log or settings are damaged ({error!r})", "train it again") from error


def _log(folder: Path) -> list[dict[str, Any]]:
    """The lines of the log, each with the time at its step."""
    clock = {line.get("step"): line.get("seconds") for line in _lines(folder / TIMING_FILE)}
    return [line | {"seconds": clock.get(line.get("step"))} for line in _lines(folder / LOG_FILE)]


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


def _lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file with one a line; none where there is no file."""
    try:
        return [dict(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, *MALFORMED) as error:
        raise CheckpointError(f"{path}: is damaged ({error})", "the checkpoint beside it may still be whole") from error
