"""What originality costs: making the index, measuring a sample, and `--max-copy` while sampling.

    python benchmarks/originality.py FILE [--checkpoint CHECKPOINT] [--length 5000] [--repeats 5]

The last tenth of FILE, read as bytes, is held out; the rest is indexed. The guard reads held-out text, which is like a
well-trained model that copies nothing, and text of the index itself, which is the worst that can be: every token
stands at the end of a run of N. With a checkpoint that has a run folder, whole samples are timed with and without
`--max-copy`, taking turns. A line shows the median.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seqgen.api.model import Model, load
from seqgen.api.sampling import Sampling
from seqgen.originality.copying import MaxCopy
from seqgen.originality.index import Corpus, Index, build
from seqgen.originality.measuring import measure

from _report import median_seconds, print_table, write_json  # isort: skip

LONGEST = (8, 12, 20, 30, 50)


def indexed(text: bytes, path: Path) -> None:
    """Index all of a text, byte by byte."""
    ids = np.concatenate([[256], np.frombuffer(text, np.uint8)]).astype(np.uint16)
    ends = np.array([0, len(ids)])
    build(Corpus(ids, ends, ends[:1], ends[1:], 256, 257), path)


def walk(guard: MaxCopy, tokens: list[int]) -> None:
    """What the sampling loop asks of a guard."""
    state = guard.start()
    for token in tokens:
        guard.refused(state)
        state = guard.step(state, token)


def sampled(model: Model, length: int, repeats: int) -> dict[str, float]:
    """Tokens a second of whole samples, with and without the guard."""
    cases: dict[str, int | None] = {"free": None, **{f"--max-copy {longest}": longest for longest in LONGEST}}
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, longest in cases.items():
            sampler = model.sampler(Sampling(1, length=length, max_copy=longest), [model.prompt(b"")])
            begin = time.perf_counter()
            count = sum(1 for _ in sampler.steps())
            rates[name].append(count / (time.perf_counter() - begin))
    return {name: statistics.median(each) for name, each in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--checkpoint")
    parser.add_argument("--length", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    text = options.file.read_bytes()
    cut = len(text) * 9 // 10
    results: dict[str, Any] = {"tokens": cut}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        results["seconds to index"] = median_seconds(lambda: indexed(text[:cut], path), 3, 0)
        results["bytes a token"] = path.stat().st_size / cut
        index = Index(path)
        held, own = list(text[cut : cut + options.length]), list(text[: options.length])
        scale = 1e6 / options.length
        results["µs a token to measure"] = scale * median_seconds(lambda: measure(index, held), options.repeats)
        for longest in LONGEST:
            guard = MaxCopy(index, longest)
            for name, tokens in (("held-out text", held), ("a copy", own)):
                work = lambda guard=guard, tokens=tokens: walk(guard, tokens)  # noqa: E731
                results[f"µs a token, N = {longest}, {name}"] = scale * median_seconds(work, options.repeats)
    if options.checkpoint:
        found = sampled(load(options.checkpoint), options.length, options.repeats)
        results["tokens/s"] = {name: round(rate, 1) for name, rate in found.items()}
    rows = [[name, value] for name, value in results.items() if not isinstance(value, dict)]
    print_table(
        ["originality", "value"], rows + [[f"tokens/s, {k}", v] for k, v in results.get("tokens/s", {}).items()]
    )
    write_json(
        "originality",
        results,
        {key: value for key, value in vars(options).items() if key not in ("file", "checkpoint")},
    )


if __name__ == "__main__":
    main()
