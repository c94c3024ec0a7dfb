"""Claim: `seqgen train` with its defaults reaches this loss on a text in this time.

    python benchmarks/train_text.py PATH [--minutes 1.5] [--seeds 1 2 3] [--train ARGUMENTS OF SEQGEN TRAIN]

For each seed it trains from the command line, as a person would, and evaluates the checkpoint on the run's own
validation split (the last tenth) under protocols A and B, beside the n-gram baseline; where the checkpoint has counts,
under protocol B with those of the corpus and of the document, too (gates crossed: see `seqgen evaluate --help`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from _report import print_table, write_json


def main() -> None:
    """Train and evaluate once for each seed; print and store the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a text file, or the name of a corpus")
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--name", default="train_text", help="of the file in results/")
    parser.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="last: arguments for seqgen train")
    asked = parser.parse_args()
    runs = [measure(asked.corpus, asked.minutes, seed, asked.train) for seed in asked.seeds]
    columns = {
        "seed": "seed", "wall_seconds": "wall s", "parameters": "parameters", "tokens_trained": "tokens", "a": "A",
        "b": "B", "b_fitted": "B, fitted", "corpus": "+ corpus", "document": "+ document", "ngram": "n-gram",
    }  # fmt: skip
    print_table(tuple(columns.values()), [[str(run[key]) for key in columns] for run in runs])
    measures = ("a", "b", "b_fitted") + (() if any(run["corpus"] is None for run in runs) else ("corpus", "document"))
    medians = {f"median_{key}": median(run[key] for run in runs) for key in measures}
    results = {"runs": runs} | medians
    print(f"medians in nats per token: {medians}")
    settings = {"corpus": Path(asked.corpus).name, "minutes": asked.minutes, "arguments": asked.train}
    print(write_json(asked.name, results, settings))


def measure(corpus: str, minutes: float, seed: int, more: list[str]) -> dict[str, Any]:
    """One training run and its evaluation."""
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        began = time.perf_counter()
        seqgen("train", corpus, "-o", run, "--minutes", str(minutes), "--seed", str(seed), *more)
        wall = time.perf_counter() - began
        found = json.loads(seqgen("evaluate", run, "--json"))
        about = json.loads(seqgen("inspect", run, "--json"))
    counted = found.get("experts", {}).get("protocol_b", {})
    return {
        "seed": seed,
        "wall_seconds": round(wall, 1),
        "parameters": about["parameters"],
        "tokens_trained": about["metrics"]["tokens"],
        "a": round(found["protocol_a"]["nats_per_token"], 4),
        "b": round(found["protocol_b"]["nats_per_token"], 4),
        "b_fitted": round(found["temperature"]["nats_per_token"], 4),
        "temperature": round(found["temperature"]["value"], 3),
        "ngram": round(found["ngram"]["nats_per_token"], 4),
        **{key: round(counted[key]["nats_per_token"], 4) if counted else None for key in ("corpus", "document")},
    }


def seqgen(*arguments: str) -> str:
    """Run one command; what it wrote to stdout."""
    command = [sys.executable, "-P", "-m", "seqgen", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
