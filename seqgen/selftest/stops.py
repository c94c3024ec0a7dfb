"""A training run is stopped (Ctrl-C) at random moments and resumed: in the end every file is the same, bit for bit."""

import os
import shutil
import signal
import time
from pathlib import Path
from random import Random

from seqgen.container import read_header
from seqgen.errors import CheckpointError
from seqgen.selftest import Tally, _materials, kills

TITLE = "runs stopped anywhere and resumed: the same bytes in the end"
QUICK, LONG = 2, 20
STEPS, CHECKS = 400, 10
MOST = 5  # stops of one run
Found = dict[str, bytes]


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` stops, over as many runs as it takes; each run is compared with one that was never stopped."""
    if not hasattr(os, "fork"):
        tally.case(True, "this system cannot fork; nothing was tried")
        return
    import seqgen.jobs.train.preparing  # noqa: F401 (so that every process has it)

    play = _materials.play(folder)
    began = time.monotonic()
    tally.case(_ended(play, folder / "straight"), _said(folder))
    whole, seconds = _content(folder / "straight"), time.monotonic() - began
    tries = 0
    while tally.facts.get("stops", 0) < count and tries < 2 * count:
        tries += 1
        shutil.rmtree(folder / "run", ignore_errors=True)
        for _ in range(random.randrange(1, MOST)):
            if tally.facts.get("stops", 0) < count and not _stopped(tally, play, folder / "run", random, seconds):
                break
        tally.case(_ended(play, folder / "run"), _said(folder))
        found = _content(folder / "run")
        differing = [name for name in whole if found.get(name) != whole[name]]
        tally.case(not differing, f"these differ after stops: {', '.join(differing)[:200]}")


def _stopped(tally: Tally, play: Path, place: Path, random: Random, seconds: float) -> bool:
    """Begin or go on, and stop somewhere; returns whether there is something left to do."""
    before = kills._length(place / "log.jsonl")
    child = kills._forked(_arguments(play, place), place.parent / "said.txt")
    kills._wait(child, place / "log.jsonl")
    if before < 0 or random.random() < 0.7:
        time.sleep(random.random() * seconds / 3)
    os.kill(child, signal.SIGINT)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0 and "Stopped" not in _said(place.parent):
        tally.count("ended_before_the_stop")
        return False
    tally.count("stops")
    return (place / "resume.safetensors").exists()


def _ended(play: Path, place: Path) -> bool:
    """Go on to the end; returns whether that worked."""
    child = kills._forked(_arguments(play, place), place.parent / "said.txt")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _arguments(play: Path, place: Path) -> list[str]:
    if (place / "resume.safetensors").exists():
        begin = ["--resume", "--device", "cpu"]
    else:
        shutil.rmtree(place, ignore_errors=True)
        begin = [str(play), "--seed", "1", "-P", "checks", str(CHECKS), *_materials.TINY]
    return ["train", *begin, "--steps", str(STEPS), "-o", str(place)]


def _content(place: Path) -> Found:
    """Weights, optimizer, random states and log, by name: every tensor but the details, which tell the time."""
    found = {"log": (place / "log.jsonl").read_bytes()}
    for name in ("model", "resume"):
        header = read_header(place / f"{name}.safetensors", CheckpointError)
        for tensor in header.tensors:
            if tensor != "details":
                found[f"{name}: {tensor}"] = header.read(tensor).tobytes()
    return found


def _said(folder: Path) -> str:
    return (folder / "said.txt").read_text("utf-8", "replace")[-300:]
