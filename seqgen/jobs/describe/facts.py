"""What a file is and what it holds, as plain data for `seqgen inspect`. Prints nothing."""

import dataclasses
import os
from collections import Counter, deque
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from seqgen import checkpoint, hub, registry
from seqgen.checkpoint import MODEL_FILE, Checkpoint, Metrics, Provenance
from seqgen.container import MAX_HEADER, read_header
from seqgen.errors import CheckpointError, CorpusError, DataError, MidiError
from seqgen.experts.corpus import CorpusCounts
from seqgen.files import STANDARD
from seqgen.files.choosing import USUAL, Choice
from seqgen.files.walking import and_more
from seqgen.jobs.describe.code import CodeFacts, describe_code, evenly
from seqgen.jobs.describe.music import FolderFacts, MusicFacts, describe_folder
from seqgen.jobs.describe.music import describe as describe_music
from seqgen.jobs.describe.tables import TableFacts, describe_tables
from seqgen.jobs.observer import SILENT, Observer
from seqgen.music.chunks import MAX_BYTES, is_midi
from seqgen.music.read import SUFFIXES
from seqgen.report import LeftOutRecord, ReportRecord
from seqgen.stream import TokenStream
from seqgen.stream.tables import FORMAT
from seqgen.tokenization.encodings import likely
from seqgen.tokenization.fitting import reason_of
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.selecting import is_text, select
from seqgen.tokenization.sources import Source, Sources, resolve


class Common(TypedDict):
    """A token, and how often it occurs."""

    token: str
    count: int


class Large(TypedDict):
    """A file, and its length."""

    name: str
    bytes: int


class Much(TypedDict):
    """Files, and their bytes."""

    files: int
    bytes: int


class StreamFacts(TypedDict):
    """A token stream: its codec, how often tokens and labels occur, what became of the files."""

    kind: str
    codec: str
    options: dict[str, object]
    tokens: int
    documents: int
    vocab_size: int
    used: int  # of the vocabulary
    most_common: list[Common]
    labels: dict[str, int]
    sources: int
    source_bytes: int
    origins: list[str]  # datasets of the Hub, each with its commit
    bytes: int
    fingerprint: str
    report: ReportRecord


class Counts(TypedDict):
    """The n-grams of its corpus that a checkpoint mixes into its predictions."""

    n_grams: int
    order: int
    bytes: int


class CheckpointFacts(TypedDict):
    """A checkpoint: its model, its codec, its story."""

    kind: str
    model: str
    parameters: int
    codec: str
    vocab_size: int
    vocabulary: list[str]
    labels: list[str]
    unseen: int | None
    bounds: dict[str, int]
    counts: Counts | None
    settings: dict[str, object]
    cell: dict[str, object]
    metrics: Metrics
    training: dict[str, object]
    provenance: Provenance
    bytes: int


class CorpusFacts(TypedDict):
    """Files that are yet to be tokenized; what a survey of their medium finds."""

    kind: str
    files: int
    bytes: int
    codec: str
    codec_reason: str
    suffixes: dict[str, int]
    labels: dict[str, int]
    largest: list[Large]
    passed_over: dict[str, str]
    read: Much
    left_out: dict[str, LeftOutRecord]
    strange: dict[str, int]  # likely encoding → bytes that are no UTF-8, of up to LOOKED_INTO files
    music: NotRequired[FolderFacts]
    syntax: NotRequired[CodeFacts]
    tables: NotRequired[TableFacts]


Facts = StreamFacts | CheckpointFacts | CorpusFacts | MusicFacts
COMMON = 12  # of the most frequent tokens
CLOSED = "cannot be read (Permission denied)"
LARGEST = 3  # of the files of a corpus
_BLOCK = 1 << 24


def describe(name: str, choice: Choice = USUAL, observer: Observer = SILENT) -> Facts:
    """The facts about a file, a run folder, a corpus or a published checkpoint, here or on the Hub; `kind` says which.

    Raises:
        DataError: It is not there, damaged, or cannot be read.
    """
    if hub.is_name(name):
        pinned = hub.pinned(name)
        observer.note(f"This is {pinned}")
        return describe_corpus(pinned, observer=observer) if hub.is_dataset(name) else describe_checkpoint(pinned)
    path = resolve([STANDARD])[0].path if name == STANDARD else Path(name)
    if path.is_dir():
        return describe_checkpoint(path) if (path / MODEL_FILE).is_file() else describe_corpus(name, choice, observer)
    if not path.exists():
        return describe_checkpoint(Path(name)) if _published(name) else describe_corpus(name, choice, observer)
    start = _first_bytes(path)
    if path.suffix.lower() in (".tokens", ".safetensors") or _is_container(start):
        found = read_header(path, DataError).metadata.get("format")
        return describe_stream(path) if found == FORMAT or path.suffix == ".tokens" else describe_checkpoint(path)
    if is_midi(start) or b"<score-" in start or path.suffix.lower() in SUFFIXES:
        return _described_music(path)
    return describe_corpus(name, choice, observer)


def describe_stream(path: Path) -> StreamFacts:
    """A token stream: its codec, how often tokens and labels occur, what became of the files."""
    stream = TokenStream.load(path)
    tokenizer = tokenizer_of(stream)
    counts = _counts(stream.ids, stream.vocab_size)
    names, order = tokenizer.vocabulary(), np.argsort(-counts, kind="stable")
    common: list[Common] = [
        {"token": names[token], "count": int(counts[token])} for token in order[:COMMON] if counts[token]
    ]
    labels = Counter(stream.labels.tolist())
    return {
        "kind": "stream",
        "codec": tokenizer.codec_name,
        "options": stream.codec_spec["options"],
        "tokens": len(stream.ids),
        "documents": stream.documents,
        "vocab_size": stream.vocab_size,
        "used": int(np.count_nonzero(counts)),
        "most_common": common,
        "labels": {label: labels[index] for index, label in enumerate(tokenizer.labels)},
        "sources": len(stream.sources),
        "source_bytes": sum(source["bytes"] for source in stream.sources),
        "origins": hub.origins(source["name"] for source in stream.sources),
        "bytes": path.stat().st_size,
        "fingerprint": stream.fingerprint,
        "report": stream.report.to_json(),
    }


