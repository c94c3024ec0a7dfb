"""Claim: music becomes ids at ≥ 10 times the speed of MidiTok's REMI, and 10,000 files at ≥ 1,000 a second.

    python benchmarks/midi_speed.py --miditok PYTHON [--corpora maestro-10 bach-chorales] [--rounds 5]
    python benchmarks/midi_speed.py --folder [--files 10000]

The first form compares reading (bytes → notes), encoding (notes → ids), both together, and decoding (ids → the bytes
of a file) on the same MIDI files, on one core, in turns: seqgen, MidiTok, seqgen, … PYTHON is an interpreter that has
miditok (`python -m venv V && V/bin/pip install miditok`). MidiTok's REMI is timed twice: as it comes, and with the
content that `midi_bar` has (programs, tempos, meters, 24 positions a quarter note). Scores that are no MIDI
(bach-chorales) are written as such first. Seconds are of processor time, so that other processes disturb less.

The second form makes files of about 1,000 notes in three instruments and has `seqgen tokenize` read the folder with one
worker and with two; the peak memory of its largest process is measured with a tenth of the files, too.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.music.chunks import is_midi
from seqgen.music.faults import Faults
from seqgen.music.read import documents, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score
from seqgen.report import Report
from seqgen.tokenization.sources import resolve

from _report import one_core, print_table, write_json  # isort: skip

STEPS = ("read", "encode", "both", "decode")
NOTES = 1000  # in a made-up file
MIDITOK = """
import importlib.metadata, json, sys, time
from pathlib import Path
import miditok, symusic
alike = miditok.TokenizerConfig(beat_res={(0, 12): 24}, num_velocities=16, use_programs=True, use_tempos=True,
                                num_tempos=48, use_time_signatures=True)
tokenizer = miditok.REMI(alike if sys.argv[2] == "alike" else None)
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
def timed(work, items):
    begin = time.process_time()
    made = [work(item) for item in items]
    return time.process_time() - begin, made
def ids(made):
    return sum(map(ids, made)) if isinstance(made, list) else len(made.ids)
versions = {name: importlib.metadata.version(name) for name in ("miditok", "symusic", "numpy")}
print(json.dumps(versions), flush=True)
for _ in sys.stdin:
    read, scores = timed(symusic.Score.from_midi, files)
    encode, tokens = timed(tokenizer.encode, scores)
    both, _ = timed(lambda data: tokenizer.encode(symusic.Score.from_midi(data)), files)
    count = sum(map(ids, tokens))  # before decoding, which takes the sequences apart
    decode, _ = timed(lambda made: tokenizer.decode(made).dumps_midi(), tokens)
    found = {"read": read, "encode": encode, "both": both, "decode": decode, "tokens": count}
    print(json.dumps(found), flush=True)
