"""Token streams: exact bytes, and no damage that goes unnoticed."""

import contextlib
import hashlib
import json
import os
import re
import struct
import time
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from seqgen.container import Writer, read_header
from seqgen.errors import DataError, OutputError, StreamError
from seqgen.files.system import System, replaced
from seqgen.report import Report
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenization.restoring import restore_folder
from seqgen.tokenizer import Tokenizer

SPEC = {"name": "byte", "options": {}, "state": {}, "labels": ["a", "ß"]}
PICKLE = b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x03ids\x94]\x94K\x01as."  # {"ids": [1]}


def write(path: Path, vocab_size: int = 259) -> Path:
    with StreamWriter(path, SPEC, vocab_size) as writer:
        writer.add(np.array([256, 257, 104], np.uint16))
        writer.add(np.array([105], np.uint16))
        writer.end_document(0)
        writer.add(np.array([256, 33], np.uint16))
        writer.end_document(-1)
        writer.sources.append({"name": "x.txt", "bytes": 3, "sha256": "0" * 64, "documents": 2})
        writer.report.add(Report(1, {"y": "empty"}, Counter(tempo=2), Counter()))
    return path


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    return write(tmp_path / "s.tokens")


def test_what_is_written_is_read(stream: Path) -> None:
    found = TokenStream.open(stream)
    assert found.ids.tolist() == [256, 257, 104, 105, 256, 33]
    assert found.ids.dtype == np.uint16
    assert isinstance(found.ids, np.memmap)
    assert found.starts.tolist() == [0, 4, 6]
    assert found.labels.tolist() == [0, -1]
    assert found.codec_spec == SPEC
    assert found.sources[0]["name"] == "x.txt"
    assert found.report == Report(1, {"y": "empty"}, Counter(tempo=2), Counter())
    assert (found.vocab_size, found.documents, found.path) == (259, 2, stream)
    assert found.document(1).tolist() == [256, 33]
    found.verify()


def test_exact_bytes(stream: Path) -> None:
    raw = stream.read_bytes()
    details = (
        b'{"codec":{"labels":["a","\\u00df"],"name":"byte","options":{},"state":{}},'
        b'"report":{"dropped":{"tempo":2},"read":1,"repaired":{},"skipped":{"y":"empty"}},'
        b'"sources":[{"bytes":3,"documents":2,"name":"x.txt","sha256":"' + b"0" * 64 + b'"}]}'
    )
    ids = struct.pack("<6H", 256, 257, 104, 105, 256, 33)
    starts, labels = struct.pack("<3q", 0, 4, 6), struct.pack("<2i", 0, -1)
    assert raw[4096:] == ids + starts + labels + details
    header = (
        b'{"__metadata__":{"format":"seqgen token stream","version":"1","vocab_size":"259",'
        + f'"content_sha256":"{hashlib.sha256(ids + starts + labels).hexdigest()}",'.encode()
        + f'"tables_sha256":"{hashlib.sha256(starts + labels + details).hexdigest()}",'.encode()
        + f'"data_sha256":"{hashlib.sha256(raw[4096:]).hexdigest()}",'.encode()
        + b'"header_sha256":"%s"},'
        b'"ids":{"dtype":"U16","shape":[6],"data_offsets":[0,12]},'
        b'"starts":{"dtype":"I64","shape":[3],"data_offsets":[12,36]},'
        b'"labels":{"dtype":"I32","shape":[2],"data_offsets":[36,44]},'
        + f'"details":{{"dtype":"U8","shape":[{len(details)}],"data_offsets":[44,{44 + len(details)}]}}}}'.encode()
    )
    expected = struct.pack("<Q", 4088) + (header % (b"0" * 64)).ljust(4088)
    checksum = hashlib.sha256(expected).hexdigest().encode()
    assert raw[:4096] == struct.pack("<Q", 4088) + (header % checksum).ljust(4088)
    assert hashlib.sha256(raw).hexdigest() == "0fa346fb43e6f4610fce30a279e6834409242b57608adc2df90f6531f347745e"


