"""Every write, sync and rename of the commands fails once, in four ways: the old file is whole, or the new one is."""

import errno
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from seqgen.container import read_header
from seqgen.errors import CheckpointError
from seqgen.files import system
from seqgen.selftest import Tally, _materials
from seqgen.selftest._failing import NUMBERS, Failing

TITLE = "every failing write, sync, rename: the old file or the new one"
QUICK, LONG = 60, 100_000
OLD = b"what was there before"


@dataclass(frozen=True)
class Operation:
    """A command that writes `target`.

    Attributes:
        arguments: The command line.
        target: The file or folder it makes; where it is a file, there is an old one.
        own: Asks whether what it made is whole, where the bytes are not always the same.
    """

    arguments: tuple[object, ...]
    target: Path
    own: Callable[[Path], bool] | None = None


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` faults at most, spread over all commands; enough of them make all there are."""
    operations = _operations(folder)
    cases = []
    for operation in operations:
        _reset(operation)
        counted = Failing()
        with system.replaced(counted):
            code, said = _materials.call(*operation.arguments)
        tally.case(code == 0, f"{operation.arguments[0]}: {said}")
        whole = _content(operation.target)
        tally.count("fault_points", len(counted.calls))
        for at in range(1, len(counted.calls) + 1):
            cases += [(operation, whole, at, number) for number in NUMBERS]
    for operation, whole, at, number in cases if count >= len(cases) else random.sample(cases, count):
        _fail(tally, operation, whole, at, number)


def _operations(folder: Path) -> list[Operation]:
    """One of each command that writes."""
    stream, model, texts = _materials.stream(folder).path, folder / "model.safetensors", folder / "corpus"
    _materials.checkpoint().save(model)
    one = folder / "one.tokens"
    play, song, out = _materials.play(folder), folder / "song.mid", folder / "out"
    song.write_bytes(_materials.midi(Random(0)))
    _materials.call("tokenize", play, "-c", "char", "-o", one)
    out.mkdir()
    train = ("train", play, "-o", out / "run", "--steps", 2, "--seed", 1, *_materials.TINY)
    sample = ("generate", model, "-l", 20, "--seed", 3, "-o", out / "sample.txt", "--force")
    return [
        Operation(("tokenize", texts, "-c", "char", "-o", out / "new.tokens", "--force"), out / "new.tokens"),
        Operation(("decode", one, "-o", out / "play.txt", "--force"), out / "play.txt"),
        Operation(("decode", stream, "-o", out / "folder"), out / "folder"),
        Operation(sample, out / "sample.txt"),
        Operation(("render", song, "-o", out / "song.svg", "--force"), out / "song.svg"),
        Operation(train, out / "run", _whole_run),
    ]


def _whole_run(folder: Path) -> bool:
    """Whether what lies in a run folder loads."""
    for name in ("model.safetensors", "resume.safetensors"):
        if (folder / name).exists():
            read_header(folder / name, CheckpointError).verify()
    return True


def _reset(operation: Operation) -> None:
    """An old file in the place, or no folder."""
    shutil.rmtree(operation.target.parent)
    operation.target.parent.mkdir()
    if operation.target.suffix:
        operation.target.write_bytes(OLD)
        operation.target.chmod(0o640)


def _content(target: Path) -> dict[str, bytes]:
    """Every file there, by its path."""
    if target.is_file():
        return {"": target.read_bytes()}
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def _fail(tally: Tally, operation: Operation, whole: dict[str, bytes], at: int, number: int) -> None:
    """One fault, and a look at what is left."""
    _reset(operation)
    failing = Failing(at, number, lasting=number == errno.ENOSPC)
    with system.replaced(failing):
        code, said = _materials.call(*operation.arguments)
    call = failing.calls[at - 1] if len(failing.calls) >= at else "nothing"
    where = f"{operation.arguments[0]} -o {operation.target.name}, {errno.errorcode[number]} at {call} {at}"
    tally.count("errors_told" if code else "went_on")
    tally.case("Traceback" not in said and (not code or said.count("Error: ") == 1), f"{where}: said {said!r}")
    if number == errno.ENOSPC and call == "write":
        tally.case("needed" in said and str(operation.target.parent) in said, f"{where}: said {said!r}")
    tally.case(_left(operation, whole, code), f"{where}: exit code {code}, left {sorted(_content(operation.target))}")
    strays = [path.name for path in operation.target.parent.rglob("*.part")]
    tally.case(not strays, f"{where}: left {strays}")
    if operation.target.suffix and operation.target.exists() and call != "chmod":
        tally.case(operation.target.stat().st_mode & 0o777 == 0o640, f"{where}: the mode changed")


def _left(operation: Operation, whole: dict[str, bytes], code: int) -> bool:
    """Whether the old or the new is whole; the new, where no error was reported."""
    if operation.own is not None:
        return operation.own(operation.target)
    found, old = _content(operation.target), {"": OLD} if operation.target.suffix else {}
    return found == whole or (code != 0 and found == old)
