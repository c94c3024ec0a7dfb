"""Claim: in the wall time of nanoGPT's recipe for CPUs, `seqgen train` with its defaults reaches a far lower loss.

    python benchmarks/beside_nanogpt.py CHECKOUT TEXT [--seeds 1 2 3]

CHECKOUT is a clone of github.com/karpathy/nanoGPT whose data/shakespeare_char/prepare.py has been run on TEXT. Its
README's CPU command is run and timed; then seqgen trains on TEXT for as many seconds, once for each seed, and is
evaluated on the last tenth (protocols A and B). nanoGPT's number is the last validation loss that it prints: windows
of 64, its own estimate. Give the machine nothing else to do.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from _report import print_table, write_json
from train_text import measure

RECIPE = [
    "--device=cpu",
    "--compile=False",
    "--eval_iters=20",
    "--log_interval=1",
    "--block_size=64",
    "--batch_size=12",
    "--n_layer=4",
    "--n_head=4",
    "--n_embd=128",
    "--max_iters=2000",
    "--lr_decay_iters=2000",
    "--dropout=0.0",
]


def main() -> None:
    """Run the peer, then seqgen for each seed; print and store both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("text")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    seconds, loss = nanogpt(asked.checkout)
    print(f"nanoGPT: {loss:.4f} in {seconds:.1f} s", flush=True)
    runs = [measure(asked.text, seconds / 60, seed, ["-c", "char"]) for seed in asked.seeds]
    rows = [["nanoGPT", f"{seconds:.1f}", f"{loss:.4f}", "-", "-"]]
    rows += [
        [f"seqgen, seed {run['seed']}", f"{run['wall_seconds']}", f"{run['a']}", f"{run['b']}", f"{run['b_fitted']}"]
        for run in runs
    ]
    print_table(("who", "wall s", "A", "B", "B, fitted temperature"), rows)
    results = {
        "nanogpt": {"seconds": round(seconds, 1), "loss": loss},
        "seqgen": runs,
        "median_a": median(run["a"] for run in runs),
        "median_b": median(run["b"] for run in runs),
        "median_b_fitted": median(run["b_fitted"] for run in runs),
    }
    print(write_json("beside_nanogpt", results, {"recipe": RECIPE, "training_seconds_each": round(seconds, 1)}))


def nanogpt(checkout: Path) -> tuple[float, float]:
    """(wall seconds, last validation loss) of its CPU recipe."""
    if not (checkout / "data/shakespeare_char/train.bin").exists():
        sys.exit(f"{checkout}: run its data/shakespeare_char/prepare.py first")
    command = [sys.executable, "train.py", "config/train_shakespeare_char.py", *RECIPE]
    began = time.perf_counter()
    said = subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - began
    return seconds, float(re.findall(r"val loss ([\d.]+)", said)[-1])


if __name__ == "__main__":
    main()
