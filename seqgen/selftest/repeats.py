"""One seed gives one text: from each CPU engine, alone or in a batch, with one thread or two, in any process."""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from random import Random

from seqgen.selftest import Tally, _materials

TITLE = "one seed, one text: engines, batches, threads, replayed takes"
QUICK, LONG = 4, 100
ENGINES, BATCHES, THREADS = ("numpy", "torch"), (64, 1), ("1", "2")
TOKENS = "300"


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` runs of the command line; every sample of a place in the batch is the same, and so is its replay."""
    model, environment = folder / "model.safetensors", {**os.environ, "SEQGEN_TAKES": str(folder / "takes.sqlite")}
    _materials.checkpoint().save(model)
    known: dict[int, str] = {}
    last = ""
    cases = list(product(BATCHES, ENGINES, THREADS))
    for number in range(count):
        batch, engine, threads = cases[(number * 3) % len(cases)]  # 3: a few of them have both of each
        environment |= {f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")}
        options = ["--engine", engine, "--device", "cpu", "-n", str(batch), "-l", TOKENS, "--seed", "7", "--json"]
        out = _said(environment, "generate", str(model), *options)
        samples = [json.loads(line) for line in out.splitlines()]
        tally.case(len(samples) == batch, f"{batch} samples asked for, {len(samples)} made")
        for sample in samples:
            last, place = sample["take"], sample["sample"]
            same = known.setdefault(place, sample["text"]) == sample["text"]
            tally.case(same, f"sample {place} of {batch} from {engine} with {threads} threads differs")
    tally.case(len(set(known.values())) == len(known), "samples of one batch are alike")
    tally.facts |= {"runs": count, "samples": len(known)}
    replayed = _said(environment, "takes", "replay", last)
    tally.case(replayed.decode("utf-8", "replace") in known.values(), "a replayed take is another text")


def _said(environment: dict[str, str], *arguments: str) -> bytes:
    """What a command of its own process prints."""
    command = [sys.executable, "-P", "-m", "seqgen", *arguments]
    return subprocess.run(command, capture_output=True, check=True, env=environment).stdout
