"""Mutated and forged resume files: `train --resume` refuses them in one sentence, or goes on. Imports torch."""

from dataclasses import replace
from pathlib import Path
from random import Random

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
    from seqgen.jobs.observer import SILENT
    from seqgen.jobs.train.job import train
    from seqgen.jobs.train.preparing import prepare
    from seqgen.jobs.train.settings import TrainJob

    play = str(_materials.play(folder))
    job = TrainJob((play,), folder / "run", settings=_materials.SMALL, steps=2, seed=1, device="cpu")
    train(job)
    prepared = prepare(replace(job, source=(), steps=4, settings={}, resume=True), SILENT)

    batch = prepared.trainer.settings.batch

    def read(path: Path) -> None:
        prepared.trainer.resize(batch)  # a file before this one may have asked for less
        prepared.resume()

    return read
