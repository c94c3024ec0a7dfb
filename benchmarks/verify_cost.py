"""Claim: a stream of 10 GB is read whole to be verified at the first command of a week alone.

    python benchmarks/verify_cost.py [--gigabytes 0.01 0.1 1 10]

Writes a stream of each size into a temporary folder and trains on it for one step from the command line, validating on
another of 10 kB, in a process of its own each time: first with nothing known of the file and its pages not in memory,
again with a record that it was verified (`seqgen.files.verified`), and with its pages in memory but no record. Streams
of up to 64 MB get no record. Seconds are wall time, and in brackets what the processor worked.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _report import print_table, write_json
from train_memory import write

from seqgen.files import verified

HOW = ["-P", "hidden", "8", "-P", "batch", "4", "-P", "window", "16", "--steps", "1", "--seed", "1", "--device", "cpu"]
Seconds = tuple[float, float]


def main() -> None:
    """Measure each size, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.01, 0.1, 1, 10], help="sizes of the streams")
    parser.add_argument("--folder", help="where streams are written; the system's own for temporary files")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        os.environ["SEQGEN_CACHE"] = str(Path(folder) / "cache")
        small = Path(folder) / "small.tokens"
        write(small, 10_000, 2)
        for size in asked.gigabytes:
            path = Path(folder) / "corpus.tokens"
            write(path, int(size * 1e9), 1000)
            rows.append((f"{size * 1000:,.0f} MB", *(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in measured(path, small))))
    print_table(("stream", "first, from disk s", "again s", "no record, in memory s"), rows)
    print(write_json("verify_cost", {"rows": rows}, {"gigabytes": asked.gigabytes}))


def measured(path: Path, small: Path) -> tuple[Seconds, Seconds, Seconds]:
    """Seconds of the command: from the disk without a record, then with one, then without it from memory."""
    time.sleep(verified.SETTLED + 1)
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    first = train(path, small)
    again = min(train(path, small) for _ in range(2))
    forget()
    return first, again, train(path, small)


def forget() -> None:
    """Remove all records."""
    for record in (Path(os.environ["SEQGEN_CACHE"]) / "verified").glob("*"):
        record.unlink()


def train(stream: Path, small: Path) -> Seconds:
    """(wall, processor) seconds of one step of training in a new folder."""
    with tempfile.TemporaryDirectory(dir=stream.parent) as folder:
        command = [sys.executable, "-P", "-m", "seqgen", "train", str(stream), "--val", str(small)]
        began, worked = time.perf_counter(), processor()
        ran = subprocess.run([*command, "-o", f"{folder}/run", *HOW], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return time.perf_counter() - began, processor() - worked


def processor() -> float:
    """Seconds that the processor worked for processes that ended."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