def test_any_safetensors_library_reads_it(stream: Path) -> None:
    with safe_open(stream, "numpy") as file:
        assert file.metadata()["format"] == "seqgen token stream"
        assert file.get_tensor("ids").tolist() == [256, 257, 104, 105, 256, 33]
        assert file.get_tensor("starts").tolist() == [0, 4, 6]
        assert json.loads(file.get_tensor("details").tobytes())["codec"] == SPEC


def test_large_vocabularies_take_four_bytes(tmp_path: Path) -> None:
    assert TokenStream.open(write(tmp_path / "a", 1 << 16)).ids.dtype == np.uint16
    assert TokenStream.open(write(tmp_path / "b", (1 << 16) + 1)).ids.dtype == np.uint32


def test_every_truncation_is_an_error(stream: Path) -> None:
    for length in reversed(range(stream.stat().st_size)):
        os.truncate(stream, length)
        with pytest.raises(StreamError):
            TokenStream.open(stream)
    write(stream)
    with stream.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(StreamError, match="something behind its end"):
        TokenStream.open(stream)


def test_every_flipped_byte_is_an_error(stream: Path) -> None:
    with stream.open("r+b", buffering=0) as file:
        for position, byte in enumerate(stream.read_bytes()):
            file.seek(position)
            file.write(bytes([byte ^ 1 << position % 8]))
            with pytest.raises(StreamError):
                TokenStream.open(stream).verify()
            if not 4096 <= position < 4096 + 12:  # all but the ids themselves is checked at once
                with pytest.raises(StreamError):
                    TokenStream.open(stream)
            file.seek(position)
            file.write(bytes([byte]))
    TokenStream.open(stream).verify()


def sealed(header: bytes, data: bytes) -> bytes:
    """A file with these parts whose checksums are right, as an attacker would make it."""
    for name, part in (("data", data), ("tables", data[12:])):
        header = re.sub(
            f'"{name}_sha256":"[^"]*"'.encode(),
            f'"{name}_sha256":"{hashlib.sha256(part).hexdigest()}"'.encode(),
            header,
        )
    blank = struct.pack("<Q", 4088) + re.sub(
        rb'"header_sha256":"[^"]*"', rb'"header_sha256":"' + b"0" * 64 + b'"', header
    ).ljust(4088)
    checksum = hashlib.sha256(blank).hexdigest().encode()
    return blank.replace(b'"header_sha256":"' + b"0" * 64, b'"header_sha256":"' + checksum) + data


def resealed(path: Path, change: dict[bytes, bytes]) -> None:
    """Change a header's text and make its checksum right again."""
    raw = path.read_bytes()
    header = raw[8:4096].rstrip()
    for old, new in change.items():
        assert old in header
        header = header.replace(old, new)
    path.write_bytes(sealed(header, raw[4096:]))


def test_forged_files_raise_nothing_else(stream: Path) -> None:
    raw = stream.read_bytes()
    random = Random(1)
    opened = 0
    for _ in range(500):
        header, data = bytearray(raw[8:4096].rstrip()), bytearray(raw[4096:])
        for _ in range(random.randint(1, 3)):
            part = random.choice((header, data))
            part[random.randrange(len(part))] = random.choice(b'0129-."{}[]:,eE truefalsn\x00\xff')
        stream.write_bytes(sealed(bytes(header), bytes(data)))
        with contextlib.suppress(StreamError):
            found = TokenStream.open(stream)
            found.verify()
            tokenizer = Tokenizer.from_spec(found.codec_spec)
            restore_folder(found, tokenizer, stream.parent / f"out{opened}")
            opened += 1
    assert 20 < opened < 480  # some forgeries are harmless, most are refused


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"shape":[6]', b'"shape":[6000000000000]', "offsets of 'ids'"),
        (b'"shape":[6]', b'"shape":[-6]', "shape of 'ids'"),
        (b'"shape":[6]', b'"shape":[6.0]', "shape of 'ids'"),
        (b'"shape":[6]', b'"shape":6', "header makes no sense"),
        (b'"shape":[6]', b'"shape":' + b"[" * 1500 + b"]" * 1500, "header makes no sense"),
        (b'"shape":[6]', b'"shape":[' + b"9" * 1500 + b"]", "shape of 'ids'"),
        (b'"shape":[6]', b'"shape":[3,2]', "tensor 'ids' of type uint16 or uint32"),
        (b'"dtype":"U16"', b'"dtype":"I16"', "tensor 'ids' of type uint16 or uint32"),
        (b'"dtype":"U16"', b'"dtype":"X16"', "header makes no sense"),
        (b"[0,12]", b"[0,13]", "offsets of 'ids'"),
        (b"[12,36]", b"[0,24]", "header makes no sense"),
        (b'"labels":{', b'"labelz":{', "no tensor 'labels'"),
        (b'"vocab_size":"259"', b'"vocab_size":"0"', "a vocabulary of 0"),
        (b'"vocab_size":"259"', b'"vocab_size":"70000"', "a vocabulary of 70000 in ids of type uint16"),
        (b'"vocab_size":"259"', b'"vocab_size":"many"', "tables make no sense"),
        (b'"vocab_size":"259",', b"", "tables make no sense"),
        (b'"version":"1"', b'"version":"9"', "version '9', expected '1'"),
        (b'"seqgen token stream"', b'"seqgen checkpoint"', "is not a token stream"),
        (b'"__metadata__":{', b'"__metadata__":{"x":1,', "metadata that is not text"),
    ],
)
def test_a_forged_header_is_an_error(stream: Path, old: bytes, new: bytes, message: str) -> None:
    resealed(stream, {old: new})
    with pytest.raises(StreamError, match=message):
        TokenStream.open(stream)


