"""Claim: `seqgen jam` plays in time, answers at once, follows a clock, and never leaves a note sounding.

    python benchmarks/live.py [--parts latency jitter …] [--checkpoint NAME] [--minutes M] [--kills N] [--busy]

On ports inside the process (a cable whose far end is a synthesizer that counts keys), with the published model of folk
tunes, 1×512 with look-back. --busy runs a process beside it that takes a core whole. Each part adds its row to
results/live.json and leaves the others', so that parts may be measured apart; each row has the load of the machine.
Jitter is by how much a message is handed to the port after the time that its position has; what a real port, a driver
and a cable add is not seen here.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqgen.api.model import load
from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
from seqgen.live import backends, session
from seqgen.live import messages as m
from seqgen.live.backends.loopback import Loopback
from seqgen.live.clock import Ticks, Transport
from seqgen.live.dialects import message
from seqgen.live.stream import Stream

from _report import RESULTS, hardware, print_table, write_json  # isort: skip

PARTS = ("latency", "jitter", "clock", "position", "kills", "start", "hostile", "memory")
WAYS = ("SIGINT", "SIGTERM", "panic", "unplugged", "exception")
MARK = b"\xff\xff\xff"
NAP = 0.004  # seconds
PARTS_OF_MEMORY = 24  # looks at it


class Synthesizer:
    """Counts the keys that are down; knows when the latest of them went down."""

    def __init__(self) -> None:
        self.down: set[tuple[int, int]] = set()
        self.count, self.starts = 0, deque[float](maxlen=16)

    def hear(self, data: bytes) -> None:
        """A message."""
        if m.starts(data):
            self.down.add((data[0] & 15, data[1]))
            self.starts.append(time.monotonic())
            self.count += 1
        elif m.ends(data):
            self.down.discard((data[0] & 15, data[1]))
        elif data[0] & 0xF0 == m.CONTROL and data[1] in (m.SOUND_OFF, m.NOTES_OFF):
            self.down = {key for key in self.down if key[0] != data[0] & 15}


def cable(hear: Callable[[bytes], object]) -> Loopback:
    """Ports whose output goes to `hear`."""
    found = Loopback(("synth", "keys"))
    found.open_input("synth", hear, False)
    backends.BACKENDS["loopback"] = lambda: found
    return found


def jammed(checkpoint: str, script: Callable[[Any], object] = lambda each: None, **options: Any) -> Any:
    """A session; `script` is given it on a thread of its own. Returns the session once it is over."""
    kept = []

    def begun(each: Any) -> None:
        kept.append(each)
        threading.Thread(target=script, args=(each,), daemon=True).start()

    options = {"inputs": ("keys",), "outputs": ("synth",), "log": None, "take": False, "seed": 1, **options}
    work.jam(JamJob(checkpoint=checkpoint, ports="loopback", **options), begun=begun)
    return kept[0]


def quantiles(values: list[float]) -> dict[str, float]:
    """Milliseconds."""
    found = np.quantile(np.array(values) * 1e3, [0.5, 0.99, 1.0])
    return {name: round(float(each), 3) for name, each in zip(("median_ms", "p99_ms", "max_ms"), found)}


def latency(asked: argparse.Namespace) -> dict[str, Any]:
    """From a note in to the first note out, mode follow."""
    synthesizer, taken, rng = Synthesizer(), list[float](), random.Random(1)
    keys = cable(synthesizer.hear)

    def play(each: Any) -> None:
        time.sleep(1.0)
        for _ in range(asked.notes):
            pitch, before = rng.randrange(55, 80), synthesizer.count
            begin = time.monotonic()
            keys.put("keys", m.note_on(0, pitch, 80))
            time.sleep(rng.uniform(0.06, 0.12))
            if synthesizer.count > before:
                taken.append(synthesizer.starts[before - synthesizer.count] - begin)
            keys.put("keys", m.note_off(0, pitch))
            time.sleep(0.02)
        each.stop()

    jammed(asked.checkpoint, play, values={"mode": "follow"})
    model = load(asked.checkpoint).checkpoint.settings
    shape = f"{model.layers}x{model.hidden}"
    return {**quantiles(taken), "answered": len(taken), "asked": asked.notes, "model": shape}


class Stalls:
    """Times at which the machine itself stood still, seen by a process a core that only sleeps, in real time."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._found: Any = context.Queue()
        self._watchers = [
            context.Process(target=_watched, args=(core, self._found), daemon=True) for core in os.sched_getaffinity(0)
        ]
        for watcher in self._watchers:
            watcher.start()

    def ended(self) -> list[tuple[float, float]]:
        """(begin, end) of each, by the monotonic clock."""
        for watcher in self._watchers:
            watcher.terminate()
        found = []
        while not self._found.empty():
            found.append(self._found.get())
        return found


