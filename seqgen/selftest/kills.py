"""A training run is killed (SIGKILL) at random moments, again and again: its files load, it goes on, nothing is left.

A process that has imported torch is forked for every life, so that a life is spent training and not importing.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from random import Random

from seqgen import files
from seqgen.checkpoint import MODEL_FILE, Checkpoint
from seqgen.container import read_header
from seqgen.errors import CheckpointError, SeqgenError
from seqgen.selftest import Tally, _materials

TITLE = "kills at random moments: all load, one interval lost at most"
QUICK, LONG = 8, 500
DISK = True
STEPS, CHECKS = 4_000, 1_000  # so that model and resume file are written every four steps
LIVES = 40  # of one run, at most
LONGEST = 0.8  # seconds of a life after it began to train


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Start or resume, kill, look."""
    if not hasattr(os, "fork"):
        tally.case(True, "this system cannot fork; nothing was tried")
        return
    import seqgen.jobs.train.preparing  # noqa: F401 (so that every life has it)

    play, place = _materials.play(folder), folder / "run"
    lives = saved = 0
    for _ in range(count):
        if lives == LIVES:
            shutil.rmtree(place, ignore_errors=True)
            lives = saved = 0
        lives += 1
        ended = _life(tally, play, place, random)
        orphans = list(place.glob(".*.part"))
        tally.most("orphans_of_one_life", len(orphans))
        tally.case(len(orphans) <= 1, f"{len(orphans)} orphans: those of earlier lives were not removed")
        now = _look(tally, place)
        tally.case(now >= saved, f"saved after step {now}, but after {saved} before")
        saved = now
        tally.most("furthest_step_saved", saved)
        if ended:
            lives = LIVES
    tally.case(tally.facts["furthest_step_saved"] > 0, "no life ever saved anything: nothing was shown")
    _last(tally, play, place)
    if count >= LONG:
        _early(tally, folder)


def _early(tally: Tally, folder: Path) -> None:
    """A run with the intervals that users have, killed 15 s after its first step: all is saved, and it goes on."""
    corpus, place = folder / "corpus.txt", folder / "early"
    corpus.write_text(_materials.PLAY * 300, "utf-8")
    command = [sys.executable, "-P", "-m", "seqgen", "train"]
    begin = [*command, str(corpus), "-o", str(place), "--minutes", "20", "--device", "cpu"]
    with subprocess.Popen(begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        until = time.monotonic() + 120
        while not (place / "training.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(15)
        child.kill()
    loads = (place / MODEL_FILE).exists()
    saved = _look(tally, place, loses=None)
    tally.case(loads and saved > 0, f"nothing was saved 15 s after the first step ({saved} steps, checkpoint: {loads})")
    again = [*command, "--resume", "-o", str(place), "--steps", str(saved + 5), "--device", "cpu"]
    ran = subprocess.run(again, capture_output=True, text=True, check=False)
    tally.case(ran.returncode == 0, f"it does not go on: {ran.stderr[-300:]}")
    tally.facts["step_saved_in_15_s"] = saved


def _arguments(play: Path, place: Path, steps: int) -> list[str]:
    if (place / "resume.safetensors").exists():
        begin = ["--resume"]
    else:
        shutil.rmtree(place, ignore_errors=True)
        begin = [str(play), "--seed", "1", "-P", "checks", str(CHECKS), "-P", "window", "16", "-P", "batch", "4"]
        begin += ["-P", "hidden", "8", "-P", "patience", "0"]
    return ["train", *begin, "--steps", str(steps), "-o", str(place), "--device", "cpu"]


def _life(tally: Tally, play: Path, place: Path, random: Random) -> bool:
    """One life of the run; returns whether it ended by itself."""
    arguments, said = _arguments(play, place, STEPS), place.parent / "said.txt"
    child = _forked(arguments, said)
    if random.random() < 0.85:
        _wait(child, place / "log.jsonl")  # most lives train; the others are killed while they start
    time.sleep(random.random() ** 2 * LONGEST)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    ended = os.WIFEXITED(status)
    tally.count("ended_before_the_kill" if ended else "killed")
    failed = ended and os.WEXITSTATUS(status) != 0
    tally.case(not failed, f"{' '.join(arguments[:2])} failed: {said.read_text('utf-8', 'replace')[-300:]}")
    return ended


def _wait(child: int, log: Path) -> None:
    """Until the log grows, the process ends, or half a minute is over."""
    before, until = _length(log), time.monotonic() + 30
    while _length(log) <= before and time.monotonic() < until:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.005)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def _forked(arguments: list[str], said: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where seqgen itself is in the background
    try:
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        from seqgen.cli import run as command
        from seqgen.training import saving

        saving.SAVE_SECONDS, saving.SHARE = 0.01, 1.0  # a life is too short for the saving interval of a real run
        files.forget_sweeps()  # a life is a process of its own
        code = command(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _look(tally: Tally, place: Path, loses: int | None = 2 * STEPS // CHECKS) -> int:
    """Whether what lies there loads, and that no more than `loses` steps are lost; returns the last step saved."""
    if not (place / "resume.safetensors").exists():
        tally.count("killed_before_the_first_save")
        return 0
    try:
        header = read_header(place / "resume.safetensors", CheckpointError)
        header.verify()
        saved = json.loads(header.read("details").tobytes())["progress"]["total_steps"]
        if (place / MODEL_FILE).exists():  # it is first written when the first validation is over
            Checkpoint.load(place / MODEL_FILE)
        else:
            tally.count("killed_before_the_first_validation")
        tally.case(True, "")
    except (SeqgenError, KeyError, ValueError) as error:
        tally.case(False, f"a file does not load: {error}")
        return 0
    logged = _last_step(place / "log.jsonl")
    if loses is not None:
        tally.most("steps_lost", logged - saved)
        tally.case(logged - saved <= loses, f"saved after step {saved}, but step {logged} was done")
    return int(saved)


def _last_step(log: Path) -> int:
    """The last step that was logged, in a line that is whole."""
    for line in reversed(log.read_bytes().splitlines() if log.exists() else []):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return int(json.loads(line)["step"])
    return 0


def _last(tally: Tally, play: Path, place: Path) -> None:
    """The run goes on to an end, and nothing is left beside its files."""
    done = _look(tally, place)
    arguments = _arguments(play, place, done + 20 if done else STEPS // 40)
    code = os.waitpid(_forked(arguments, place.parent / "said.txt"), 0)[1]
    tally.case(code == 0, f"the last life failed: {(place.parent / 'said.txt').read_text('utf-8', 'replace')[-300:]}")
    left = [path.name for path in place.glob(".*")]
    tally.facts["orphans_after_the_next_start"] = len(left)
    tally.case(not left, f"left over: {left}")
    tally.case(files.sweep(place) == 0, "something staged was left")
