"""Runs of two processes end clean, by themselves and stopped at random moments: by signals, as torchrun passes them on.

Every second run is stopped (while Python starts, torch is imported, the processes meet, train, save or end); the next
one goes on in the same folder to its end. Half of the stopped ones are started by torchrun, the others by hand, so that
the exit code of each process is seen.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from seqgen.checkpoint import MODEL_FILE, Checkpoint
from seqgen.container import read_header
from seqgen.errors import CheckpointError, SeqgenError
from seqgen.selftest import Tally, _materials, kills

TITLE = "two processes, stopped or not, end clean; files are whole"
QUICK, LONG = 2, 200
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
ABORTS = ("terminate called", "SIGABRT", "exitcode: -6", "Fatal Python error", "Segmentation")
SECONDS = 180.0  # for a run to end by itself; torchrun kills after 30 s what does not end
RESUME_FILE = "resume.safetensors"
PATH = "-P"  # the current folder is none of Python's business


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Stop a run, go on with it to its end, and so on."""
    if why := _missing():
        tally.facts["skipped"] = why
        tally.case(True, "")
        return
    play, place, usual = _materials.play(folder), folder / "run", 5.0
    with _unignored():
        for number in range(count):
            if number % 2 == 0 and not (place / RESUME_FILE).exists():
                shutil.rmtree(place, ignore_errors=True)
            if number % 2 == 0:
                _stopped(tally, play, place, random, usual)
            else:
                usual = _undisturbed(tally, play, place)
            _files_load(tally, place)
            if number % 10 == 9:
                shutil.rmtree(place)


def _missing() -> str:
    """Why nothing can be tried here; empty where it can."""
    import torch.distributed as dist

    if not sys.platform.startswith("linux"):
        return "no Linux: nothing was tried"
    found = dist.is_available() and dist.is_gloo_available()
    loopback = "lo" in (name for _, name in socket.if_nameindex())
    return "" if found and loopback else "no gloo over a loopback device: nothing was tried"


def _undisturbed(tally: Tally, play: Path, place: Path) -> float:
    """From where the folder stands to an end; returns how long that took, in seconds."""
    began, done = time.monotonic(), kills._last_step(place / "log.jsonl")
    if not (place / RESUME_FILE).exists():
        shutil.rmtree(place, ignore_errors=True)
    processes = _started(play, place, ["--steps", str(done + 3)], by_torchrun=True)
    said = _ended(tally, processes, place)
    codes = [process.returncode for process in processes]
    tally.count("undisturbed")
    tally.case(codes == [0], f"an undisturbed run ended with {codes}: {said[-300:]}")
    left = [path.name for path in place.glob(".*")]
    tally.case(not left, f"left over after a whole run: {left}")
    tally.case((place / MODEL_FILE).exists(), "a whole run left no checkpoint")
    return time.monotonic() - began


def _stopped(tally: Tally, play: Path, place: Path, random: Random, usual: float) -> None:
    """A run that a signal stops at some moment, of its start, its training, or its end."""
    number = signal.Signals[random.choice(SIGNALS)]
    by_torchrun, phase = random.random() < 0.5, random.choice(("start", "training", "end"))
    done = kills._last_step(place / "log.jsonl")
    length = ["--steps", str(done + 3)] if phase == "end" else ["--minutes", "10"]
    processes = _started(play, place, length, by_torchrun)
    if phase == "training":
        _until_it_trains(processes, place / "log.jsonl")
        time.sleep(random.random() / 2)
    else:
        time.sleep(random.uniform(*((0.0, 1.0) if phase == "start" else (0.6, 1.1))) * usual)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # as a terminal does
    said = _ended(tally, processes, place)
    codes = [process.returncode for process in processes]
    fit = {1, -number, 128 + number} | ({0} if phase == "end" else set())
    tally.count("ended_before_the_stop" if codes == [0] * len(codes) else f"stopped_by_{number.name}")
    tally.count(f"stopped_in_{phase}")
    tally.case(set(codes) <= fit, f"{number.name} in {phase}: exit codes {codes}: {said[-300:]}")


def _started(play: Path, place: Path, length: list[str], by_torchrun: bool) -> list[subprocess.Popen[bytes]]:
    """The launcher, or each of the two processes. What they write goes to said.txt beside the run folder."""
    new = not (place / RESUME_FILE).exists()
    begin = (
        [str(play), "--seed", "1", "-P", "checks", "3", *_materials.TINY] if new else ["--resume", "--device", "cpu"]
    )
    command = [sys.executable, PATH, "-m", "seqgen", "train", *begin, *length, "-o", str(place)]
    known = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    known |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "SEQGEN_CACHE": str(place.parent / "cache")}
    if by_torchrun:
        launcher = [sys.executable, PATH, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        calls = [([*launcher, "--no-python", *command], known)]
    else:
        meeting = known | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": "2"}
        calls = [(command, meeting | {"RANK": str(rank)}) for rank in range(2)]
    with (place.parent / "said.txt").open("wb") as said:
        return [
            subprocess.Popen(call, stdout=said, stderr=said, env=env, start_new_session=True) for call, env in calls
        ]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _until_it_trains(processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    before, until = kills._length(log), time.monotonic() + SECONDS
    while kills._length(log) <= max(before, 0) and time.monotonic() < until and processes[0].poll() is None:
        time.sleep(0.02)


def _ended(tally: Tally, processes: list[subprocess.Popen[bytes]], place: Path) -> str:
    """Wait until all have ended, launched ones too; what they wrote, in which there must be no abort."""
    until = time.monotonic() + SECONDS
    while (any(process.poll() is None for process in processes) or _about(place)) and time.monotonic() < until:
        time.sleep(0.05)
    hung = _about(place)
    for number in hung:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    for process in processes:
        process.wait()
    said = (place.parent / "said.txt").read_text("utf-8", "replace")
    tally.case(not hung, f"{len(hung)} processes hung: {said[-300:]}")
    aborts = [word for word in ABORTS if word in said] + ["-6" for each in processes if each.returncode == -6]
    tally.count("aborts", len(aborts) > 0)
    tally.case(not aborts, f"{', '.join(aborts)}: {said[-400:]}")
    return said


def _about(place: Path) -> list[int]:
    """The processes that name the run folder: torchrun's belong to sessions of their own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.fsencode(place) in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def _files_load(tally: Tally, place: Path) -> None:
    try:
        if (place / MODEL_FILE).exists():
            Checkpoint.load(place / MODEL_FILE)
        if (place / RESUME_FILE).exists():
            read_header(place / RESUME_FILE, CheckpointError).verify()
        tally.case(True, "")
    except SeqgenError as error:
        tally.case(False, f"a file does not load: {error}")


@contextlib.contextmanager
def _unignored() -> Iterator[None]:
    """What this process was told to ignore, as in the background, its children are not."""
    numbers = [signal.Signals[name] for name in SIGNALS]
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
