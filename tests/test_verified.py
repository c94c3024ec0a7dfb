"""What is read is verified: records of large files, forged streams through the commands, run folders, indexes."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgen import files
from seqgen.checkpoint import Checkpoint, write_tensors
from seqgen.cli import run
from seqgen.container import Header, Writer, plain_data, read_header
from seqgen.errors import CheckpointError, StreamError
from seqgen.files import verified
from seqgen.originality.copying import MaxCopy
from seqgen.originality.index import FORMAT, Corpus, Index, build
from seqgen.originality.measuring import measure
from seqgen.selftest import _materials
from seqgen.stream import TokenStream
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.training.recorded import sealed, unsealed

TRAIN = ["--steps", "1", "--seed", "1", *_materials.TINY]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file counts as large and settled; the files that are read whole."""
    monkeypatch.setattr(verified, "SMALL", -1)
    monkeypatch.setattr(verified, "SETTLED", -1.0)
    found: list[Path] = []
    whole = Header.verify

    def verify(self: Header, limits: dict[str, int] | None = None) -> None:
        found.append(self.path)
        whole(self, limits)

    monkeypatch.setattr(Header, "verify", verify)
    return found


def records() -> list[Path]:
    return sorted(files.cache_folder("verified").iterdir())


def flip(path: Path, at: int = -100) -> None:
    """Flip a bit in place, and put the time of modification back."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[at] ^= 4
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_large_file_is_read_once_by_whatever_name(tmp_path: Path, reads: list[Path]) -> None:
    path = _materials.stream(tmp_path).path
    (tmp_path / "link.tokens").symlink_to(path)
    for name in (path, path, tmp_path / "link.tokens", tmp_path / "corpus" / ".." / path.name):
        assert len(TokenStream.load(name).ids)
    assert reads == [path]
    assert len(records()) == 1


@pytest.mark.skipif(os.name != "posix", reason="no time of change")
def test_a_flip_after_a_record_is_seen_though_size_and_time_are_as_before(tmp_path: Path, reads: list[Path]) -> None:
    path = _materials.stream(tmp_path).path
    TokenStream.load(path)
    flip(path, 5_000)
    for _ in range(2):  # no record of a failure is kept
        with pytest.raises(StreamError, match="do not match their checksum"):
            TokenStream.load(path)
    assert len(reads) == 3


def test_records_lapse_and_those_of_the_future_are_none(tmp_path: Path, reads: list[Path]) -> None:
    path = _materials.stream(tmp_path).path
    TokenStream.load(path)
    (record,) = records()
    made = record.stat().st_mtime
    for age in (verified.DAYS * 24 * 3600 + 60, -3600):
        os.utime(record, (made - age, made - age))
        TokenStream.load(path)
    assert len(reads) == 3
    stale = record.with_name("0" * 64)
    stale.touch()
    os.utime(stale, (0, 0))
    os.utime(path)
    TokenStream.load(path)
    assert not stale.exists()


def test_a_file_just_written_gets_no_record(tmp_path: Path, reads: list[Path], monkeypatch: Any) -> None:
    monkeypatch.setattr(verified, "SETTLED", 3.0)
    path = _materials.stream(tmp_path).path
    TokenStream.load(path)
    TokenStream.load(path)
    assert len(reads) == 2
    assert records() == []


def test_small_files_and_those_without_a_cache_are_read_each_time(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _materials.stream(tmp_path).path
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "file"))
    TokenStream.load(path)
    TokenStream.load(path)
    assert len(reads) == 2
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(verified, "SMALL", path.stat().st_size)
    TokenStream.load(path)
    TokenStream.load(path)
    assert len(reads) == 4


def test_a_cached_stream_that_is_used_keeps_its_record(tmp_path: Path, reads: list[Path]) -> None:
    play = _materials.play(tmp_path)
    for _ in range(3):
        path = cached_stream(resolve([play]), TokenizeSettings("char")).path
    assert len(reads) == 1
    assert path.with_suffix(".used").exists()


# Forged streams: every checksum is right


def forge(path: Path, ids: list[int], starts: list[int], labels: list[int], vocab_size: int) -> None:
    """A stream of a model's own codec with these tables."""
    import hashlib

    spec = _materials.checkpoint().tokenizer.spec()
    report = {"read": 1, "skipped": {}, "dropped": {}, "repaired": {}}
    content = {"codec": spec, "sources": [], "report": report}
    details = np.frombuffer(json.dumps(content).encode(), np.uint8)
    tables = [np.array(starts, "<i8"), np.array(labels, "<i4"), details]
    with files.atomic_write(path) as file:
        writer = Writer(file)
        writer.add("ids", np.array(ids, "<u2"))
        writer.add("starts", tables[0])
        writer.add("labels", tables[1])
        about = {"format": "seqgen token stream", "version": "1", "content_sha256": writer.digest()}
        writer.add("details", details)
        checksum = hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()
        writer.finish({**about, "vocab_size": str(vocab_size), "tables_sha256": checksum})


