"""What every benchmark shares: repeated timing, the machine and versions, a table on the terminal, a JSON file.

Knows nothing of what is measured. A result lands in `benchmarks/results/NAME.json` with the hardware it was measured
on, so that a number never stands without its machine.
"""

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
MEASURED = ("seqgen-art", "torch", "numpy", "safetensors", "sentencepiece", "mido", "pretty-midi")


def median_seconds(work: Callable[[], object], repeats: int = 5, warm_up: int = 1) -> float:
    """The median wall time of a call, after some calls that are not counted."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def one_core() -> None:
    """Keep this process and its children to one core where the system can, and numeric libraries to one thread."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GB, system, and the load of the machine while it is asked."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    gpu = _gpu()
    return {**found, "gpu": gpu} if gpu else found


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _gpu() -> str:
    """The names of NVIDIA devices, or "" where there are none; asked without importing torch."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in MEASURED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns on stdout: the first to the left, the others to the right."""
    cells = [[_cell(value) for value in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for index, row in enumerate(cells):
        left = row[0].ljust(widths[0])
        print("  ".join([left, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip())
        if index == 0:
            print("  ".join("-" * width for width in widths))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def write_json(name: str, results: object, settings: dict[str, Any] | None = None, path: Path | None = None) -> Path:
    """Write `results/NAME.json`, or another file, with date, hardware, versions and the benchmark's own settings.

    Returns:
        Its path.
    """
    record = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hardware": hardware(),
        "versions": versions(),
        "settings": settings or {},
        "results": results,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json" if path is None else path
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
