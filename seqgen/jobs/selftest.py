"""The checks of this machine: which there are, and each run in a process of its own. Imports none of them.

A check is a module of `seqgen.selftest`; a crash or a flood of memory of its process is seen and hurts nothing else.
"""

import importlib.util
import json
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from seqgen.errors import UsageError
from seqgen.registry import nearest

CHECKS = "seqgen.selftest"
SECONDS = 4 * 3600
Form = Literal["quick", "long"]  # how many cases: each check says so of both
Size = int | Form  # or so many


@dataclass(frozen=True)
class Outcome:
    """A check that was run.

    Attributes:
        name: Its module's name.
        title: What it promises.
        cases: How many things were tried.
        failed: In how many the promise did not hold.
        failures: The first of these, in words.
        facts: Numbers to be shown, by name.
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

    def to_json(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {**asdict(self), "held": self.held}


def names() -> tuple[str, ...]:
    """The checks there are, sorted, without importing them."""
    spec = importlib.util.find_spec(CHECKS)
    folders = None if spec is None else spec.submodule_search_locations
    found = (module.name for module in pkgutil.iter_modules(folders or []))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def outcomes(only: Sequence[str] = (), size: Size = "quick", seed: int = 0) -> Iterator[Outcome]:
    """What came of each check, all of them where none is named.

    Raises:
        UsageError: There is no such check.
    """
    known = names()
    for name in only:
        if name not in known:
            raise UsageError(f"no check is called {name!r}", nearest(name, known))
    return (check_apart(name, size, seed) for name in only or known)


def check_apart(name: str, size: Size = "quick", seed: int = 0) -> Outcome:
    """Run a check in a process of its own. Its death is a failure like any other."""
    command = [sys.executable, "-P", "-m", CHECKS, name, str(size), str(seed)]
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
