"""What seqgen itself writes, recognised by what it holds and not by its name. Reads a header at most.

A run folder is one whose `training.json` is a run's. The folder of a demo holds `models/`, and in it the run folders of
its pieces.
"""

import contextlib
import json
import re
from pathlib import Path

from seqgen.files.walking import Own

RUN = "is a run folder of seqgen"
DEMO = "is the folder of a seqgen demo"
STREAM, CHECKPOINT = "seqgen token stream", "seqgen checkpoint"
TAKES = "is a list of takes of seqgen"
TRAINING_FILE = "training.json"
RESULTS = ("model.safetensors", "resume.safetensors")  # by which a run is known that got anywhere
RUN_FILES = (
    *RESULTS, "index.safetensors", TRAINING_FILE, "log.jsonl", "timing.jsonl",
    "samples.jsonl", "inside.jsonl",
)  # fmt: skip
DEMO_RUNS = {"shakespeare.txt": "shakespeare", "code.c": "code", "chorale.mid": "chorale"}  # artifact → its run folder
DEMO_FILES = (*DEMO_RUNS, "chorale.wav", "chorale.png", "report.html", "models")
BESIDE_TAKES = ("", "-wal", "-shm", "-journal")  # a list of takes and what SQLite keeps beside it
APPLICATION = b"sqng"
_SUFFIXES = (".tokens", ".safetensors")
_DATABASES = (".sqlite", ".sqlite3", ".db")
_MAX_HEADER = 1_000_000
_FORMAT = re.compile(rb'"format": ?"(seqgen [a-z ]{1,30})"')


def own(folder: str, names: frozenset[str]) -> Own:
    """What of a folder is seqgen's own, by its path and the names in it."""
    if TRAINING_FILE in names and is_run(folder):
        return Own(RUN, {name: f"belongs to a run of seqgen ({name})" for name in RUN_FILES})
    if "models" in names and any(is_run(Path(folder, "models", run)) for run in DEMO_RUNS.values()):
        return Own(DEMO, {name: f"belongs to a demo of seqgen ({name})" for name in DEMO_FILES})
    found = {}
    for name in names:
        if name.endswith(_SUFFIXES) and (kind := container_kind(Path(folder, name))):
            found[name] = f"is a {kind}"
        elif name.endswith(_DATABASES) and is_takes(Path(folder, name)):
            found |= {name + end: TAKES for end in BESIDE_TAKES}
    return Own("", found)


def is_run(folder: str | Path) -> bool:
    """Whether a run was begun in a folder."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(_start(Path(folder) / TRAINING_FILE, _MAX_HEADER))
        return isinstance(found, dict) and {"stream", "fingerprint", "plan"} <= set(found)
    return False


def container_kind(path: Path) -> str:
    """`seqgen token stream`, `seqgen checkpoint` and so on, by a file's header; "" where it is none of seqgen's."""
    length = int.from_bytes(_start(path, 8), "little")
    match = _FORMAT.search(_start(path, 8 + length)) if length <= _MAX_HEADER else None
    return match[1].decode() if match else ""


def is_takes(path: Path) -> bool:
    """Whether a file is a list of takes: the application's number stands in the header of an SQLite file."""
    start = _start(path, 72)
    return start.startswith(b"SQLite format 3\0") and start[68:] == APPLICATION


def _start(path: Path, length: int) -> bytes:
    """The first bytes of a plain file; none of what is no plain file or cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(length)
    return b""