def describe_checkpoint(path: Path | str) -> CheckpointFacts:
    """A checkpoint: its model, its codec, its story."""
    found = Checkpoint.load(path)
    seen, own = found.seen, found.tokenizer.document_id
    return {
        "kind": "checkpoint",
        "model": found.model,
        "parameters": found.parameters,
        "codec": found.tokenizer.codec_name,
        "vocab_size": found.tokenizer.vocab_size,
        "vocabulary": found.tokenizer.vocabulary(),
        "labels": list(found.tokenizer.labels),
        "unseen": None if seen is None else int((seen.counts[:own] == 0).sum()),
        "bounds": {} if seen is None else dict(seen.bounds),
        "counts": None if found.experts is None else _n_grams(found.experts.counts),
        "settings": found.settings.to_json(),
        "cell": dataclasses.asdict(found.cell),  # type: ignore[call-overload]
        "metrics": found.metrics,
        "training": found.training,
        "provenance": found.provenance,
        "bytes": checkpoint.find(path).stat().st_size,
    }


def _n_grams(counts: CorpusCounts) -> Counts:
    return {"n_grams": len(counts.tokens), "order": counts.order, "bytes": counts.nbytes}


def describe_corpus(name: str, choice: Choice = USUAL, observer: Observer = SILENT) -> CorpusFacts:
    """Files that are yet to be tokenized."""
    sources = _readable(resolve([name], observer.note, choice))
    largest = sorted(sources, key=lambda source: -source.size)[:LARGEST]
    codec, reason = guess_codec(sources)
    read, left = select(sources, codec)
    left.leave(sources.left)
    kind = registry.load("codecs", codec)
    found: CorpusFacts = {
        "kind": "corpus",
        "files": len(sources),
        "bytes": sum(source.size for source in sources),
        "codec": codec,
        "codec_reason": reason,
        "suffixes": dict(Counter(source.suffix or "none" for source in sources).most_common()),
        "labels": dict(Counter(source.label for source in sources if source.label).most_common()),
        "largest": [{"name": source.name, "bytes": source.size} for source in largest],
        "passed_over": sources.passed,
        "read": {"files": len(read), "bytes": sum(source.size for source in read)},
        "left_out": left.to_json().get("left_out", {}),
        "strange": _strange(evenly(read), sources.passed) if is_text(kind) else {},
    }
    if survey := SURVEYS.get(kind.medium.name):
        survey(found, sources)
    elif code := describe_code(read, codec):
        found["syntax"] = code
    if tables := describe_tables(sources):
        found["tables"] = tables
    return found


def _readable(sources: Sources) -> Sources:
    """Without the files of a folder that this user may not read, which are passed over."""
    refused = [source.name for source in sources if source.found and not os.access(source.path, os.R_OK)]
    if refused and len(refused) == len(sources):
        raise CorpusError(f"{refused[0]}: {CLOSED}{and_more(len(refused) - 1)}", "is it somebody else's?")
    if refused:
        sources.passed[refused[0]] = CLOSED + and_more(len(refused) - 1)
        closed = set(refused)
        sources[:] = [source for source in sources if source.name not in closed]
    return sources


def _music_of(found: CorpusFacts, sources: list[Source]) -> None:
    """What a folder of music holds, from up to LOOKED_INTO of its files, taken evenly."""
    sources, _ = select(sources, "midi")
    chosen = evenly(sources)
    found["music"] = describe_folder((source.name, source.path.read_bytes()[: MAX_BYTES + 1]) for source in chosen)


SURVEYS = {"music": _music_of}  # by the name of the medium; text is looked into for programs


def _strange(sources: list[Source], passed: dict[str, str]) -> dict[str, int]:
    """Likely encoding → bytes that are no UTF-8 in some files of text; what cannot be read as text joins `passed`."""
    found: Counter[str] = Counter()
    for source in sources:
        reader = Reader(source, text=True)
        try:
            deque(reader, maxlen=0)
        except DataError as error:
            passed[source.name] = "; ".join(filter(None, (reason_of(error, source), error.hint)))
        if reader.strange.count:
            found[likely(reader.strange.sample)] += reader.strange.count
    return dict(found.most_common())


def _described_music(path: Path) -> MusicFacts:
    try:
        with path.open("rb") as file:
            return describe_music(file.read(MAX_BYTES + 1))  # the reader refuses one byte more than it takes
    except MidiError as error:
        raise MidiError(f"{path}: {error.message}", error.hint) from error


def _counts(ids: NDArray[Any], vocab_size: int) -> NDArray[np.int64]:
    """(V,) how often each id occurs, block by block: the ids may be larger than memory."""
    counts = np.zeros(vocab_size, np.int64)
    for begin in range(0, len(ids), _BLOCK):
        counts += np.bincount(ids[begin : begin + _BLOCK], minlength=vocab_size)
    return counts


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1024)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _is_container(start: bytes) -> bool:
    """Whether a file begins like a safetensors file: a length, then an object."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= MAX_HEADER


def _published(name: str) -> bool:
    try:
        checkpoint.find(name)
    except CheckpointError:
        return False
    return True
