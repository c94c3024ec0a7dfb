"""Samples of text that is UTF-8: how many are, and what it costs.

    python benchmarks/corpora.py utf8 FILE... [--codecs byte char] [--samples 1000] [--steps 300]

On each FILE a small model is trained with each codec, and sampled from at each temperature; a sample is counted that is
no UTF-8, or holds a token that training never saw. Cost is processor time on one thread, in turns with the same samples
drawn as if nobody knew that the corpus is UTF-8; text in ASCII has no table, which is seen in a cost of nothing.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from _report import print_table, write_json

import seqgen
from seqgen.api.model import Model
from seqgen.api.sampling import Sampling
from seqgen.generation.loop import collect, generate

TEMPERATURES = (0.8, 1.2, 1.5)
BATCH, LENGTH, SEED = 100, 300, 1
TURNS = 15


def main() -> None:
    """Measure each file, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="+", type=Path)
    parser.add_argument("--codecs", nargs="+", default=["byte", "char"])
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    os.environ["SEQGEN_TAKES"] = "off"
    rows = [measured(path, codec, given.samples, given.steps) for path in given.file for codec in given.codecs]
    print_table(list(rows[0]), [list(row.values()) for row in rows])
    write_json("corpora_utf8", {"length": LENGTH, "temperatures": TEMPERATURES, "rows": rows})


def measured(path: Path, codec: str, count: int, steps: int) -> dict[str, object]:
    """One corpus and codec."""
    with tempfile.TemporaryDirectory() as scratch:
        model = seqgen.train(path, Path(scratch) / "run", codec=codec, steps=steps, seed=SEED)
    seen = model.seen
    assert seen is not None
    invalid = strange = made = 0
    for temperature in TEMPERATURES:
        for first in range(0, count, BATCH):
            prompts = [model.prompt(b"")] * min(BATCH, count - first)
            sampler = model.sampler(Sampling(SEED + first, temperature, length=LENGTH), prompts)
            for index, each in enumerate(collect(sampler.steps(), len(prompts))):
                made += 1
                invalid += not is_utf8(sampler.data(index, np.array(each.ids, np.int64)))
                strange += bool((seen.counts[np.array(each.ids, np.int64)] == 0).any())
    one, many = cost(model, 1), cost(model, 32)
    return {
        "corpus": path.name,
        "codec": codec,
        "samples": made,
        "invalid": invalid,
        "with strangers": strange,
        "cost, 1 stream": f"{one:+.1%}",
        "32 streams": f"{many:+.1%}",
    }


def is_utf8(data: bytes) -> bool:
    """Whether these bytes are."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def cost(model: Model, streams: int) -> float:
    """By how much processor time grows: the median of turns."""
    sampler = model.sampler(Sampling(SEED, 0.8, length=LENGTH), [model.prompt(b"")] * streams)
    limits = dataclasses.replace(sampler.limits(), end_id=None)
    plain = dataclasses.replace(limits, spelling=None)

    def seconds(limits: object) -> float:
        began = time.process_time()
        taken = collect(generate(model.engine, sampler.prompts, sampler.rules, seed=SEED, limits=limits), streams)
        return (time.process_time() - began) / sum(len(each.ids) for each in taken)

    seconds(limits)
    ratios = []
    for turn in range(TURNS):
        first, second = (limits, plain) if turn % 2 else (plain, limits)
        times = seconds(first), seconds(second)
        ratios.append(times[0] / times[1] if turn % 2 else times[1] / times[0])
    return median(ratios) - 1
