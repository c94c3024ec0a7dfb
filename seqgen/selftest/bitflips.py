"""One bit of a file is flipped, and a command reads it: it says so in one sentence, or makes the file again.

Streams, checkpoints, resume files, indexes and cached streams are flipped one bit at a time, anywhere in the file, and
their times of modification put back. In half of the cases the files count as large, so that the records of
`seqgen.files.verified` are asked; each command has then read the whole file before, and has left its record.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from seqgen.checkpoint import Checkpoint
from seqgen.files import verified
from seqgen.selftest import Tally, _materials

TITLE = "every command tells of flipped bits, or mends them"
QUICK, LONG = 68, 1_000
SETTLED = 0.05  # seconds; this machine's file system counts time in hundredths at least
TRAIN = ("--steps", "1", "--seed", "1", *_materials.TINY)


@dataclass(frozen=True)
class Case:
    """A command and a file that it reads.

    Attributes:
        name: What is counted.
        file: What is flipped.
        arguments: Of the command.
        made: What tells whether the outcome is that of the whole file, where the file is made again; None: it is not.
    """

    name: str
    file: Path
    arguments: tuple[object, ...]
    made: Callable[[], object] | None = None


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Each case in turn: flip, call, flip back."""
    with _apart(folder):
        cases = list(_cases(folder))
        time.sleep(2 * SETTLED)
        _regard(large=True)
        wanted = []
        for case in cases:
            code, said = _called(folder, case)
            tally.case(code == 0, f"{case.name} of a whole file: {said}")
            wanted.append(None if case.made is None else case.made())
        for index in range(count):
            which = index % len(cases)
            _regard(random.random() < 0.5)
            _attempt(tally, folder, cases[which], wanted[which], random)
            tally.count(cases[which].name)


def _attempt(tally: Tally, folder: Path, case: Case, wanted: object, random: Random) -> None:
    """One case with one bit."""
    whole, times = case.file.read_bytes(), case.file.stat()
    bit = random.randrange(8 * len(whole))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    _overwrite(case.file, bytes(flipped), times)
    code, said = _called(folder, case)
    words = f"{case.name}: bit {bit} of {case.file.name}, code {code}: {said}"
    if case.made is None:
        tally.case(code == 1 and _sentences(said) == 1, words)
    else:
        mended = case.file.name in said and case.file.read_bytes() == whole
        tally.case(code == 0 and mended and case.made() == wanted, words)
    _overwrite(case.file, whole, times)


def _cases(folder: Path) -> Iterator[Case]:
    """Every command that reads a file of ours, with each of the files."""
    play, stream, other = _materials.play(folder), folder / "play.tokens", folder / "other.tokens"
    run, model, new, out = folder / "run", folder / "run" / "model.safetensors", folder / "new", folder / "out"
    for arguments in (
        ("tokenize", play, "-c", "char", "-o", stream),
        ("train", stream, "-o", run, *TRAIN),
    ):
        code, said = _materials.call(*arguments)
        if code:
            raise RuntimeError(said)
    shutil.copy(stream, other)
    generate = ("generate", run, "-l", "40", "--seed", "3", "--no-take", "-o", out)

    def weights() -> object:
        return [(name, weight.tobytes()) for name, weight in sorted(Checkpoint.load(new).weights.items())]

    yield Case("inspect stream", stream, ("inspect", stream))
    yield Case("decode", stream, ("decode", stream, "-o", out))
    yield Case("train stream", stream, ("train", stream, "-o", new, *TRAIN))
    yield Case("train --val", other, ("train", stream, "--val", other, "-o", new, *TRAIN))
    yield Case("train --from", model, ("train", stream, "--from", run, "-o", new, "--steps", "1", "--device", "cpu"))
    yield Case("train --resume", run / "resume.safetensors", ("train", "--resume", "-o", run, "--steps", "1"))
    yield Case("train --resume, stream", stream, ("train", "--resume", "-o", run, "--steps", "1"))
    yield Case("evaluate stream", other, ("evaluate", run, other))
    yield Case("evaluate checkpoint", model, ("evaluate", run, other))
    yield Case("evaluate, own stream", stream, ("evaluate", run))
    yield Case("inspect checkpoint", model, ("inspect", model))
    yield Case("generate", model, generate)
    yield Case("generate --mix", model, ("generate", run, "--mix", run, *generate[2:]))
    index = run / "index.safetensors"
    yield Case("generate --max-copy", index, (*generate, "--max-copy", "3"), out.read_bytes)
    yield Case("generate, index", index, generate, out.read_bytes)
    train = ("train", play, "-c", "char", "-o", new, *TRAIN)
    cached = _entry(train, new)
    yield Case("train, cache", cached, train, weights)
    cached = _entry(("evaluate", run, play, "--json"), new)
    yield Case("evaluate, cache", cached, ("evaluate", run, play), lambda: None)


def _entry(arguments: tuple[object, ...], new: Path) -> Path:
    """The file that a command leaves in the cache."""
    folder = Path(os.environ["SEQGEN_CACHE"]) / "streams"
    before = {*folder.glob("*.tokens")}
    code, said = _materials.call(*arguments)
    shutil.rmtree(new, ignore_errors=True)
    if code:
        raise RuntimeError(said)
    (made,) = {*folder.glob("*.tokens")} - before
    return made


def _called(folder: Path, case: Case) -> tuple[int, str]:
    """What the command says, its run folder being new."""
    shutil.rmtree(folder / "new", ignore_errors=True)
    try:
        return _materials.call(*case.arguments)
    except Exception as error:  # what a user sees as a traceback
        return -1, f"{type(error).__name__}: {error}"


def _overwrite(path: Path, data: bytes, times: os.stat_result) -> None:
    """Other bytes in the same file, which looks as old as before."""
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _sentences(said: str) -> int:
    return sum(line.startswith("Error: ") for line in said.splitlines()) if "Traceback" not in said else 0


@contextlib.contextmanager
def _apart(folder: Path) -> Iterator[None]:
    """A cache of its own, in which records are honoured soon."""
    known, before = verified.SMALL, os.environ.get("SEQGEN_CACHE")
    verified.SETTLED, settled = SETTLED, verified.SETTLED
    os.environ["SEQGEN_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        verified.SMALL, verified.SETTLED = known, settled
        del os.environ["SEQGEN_CACHE"]
        if before is not None:
            os.environ["SEQGEN_CACHE"] = before


def _regard(large: bool, small: int = verified.SMALL) -> None:
    """Regard every file as a large one, or as it is."""
    verified.SMALL = -1 if large else small
