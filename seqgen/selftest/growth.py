"""Long runs stay as large as they were: the memory of endless text and of training, looked at from outside."""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from seqgen.selftest import Tally, _materials

TITLE = "long runs: memory grows by less than 5 %"
QUICK, LONG = 6, 3_600
TOKENS, LEAST = 280, 150_000  # a second of training, and at least: LONG gives a million
SHARE = 0.05
LOOK = 0.1  # seconds between looks
FULL = 70_000  # tokens after which all buffers of bounded size are full
SETTLING = 1.0  # seconds from the first validation on, after which training has all that it needs


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` seconds of training, and a text of so many tokens."""
    if not Path("/proc/self/status").exists():
        tally.case(True, "this system does not tell what a process holds; nothing was tried")
        return
    model, tokens = folder / "model.safetensors", max(LEAST, TOKENS * count)
    endless = _materials.checkpoint()
    endless.weights["output.bias"][endless.tokenizer.document_id] = -30  # it never ends a document
    endless.save(model)
    text = ["generate", model, "-l", tokens, "--seed", "1", "-o", folder / "text.txt"]
    _watch(tally, folder, "tokens", text, ".text.txt.*", FULL)
    play, minutes = _materials.play(folder), f"{count / 60:.4f}"
    train = ["train", play, "-o", folder / "run", "--minutes", minutes, *_materials.TINY]
    _watch(tally, folder, "training", train, "run/model.safetensors", 1, SETTLING)
    tally.facts |= {"tokens": tokens, "training_s": count}


def _watch(
    tally: Tally, folder: Path, what: str, arguments: list[object], sign: str, least: int, pause: float = 0.0
) -> None:
    """Run one command and compare what it held once it had settled with the most that it held from then on.

    Args:
        tally: Counts the cases.
        folder: Where it works.
        what: What it is called.
        arguments: The command.
        sign: A pattern of the file that tells how far the work is.
        least: The bytes that it has when the work has settled.
        pause: Seconds that are let go by after that.
    """
    environment = {**os.environ, "SEQGEN_TAKES": str(folder / "takes.sqlite")}
    command = [sys.executable, "-P", "-m", "seqgen", *map(str, arguments)]
    sizes: list[int] = []
    with (folder / "said.txt").open("wb") as said, subprocess.Popen(command, stderr=said, env=environment) as child:
        while child.poll() is None and not any(_size(path) >= least for path in folder.glob(sign)):
            time.sleep(LOOK)
        time.sleep(pause)
        while child.poll() is None:
            sizes += [size] if (size := _held(child.pid)) else []
            time.sleep(LOOK)
    words = (folder / "said.txt").read_text("utf-8", "replace")[-300:]
    tally.case(child.returncode == 0 and len(sizes) > 0, f"{what}: {len(sizes)} looks, said {words}")
    growth = max(sizes, default=1) / (sizes or [1])[0] - 1
    tally.facts[f"growth_{what}_percent"] = round(100 * growth, 2)
    tally.case(growth < SHARE, f"{what}: grew by {100 * growth:.1f} % to {max(sizes, default=0):,} bytes")


def _held(process: int) -> int:
    """Bytes that a process holds; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def _size(path: Path) -> int:
    """Bytes of a file that may be gone by now."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