def _watched(core: int, found: Any) -> None:
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
    while True:
        begin = time.monotonic()
        time.sleep(NAP)
        if time.monotonic() - begin > NAP + 0.005:
            found.put((begin + NAP, time.monotonic()))


class Timed(array):  # type: ignore[type-arg]
    """Latenesses, and when those of more than 5 ms were."""

    def __init__(self, *_: Any) -> None:
        self.late: list[tuple[float, float]] = []

    def append(self, value: float) -> None:
        super().append(value)
        if value > 0.005:
            now = time.monotonic()
            self.late.append((now - value, now))


def jitter(asked: argparse.Namespace) -> dict[str, Any]:
    """Solo for some minutes, with MIDI clock going out: lateness of notes, drift of the clock."""
    timed, stalls = Timed("d"), Stalls()

    def watch(each: Any) -> None:
        each.scheduler.lateness = timed

    synthesizer, clocks = Synthesizer(), list[float]()

    def hear(data: bytes) -> None:
        if data[0] == m.CLOCK:
            clocks.append(time.monotonic())
        synthesizer.hear(data)

    cable(hear)
    each = jammed(asked.checkpoint, watch, values={"tempo": 120}, seconds=60 * asked.minutes, clock_out=True)
    stood = stalls.ended()
    ours = [late for late in timed.late if not any(begin < late[1] and late[0] < end for begin, end in stood)]
    notes = list(each.scheduler.lateness)
    ideal = clocks[0] + np.arange(len(clocks)) * 60 / (120 * m.CLOCKS)
    off = (np.array(clocks) - ideal) * 1e3
    edge = min(240, len(off) // 4)
    return {
        **quantiles(notes),
        "events": len(notes),
        "late": each.scheduler.late,
        "late_while_the_machine_ran": len(ours),
        "stalls_of_the_machine": len(stood),
        "longest_stall_ms": round(1e3 * max((end - begin for begin, end in stood), default=0), 1),
        "behind": each.player.behind,
        "real_time": each.scheduler.privileged,
        "minutes": asked.minutes,
        "clock_drift_ms": round(float(np.median(off[-edge:]) - np.median(off[:edge])), 3),
        "left_sounding": len(synthesizer.down),
    }


def clock(asked: argparse.Namespace) -> dict[str, Any]:
    """A clock in with ± 3 ms of noise, 60 to 180 bpm, after 8 beats."""
    rng, tempo, phase = np.random.default_rng(0), list[float](), list[float]()
    for _ in range(40):
        ticks, bpm = Ticks(), rng.uniform(60, 180)
        for number in range(24 * 40):
            ticks.hear(50 + number * 60 / (bpm * 24) + rng.uniform(-0.003, 0.003))
            if number >= 192:
                tempo.append(abs(ticks.tempo - bpm))
                phase.append(abs(ticks.time(number + 1) - 50 - (number + 1) * 60 / (bpm * 24)))
    return {"tempo_error_max_bpm": round(max(tempo), 4), **quantiles(phase), "clocks": 40}


def position(asked: argparse.Namespace) -> dict[str, Any]:
    """Stop, song position and continue, 100 times, with that noise."""
    rng, right = random.Random(3), 0
    for _ in range(100):
        transport, step, now = Transport(external=True), 60 / (rng.uniform(60, 180) * 24), 5.0
        where = rng.randrange(0, 4000)
        for data in (m.START, *[m.CLOCK] * rng.randrange(40, 300), m.STOP, *[m.CLOCK] * 9, None, m.CONTINUE, m.CLOCK):
            now += step if data == m.CLOCK else 0
            transport.hear(m.position(where) if data is None else bytes((data,)), now + rng.uniform(-0.003, 0.003))
        right += round(transport.beat(now) * 4) == where
    return {"right": right, "tried": 100}


def _session(way: str, checkpoint: str, seed: int, pipe: int) -> None:
    """A child that plays until it is ended in a way; what goes out is written to a pipe."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng, session.PORTS = random.Random(seed), 0.1
    keys = cable(lambda data: os.write(pipe, data.ljust(3, b"\0")))
    plain, calls = Stream.advance, [0]
    wanted = rng.randrange(20, 200)

    def faulty(stream: Stream, without: int | None = None) -> Any:
        calls[0] += 1
        if calls[0] == wanted and way == "exception":
            raise ZeroDivisionError("planted")
        return plain(stream, without)

    Stream.advance = faulty  # type: ignore[method-assign]

    def play(each: Any) -> None:
        os.write(pipe, b"\xfe\xfe\xfe")
        time.sleep(rng.uniform(0.05, 0.5))
        if way == "panic":
            each.line(b"panic")
            time.sleep(0.05)
            os.write(pipe, MARK)
        elif way == "unplugged":
            keys.unplug("synth")
            time.sleep(rng.uniform(0.05, 0.3))
            keys.plug("synth")
            keys.open_input("synth", lambda data: os.write(pipe, data.ljust(3, b"\0")), False)
            time.sleep(0.4)
        elif way == "exception":
            time.sleep(0.5)
        if not way.startswith("SIG"):
            each.stop()

    with contextlib.suppress(KeyboardInterrupt):
        jammed(checkpoint, play, values={"tempo": 300}, seconds=30, seed=seed)


def _killed(way: str, checkpoint: str, seed: int, synthesizer: Synthesizer) -> tuple[int, int]:
    """(keys left down when it was to be silent, notes that began)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        with contextlib.suppress(BaseException):
            _session(way, checkpoint, seed, writing)
            code = 0
        os._exit(code)
    os.close(writing)
    begun, left, notes = False, 0, 0
    with os.fdopen(reading, "rb", buffering=0) as out:
        while data := out.read(3):
            if data == b"\xfe\xfe\xfe" and not begun:
                begun = True
                if way.startswith("SIG"):
                    number = getattr(signal, way)
                    pause = random.Random(seed).uniform(0.05, 0.6)
                    threading.Timer(pause, os.kill, (child, number)).start()
            elif data == MARK:
                left = len(synthesizer.down)
            elif data[0] < 0xFE:
                notes += m.starts(data)
                synthesizer.hear(data)
    os.waitpid(child, 0)
    return max(left, 0 if way == "SIGKILL" else len(synthesizer.down)), notes


def _tried(task: tuple[str, str, int]) -> tuple[str, int, int, int]:
    """One session: (the way, keys left down, notes that began, keys left down by a kill outright before it)."""
    way, checkpoint, seed = task
    synthesizer, outright = Synthesizer(), 0
    if way == "SIGKILL":
        _killed(way, checkpoint, seed, synthesizer)
        outright = len(synthesizer.down)
    left, notes = _killed("panic" if way == "SIGKILL" else way, checkpoint, seed, synthesizer)
    return way, left, notes, outright


def kills(asked: argparse.Namespace) -> dict[str, Any]:
    """Sessions ended in every way at random times; and such that were killed outright, followed by another."""
    ways = [*WAYS, "SIGKILL"]
    tasks = [(WAYS[seed % len(WAYS)], asked.checkpoint, seed) for seed in range(asked.kills)]
    tasks += [("SIGKILL", asked.checkpoint, seed) for seed in range(asked.kills // 50)]
    left, tried, notes, quiet, outright = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0), 0, 0, 0
    with multiprocessing.get_context("spawn").Pool(asked.side_by_side) as pool:
        for way, found, begun, before in pool.imap_unordered(_tried, tasks):
            left[way] += found
            tried[way] += 1
            notes, quiet, outright = notes + begun, quiet + (begun == 0), outright + before
    return {
        "left_sounding": left, "tried": tried, "notes": notes, "ended_before_a_note": quiet,
        "left_by_sigkill_before_the_next_start": outright,
    }  # fmt: skip


FIRST = """
import sys, time, os
from seqgen.live import backends
from seqgen.live.backends.loopback import Loopback
found = Loopback(("synth",))
def hear(data):
    if data[0] & 0xF0 == 0x90:
        os.write(1, repr(time.time()).encode())
        os._exit(0)
found.open_input("synth", hear, False)
backends.BACKENDS["loopback"] = lambda: found
from seqgen.cli import main
sys.argv[1:] = ["jam", sys.argv[1], "--ports", "loopback", "--out", "synth", "--no-log", "--no-take"]
main()
"""


def start(asked: argparse.Namespace) -> dict[str, Any]:
    """From the command to the first sound."""
    taken = []
    for _ in range(9):
        begin = time.time()
        command = [sys.executable, "-P", "-c", FIRST, asked.checkpoint]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=True)
        taken.append(float(done.stdout) - begin)
    return {"median_s": round(float(np.median(taken)), 3), "max_s": round(max(taken), 3), "tried": len(taken)}


def hostile(asked: argparse.Namespace) -> dict[str, Any]:
    """10,000 packets and frames while it plays."""
    from websockets.sync.client import connect

    cable(Synthesizer().hear)
    rng, counts = random.Random(5), {"osc": 0, "websocket": 0}
    seeds = [message("/seqgen/temperature", (0.5,)), message("/seqgen/key", ("Am",)), b"#bundle\0" + bytes(12)]

    def attack(each: Any) -> None:
        time.sleep(0.5)
        osc, page = each.doors
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            for number in range(5000):
                data = bytearray(rng.choice(seeds)) if number % 2 else bytearray(rng.randbytes(rng.randrange(1, 2000)))
                for _ in range(rng.randrange(8)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                sending.sendto(bytes(data), ("127.0.0.1", osc.port))
                counts["osc"] += 1
                time.sleep(0.001)
        opened = contextlib.ExitStack()
        client = opened.enter_context(connect(f"ws://localhost:{page.port}/"))
        for number in range(5000):
            text = rng.choice(
                ['{"temperature": 0.5}', "{", '{"note": [1,2,3,4]}', "[" * 900, '{"a": ' + "1" * 900 + "}"]
            )
            try:
                client.send(rng.randbytes(100) if number % 3 == 0 else text)
                counts["websocket"] += 1
            except Exception:
                client = opened.enter_context(connect(f"ws://localhost:{page.port}/"))
            time.sleep(0.001)
        each.stop()

    each = jammed(asked.checkpoint, attack, values={"tempo": 200}, osc=0, websocket=0)
    refused = {name: dict(door.budget.refused) for name, door in zip(("osc", "websocket"), each.doors)}
    late = list(each.scheduler.lateness)
    over = sum(value > 0.005 for value in late)
    faults = each.scheduler.faults
    return {
        "sent": counts,
        "refused": refused,
        **quantiles(late),
        "events": len(late),
        "over_5_ms": over,
        "faults": faults,
    }


def memory(asked: argparse.Namespace) -> dict[str, Any]:
    """Resident memory through a session at 400 bpm, after its first sixth and at its end."""
    found = list[float]()

    def look(each: Any) -> None:
        for _ in range(PARTS_OF_MEMORY):
            time.sleep(60 * asked.minutes / (PARTS_OF_MEMORY + 0.1))
            found.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)

    cable(Synthesizer().hear)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEQGEN_TAKES"] = str(Path(folder) / "takes")
        kept = {"log": folder, "take": True}
        each = jammed(asked.checkpoint, look, values={"tempo": 400}, seconds=60 * asked.minutes, **kept)
    first, last = found[PARTS_OF_MEMORY // 6 - 1], found[-1]
    return {
        "mb": [round(each, 1) for each in found],
        "growth_percent": round(100 * (last / first - 1), 2),
        "minutes": asked.minutes,
        "notes": each.hands.notes,
    }


def _burn() -> None:
    while True:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--checkpoint", default="folk-tunes")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--notes", type=int, default=500)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--side-by-side", type=int, default=1, help="Of the kills, how many at a time.")
    parser.add_argument("--name", default="", help="What the row is called besides.")
    parser.add_argument("--busy", action="store_true", help="With a process beside it that takes a core.")
    asked = parser.parse_args()
    path = RESULTS / "live.json"
    burner = multiprocessing.get_context("spawn").Process(target=_burn, daemon=True) if asked.busy else None
    if burner is not None:
        burner.start()
    for part in asked.parts:
        found = globals()[part](asked)
        machine = {name: hardware().get(name) for name in ("processor", "load")}  # parts may come from several
        found |= {**machine, "checkpoint": Path(asked.checkpoint).stem}
        results = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {}
        name = part + (" beside a busy core" if asked.busy else "") + (f", {asked.name}" if asked.name else "")
        results[name] = found
        print_table(("", part), [(name, str(value)) for name, value in found.items()])
        write_json("live", results)
    if burner is not None:
        burner.terminate()


if __name__ == "__main__":
    main()
