"""Seeded mutation of everything that reads what strangers wrote. Only a SeqgenError may come out, and soon.

A crash that was found becomes a seed in `tests/test_hostile.py`, built there by code.
"""

import base64
import io
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from seqgen import registry, settings
from seqgen.api.control import parse_control
from seqgen.catalogue import read_recipe
from seqgen.checkpoint import Checkpoint
from seqgen.codecs import Codec
from seqgen.codecs.subword import Subword, SubwordOptions
from seqgen.errors import SeqgenError
from seqgen.models import ModelSettings
from seqgen.music.read import read_score
from seqgen.originality.index import Corpus, Index, build
from seqgen.originality.measuring import measure
from seqgen.report import Report
from seqgen.selftest import MEMORY, Tally, _materials, containers, peak_memory
from seqgen.selftest._mutations import mutated
from seqgen.selftest.containers import damaged
from seqgen.takes import exchange
from seqgen.takes.store import Takes
from seqgen.tokenizer import Tokenizer

TITLE = "fuzzed readers, decoders, loaders, recipes: no error but ours"
QUICK, LONG = 3_000, 100_000
SLOW = 2.0  # seconds of one input; 1 on an idle machine
Target = Callable[[bytes], object]
CONTAINERS = ("stream", "checkpoint", "index")
RECIPE = b"""name = "toy"
description = "A toy."
medium = "text"
codec = "char"
licence = "CC0"
attribution = "nobody"
members = ["**/*.txt"]
strip = 1

[source]
kind = "url"
url = "https://example.org/toy.zip"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
file = "zip"

[expect]
files = 3
bytes = 100
"""


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """All targets in turn."""
    found = list(targets(folder).items())
    for index in range(count):
        name, (target, seeds) = found[index % len(found)]
        one(tally, name, target, broken(random, name, random.choice(seeds)))
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")


def broken(random: Random, name: str, seed: bytes) -> bytes:
    """A seed of a target, damaged; containers often with checksums that are right."""
    return damaged(random, seed) if name in CONTAINERS else mutated(random, seed)


def one(tally: Tally, name: str, target: Target, data: bytes) -> None:
    """One input for one target."""
    began = time.process_time()
    try:
        target(data)
        tally.count("read")
    except SeqgenError as error:
        tally.count("refused")
        tally.case("\n" not in error.message, f"{name}: {error.message!r} for {data!r}")
    except Exception as error:
        tally.case(False, f"{name}: {type(error).__name__}: {error} for {data!r}")
        return
    seconds = time.process_time() - began
    tally.most("slowest_s", seconds)
    tally.case(seconds < SLOW, f"{name} took {seconds:.1f} s for {data[:300]!r}")


def targets(folder: Path) -> dict[str, tuple[Target, list[bytes]]]:
    """Each target and its seeds."""
    random = Random(1)
    found: dict[str, tuple[Target, list[bytes]]] = {
        "midi": (_score, [_materials.midi(random, size) for size in (1, 10, 60)]),
        "musicxml": (_score, [_materials.MUSICXML]),
        "abc": (_score, [_materials.abc(random) for _ in range(3)]),
        "recipe": (_recipes(folder), [RECIPE]),
        "settings": (_settings, [b"hidden 64", b"layers 2", b"embedding none", b"dropout 0.5", b"tie true"]),
    }
    lines = [
        b'{"temperature": 0.8}',
        b'{"pause": true}',
        b'{"rules": {"top_p": 0.9, "min_p": null}}',
        b'{"prompt": "ANNA:"}',
    ]
    found["control"] = (parse_control, lines)
    fitted = [Subword.fit([_materials.PLAY.encode()], SubwordOptions(how, 300)) for how in ("unigram", "bpe")]
    models = [base64.b64decode(codec.state()["model"]) for codec in fitted]
    found["subword model"] = (_subword_file, models)
    found |= _files(folder)
    for name in registry.own("codecs"):
        codec = _codec(name)
        found[f"decode {name}"] = (_decoder(codec), [bytes(range(256)), bytes(100)])
        songs = [_materials.midi(random), _materials.MUSICXML, _materials.abc(random)]
        texts = songs if not codec.is_text else [_materials.PLAY[:300].encode(), b"int f(int x) { y; } // z\n"]
        found[f"encode {name}"] = (_encoder(codec), texts)
    return found


def _files(folder: Path) -> dict[str, tuple[Target, list[bytes]]]:
    """What seqgen writes and reads again: containers, and takes from elsewhere."""
    (folder / "made").mkdir()
    stream, path = _materials.stream(folder / "made"), folder / "made" / "file"
    _materials.checkpoint().save(path)
    found: dict[str, tuple[Target, list[bytes]]] = {
        "stream": (_from_file(folder, containers.read_stream), [stream.path.read_bytes()]),
        "checkpoint": (_from_file(folder, Checkpoint.load), [path.read_bytes()]),
    }
    ends = stream.starts[1:]
    build(Corpus(stream.ids, stream.starts, stream.starts[:-1], ends, 100, 128, "toy", [("a", 6)]), path)
    found["index"] = (_from_file(folder, _searched), [path.read_bytes()])
    found["takes"] = (_imported(folder / "made"), [_materials.exported(folder / "made")])
    return found


def _from_file(folder: Path, reader: Callable[[Path], object]) -> Target:
    def read(data: bytes) -> None:
        path = folder / "damaged"
        path.write_bytes(data)
        reader(path)

    return read


def _searched(path: Path) -> None:
    """All that a sample asks of an index."""
    measure(Index(path), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 2)


def _imported(folder: Path) -> Target:
    def read(data: bytes) -> None:
        with Takes(folder / "in.sqlite") as takes:
            exchange.bring_in(takes, io.BytesIO(data), "takes.jsonl")

    return read


def _score(data: bytes) -> None:
    """As a corpus is read, and strictly."""
    for report in (Report(), None):
        try:
            read_score(data, report)
        except SeqgenError:
            if report is None:
                raise


def _recipes(folder: Path) -> Target:
    def read(data: bytes) -> None:
        path = folder / "toy.toml"
        path.write_bytes(data)
        read_recipe(path)

    return read


def _settings(data: bytes) -> None:
    key, _, value = data.decode("utf-8", "replace").partition(" ")
    settings.parse(ModelSettings, {key: value})


def _subword_file(data: bytes) -> None:
    """A model whose checksum is right, and what it makes of a text."""
    state = {"model": base64.b64encode(data).decode("ascii"), "crc32": zlib.crc32(data)}
    spec = {"name": "subword", "options": {}, "state": state, "labels": []}
    codec = Tokenizer.from_spec(spec).codec
    text = _materials.PLAY[:200].encode()
    assert codec.decode(codec.encode(text)) == text


def _codec(name: str) -> Codec:
    kind = registry.load("codecs", name)
    music = kind.medium.name == "music"  # the materials are by medium
    sample = _materials.midi(Random(2)) if music else _materials.PLAY.encode()
    codec: Codec = kind.fit([sample], kind.Options())
    return codec


def _decoder(codec: Codec) -> Target:
    def decode(data: bytes) -> None:
        numbers = np.frombuffer(data[: len(data) // 2 * 2], np.uint16)
        codec.decode(numbers % codec.vocab_size)

    return decode


def _encoder(codec: Codec) -> Target:
    def encode(data: bytes) -> None:
        codec.decode(codec.encode(data, Report()))

    return encode