def test_ids_out_of_range_are_found(stream: Path) -> None:
    resealed(stream, {b'"vocab_size":"259"': b'"vocab_size":"257"'})
    with pytest.raises(StreamError, match="holds 257, expected values below 257"):
        TokenStream.open(stream).verify()


@pytest.mark.parametrize(
    ("starts", "labels", "message"),
    [
        ([0, 5, 4, 6], [0, 0, 0], "documents that do not cover the ids"),
        ([1, 6], [0], "documents that do not cover the ids"),
        ([0, 5], [0], "documents that do not cover the ids"),
        ([0, 6], [], "documents that do not cover the ids"),
        ([], [], "documents that do not cover the ids"),
        ([0, 6], [2], "a label without a name"),
        ([0, 6], [-2], "a label without a name"),
    ],
)
def test_tables_that_do_not_fit_are_an_error(
    tmp_path: Path, starts: list[int], labels: list[int], message: str
) -> None:
    details = np.frombuffer(json.dumps({"codec": SPEC, "sources": [], "report": Report().to_json()}).encode(), np.uint8)
    tables = np.array(starts, "<i8"), np.array(labels, "<i4"), details
    with (tmp_path / "forged").open("w+b") as file:
        writer = Writer(file)
        writer.add("ids", np.zeros(6, np.uint16))
        for name, table in zip(("starts", "labels", "details"), tables, strict=True):
            writer.add(name, table)
        digest = hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()
        head = {"format": "seqgen token stream", "version": "1", "vocab_size": "259"}
        writer.finish({**head, "content_sha256": "", "tables_sha256": digest})
    with pytest.raises(StreamError, match=message):
        TokenStream.open(tmp_path / "forged")


def test_other_files_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.tokens"
    save_file({"ids": np.zeros(3, np.uint16)}, tmp_path / "foreign.tokens")
    cases = {
        PICKLE: "is a Python pickle, expected a safetensors file",
        b"PK\x03\x04" + bytes(100): "is a zip archive",
        b"": "is empty",
        b"abc": "is not a safetensors file",
        bytes(100): "is not a safetensors file",
        b"To be, or not to be" * 10: "is not a safetensors file",
        struct.pack("<Q", 1_000_001) + bytes(2_000_000): "is not a safetensors file",
        struct.pack("<Q", 100) + b"{}": "cut short in its header",
        (tmp_path / "foreign.tokens").read_bytes(): "no header checksum",
    }
    begin = time.perf_counter()
    for content, message in cases.items():
        path.write_bytes(content)
        with pytest.raises(StreamError, match=message) as caught:
            TokenStream.open(path)
        assert str(path) in str(caught.value)
    assert time.perf_counter() - begin < 1
    with pytest.raises(StreamError, match="there is no such file"):
        TokenStream.open(tmp_path / "absent")
    with pytest.raises(StreamError, match="is a folder, expected a file"):
        TokenStream.open(tmp_path)


