"""What the tables of a token stream hold, how their bytes are made, and whether they make sense. Knows no ids."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from seqgen.container import Header
from seqgen.errors import StreamError

FORMAT = "seqgen token stream"
VERSION = "1"
MAX_DETAILS = 256_000_000


@dataclass(frozen=True)
class Shard:
    """Which part of a corpus a stream holds.

    Attributes:
        index, count: Part `index` of `count`, from 1 on.
        plan: What identifies the corpus, its codec and all settings; equal in all parts that belong together.
    """

    index: int
    count: int
    plan: str

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"shard {self.index} of {self.count}")


class SourceRecord(TypedDict):
    """A file that a stream was made from: its length, its hash, how many documents it gave."""

    name: str
    bytes: int
    sha256: str
    documents: int
    encoding: NotRequired[str]  # what it was transcoded from


def id_type(vocab_size: int) -> np.dtype[Any]:
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def canonical(content: Any) -> bytes:
    """JSON whose bytes are a function of the content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def tables_digest(*tables: NDArray[Any]) -> str:
    return hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()


def fingerprint_of(content: str, spec: Mapping[str, Any]) -> str:
    # Infilling tokens never stand in a stream: the checkpoint of a run with holes has them, the run's stream has not.
    spec = {key: value for key, value in spec.items() if key != "signs"}
    return hashlib.sha256(content.encode() + canonical(spec)).hexdigest()


def check_format(header: Header) -> None:
    found = header.metadata.get("format")
    if found != FORMAT:
        raise StreamError(f"{header.path}: is not a token stream (its format is {found!r})")
    version = header.metadata.get("version")
    if version != VERSION:
        hint = "install a newer seqgen, or tokenize the corpus again"
        raise StreamError(f"{header.path}: is a token stream of version {version!r}, expected {VERSION!r}", hint)
    for name, types in (("ids", "uint16 uint32"), ("starts", "int64"), ("labels", "int32"), ("details", "uint8")):
        tensor = header.tensors.get(name)
        if tensor is None or tensor.dtype.name not in types.split() or len(tensor.shape) != 1:
            raise damaged(header.path, f"it has no tensor {name!r} of type {types.replace(' ', ' or ')}")
    if header.tensors["details"].nbytes > MAX_DETAILS:
        raise damaged(header.path, f"its details are longer than {MAX_DETAILS} bytes")


def check_tables(header: Header, *tables: NDArray[Any]) -> None:
    if tables_digest(*tables) != header.metadata["tables_sha256"]:
        raise ValueError("they do not match their checksum")


def check_ranges(
    ids: NDArray[Any], starts: NDArray[np.int64], labels: NDArray[np.int32], vocab_size: int, names: int
) -> None:
    """Raises ValueError where tables and ids do not fit together."""
    if ids.dtype != id_type(vocab_size) or vocab_size < 1:
        raise ValueError(f"a vocabulary of {vocab_size} in ids of type {ids.dtype}")
    if len(starts) != len(labels) + 1 or starts[0] != 0 or starts[-1] != len(ids) or (starts[1:] < starts[:-1]).any():
        raise ValueError("documents that do not cover the ids")  # compared, since a difference can wrap
    if len(labels) and not -1 <= labels.min() <= labels.max() < names:
        raise ValueError("a label without a name")


def checked_source(source: Mapping[str, Any]) -> SourceRecord:
    """One entry of the table of sources, each value of its type. Raises where one is not."""
    found: SourceRecord = {
        "name": str(source["name"]),
        "bytes": int(source["bytes"]),
        "sha256": str(source["sha256"]),
        "documents": int(source["documents"]),
    }
    if "encoding" in source:
        found["encoding"] = str(source["encoding"])
    return found


def checked_shard(shard: Mapping[str, Any] | None) -> Shard | None:
    """Which part of a corpus it is. Raises where that makes no sense."""
    return None if shard is None else Shard(int(shard["index"]), int(shard["count"]), str(shard["plan"]))


def damaged(path: Path, fault: str) -> StreamError:
    return StreamError(f"{path}: is damaged: {fault}", "tokenize the corpus again")
