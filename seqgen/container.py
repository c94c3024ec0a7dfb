"""Safetensors files, read with distrust and written piece by piece. Knows tensors and bytes, not what they mean.

Every file that seqgen keeps is a plain safetensors file, readable by any safetensors library:

    bytes 0–7        N, the length of the header, little-endian uint64
    bytes 8–(8+N)    the header: one JSON object, padded with spaces at its end
    the rest         the tensors' data, little-endian, in the order of their offsets, without gaps

The header maps each tensor's name to `{"dtype", "shape", "data_offsets": [begin, end]}`, offsets being relative to
the end of the header, and `__metadata__` to an object of strings. seqgen adds to that:

- `header_sha256`: the SHA-256, in lower-case hexadecimal, of the first 8+N bytes of the file with these very 64
  characters replaced by "0". A file without it is not one of ours; a flipped bit anywhere in the header shows.
- `data_sha256`: the SHA-256 of the rest. Checking it reads the whole file, so `read_header` does not; `verify` does,
  and `verify_once` does unless the file is large and was verified of late (`seqgen.files.verified`).
- N is a fixed room, chosen before the data are known, so that data of any length can be streamed to the disk first
  and the header last.

What is refused before anything is allocated: a header of more than 1 MB, more than 1,000 tensors, unknown element
types, shapes that do not match their offsets, gaps, overlaps, a file that is longer or shorter than its header says.
Free text of any length belongs into a uint8 tensor of UTF-8 JSON, not into `__metadata__`, which the limit covers.
"""

import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import MALFORMED, DataError, SeqgenError
from seqgen.files import guarding, verified

