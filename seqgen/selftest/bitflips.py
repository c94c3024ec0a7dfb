"""One bit of a stream or checkpoint is flipped: `verify`, which every load of a checkpoint does, always sees it."""

from pathlib import Path
from random import Random

from seqgen.checkpoint import Checkpoint
from seqgen.errors import SeqgenError
from seqgen.selftest import Tally, _materials
from seqgen.stream import TokenStream

TITLE = "flipped bits are detected"
QUICK, LONG = 300, 1_000


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Flip, look, flip back."""
    stream, model = _materials.stream(folder).path, folder / "model.safetensors"
    _materials.checkpoint().save(model)
    for index in range(count):
        path = (stream, model)[index % 2]
        bit = random.randrange(8 * path.stat().st_size)
        _flip(path, bit)
        tally.case(_refused(path), f"{path.name}: bit {bit} was not noticed")
        _flip(path, bit)
    tally.case(not _refused(stream) and not _refused(model), "the files are not what they were")


def _flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def _refused(path: Path) -> bool:
    try:
        if path.suffix == ".tokens":
            TokenStream.open(path).verify()
        else:
            Checkpoint.load(path)
    except SeqgenError:
        return True
    return False
