"""The promises of SECURITY.md, each as a check that breaks things on the machine it runs on. Needs no test framework.

A public module in this folder is a check: it has TITLE (what is promised), QUICK and LONG (how many cases), and
`run(tally, count, random, folder)`, which breaks things in an empty folder and tells the tally. Each check runs in a
process of its own, so that a crash or a flood of memory is seen and hurts nothing else.
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

SHOWN = 10  # failures that are kept in words
MEMORY = 300_000_000  # bytes that a check may need, where its promise is about memory
MEMORY_DISK = "/dev/shm"  # thousands of small files need no real disk, but where DISK says so
SECONDS = 4 * 3600


@dataclass
class Tally:
    """What a check found so far.

    Attributes:
        cases: How many things were tried.
        failed: In how many the promise did not hold.
        failures: The first of these, in words.
        facts: Numbers to be shown, by name.
    """

    cases: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def case(self, held: bool, words: str) -> None:
        """One more case; `words` say what went wrong where it did."""
        self.cases += 1
        if not held:
            self.failed += 1
            if len(self.failures) < SHOWN:
                self.failures.append(words[:500])

    def count(self, fact: str, by: int = 1) -> None:
        """Count under a fact's name."""
        self.facts[fact] = self.facts.get(fact, 0) + by

    def most(self, fact: str, value: float) -> None:
        """Keep the largest value under a fact's name."""
        self.facts[fact] = max(self.facts.get(fact, value), value)


@dataclass(frozen=True)
class Outcome:
    """A check that was run.

    Attributes:
        name: Its module's name.
        title: What it promises.
        cases, failed, failures, facts: As in `Tally`.
        seconds: How long it took.
        memory: The most that its process held, in bytes; 0 where the system does not say.
    """

    name: str
    title: str
    cases: int
    failed: int
    failures: tuple[str, ...]
    facts: dict[str, Any]
    seconds: float
    memory: int

    @property
    def held(self) -> bool:
        """Whether the promise held in every case, and there was one."""
        return not self.failed and self.cases > 0

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "held": self.held}


def names() -> tuple[str, ...]:
    """The checks there are, sorted, without importing them."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def counts(name: str) -> tuple[int, int]:
    """How many cases the short and the long form of a check have."""
    module = importlib.import_module(f"seqgen.selftest.{name}")
    return module.QUICK, module.LONG


def check(name: str, count: int | None = None, seed: int = 0) -> Outcome:
    """Run a check in this process; its short form where no count is given."""
    module = importlib.import_module(f"seqgen.selftest.{name}")
    tally, began = Tally(), time.monotonic()
    where = None if getattr(module, "DISK", False) or not os.access(MEMORY_DISK, os.W_OK) else MEMORY_DISK
    with tempfile.TemporaryDirectory(prefix="seqgen-selftest-", dir=where, ignore_cleanup_errors=True) as folder:
        try:
            module.run(tally, module.QUICK if count is None else count, Random(seed), Path(folder))
        except Exception as error:
            tally.case(False, f"the check itself failed: {type(error).__name__}: {error}")
    facts = {key: round(value, 4) if isinstance(value, float) else value for key, value in tally.facts.items()}
    memory, words = peak_memory(), tuple(tally.failures)
    return Outcome(name, module.TITLE, tally.cases, tally.failed, words, facts, time.monotonic() - began, memory)


def check_apart(name: str, count: int | None = None, seed: int = 0) -> Outcome:
    """Run a check in a process of its own. Its death is a failure like any other."""
    command = [sys.executable, "-P", "-m", "seqgen.selftest", name, str(-1 if count is None else count), str(seed)]
    began = time.monotonic()
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "SEQGEN_TRACEBACK": "1"}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)
        found = json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else None
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        ran, found = None, None
    if found is None:
        words = f"the check's process died (exit code {ran.returncode}): {ran.stderr[-400:]}" if ran else "no answer"
        return Outcome(name, "", 1, 1, (words,), {}, time.monotonic() - began, 0)
    del found["held"]
    return Outcome(**{**found, "failures": tuple(found["failures"])})


def peak_memory() -> int:
    """The most memory that this process held so far, in bytes; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands on getrusage's number from parent to child
        line = next(row for row in status.read_text("ascii", "replace").splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