MAX_HEADER = 1_000_000
MAX_TENSORS = 1_000
ROOM = 4_096
_BLOCK = 1 << 20
_ZEROS = b"0" * 64
_CHECKSUM = re.compile(rb'"header_sha256":"([0-9a-f]{64})"')
_TYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"{kind.upper()}{8 * size}": np.dtype(f"<{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: element type, shape, and first byte counted from the start of the file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int

    @property
    def nbytes(self) -> int:
        """Its length in bytes. Python integers: a hostile shape cannot overflow."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """The checked header of a file.

    Attributes:
        path: The file.
        tensors: Name → where it lies.
        metadata: The strings of `__metadata__`.
        data: Where the data begin.
        error: What to raise when something about the file turns out wrong later.
    """

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    data: int
    error: type[DataError]

    def map(self, name: str) -> NDArray[Any]:
        """A tensor, memory-mapped and read-only: it costs no memory until it is touched."""
        tensor = self._tensor(name)
        if not tensor.nbytes:
            return np.empty(tensor.shape, tensor.dtype)
        try:
            return np.memmap(self.path, tensor.dtype, "r", tensor.begin, tensor.shape)
        except (OSError, ValueError) as error:
            raise self.error(f"{self.path}: tensor {name!r} cannot be mapped ({error})") from error

    def read(self, name: str) -> NDArray[Any]:
        """A tensor, copied into memory."""
        return np.array(self.map(name))

    def verify(self, limits: Mapping[str, int] | None = None) -> None:
        """Read the whole file: the data match their checksum, and no value of a tensor reaches its limit.

        Args:
            limits: Name of a tensor of integers → what its values are below.
        """
        found, limits = hashlib.sha256(), limits or {}
        largest = dict.fromkeys(limits, -1)
        for name, tensor in self.tensors.items():  # in the order of their offsets, without gaps
            for piece in self._pieces(tensor):
                found.update(piece)
                if name in limits:
                    largest[name] = max(largest[name], int(np.frombuffer(piece, tensor.dtype).max()))
        if found.hexdigest() != self.metadata.get("data_sha256"):
            raise _damaged(self.path, "its data do not match their checksum", self.error)
        for name, limit in limits.items():
            if largest[name] >= limit:
                raise self.error(f"{self.path}: tensor {name!r} holds {largest[name]}, expected values below {limit}")

    def verify_once(self, limits: Mapping[str, int] | None = None) -> None:
        """The same, but a large file that was verified of late, and is as it was, is not read again."""
        expected = json.dumps([self.metadata.get("header_sha256"), limits])
        try:
            verified.once([self.path], expected, lambda: self.verify(limits))
        except OSError as error:
            raise _unreadable(self.path, error, self.error) from error

    def _pieces(self, tensor: Tensor) -> Iterator[bytes]:
        """A tensor's bytes, in whole elements. Reading keeps less in memory than touching a whole map."""
        left = tensor.nbytes
        try:
            with self.path.open("rb") as file:
                file.seek(tensor.begin)
                while left:
                    piece = file.read(min(left, _BLOCK))
                    if len(piece) < min(left, _BLOCK):
                        raise _damaged(self.path, "it was cut short while it was read", self.error)
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise _unreadable(self.path, error, self.error) from error

    def _tensor(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise self.error(f"{self.path}: holds no tensor {name!r}", f"it holds: {', '.join(self.tensors)}")
        return self.tensors[name]


def read_header(path: str | Path, error: type[DataError]) -> Header:
    """The header of a safetensors file that seqgen wrote, after every check that needs no data.

    Args:
        path: The file.
        error: The class of what is raised, `StreamError` or `CheckpointError`.

    Raises:
        DataError: As `error`: the file cannot be opened, is something else, is cut short or damaged.
    """
    path = Path(path)
    guarding.reads(path)
    try:
        with path.open("rb") as file:
            total = os.fstat(file.fileno()).st_size
            length = _header_length(path, file.read(8), total, error)
            raw = file.read(length)
    except OSError as problem:
        raise _unreadable(path, problem, error) from problem
    _check_sum(path, struct.pack("<Q", length) + raw, error)
    try:
        return _parse(path, json.loads(raw), 8 + length, total, error)
    except MALFORMED as problem:
        raise _damaged(path, f"its header makes no sense ({problem})", error) from problem


def plain_data(text: bytes) -> Any:
    """What JSON holds, every number of which is finite, as in all that seqgen writes.

    Raises:
        ValueError: It is no JSON, or a number in it is not finite.
    """
    return json.loads(text, parse_float=_finite, parse_constant=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


class Entry(TypedDict):
    """What a header says of a tensor."""

    dtype: str
    shape: list[int]
    data_offsets: list[int]


class Writer:
    """Writes one safetensors file: tensors first, piece by piece, the header last.

    Args:
        file: A new binary file, open for writing and seekable; see `seqgen.files.atomic_write`.
        room: How many bytes length and header may take; the data begin there.
    """

    def __init__(self, file: BinaryIO, room: int = ROOM) -> None:
        self._file = file
        self._room = room
        self._tensors: dict[str, Entry] = {}
        self._length = 0
        self._hash = hashlib.sha256()
        file.write(b"\0" * room)

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Write a whole tensor of any shape."""
        self.begin(name, values.dtype)
        self.extend(values)
        self._tensors[name]["shape"] = list(values.shape)

    def begin(self, name: str, dtype: np.dtype[Any]) -> None:
        """Begin a one-dimensional tensor, which grows with `extend` until the next one begins."""
        place = [self._length, self._length]
        self._tensors[name] = {"dtype": _NAMES[dtype.newbyteorder("<")], "shape": [0], "data_offsets": place}

    def extend(self, values: NDArray[Any]) -> None:
        """Append values to the tensor that was begun last, as its element type."""
        entry = next(reversed(self._tensors.values()))
        data = np.ascontiguousarray(values, _TYPES[entry["dtype"]]).reshape(-1).view(np.uint8).data
        self._hash.update(data)
        self._file.write(data)
        self._length += len(data)
        entry["shape"][0] += values.size
        entry["data_offsets"][1] = self._length

    def mark(self) -> Callable[[], None]:
        """A function that takes back whatever is added to the present tensor from now on."""
        length, hashed, entry = self._length, self._hash.copy(), next(reversed(self._tensors.values()))
        shape, offsets = list(entry["shape"]), list(entry["data_offsets"])

        def rewind() -> None:
            self._length, self._hash = length, hashed
            entry["shape"], entry["data_offsets"] = shape, offsets
            self._file.truncate(self._file.seek(self._room + length))

        return rewind

    def digest(self) -> str:
        """The SHA-256 of all data so far."""
        return self._hash.hexdigest()

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Write the header, with both checksums added to `metadata`."""
        strings = {**metadata, "data_sha256": self.digest(), "header_sha256": _ZEROS.decode()}
        text = json.dumps({"__metadata__": strings, **self._tensors}, ensure_ascii=False, separators=(",", ":"))
        raw = struct.pack("<Q", self._room - 8) + text.encode().ljust(self._room - 8)
        if len(raw) > min(self._room, MAX_HEADER):
            raise ValueError(f"a header of {len(raw)} bytes in a room of {self._room}")
        checksum = hashlib.sha256(raw).hexdigest().encode()
        self._file.seek(0)
        self._file.write(raw.replace(b'"header_sha256":"' + _ZEROS, b'"header_sha256":"' + checksum))
        self._file.seek(0, os.SEEK_END)


def _header_length(path: Path, start: bytes, total: int, error: type[DataError]) -> int:
    """The header's length from a file's first bytes, or an error that says what the file is instead."""
    if not start:
        raise error(f"{path}: is empty, expected a safetensors file")
    if start[0] == 0x80 or start.startswith(b"PK\x03\x04"):
        kind = "a zip archive (PyTorch's own format?)" if start[0] != 0x80 else "a Python pickle"
        raise error(f"{path}: is {kind}, expected a safetensors file", "pickles can run code, so seqgen opens none")
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > MAX_HEADER or length < 2:
        raise error(f"{path}: is not a safetensors file", "was it written by seqgen?")
    if 8 + length > total:
        raise _damaged(path, f"it is cut short in its header ({total} bytes of at least {8 + length})", error)
    return length


def _check_sum(path: Path, raw: bytes, error: type[DataError]) -> None:
    found = _CHECKSUM.findall(raw)
    if len(found) != 1:
        raise error(f"{path}: has no header checksum, so seqgen did not write it, or it is damaged")
    blanked = _CHECKSUM.sub(b'"header_sha256":"' + _ZEROS + b'"', raw)
    if hashlib.sha256(blanked).hexdigest().encode() != found[0]:
        raise _damaged(path, "its header does not match its checksum", error)


def _parse(path: Path, content: dict[str, Any], data: int, total: int, error: type[DataError]) -> Header:
    """Check the header's content. Raises ValueError, TypeError, KeyError or AttributeError where it is malformed."""
    metadata = content.pop("__metadata__")
    if not all(isinstance(value, str) for value in metadata.values()) or len(content) > MAX_TENSORS:
        raise ValueError("metadata that is not text, or too many tensors")
    tensors: dict[str, Tensor] = {}
    end = data
    for name, entry in sorted(content.items(), key=lambda item: item[1]["data_offsets"]):
        shape = tuple(entry["shape"])
        if not all(type(size) is int and 0 <= size < 1 << 63 for size in shape) or len(shape) > 32:
            raise ValueError(f"the shape of {name!r}")
        tensor = tensors[name] = Tensor(_TYPES[entry["dtype"]], shape, end)
        if entry["data_offsets"] != [end - data, end - data + tensor.nbytes]:
            raise ValueError(f"the offsets of {name!r}")
        end += tensor.nbytes
    if end != total:
        fault = "it is cut short" if end > total else "there is something behind its end"
        raise _damaged(path, f"{fault} ({total} bytes, expected {end})", error)
    return Header(path, tensors, metadata, data, error)


def _damaged(path: Path, fault: str, error: type[DataError]) -> DataError:
    return error(f"{path}: is damaged: {fault}", "restore it from a copy, or make it again")


def _unreadable(path: Path, problem: OSError, error: type[DataError]) -> SeqgenError:
    if isinstance(problem, FileNotFoundError):
        return error(f"{path}: there is no such file")
    if isinstance(problem, IsADirectoryError):
        return error(f"{path}: is a folder, expected a file")
    return error(f"{path}: cannot be read ({problem.strerror or problem})")