"""


def midi_files(corpus: str) -> list[bytes]:
    """The pieces of a corpus as MIDI files."""
    pieces = [piece for source in resolve([corpus], lambda text: None) for piece in documents(source.path.read_bytes())]
    return [piece if is_midi(piece) else write_score(read_score(piece, Report())) for piece in pieces]


def timed(work: Callable[[Any], Any], items: list[Any]) -> tuple[float, list[Any]]:
    """Seconds of processor time, and what was made of the items."""
    begin = time.process_time()
    made = [work(item) for item in items]
    return time.process_time() - begin, made


def round_of(codec: Any, files: list[bytes]) -> dict[str, float]:
    """Seconds of each step of seqgen, and the number of tokens."""
    read, scores = timed(lambda data: codec.read(data, Report()), files)
    encode, ids = timed(lambda score: codec.of_score(score, Faults(Report())), scores)
    both, _ = timed(lambda data: codec.encode(data, Report()), files)
    decode, _ = timed(codec.decode, ids)
    return {"read": read, "encode": encode, "both": both, "decode": decode, "tokens": sum(map(len, ids))}


class Peer:
    """MidiTok in a process of its own that times one round whenever it is asked."""

    def __init__(self, python: str, folder: Path, content: str) -> None:
        command = [python, "-c", MIDITOK, str(folder), content]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def round(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate()


def compare(python: str, corpus: str, rounds: int) -> dict[str, Any]:
    """Medians of all who read the same corpus, and versions."""
    files = midi_files(corpus)
    notes = sum(len(read_score(data, Report())) for data in files)
    own = {name: registry.load("codecs", name) for name in ("midi", "midi_bar")}
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(files):
            (Path(folder) / f"{number:05}.mid").write_bytes(data)
        peers = {f"REMI, {content}": Peer(python, Path(folder), content) for content in ("default", "alike")}
        work: dict[str, Callable[[], dict[str, Any]]] = {}
        for name, kind in own.items():
            work[name] = functools.partial(round_of, kind(kind.Options()), files)
        work |= {name: peer.round for name, peer in peers.items()}
        timings: dict[str, list[dict[str, Any]]] = {name: [] for name in work}
        for number in range(rounds + 1):
            for name, once in work.items():
                made = once()
                if number:  # the first is a warm-up
                    timings[name].append(made)
        versions = next(iter(peers.values())).versions
        for peer in peers.values():
            peer.close()
    found: dict[str, Any] = {"files": len(files), "notes": notes, "versions": versions}
    for name, rows in timings.items():
        median = {step: statistics.median(row[step] for row in rows) for step in STEPS}
        rates = {f"{step}_notes_s": round(notes / median[step]) for step in STEPS}
        tokens = rows[0]["tokens"]
        found[name] = {"tokens": tokens, **rates, "tokens_s": round(tokens / median["both"])}
    return found


def speed(python: str, corpora: list[str], rounds: int) -> None:
    one_core()
    results = {corpus: compare(python, corpus, rounds) for corpus in corpora}
    rows, header = (
        [],
        ("corpus, codec", "tokens", "read", "encode", "both: notes/s", "decode", "both: tokens/s", "times"),
    )
    for corpus, found in results.items():
        peer = found["REMI, alike"]["both_notes_s"]
        for name, one in found.items():
            if isinstance(one, dict) and "tokens" in one:
                one["times_remi_alike"] = round(one["both_notes_s"] / peer, 1)
                rows.append([f"{corpus}, {name}", *one.values()])
    print_table(header, rows)
    print(f"\nwritten: {write_json('midi_speed', results, {'rounds': rounds})}")


def made_up(rng: np.random.Generator) -> bytes:
    """A file of about 1,000 notes: piano, bass and drums on a grid of sixteenths, with loudness of its own."""
    program = rng.choice([0, 33, DRUMS], NOTES, p=[0.6, 0.2, 0.2])
    onset = rng.integers(0, NOTES, NOTES) * 120
    pitch = np.where(program == 0, rng.integers(48, 84, NOTES), rng.integers(36, 52, NOTES))
    rows = np.stack((onset, rng.integers(1, 9, NOTES) * 60, pitch, rng.integers(40, 110, NOTES), program), axis=1)
    _, first = np.unique(rows[:, [0, 2, 4]], axis=0, return_index=True)
    tempo = np.array([int(rng.integers(300_000, 700_000))])
    return write_score(Score.from_notes(480, rows[first], tempo_tick=np.zeros(1, np.int64), tempo=tempo))


def tokenized(folder: Path, workers: int, codec: str, limit: str) -> dict[str, Any]:
    """Wall time of `seqgen tokenize` on a folder, and the peak memory of its largest process."""
    files = len(list(folder.iterdir()))
    with tempfile.TemporaryDirectory() as made:
        target = f"{made}/out.tokens"
        command = [sys.executable, "-P", "-m", "seqgen", "tokenize", str(folder), "-c", codec, "-o", target]
        code = (
            "import subprocess, sys, time, resource\n"
            "begin = time.perf_counter()\n"
            "done = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)\n"
            "print(done.returncode, time.perf_counter() - begin, "
            "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        )
        command = [sys.executable, "-P", "-c", code, *command, "--workers", str(workers)]
        environment = {**os.environ, "SEQGEN_CACHE": made}
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
    if int(answer[0]):
        sys.exit(f"seqgen tokenize ended with exit code {answer[0]}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB on Linux
    seconds, peak = float(answer[1]), int(answer[2]) * unit / 1e6
    found = {"files": files, "codec": codec, "workers": workers, "seconds": round(seconds, 1)}
    return found | {"files_s": round(files / seconds), "peak_memory_mb": round(peak), "cores": limit}


def folders(files: int) -> None:
    rng = np.random.default_rng(0)
    limit = str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else str(os.cpu_count())
    with tempfile.TemporaryDirectory() as made:
        few, many = Path(made) / "few", Path(made) / "many"
        for folder in (few, many):
            folder.mkdir()
        for number in range(files):
            data = made_up(rng)
            (many / f"{number:05}.mid").write_bytes(data)
            if number < files // 10:
                (few / f"{number:05}.mid").write_bytes(data)
        cases = [(few, 1, "midi"), (many, 1, "midi"), (few, 2, "midi"), (many, 2, "midi"), (many, 2, "midi_bar")]
        results = [tokenized(folder, workers, codec, limit) for folder, workers, codec in cases]
    print_table(list(results[0]), [list(result.values()) for result in results])
    print(f"\nwritten: {write_json('midi_folder', results, {'notes_a_file': NOTES})}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--miditok", metavar="PYTHON", help="an interpreter that has miditok")
    parser.add_argument("--corpora", nargs="+", default=["maestro-10", "bach-chorales"])
    parser.add_argument("--rounds", type=int, default=5, help="timings of which the median counts (default 5)")
    parser.add_argument("--folder", action="store_true", help="measure `seqgen tokenize` on a folder of files")
    parser.add_argument("--files", type=int, default=10_000, help="how many files the folder holds (default 10,000)")
    given = parser.parse_args()
    if given.miditok:
        speed(given.miditok, given.corpora, given.rounds)
    if given.folder:
        folders(given.files)
    if not given.miditok and not given.folder:
        parser.error("give --miditok PYTHON, --folder, or both")


if __name__ == "__main__":
    main()
