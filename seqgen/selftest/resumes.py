"""Mutated and forged resume files: `train --resume` refuses them in one sentence, or goes on. Imports torch."""

import contextlib
import io
from pathlib import Path
from random import Random
from typing import Any

from seqgen.selftest import MEMORY, Tally, _materials, peak_memory
from seqgen.selftest.containers import Reader, attempt, damaged

TITLE = "mutated resume files: no error but ours, 300 MB beside torch"
QUICK, LONG = 300, 20_000


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """One run is prepared once, and told to resume from each file."""
    reader = _resume_reader(folder)
    path = folder / "run" / "resume.safetensors"
    original, before = path.read_bytes(), peak_memory()
    for _ in range(count):
        attempt(tally, reader, path, damaged(random, original))
    tally.facts["growth_mb"] = round((peak_memory() - before) / 1e6, 1)
    tally.case(peak_memory() - before <= MEMORY, f"{peak_memory() - before:,} bytes more memory")


def _resume_reader(folder: Path) -> Reader:
    """A run of two steps, and what `--resume` does with its file."""
    from seqgen.cli import train
    from seqgen.jobs.train import preparing

    code, said = _materials.call(
        "train", _materials.play(folder), "-o", folder / "run", "--steps", 2, "--seed", 1, *_materials.TINY
    )
    if code:
        raise RuntimeError(said)
    arguments = ["--resume", "-o", str(folder / "run"), "--steps", "4", "--seed", "1", "--device", "cpu"]
    options: dict[str, Any] = dict(train.command.make_context("train", arguments).params)
    source, resume, _ = options.pop("source"), options.pop("resume"), options.pop("output")
    with _materials.quiet():
        prepared = preparing.prepare(folder / "run", source, resume, options)

    batch = prepared.trainer.settings.batch

    def read(path: Path) -> None:
        prepared.trainer.resize(batch)  # a file before this one may have asked for less
        with contextlib.redirect_stderr(io.StringIO()):
            prepared.resume()

    return read