V = _materials.checkpoint().tokenizer.vocab_size
IDS = [V - 3, *[1, 2, 3, 4, 5] * 60]
N = len(IDS)
FORGED: list[tuple[list[int], list[int], list[int], int, str]] = [
    (IDS, [0, 1 << 62, (1 << 62) - 1 - (1 << 63), N], [-1] * 3, V, "documents that do not cover the ids"),
    (IDS, [0, (1 << 63) - 1, -(1 << 63), N], [-1] * 3, V, "documents that do not cover the ids"),
    (IDS, [0, N + 1, N], [-1] * 2, V, "documents that do not cover the ids"),
    (IDS, [0, N], [-(1 << 31)], V, "a label without a name"),
    (IDS, [0, N], [(1 << 31) - 1], V, "a label without a name"),
    ([*IDS, V], [0, N + 1], [-1], V, f"tensor 'ids' holds {V}, expected values below {V}"),
    (IDS, [0, N], [-1], V + 3, f"its vocabulary is {V + 3}, but its codec has {V} tokens"),
    (IDS, [0, N], [-1], 60_000, f"its vocabulary is 60000, but its codec has {V} tokens"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, a stream of its codec, a corpus."""
    monkeypatch.chdir(tmp_path)
    _materials.play(tmp_path)
    _materials.checkpoint().save(tmp_path / "model.safetensors")
    forge(tmp_path / "good.tokens", IDS, [0, N], [-1], V)
    return tmp_path


@pytest.mark.parametrize(("ids", "starts", "labels", "vocab_size", "message"), FORGED)
def test_forged_streams_are_one_sentence(
    place: Path, capsys: Any, ids: list[int], starts: list[int], labels: list[int], vocab_size: int, message: str
) -> None:
    forge(place / "bad.tokens", ids, starts, labels, vocab_size)
    for command in (
        ["inspect", "bad.tokens"],
        ["decode", "bad.tokens", "-o", "out"],
        ["evaluate", "model.safetensors", "bad.tokens"],
        ["train", "bad.tokens", "-o", "new", *TRAIN],
        ["train", "good.tokens", "--val", "bad.tokens", "-o", "new", *TRAIN],
    ):
        assert run(command) in (1, 2), command
        said = capsys.readouterr().err
        assert said.count("Error: bad.tokens: ") == 1, said
        assert message in said or ("--val" in command and "has another codec than the corpus" in said)
    assert not (place / "out").exists()
    assert not (place / "new").exists()


def test_a_stream_of_nothing_is_one_sentence(place: Path, capsys: Any) -> None:
    forge(place / "bad.tokens", [], [0], [], V)
    assert run(["train", "bad.tokens", "-o", "new", *TRAIN]) == 1
    assert "Error: bad.tokens: holds no tokens, expected at least 2" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_not_taken_for_a_corpus(place: Path, capsys: Any) -> None:
    shutil.copy("model.safetensors", "other.safetensors")
    flip(place / "other.safetensors", 100)
    assert run(["evaluate", "model.safetensors", "other.safetensors", "good.tokens"]) == 1
    assert "Error: other.safetensors: is damaged: its header" in capsys.readouterr().err


# Run folders


@pytest.fixture
def trained(place: Path) -> Path:
    """A run of one step on the good stream."""
    assert run(["train", "good.tokens", "-o", "run", *TRAIN]) == 0
    return place / "run"


def test_what_a_run_recorded_of_its_corpus_is_verified(trained: Path, capsys: Any) -> None:
    path = trained / "training.json"
    whole = path.read_text()
    for old, new in (
        ('"validation": 0.1', '"validation": 0.3'),
        ('"head": 1', '"head": 3'),
        ('"seed": 1', '"seed": 9'),
    ):
        assert old in whole
        path.write_text(whole.replace(old, new, 1))
        for command in (["evaluate", "run"], ["train", "--resume", "-o", "run"]):
            assert run(command) == 1
            assert "it does not match its checksum" in capsys.readouterr().err
    about = unsealed(whole.encode())
    shutil.move("good.tokens", "moved.tokens")
    path.write_text(json.dumps(about | {"stream": "moved.tokens"}))  # where it lies may be corrected by hand
    assert run(["evaluate", "run"]) == 0
    del about["sha256"]
    path.write_text(json.dumps(about | {"stream": "moved.tokens"}))  # as earlier versions wrote it
    assert run(["evaluate", "run"]) == 0
    forge(trained / "other.tokens", IDS[::-1], [0, N], [-1], V)
    path.write_bytes(sealed(about | {"stream": "moved.tokens", "held_out": str(trained / "other.tokens")}))
    capsys.readouterr()
    assert run(["evaluate", "run"]) == 1
    assert "other.tokens: is not the corpus that this run was validated on any more" in capsys.readouterr().err


def test_a_damaged_log_is_told_of_and_the_run_goes_on(trained: Path, capsys: Any) -> None:
    flip(trained / "log.jsonl", 12)
    capsys.readouterr()
    assert run(["train", "--resume", "-o", "run", "--steps", "2"]) == 0
    assert "log.jsonl: is damaged: it is not what this run wrote. The run goes on." in capsys.readouterr().err
    assert run(["train", "--resume", "-o", "run", "--steps", "3"]) == 0
    assert "log.jsonl: is damaged" not in capsys.readouterr().err


HUGE = 1 << 62
HOSTILE: list[tuple[str, Any]] = [
    ("step", HUGE), ("step", -1), ("step", 1000), ("step", 0.5), ("epoch", 1 << 70), ("total_steps", -HUGE),
    ("tokens", True), ("batch", 1 << 40), ("batch", 0), ("damping", -1.0), ("damping", "1"), ("recent", ["x"]),
    ("history", [{"step": "x"}]), ("history", [1]), ("seconds", None), ("seconds", -5.0),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_forged_cursors_of_a_resume_file_are_one_sentence(trained: Path, capsys: Any, key: str, value: Any) -> None:
    reforged(trained / "resume.safetensors", lambda details: details["progress"].update({key: value}))
    assert run(["train", "--resume", "-o", "run", "--steps", "2"]) == 1
    said = capsys.readouterr().err
    assert said.count("Error: run/resume.safetensors: does not fit this run (") == 1


@pytest.mark.parametrize(("key", "value"), [("updates", HUGE), ("targets", -1), ("files", {"log.jsonl": -5})])
def test_forged_counts_of_a_resume_file_are_one_sentence(trained: Path, capsys: Any, key: str, value: Any) -> None:
    log = (trained / "log.jsonl").read_bytes()
    reforged(trained / "resume.safetensors", lambda details: details.update({key: value}))
    assert run(["train", "--resume", "-o", "run", "--steps", "2"]) == 1
    assert "Error: run/resume.safetensors: does not fit this run (" in capsys.readouterr().err
    assert (trained / "log.jsonl").read_bytes() == log


def reforged(path: Path, change: Any) -> None:
    """Change the details of a resume file and make its checksums right."""
    header = read_header(path, CheckpointError)
    details = plain_data(header.read("details").tobytes())
    change(details)
    tensors = {name: header.read(name) for name in header.tensors if name != "details"}
    write_tensors(path, tensors, details, {key: header.metadata[key] for key in ("format", "version")})


# Indexes


def test_a_forged_index_neither_hangs_nor_fails(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 3, 5_000).astype(np.uint16)
    starts = np.array([0, len(ids)])
    path = tmp_path / "index.safetensors"
    build(Corpus(ids, starts, starts[:-1], starts[1:], 100, 101, "toy"), path)
    header = read_header(path, CheckpointError)
    tensors = {name: header.read(name) for name in header.tensors}
    for suffixes in (
        tensors["suffixes"][::-1],
        rng.permutation(len(ids)),
        np.zeros(len(ids)),
        np.full(len(ids), 4_999),
    ):
        rewritten(path, tensors | {"suffixes": suffixes.astype(np.uint32)})
        index = Index(path)
        assert measure(index, ids[:60].tolist()).tokens == 60
        guard = MaxCopy(index, 1)
        state = guard.start()
        for token in ids[:60].tolist():
            state = guard.step(state, token)
            assert set(guard.refused(state)) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("suffixes", [0, 1, 1 << 31], "tensor 'suffixes' holds 2147483648, expected values below 3"),
        ("starts", [0, 1 << 62, (1 << 62) - 1 - (1 << 63), 3], "spans that do not cover the corpus"),
        ("documents", [0, -1, 0], "documents or offsets below 0"),
        ("offsets", [-(1 << 63), 0, 0], "documents or offsets below 0"),
    ],
)
def test_numbers_of_an_index_out_of_range_are_one_sentence(
    tmp_path: Path, name: str, values: list[int], message: str
) -> None:
    ids, starts = np.array([1, 2, 0], np.uint16), np.array([0, 1, 2, 3])
    path = tmp_path / "index.safetensors"
    build(Corpus(ids, starts, starts[:-1], starts[1:], 100, 101, "toy"), path)
    header = read_header(path, CheckpointError)
    tensors = {each: header.read(each) for each in header.tensors}
    rewritten(path, tensors | {name: np.array(values, tensors[name].dtype)})
    with pytest.raises(CheckpointError, match=message):
        Index(path)


def rewritten(path: Path, tensors: dict[str, Any]) -> None:
    about = {"width": "1", "framing": "100", "corpus": "toy"}
    with files.atomic_write(path) as file:
        writer = Writer(file)
        for name, tensor in tensors.items():
            writer.add(name, tensor)
        writer.finish({"format": FORMAT, "version": "1", **about})


def test_the_checkpoint_of_a_run_is_whole(trained: Path) -> None:
    assert Checkpoint.load(trained).parameters > 0
    flip(trained / "model.safetensors")
    with pytest.raises(CheckpointError, match="do not match their checksum"):
        Checkpoint.load(trained)
