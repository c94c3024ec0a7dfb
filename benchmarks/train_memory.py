"""Claim: training on a stream of 10 GB takes at most 1 GB more memory than on one of 10 MB.

    python benchmarks/train_memory.py [--gigabytes 10] [--steps 50] [--documents 1000]

Writes two streams of random bytes into a temporary folder, trains on each from the command line in a process of its
own, and prints the most memory that each held: anonymous memory (RssAnon), which is the process's own, and all that
was resident at once (VmHWM), in which pages of the mapped stream count that the system takes back when it needs them.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import print_table, write_json

from seqgen.codecs.byte import Byte
from seqgen.stream import StreamWriter
from seqgen.tokenizer import Tokenizer

BLOCK = 1 << 24  # tokens
SMALL = 10_000_000  # bytes of the small stream
TINY = ["hidden", "128", "batch", "16", "window", "64"]


def main() -> None:
    """Train on both, print the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=10, help="size of the large stream")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--documents", type=int, default=1000, help="documents in each stream")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for size in (SMALL, int(asked.gigabytes * 1e9)):
            path = Path(folder) / "corpus.tokens"
            write(path, size, asked.documents)
            anonymous, resident, seconds = train(path, Path(folder) / str(size), asked.steps)
            rows.append((f"{size / 1e6:,.0f} MB", anonymous, resident, round(seconds)))
    print_table(("stream", "RssAnon MB", "VmHWM MB", "seconds"), rows)
    more = rows[1][1] - rows[0][1]
    print(f"{more:.0f} MB more of its own for the large one; the claim is at most 1000")
    settings = {"gigabytes": asked.gigabytes, "steps": asked.steps, "documents": asked.documents}
    print(write_json("train_memory", {"rows": rows, "more_mb": more}, settings))


def write(path: Path, size: int, documents: int) -> None:
    """A stream of `size` bytes, two a token, in documents of equal length."""
    generator, tokenizer = np.random.default_rng(1), Tokenizer(Byte(), "byte")
    length = size // 2 // documents - 1
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        for _ in range(documents):
            writer.add(tokenizer.frame())
            for at in range(0, length, BLOCK):
                writer.add(generator.integers(0, 256, min(BLOCK, length - at), np.uint16))
            writer.end_document()
        writer.sources = [{"name": "random", "bytes": size // 2, "sha256": "", "documents": documents}]


def train(stream: Path, output: Path, steps: int) -> tuple[float, float, float]:
    """(most RssAnon in MB, VmHWM in MB, seconds) of `seqgen train` on a stream."""
    options = [part for at in range(0, len(TINY), 2) for part in ("-P", *TINY[at : at + 2])]
    command = [
        sys.executable,
        "-P",
        "-m",
        "seqgen",
        "train",
        str(stream),
        "-o",
        str(output),
        "--steps",
        str(steps),
        *options,
    ]
    began, most = time.perf_counter(), {"RssAnon": 0.0, "VmHWM": 0.0}
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            for name, value in status(process.pid).items():
                most[name] = max(most[name], value)
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"seqgen train ended with {process.returncode}")
    return most["RssAnon"], most["VmHWM"], time.perf_counter() - began


def status(pid: int) -> dict[str, float]:
    """RssAnon and VmHWM of a process in MB; empty once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = [line.split()[:2] for line in lines if line.startswith(("RssAnon:", "VmHWM:"))]
    return {name.rstrip(":"): int(value) / 1000 for name, value in pairs}


if __name__ == "__main__":
    main()
