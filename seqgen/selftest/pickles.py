"""No pickle is read or written anywhere, and what could run code is refused at once, whatever it is called."""

import io
import json
import re
import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

import seqgen
from seqgen.checkpoint import Checkpoint
from seqgen.container import MAX_HEADER, MAX_TENSORS
from seqgen.errors import SeqgenError
from seqgen.selftest import Tally
from seqgen.selftest._mutations import sealed
from seqgen.stream import TokenStream

TITLE = "pickles and files too large to be true are refused in 100 ms"
QUICK, LONG = 1, 10
LIMIT = 0.1  # seconds
# Each opcode stream would call os.system; written out here because nothing here may make a pickle
CODE = b"cos\nsystem\n(S'touch RAN'\ntR."
WORDS = r"\b{0}\.|import {0}\b|torch\.load\b|torch\.save\b|allow_{0}=True|\bjoblib\b|\bmarshal\b|\bshelve\b"


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Look through the source, then offer each file as stream and as checkpoint."""
    words = re.compile(WORDS.format("pick" + "le"))
    for path in sorted(Path(seqgen.__file__).parent.rglob("*.py")):
        if path != Path(__file__):
            found = [line for line in path.read_text("utf-8").splitlines() if words.search(line)]
            tally.case(not found, f"{path.name}: {found[:1]}")
    for name, data in _files().items():
        for _ in range(count):
            for suffix in (".tokens", ".safetensors"):
                path = folder / f"{name}{suffix}"
                path.write_bytes(data)
                _refused(tally, path)
    tally.case(not (folder / "RAN").exists() and not Path("RAN").exists(), "code ran")


def _refused(tally: Tally, path: Path) -> None:
    began = time.perf_counter()
    try:
        TokenStream.open(path) if path.suffix == ".tokens" else Checkpoint.load(path)
        tally.case(False, f"{path.name} was opened")
    except SeqgenError:
        seconds = time.perf_counter() - began
        tally.most("slowest_ms", 1000 * seconds)
        tally.case(seconds < LIMIT, f"{path.name} took {seconds:.3f} s")


def _files() -> dict[str, bytes]:
    """Pickles of each protocol, PyTorch's zip archive, and headers that promise the moon."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("archive/data.pkl", b"\x80\x02" + CODE)
    huge = {"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    many = {f"w{index}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for index in range(MAX_TENSORS + 1)}
    return {
        "old-pickle": CODE,
        **{f"pickle{protocol}": bytes([0x80, protocol]) + CODE for protocol in (2, 3, 4, 5)},
        "framed-pickle": b"\x80\x04\x95" + struct.pack("<Q", len(CODE)) + CODE,
        "torch-zip": archive.getvalue(),
        "header-of-1-mb": struct.pack("<Q", MAX_HEADER + 1) + b" " * (MAX_HEADER + 1),
        "header-of-2-64": b"\xff" * 8 + b"{}",
        "huge-tensor": _plain(huge),
        "many-tensors": _plain(many),
    }


def _plain(header: Mapping[str, object]) -> bytes:
    text = json.dumps({"__metadata__": {"header_sha256": "0" * 64}, **header}, separators=(",", ":")).encode()
    return sealed(text, b"")
