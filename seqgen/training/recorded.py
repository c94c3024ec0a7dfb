"""What a run folder remembers of its corpus: where it lies and how it was split. Never imports torch.

`training.json` is one JSON object. Its `sha256` is that of the rest but for the places of the corpora, which may be
corrected by hand and are checked by fingerprint. Folders of earlier versions have none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgen.container import plain_data
from seqgen.errors import MALFORMED, CheckpointError
from seqgen.stream import TokenStream
from seqgen.training.data import Spans
from seqgen.training.duplicates import held_out
from seqgen.training.splitting import FIRST, SPLIT

TRAINING_FILE = "training.json"
UNSEALED = ("sha256", "stream", "held_out")


@dataclass(frozen=True, eq=False)
class Recorded:
    """The corpus of a training run, as it was split.

    Attributes:
        stream: What it was trained on.
        train: The part of it that it saw.
        held_stream: What it was validated on, mostly the same stream.
        held: The part of that.
    """

    stream: TokenStream
    train: Spans
    held_stream: TokenStream
    held: Spans


def recorded(folder: Path, hint: str = "") -> Recorded:
    """The corpus that lies where the run folder says.

    Args:
        folder: The run folder.
        hint: What to do where it does not.

    Raises:
        CheckpointError: The folder says nothing, or the corpus has changed since.
        StreamError: The corpus is gone or damaged.
    """
    path = folder / TRAINING_FILE
    try:
        about = unsealed(path.read_bytes())
        stream = TokenStream.load(about["stream"])
        held_stream = stream if about["held_out"] is None else TokenStream.load(about["held_out"])
        share, seed = float(about["validation"]), int(about["plan"]["seed"])
        head, expected, version = int(about["head"]), about["fingerprint"], int(about.get("split", FIRST))
        if not (0 <= share < 1 and 0 <= seed < 1 << 64 and head in (1, 2) and FIRST <= version <= SPLIT):
            raise ValueError(f"a part of {share} is held out by seed {seed}, version {version}")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: is not there, so the corpus of this run is not known", hint) from error
    except (OSError, *MALFORMED) as error:
        raise CheckpointError(f"{path}: cannot be read ({type(error).__name__}: {error})", hint) from error
    if stream.fingerprint != expected:
        raise CheckpointError(f"{stream.path}: is not the corpus that this run was trained on any more", hint)
    if held_stream.fingerprint != about.get("held_fingerprint", held_stream.fingerprint):
        raise CheckpointError(f"{held_stream.path}: is not the corpus that this run was validated on any more", hint)
    if held_stream is stream:
        train, held = held_out(stream, head, share, seed, version)
    else:
        train, held = (Spans(each.starts[:-1], each.starts[1:]) for each in (stream, held_stream))
    return Recorded(stream, train, held_stream, held)


def sealed(about: Mapping[str, Any]) -> bytes:
    """The text of `training.json` with its checksum."""
    return json.dumps({**about, "sha256": _checksum(about)}, indent=1).encode() + b"\n"


def unsealed(text: bytes) -> dict[str, Any]:
    """What `sealed` was given.

    Raises:
        ValueError, TypeError, AttributeError: The text is damaged.
    """
    about: dict[str, Any] = plain_data(text)
    checksum = _checksum(about)
    if about.get("sha256", checksum) != checksum:
        raise ValueError("it does not match its checksum")
    return about


def _checksum(about: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in about.items() if key not in UNSEALED}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