def test_too_many_tensors_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "many").open("w+b") as file:
        writer = Writer(file, room=200_000)
        for index in range(1001):
            writer.add(f"t{index}", np.zeros(0, np.uint8))
        writer.finish({})
    with pytest.raises(DataError, match="too many tensors"):
        read_header(tmp_path / "many", DataError)


def test_tensors_of_every_type_and_shape(tmp_path: Path) -> None:
    values = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in "?bBhHiIqQefd"}
    values["empty"] = np.zeros((0, 4), np.float32)
    values["scalar"] = np.array(7, np.int64)
    with (tmp_path / "all").open("w+b") as file:
        writer = Writer(file)
        for name, tensor in values.items():
            writer.add(name, tensor)
        writer.finish({"a": "b"})
    for name, tensor in values.items():
        found = read_header(tmp_path / "all", StreamError).map(name)
        assert found.dtype == tensor.dtype
        assert found.shape == tensor.shape
        assert (found == tensor).all()
    header = read_header(tmp_path / "all", DataError)
    header.verify()
    assert header.metadata["a"] == "b"
    with pytest.raises(DataError, match="holds no tensor 'absent'"):
        header.map("absent")


def test_a_header_too_long_for_its_room_is_not_written(tmp_path: Path) -> None:
    with (tmp_path / "long").open("w+b") as file, pytest.raises(ValueError, match="in a room of 4096"):
        Writer(file).finish({"text": "x" * 4096})


def test_the_fingerprint_is_of_the_content_and_not_of_names(tmp_path: Path, stream: Path) -> None:
    first = TokenStream.open(stream).fingerprint

    def other(spec: dict[str, object], last: int, label: int, name: str) -> str:
        with StreamWriter(tmp_path / "o.tokens", spec, 259) as writer:
            writer.add(np.array([256, 257, 104, 105], np.uint16))
            writer.end_document(0)
            writer.add(np.array([256, last], np.uint16))
            writer.end_document(label)
            writer.sources.append({"name": name, "bytes": 3, "sha256": "", "documents": 2})
        return TokenStream.open(tmp_path / "o.tokens").fingerprint

    assert other(SPEC, 33, -1, "renamed") == first
    assert other({**SPEC, "signs": ["suffix", "prefix", "end"]}, 33, -1, "x.txt") == first  # no stream has them
    assert other(SPEC, 34, -1, "x.txt") != first
    assert other(SPEC, 33, 1, "x.txt") != first
    assert other({**SPEC, "name": "char"}, 33, -1, "x.txt") != first


def test_what_is_taken_back_leaves_no_trace(tmp_path: Path) -> None:
    def ids(*values: int) -> np.ndarray:
        return np.array(values, np.uint16)

    for name, discards in (("plain", False), ("discarded", True)):
        with StreamWriter(tmp_path / name, SPEC, 259) as writer:
            for value in range(3):
                take_back = writer.mark()
                if discards:
                    writer.add(ids(1, 2, 3))
                    writer.end_document(1)
                    writer.add(ids(4))
                    take_back()
                writer.add(ids(256, value))
                writer.end_document()
            assert writer.tokens == 6
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "discarded").read_bytes()


def test_a_failure_leaves_the_old_file_and_nothing_else(stream: Path) -> None:
    before = stream.read_bytes()

    def fail(late: bool) -> None:
        with StreamWriter(stream, SPEC, 259) as writer:
            writer.add(np.zeros(100_000, np.uint16))
            if late:
                return  # the document was not ended: found when the file is finished
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail(late=False)
    with pytest.raises(ValueError, match="not ended"):
        fail(late=True)
    assert stream.read_bytes() == before
    assert list(stream.parent.iterdir()) == [stream]


def test_a_full_disk_is_one_sentence(stream: Path) -> None:
    before = stream.read_bytes()

    class Full(System):
        def write(self, descriptor: int, data: object) -> int:
            raise OSError(28, "No space left on device")

    with replaced(Full()), pytest.raises(OutputError, match=r"s\.tokens: the disk is full; nothing was overwritten"):
        write(stream)
    assert stream.read_bytes() == before
    assert list(stream.parent.iterdir()) == [stream]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        write(tmp_path / "absent" / "s.tokens")
