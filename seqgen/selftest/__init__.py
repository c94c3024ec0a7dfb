"""The promises of SECURITY.md, each as a check that breaks things on the machine it runs on. Needs no test framework.

A public module in this folder is a check: it has TITLE (what is promised), QUICK and LONG (how many cases), and
`run(tally, count, random, folder)`, which breaks things in an empty folder and tells the tally. `seqgen.jobs.selftest`
runs each in a process of its own.
"""

import importlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from seqgen.jobs.selftest import CHECKS, Outcome, Size

SHOWN = 10  # failures that are kept in words
MEMORY = 300_000_000  # bytes that a check may need, where its promise is about memory
MEMORY_DISK = "/dev/shm"  # thousands of small files need no real disk, but where DISK says so


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


def counts(name: str) -> tuple[int, int]:
    """How many cases the short and the long form of a check have."""
    module = importlib.import_module(f"{CHECKS}.{name}")
    return module.QUICK, module.LONG


def check(name: str, size: Size = "quick", seed: int = 0) -> Outcome:
    """Run a check in this process."""
    module = importlib.import_module(f"{CHECKS}.{name}")
    count = {"quick": module.QUICK, "long": module.LONG}[size] if isinstance(size, str) else size
    tally, began = Tally(), time.monotonic()
    where = None if getattr(module, "DISK", False) or not os.access(MEMORY_DISK, os.W_OK) else MEMORY_DISK
    with tempfile.TemporaryDirectory(prefix="seqgen-selftest-", dir=where, ignore_cleanup_errors=True) as folder:
        try:
            module.run(tally, count, Random(seed), Path(folder))
        except Exception as error:
            tally.case(False, f"the check itself failed: {type(error).__name__}: {error}")
    facts = {key: round(value, 4) if isinstance(value, float) else value for key, value in tally.facts.items()}
    memory, words = peak_memory(), tuple(tally.failures)
    return Outcome(name, module.TITLE, tally.cases, tally.failed, words, facts, time.monotonic() - began, memory)


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
