"""Run folders whose JSON holds what it should not: lines of other types, cut, missing keys, numbers beyond measure.

A page about the run is still made where only lines of its logs are odd, and a run that goes on loses nothing of them.
"""

import json
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

from seqgen.errors import FAULT
from seqgen.jobs.train.job import train
from seqgen.jobs.train.settings import TrainJob
from seqgen.selftest import Tally, _materials
from seqgen.selftest._calls import prepare

TITLE = "run folders with odd logs: one sentence, or the line left out"
QUICK, LONG = 40, 2_000
SLOW = 20.0  # seconds of one command
LOGS = ("log.jsonl", "timing.jsonl", "samples.jsonl")
FILES = (*LOGS, "training.json")
COMMANDS = (
    ("train", "-o", "run", "--report", "page.html"),
    ("train", "--resume", "-o", "run", "--steps", "5"),
    ("inspect", "run"),
    ("generate", "run", "-l", "5", "-o", "out.txt"),
    ("evaluate", "run"),
)
HUGE = 10**4_000
ODD: tuple[Any, ...] = (
    None, True, False, "", "x", "1", -1, 0, 1.5, 1e308, HUGE, -HUGE, [], {}, [1], {"a": 1}, [[[]]], "\ud800", "\0",
    "\x1b[2J", "play.txt", ".", "toy.model", [None], {"minutes": "x"}, {"steps": 0},
)  # fmt: skip
LINES = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"NaN", b'{"step": NaN}', b'{"step": 1e999}', b"\xff\xfe", b"\0" * 9,
    b"9" * 5_000, b'{"step": ' + b"9" * 5_000 + b"}", b"[" * 100_000, b'{"a":' * 2_000, b"{}", b'{"step": 1}',
    b'{"step": 1, "validation_nats": 2.0}', b'{"step": 1, "nats": "x", "text": "a"}', b'{"step": 1, "nats": 1.0}',
)  # fmt: skip


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """A fresh copy of a run, one fault in it, one command."""
    prepare(folder)
    settings = {**_materials.SMALL, "checks": 3}
    job = TrainJob(("play.txt",), Path("made"), settings=settings, seed=1, steps=4, device="cpu")
    code, said = _materials.attempt(lambda observer: train(job, observer))
    tally.case(code == 0 and len(_texts("made")) > 0, f"no run to break: {said[-300:]}")
    for _ in range(count):
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree("made", "run")
        name, command = random.choice(FILES), random.choice(COMMANDS)
        _one(tally, name, _break(random, Path("run") / name), command)


def _one(tally: Tally, name: str, fault: str, command: tuple[str, ...]) -> None:
    about = f"{' '.join(command)} with {name}, {fault}: "
    texts = _texts("run")
    Path("page.html").unlink(missing_ok=True)
    began = time.process_time()
    try:
        code, said = _materials.call(*command)
    except BaseException as error:
        tally.case(False, f"{about}{type(error).__name__}: {str(error)[:200]}")
        return
    seconds = time.process_time() - began
    tally.most("slowest_s", seconds)
    tally.count(f"exit code {code}")
    tally.case(seconds < SLOW, f"{about}{seconds:.1f} s")
    tally.case(code in (0, 1) and FAULT not in said, f"{about}exit code {code}, {said[-300:]!r}")
    if "--report" in command and name != "training.json" and "folder" not in fault:
        tally.case(code == 0 and Path("page.html").is_file(), f"{about}no page: {said[-300:]!r}")
    if "--resume" in command and code == 0:
        tally.case(set(texts) <= set(_texts("run")), f"{about}samples are lost")


def _break(random: Random, path: Path) -> str:
    """Break a file in place. Returns how."""
    kind = random.choice(("value", "value", "value", "key", "line", "line", "cut", "whole", "gone", "folder"))
    data = path.read_bytes()
    if kind in ("gone", "folder"):
        path.unlink()
        if kind == "folder":
            path.mkdir()
        return kind
    if kind == "cut":
        path.write_bytes(data[: random.randrange(len(data) + 1)])
        return kind
    odd = random.choice(LINES)
    if kind == "whole":
        path.write_bytes(odd)
        return f"{kind} {odd[:60]!r}"
    lines = [data] if path.suffix == ".json" else data.splitlines()
    at = random.randrange(len(lines))
    if kind == "line":
        lines.insert(at, odd)
        path.write_bytes(b"\n".join(lines) + b"\n")
        return f"{kind} {odd[:60]!r}"
    found = json.loads(lines[at])
    fault = _odd(random, found, kind == "key")
    lines[at] = json.dumps(found).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    return fault


def _odd(random: Random, found: dict[str, object], missing: bool) -> str:
    """Take a key away, or give it another value, here or further inside."""
    key = random.choice(list(found))
    inner = found[key]
    if isinstance(inner, dict) and inner and random.random() < 0.8:
        return f"{key}.{_odd(random, inner, missing)}"
    if missing:
        del found[key]
        return f"without {key}"
    found[key] = random.choice(ODD)
    return f"{key} = {json.dumps(found[key])[:60]}"


def _texts(folder: str) -> list[str]:
    """The texts of the samples that make sense."""
    path, found = Path(folder) / "samples.jsonl", []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            found.append(str(dict(json.loads(line))["text"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return found
