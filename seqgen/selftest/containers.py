"""Mutated and forged streams and checkpoints: nothing but a SeqgenError comes out, in little memory."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from seqgen.checkpoint import Checkpoint
from seqgen.errors import SeqgenError
from seqgen.selftest import MEMORY, Tally, _materials, peak_memory
from seqgen.selftest._mutations import digits_changed, mutated, sealed, taken_apart
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer

TITLE = "mutated streams and checkpoints: no error but ours, 300 MB"
QUICK, LONG = 1_500, 100_000
Reader = Callable[[Path], object]


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Every other one is a stream; half of each have checksums made right again."""
    stream, model = _materials.stream(folder).path, folder / "model.safetensors"
    _materials.checkpoint().save(model)
    kinds: list[tuple[Path, Reader]] = [(stream, read_stream), (model, Checkpoint.load)]
    originals = [path.read_bytes() for path, _ in kinds]
    for index in range(count):
        path, reader = kinds[index % 2]
        attempt(tally, reader, path, damaged(random, originals[index % 2]))
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")


def damaged(random: Random, raw: bytes) -> bytes:
    """A container that was hit by chance, or by a forger."""
    return _forged(random, raw) if random.random() < 0.5 else mutated(random, raw)


def attempt(tally: Tally, reader: Reader, path: Path, data: bytes) -> None:
    """One case: the file opens, or is refused in one sentence."""
    path.write_bytes(data)
    try:
        reader(path)
        tally.count("opened")
    except SeqgenError as error:
        tally.count("refused")
        tally.case("\n" not in error.message, f"{path.name}: {error.message!r} is no one sentence")
    except Exception as error:
        tally.case(False, f"{path.name}: {type(error).__name__}: {error}")
    else:
        tally.case(True, "")


def read_stream(path: Path) -> None:
    """All that the commands do with a stream."""
    stream = TokenStream.open(path)
    stream.verify()
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    for index in range(min(stream.documents, 3)):
        tokenizer.decode(stream.document(index)[:10_000])


def _forged(random: Random, raw: bytes) -> bytes:
    """A container with changes in its header, its details or its data, and checksums that are right."""
    header, data = taken_apart(raw)
    which = random.randrange(3)
    if which == 0:
        return sealed(digits_changed(random, header), data)
    begin = max(data.rfind(b'{"'), 0) if random.random() < 0.3 else data.find(b'{"')
    begin = begin if begin >= 0 else 0
    if which == 1:
        data = data[:begin] + _same_length(data[begin:], digits_changed(random, data[begin:]))
    else:
        changed = bytearray(data)
        for _ in range(random.choice((1, 2, 8))):
            changed[random.randrange(len(changed))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        data = bytes(changed)
    return _sealed_stream(header, data) if b"tables_sha256" in header else sealed(header, data)


def _same_length(before: bytes, after: bytes) -> bytes:
    """JSON of the length that the header promises: padded, or cut."""
    return after[: len(before)].ljust(len(before))


def _sealed_stream(header: bytes, data: bytes) -> bytes:
    """A stream has two checksums more, over parts of its data."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        found = json.loads(header)
        ids, details = found["ids"]["data_offsets"][1], found["details"]["data_offsets"][0]
        return sealed(header, data, tables=data[ids:], content=data[:details])
    return sealed(header, data)
