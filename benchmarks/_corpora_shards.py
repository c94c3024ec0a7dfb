"""Shards and dask against one run: SHA-256 of all streams, and bytes a second of one worker and of two.

    python benchmarks/corpora.py shards FOLDER [--codec char] [--megabytes 400] [--repeats 3]

FOLDER is copied until it has so many megabytes. One process and two (`--workers`), one shard and two at the same time,
and dask with two workers are timed in turns; what is compared is the median. Shards and dask are also run with 7 parts
and four workers for the bytes alone, and once with a worker that is killed in the middle.
"""

import argparse
import functools
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _report import print_table, write_json

import seqgen
from seqgen.tokenization import dask_engine, sharding
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codec", default="char")
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = larger(asked.folder, Path(scratch) / "corpus", asked.megabytes * 1_000_000)
        size = sum(path.stat().st_size for path in corpus.rglob("*") if path.is_file())
        digests = {name: digest(work) for name, work in same(corpus, Path(scratch), asked.codec).items()}
        seconds = timed(ways(corpus, Path(scratch), asked.codec), asked.repeats)
    rows = [[name, f"{second:.2f}", f"{size / second / 1e6:.0f}"] for name, second in seconds.items()]
    print_table(["", "seconds", "MB/s"], rows)
    identical = len(set(digests.values())) == 1
    print(f"{len(digests)} ways, {'all the same bytes' if identical else digests}")
    one = seconds["one process"]
    gains = {name: round(one / second, 2) for name, second in seconds.items()}
    print(gains)
    results = {"identical": identical, "ways": sorted(digests), "seconds": seconds, "gains": gains, "bytes": size}
    print(write_json("corpora_shards", results, {"codec": asked.codec, "repeats": asked.repeats}))


def larger(folder: Path, corpus: Path, size: int) -> Path:
    """Copies of a folder's files until there are so many bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    total = copy = 0
    while total < size:
        for number, path in enumerate(files):
            target = corpus / f"{copy:03}" / f"{number:05}{path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            total += path.stat().st_size
        copy += 1
    return corpus


def ways(corpus: Path, scratch: Path, codec: str) -> dict[str, Callable[[], Path]]:
    """What is timed; each makes a stream."""
    out = scratch / "out.tokens"
    return {
        "one process": lambda: seqgen.tokenize(corpus, out, codec=codec, label="x").path,
        "two workers": lambda: seqgen.tokenize(corpus, out, codec=codec, label="x", workers=2).path,
        "two shards at once": functools.partial(at_once, corpus, scratch, codec),
        "dask, two workers": lambda: by_dask(corpus, out, codec, 2),
    }


def same(corpus: Path, scratch: Path, codec: str) -> dict[str, Callable[[], Path]]:
    """What must have the same bytes."""
    out = scratch / "out.tokens"
    shards = {f"{count} shards": functools.partial(in_shards, corpus, scratch, codec, count) for count in (1, 2, 7)}
    dask = {"dask, 4 workers": lambda: by_dask(corpus, out, codec, 4)}
    killed = {"dask, a worker killed": functools.partial(with_a_kill, corpus, out, codec)}
    return ways(corpus, scratch, codec) | shards | dask | killed


def by_dask(corpus: Path, out: Path, codec: str, workers: int) -> Path:
    """By the engine dask, on this machine."""
    return seqgen.tokenize(corpus, out, codec=codec, label="x", engine="dask", workers=workers).path


def in_shards(corpus: Path, scratch: Path, codec: str, count: int) -> Path:
    """One shard after the other, and merged."""
    paths = [scratch / f"{index}.tokens" for index in range(1, count + 1)]
    for index, path in enumerate(paths, 1):
        seqgen.tokenize(corpus, path, codec=codec, label="x", shard=f"{index}/{count}")
    return sharding.merge(paths, scratch / "merged.tokens").path


def at_once(corpus: Path, scratch: Path, codec: str) -> Path:
    """Two commands at the same time, as on two machines, and merged."""
    paths = [scratch / f"{index}.tokens" for index in (1, 2)]
    common = [sys.executable, "-P", "-m", "seqgen", "tokenize", str(corpus), "-c", codec, "--label", "x"]
    started = [
        subprocess.Popen([*common, "--shard", f"{index}/2", "-o", str(path)], stderr=subprocess.DEVNULL)
        for index, path in enumerate(paths, 1)
    ]
    assert [each.wait() for each in started] == [0, 0]
    return sharding.merge(paths, scratch / "merged.tokens").path


def with_a_kill(corpus: Path, out: Path, codec: str) -> Path:
    """dask with two workers, of which one is killed after the first shard."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        killed: list[int] = []

        def progress(count: int) -> None:
            if not killed:
                with Client(cluster) as client:
                    killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        builder = functools.partial(dask_engine.build, cluster.scheduler_address)
        tokenize(
            resolve([corpus]), TokenizeSettings(codec, label="x", workers=2), out, progress=progress, builder=builder
        )
    return out


def digest(work: Callable[[], Path]) -> str:
    """SHA-256 of the file that is made."""
    return hashlib.sha256(work().read_bytes()).hexdigest()


def timed(work: dict[str, Callable[[], Path]], repeats: int) -> dict[str, float]:
    """The median seconds of each, measured in turns."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, each in work.items():
            begin = time.perf_counter()
            each()
            found[name].append(time.perf_counter() - begin)
    return {name: round(statistics.median(times), 2) for name, times in found.items()}


if __name__ == "__main__":
    main()
