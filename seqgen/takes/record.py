"""What a take is. Knows no files.

The id of a take is a fingerprint: the first 12 hexadecimal digits of the SHA-256 of

    one JSON object (keys sorted, no spaces, ASCII): checkpoint, sample, seed, settings
    the byte 0, then every token, prompt first, as little-endian uint32
    one JSON object: excess, finished, prompt_tokens

so that the same command gives the same id, and a file that names its take is the same file when it is made again.
"""

import copy
import hashlib
import json
import platform
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

import seqgen
from seqgen.media import Timing

DIGITS = 12
OPEN = "open-"  # before the key of a take that nobody has finished, because its program was killed
FINISHED = ("length", "end", "stop", "interrupted")
MAX_TEXT = 3 << 20  # characters of a tokenizer, or of settings, as JSON: a header of a stream holds less
MAX_NAME = 4096  # characters
_BASE = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
_ID = re.compile(rf"[0-9a-f]{{{DIGITS}}}(-[1-9][0-9]{{0,17}})?")


@dataclass(frozen=True)
class TakeSource:
    """The checkpoint that takes come from, as far as replaying needs it.

    A hash alone says nothing of what the tokens mean: whoever writes an export can put any tokenizer beside it.
    Hash and `digest` together do.

    Attributes:
        hash: The SHA-256 of the checkpoint's data.
        name: What it was called.
        corpus: The fingerprint of the corpus that it learned from.
        tokenizer: `seqgen.tokenizer.Tokenizer.spec`.
    """

    hash: str
    name: str
    corpus: str
    tokenizer: Mapping[str, object]

    @property
    def text(self) -> str:
        """The tokenizer as JSON, in the order of its keys."""
        return json.dumps(self.tokenizer, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """The SHA-256 of the tokenizer as JSON."""
        return digest(self.text)


class TakeSettings(TypedDict, total=False):
    """How a take was sampled: plain JSON data, named as in `seqgen.api.sampling.Sampling`. What is neutral is left out.

    Keys besides:
        rules: All of them, those too that are usual for the model: see `seqgen.api.usual`.
        clamp, gain: Cells that were held, or scaled, and by how much.
        adapt: How the model learned from the prompt before it sampled, see `seqgen.api.adapting`.
        followed: Whether controls steered it.
        best_of, beam: How it was chosen.
        mixture: `seqgen.api.mixture.Mixture.to_json`.
        no_prompt: Whether the file goes without the prompt.
        timing: What the file says of time.
        hole: Around what it was filled in, see `seqgen.api.filling.Filling.kept`.
    """

    temperature: float | str
    rules: list[list[Any]]
    length: float | str | None
    stop: list[str]
    label: str | None
    grammar: bool | str
    followed: bool
    balanced: bool
    max_copy: int
    best_of: int
    beam: int
    mixture: Mapping[str, object]
    music: Mapping[str, object]
    new: bool
    unseen: bool
    memory: bool
    clamp: list[str]
    gain: list[str]
    adapt: Mapping[str, object]
    no_prompt: bool
    timing: Timing
    hole: Mapping[str, Any]


class Circumstances(TypedDict, total=False):
    """Where a take was made: engine, device, where the prompt came from."""

    engine: str
    device: str
    prompt_file: str | None


@dataclass(frozen=True)
class Beginning:
    """What is known of a take before its first token.

    Attributes:
        source: The checkpoint.
        sample: Which of the samples of one call, from 1.
        seed: 0 to 2⁶⁴ − 1.
        settings: All that decides about the tokens.
        circumstances: What does not change them.
    """

    source: TakeSource
    sample: int
    seed: int
    settings: TakeSettings
    circumstances: Circumstances

    def fingerprint(self) -> "Fingerprint":
        """To be fed with the tokens."""
        return Fingerprint(
            {"checkpoint": self.source.hash, "sample": self.sample, "seed": self.seed, "settings": self.settings}
        )


@dataclass(frozen=True)
class Ending:
    """What is known of a take when it is over.

    Attributes:
        finished: length, end, stop or interrupted.
        prompt_tokens: How many of its tokens are the prompt, framing included.
        tokens: How many were sampled, or read while it ran.
        excess: Bytes of the last token that lie behind a stop string.
        seconds: How long it took.
    """

    finished: str
    prompt_tokens: int
    tokens: int
    excess: int
    seconds: float


@dataclass(frozen=True)
class Take:
    """A stored take, without its tokens.

    Attributes:
        id: Its fingerprint; the second take with the same one has "-2" behind it, and so on.
        created: When it began, in UTC, as ISO 8601 text.
        beginning: What it began with.
        ending: How it ended.
        versions: Of what made it.
        starred: Whether somebody liked it.
        imported: Whether it came from an export: somebody else may have made it.
    """

    id: str
    created: str
    beginning: Beginning
    ending: Ending
    versions: dict[str, str]
    starred: bool
    imported: bool = False

    @property
    def whole(self) -> bool:
        """Whether somebody finished it; else its program was killed while it grew."""
        return not self.id.startswith(OPEN)

    @property
    def base(self) -> str:
        """The id without a count behind it."""
        return self.id.split("-")[0]


class Fingerprint:
    """The id of a take, fed with its tokens as they come."""

    def __init__(self, beginning: Mapping[str, object]) -> None:
        self._sum = hashlib.sha256(_json(beginning) + b"\0")

    def extended(self, tokens: bytes) -> "Fingerprint":
        """This one, with more tokens, as `pack` has them."""
        other = copy.copy(self)
        other._sum = self._sum.copy()
        other._sum.update(tokens)
        return other

    def id(self, ending: Ending) -> str:
        """The id, once the last token has been seen."""
        return self.whole(ending)[:DIGITS]

    def whole(self, ending: Ending) -> str:
        """All 64 digits: who has time finds two takes with the same twelve."""
        tail = {"excess": ending.excess, "finished": ending.finished, "prompt_tokens": ending.prompt_tokens}
        whole = self._sum.copy()
        whole.update(_json(tail))
        return whole.hexdigest()


def pack(ids: Any) -> bytes:
    """Tokens (n,) as little-endian uint32."""
    return np.asarray(ids).astype("<u4").tobytes()


def unpack(data: bytes) -> NDArray[np.uint32]:
    """(n,) the tokens that `pack` made bytes of. Raises ValueError where there is no whole number of them."""
    return np.frombuffer(data, "<u4")


def digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_id(value: object) -> bool:
    """Whether a take may have this id once it is finished."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_base(value: object) -> bool:
    """Whether a file may name its take so: the digits of a fingerprint, and nothing that means another take."""
    return isinstance(value, str) and _BASE.fullmatch(value) is not None


def spelled(text: str) -> str:
    """A name in one line, cut to MAX_NAME: what would command a terminal, or begin another line, is spelled out."""
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else each.encode("unicode_escape").decode()
        for each in text[:MAX_NAME]
    )[:MAX_NAME]


def inscription(id: str, beginning: Beginning) -> str:
    """The line of JSON that a MIDI file carries, to find its take by, or to make it again."""
    about = {"take": id, "sample": beginning.sample, "seed": beginning.seed, "checkpoint": beginning.source.hash}
    settings = {key: value for key, value in beginning.settings.items() if key != "hole"}  # a file would hold itself
    return "seqgen " + json.dumps({**about, **settings}, sort_keys=True)


def versions() -> dict[str, str]:
    """Of what samples."""
    return {"seqgen": seqgen.__version__, "numpy": np.__version__, "python": platform.python_version()}


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def flat(values: dict[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """(name, value) of all that is no object and no list of objects; these have their own inside."""
    for key, value in values.items():
        inside = value
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            inside = {str(number): each for number, each in enumerate(value, 1)}
        if isinstance(inside, dict):
            yield from flat(inside, f"{path}{key}.")
        else:
            yield f"{path}{key}", inside
