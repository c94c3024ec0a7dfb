"""Whether one seed gives one text: from every CPU engine, in any batch, with any number of threads.

`texts` runs one engine with one number of threads in a process of its own, as libraries take their threads once. A
run samples a batch from one prompt and one seed; each of its streams must be the same in every run that has it.
Engines and batches round their sums differently, so this is no matter of course: a draw would change where two tokens
come closer to each other in the race than the rounding, which is about one draw in a million.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

ENGINES, BATCHES, THREADS = ("numpy", "torch"), (1, 2, 8, 16, 64), (1, 2)
VOCABULARY = 128


def sample(settings: dict[str, Any]) -> dict[str, list[str]]:
    """Batch → the hash of each of its streams, for one engine in this process."""
    import numpy as np

    from seqgen import rules
    from seqgen.cells.lstm import LSTM
    from seqgen.generation import load
    from seqgen.generation.loop import Limits, collect, generate
    from seqgen.models import ModelSettings, weight_shapes

    if settings["engine"] == "torch":
        import torch

        torch.set_num_threads(settings["threads"])
    shape = ModelSettings(hidden=settings["hidden"], layers=settings["layers"])
    rng = np.random.default_rng(0)
    scale = 2 / settings["hidden"] ** 0.5  # about that of a trained model: the text depends on all that came before
    shapes = weight_shapes(LSTM(), shape, VOCABULARY)
    weights = {name: (scale * rng.standard_normal(each)).astype(np.float32) for name, each in shapes.items()}
    engine = load(settings["engine"], LSTM(), shape, weights)
    chain = [rules.parse("temperature", 0.8), rules.parse("top_p", 0.9)]
    found = {}
    for batch in settings["batches"]:
        steps = generate(engine, [np.array([1, 2])] * batch, chain, seed=7, limits=Limits(length=settings["tokens"]))
        found[str(batch)] = [_hash(stream.ids) for stream in collect(steps, batch)]
    return found


def _hash(ids: Sequence[int]) -> str:
    return hashlib.sha256(",".join(map(str, ids)).encode("ascii")).hexdigest()[:16]


def texts(engine: str, threads: int, **settings: Any) -> dict[str, list[str]]:
    """`sample` in a process of its own, with so many threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **{name: str(threads) for name in names}}
    given = json.dumps({"engine": engine, "threads": threads, **settings})
    command = [sys.executable, __file__, given]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(json.loads(ran.stdout))


def compare(repeats: int, batches: Sequence[int] = BATCHES, **shape: int) -> dict[str, Any]:
    """What 2 engines × 5 batches × 2 numbers of threads × `repeats` make of one seed.

    Args:
        repeats: How often each runs.
        batches: Streams at once.
        **shape: hidden, layers and tokens.

    Returns:
        The number of runs, the hashes of the first stream, and how many streams differed anywhere.
    """
    streams: defaultdict[int, set[str]] = defaultdict(set)
    runs = 0
    for engine in ENGINES:
        for threads in THREADS:
            for _ in range(repeats):
                for hashes in texts(engine, threads, batches=list(batches), **shape).values():
                    runs += 1
                    for index, each in enumerate(hashes):
                        streams[index].add(each)
    differing = sum(len(found) > 1 for found in streams.values())
    return {"runs": runs, "hashes": sorted(streams[0]), "streams": len(streams), "streams that differ": differing}


if __name__ == "__main__":
    print(json.dumps(sample(json.loads(sys.argv[1]))))
