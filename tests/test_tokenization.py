"""Tokenization: sources, reading, building, the cache."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from seqgen.codecs import Ids
from seqgen.codecs.byte import Byte
from seqgen.errors import CorpusError, MidiError, OutputError, SettingError, StreamError
from seqgen.report import LeftOut, Report
from seqgen.stream import TokenStream
from seqgen.tokenization import building, cutting, pool, reading, sources
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.reading import Reader, content_hash
from seqgen.tokenization.restoring import restore_folder
from seqgen.tokenization.selecting import select
from seqgen.tokenization.settings import TokenizeSettings, separate
from seqgen.tokenization.sources import Source, resolve
from seqgen.tokenizer import Tokenizer


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two labelled folders, a file in neither, a hidden one, a picture and an empty file."""
    folder = tmp_path / "plays"
    for name, content in {
        "tragedies/hamlet.txt": "Wer da? — Nein, mir antwortet.".encode(),
        "tragedies/deep/lear.md": b"Blow, winds\r\n",
        "comedies/dream.txt": "\ufeffübermut".encode(),
        "prologue.txt": b"\xff\x92 bytes that are not UTF-8",
        "comedies/.hidden.txt": b"hidden",
        ".git/config.txt": b"hidden",
        "comedies/scan.png": b"\x89PNG\r\n\x1a\n\0\0\0\0",
        "comedies/empty.txt": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def one(tmp_path: Path, content: bytes, name: str = "x.txt") -> list[Source]:
    (tmp_path / name).write_bytes(content)
    return resolve([tmp_path / name])


def noise(count: int) -> bytes:
    return np.random.default_rng(1).bytes(count)


def read(source: Source, encoding: str | None = None, text: bool = False) -> bytes:
    return b"".join(Reader(source, encoding, text))


def decoded(stream: TokenStream) -> list[bytes]:
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    return [tokenizer.decode(stream.document(index)) for index in range(stream.documents)]


class Faulty(Byte):
    """Whole documents only; "?" is mended when salvaging, "!" is an error always."""

    def boundary(self, data: bytes) -> int:
        return 0

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        if b"!" in data or (b"?" in data and report is None):
            raise MidiError(f"byte {data.find(b'!')}: an exclamation")
        if report is not None:
            report.repaired["question"] += data.count(b"?")
        return super().encode(data)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqgen.codecs.byte.Byte", Faulty)
    monkeypatch.setattr("seqgen.registry.load", lambda kind, name: Faulty)


# Sources


def test_a_folder_gives_sorted_files_with_labels(corpus: Path) -> None:
    found = resolve([corpus])
    assert [(source.name, source.label) for source in found] == [
        ("plays/comedies/dream.txt", "comedies"),
        ("plays/comedies/empty.txt", "comedies"),
        ("plays/comedies/scan.png", "comedies"),
        ("plays/prologue.txt", None),
        ("plays/tragedies/deep/lear.md", "tragedies"),
        ("plays/tragedies/hamlet.txt", "tragedies"),
    ]


def test_one_subfolder_is_no_label(corpus: Path) -> None:
    for path in (corpus / "tragedies").rglob("*.*"):
        path.unlink()
    assert {source.label for source in resolve([corpus])} == {None}


def test_files_globs_and_folders_in_the_order_given_and_once(corpus: Path) -> None:
    pattern = str(corpus / "**" / "*.txt")
    found = resolve([corpus / "tragedies" / "hamlet.txt", pattern, corpus / "tragedies"])
    assert [source.path.name for source in found] == ["hamlet.txt", "dream.txt", "empty.txt", "prologue.txt", "lear.md"]


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_bytes(folder.encode())
    assert [source.name for source in resolve([str(tmp_path / "*" / "x.txt")])] == ["x.txt", "x.txt (2)"]


def test_links_in_circles_end(corpus: Path) -> None:
    (corpus / "tragedies" / "again").symlink_to(corpus)
    (corpus / "self.txt").symlink_to(corpus / "self.txt")
    (corpus / "dangling.txt").symlink_to(corpus / "absent")
    assert len(resolve([corpus])) == 6


def test_standard_input_and_pipes_can_be_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    (source,) = resolve(["-"])
    assert (source.name, source.suffix) == ("-", "")
    assert read(source) == read(source) == b"from a pipe"
    read_end, write_end = os.pipe()
    os.write(write_end, b"piped")
    os.close(write_end)
    assert read(resolve([f"/dev/fd/{read_end}"])[0]) == b"piped"
    os.close(read_end)


def test_an_endless_pipe_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_SPOOLED", 3_000_000)
    with pytest.raises(CorpusError, match=r"/dev/zero: more than 3\.0 MB"):
        resolve(["/dev/zero"])


def test_a_catalogued_corpus_by_name_unless_a_file_has_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqgen.catalogue.names", lambda: ("shakespeare",))
    monkeypatch.setattr("seqgen.catalogue.get", lambda name, note: corpus)
    monkeypatch.chdir(tmp_path)
    assert resolve(["shakespeare"])[0].name == "shakespeare/comedies/dream.txt"
    (tmp_path / "shakespeare").write_bytes(b"mine")
    assert resolve(["shakespeare"])[0].path == Path("shakespeare")
    with pytest.raises(CorpusError, match="shakespear: there is no such file, folder or corpus") as caught:
        resolve(["shakespear"])
    assert "did you mean 'shakespeare'?" in caught.value.hint


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").write_bytes(b"x")
    (tmp_path / "x.tokens").write_bytes(b"x")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    for name, message in {
        "empty": "empty: holds no files",
        "*.nothing": r"\*\.nothing: no file matches this pattern",
        "absent.txt": r"absent\.txt: there is no such file, folder or corpus",
        "x.tokens": r"x\.tokens: is a token stream already",
        "dangling": "dangling: cannot be read",
    }.items():
        with pytest.raises(CorpusError, match=message):
            resolve([str(tmp_path / name)])
    with pytest.raises(CorpusError, match="there are no files"):
        tokenize([], TokenizeSettings(), tmp_path / "o")


def files(tmp_path: Path, *names: str) -> list[Source]:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"some text")
    return resolve([folder])


@pytest.mark.parametrize(
    ("names", "codec"),
    [
        ((*(f"{number}.c" for number in range(9)), "c.txt"), "c_source"),
        (("a.c", "b.h", "c.txt"), "char"),  # which reads them all
        (("a.txt", "b.TXT.gz", "c.h"), "char"),
        (("a.mid", "b.mid.zst"), "midi"),
        (("a.unknown",), "char"),
    ],
)
def test_the_codec_is_guessed_by_suffixes(tmp_path: Path, names: Sequence[str], codec: str) -> None:
    assert guess_codec(files(tmp_path, *names))[0] == codec


def test_without_a_known_suffix_the_content_decides(tmp_path: Path) -> None:
    assert guess_codec(one(tmp_path, bytes(range(256)), "x.bin"))[0] == "byte"
    assert guess_codec(one(tmp_path, "é".encode("utf-16"), "x.weird"))[0] == "char"
    assert guess_codec(one(tmp_path, b"", "empty"))[0] == "char"


def test_files_for_other_codecs_are_left_out_with_the_reason(tmp_path: Path) -> None:
    mixed = files(tmp_path, "a.c", "b.txt", "c.xyz", "d")
    chosen, report = select(mixed, "c_source")
    assert [source.path.name for source in chosen] == ["a.c"]
    names = ["mixed/b.txt", "mixed/c.xyz", "mixed/d"]
    assert report.left_out == {"not for codec c_source, by their suffix": LeftOut(3, 27, names)}
    assert len(select(mixed, "byte")[0]) == 4
    named = resolve([str(source.path) for source in mixed])
    assert len(select(named, "c_source")[0]) == 4  # the user named them


def test_text_may_have_any_suffix(tmp_path: Path) -> None:
    mixed = files(tmp_path, "a.c", "c.xyz")
    assert [source.path.name for source in select(mixed, "char")[0]] == ["a.c", "c.xyz"]
    with pytest.raises(CorpusError, match=r"none of the 2 files is for codec midi \(not for .*, expected .*\.mid "):
        select(mixed, "midi")


# Reading


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa\r\nb\rc\0\x92\xff" + b"text " * 40, "楽\U0010ffff".encode(), b"x"])
def test_bytes_stay_as_they_are(tmp_path: Path, content: bytes) -> None:
    assert read(one(tmp_path, content)[0], text=True) == content
    assert decoded(tokenize(one(tmp_path, content), TokenizeSettings("char"), tmp_path / "o")) == [content]


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".GZ"])
def test_compressed_files_of_several_members(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix.lower() == ".gz" else zstandard.compress
    data = noise(3_000_000)
    path = tmp_path / f"x.txt{suffix}"
    path.write_bytes(pack(data) + pack(b"more"))
    (source,) = resolve([path])
    reader = Reader(source)
    assert b"".join(reader) == data + b"more"
    assert reader.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert reader.bytes == path.stat().st_size
    assert source.suffix == ".txt"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_damaged_compressed_files(tmp_path: Path, suffix: str) -> None:
    kind = {".gz": "gzip", ".zst": "zstd"}[suffix]
    data = bytes(range(256)) * 20
    whole = (
        gzip.compress(data, mtime=0)
        if suffix == ".gz"
        else zstandard.ZstdCompressor(write_checksum=True).compress(data)
    )
    for cut in range(1, len(whole)):
        with pytest.raises(CorpusError, match=f"{kind} data are (damaged|cut short)"):
            read(one(tmp_path, whole[:cut], f"x{suffix}")[0])
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    for content in (bytes(flipped), b"no such format", whole + b"rubbish behind it"):
        with pytest.raises(CorpusError, match=f"{kind} data are damaged"):
            read(one(tmp_path, content, f"x{suffix}")[0])


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_bomb_is_stopped_in_little_memory(tmp_path: Path, suffix: str) -> None:
    zeros = bytes(300_000_000)
    bomb = gzip.compress(zeros, 9) if suffix == ".gz" else zstandard.compress(zeros)
    del zeros
    (source,) = one(tmp_path, bomb, f"bomb.txt{suffix}")
    tracemalloc.start()
    try:
        with pytest.raises(CorpusError, match="unpacks to more than"):
            sum(len(piece) for piece in Reader(source))
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_more_than_the_limit_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(CorpusError, match=r"unpacks to more than 2\.0 MB"):
        read(one(tmp_path, gzip.compress(noise(3_000_000)), "x.gz")[0])


TEXT = "Größe, 楽譜, Ω\r\n" * 50


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030", "UTF-7"])
@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_transcoding_does_not_depend_on_the_cuts(
    tmp_path: Path, encoding: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PIECE", piece)
    assert read(one(tmp_path, TEXT.encode(encoding))[0], encoding).decode() == TEXT


@pytest.mark.parametrize(
    ("content", "encoding", "message", "hint"),
    [
        (b"abc\x92def", "utf-8", "byte 0x92 at offset 3 is not utf-8", "--encoding cp1252"),
        (b"\xc3\xa9" * 9 + b"\x81", "ascii", "byte 0xc3 at offset 0 is not ascii", "--encoding latin-1"),
        ("Ω".encode() * 9, "ascii", "byte 0xce at offset 0", "--encoding utf-8"),
        (b"ab\xe9", "utf-8", "byte 0xe9 at offset 2", "--encoding cp1252"),
        (b"ok\x83", "shift_jis", "byte 0x83 at offset 2", "--encoding cp1252"),
        (b"a\0b\0c", "utf-16-le", "byte 0x63 at offset 4", "--encoding utf-8"),
        (b"x" * 3_000_000 + b"\x81", "cp1252", "byte 0x81 at offset 3000000", "--encoding latin-1"),
    ],
)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_a_byte_that_does_not_fit_is_named(
    tmp_path: Path, content: bytes, encoding: str, message: str, hint: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if piece == 1 and len(content) > 1000:
        piece = 1000
    monkeypatch.setattr(reading, "PIECE", piece)
    with pytest.raises(CorpusError, match=message) as caught:
        read(one(tmp_path, content)[0], encoding)
    assert "x.txt: " in caught.value.message
    assert hint in caught.value.hint or piece == 1


def test_unknown_encodings(tmp_path: Path) -> None:
    for name in ("klingon", "hex", "rot13", "", "a\0b", "zlib"):
        with pytest.raises(SettingError, match="expected the name of a text encoding"):
            tokenize(one(tmp_path, b"x"), TokenizeSettings("char", encoding=name), tmp_path / "o")
    with pytest.raises(SettingError, match="codec byte is not for text"):
        tokenize(one(tmp_path, b"x"), TokenizeSettings("byte", encoding="utf-8"), tmp_path / "o")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (TEXT.encode("utf-16"), "byte order mark of utf-16", "pass --encoding utf-16"),
        ("plain ASCII text".encode("utf-16-be"), "it looks like utf-16-be", "pass --encoding utf-16-be"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is binary, expected text", "-c byte"),
        (bytes(100), "is binary, expected text", "-c byte"),
    ],
)
def test_binary_where_text_is_meant(tmp_path: Path, content: bytes, message: str, hint: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        tokenize(one(tmp_path, content), TokenizeSettings("char"), tmp_path / "o")
    assert hint in caught.value.hint
    assert caught.value.message.startswith(str(tmp_path / "x.txt"))
    assert not (tmp_path / "o").exists()
    assert tokenize(one(tmp_path, content), TokenizeSettings("byte"), tmp_path / "o").documents == 1


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = one(tmp_path, b"x")

    def refuse(self: Path, *arguments: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CorpusError, match=r"x\.txt: cannot be read \(Permission denied\)"):
        read(source)


# Building


def test_a_folder_becomes_a_stream(corpus: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    stream = tokenize(resolve([corpus]), TokenizeSettings(), tmp_path / "o.tokens", note=notes.append)
    assert notes == ["Codec char, guessed from the files; -c names another."]
    expected = ["comedies/dream.txt", "prologue.txt", "tragedies/deep/lear.md", "tragedies/hamlet.txt"]
    assert [source["name"] for source in stream.sources] == ["plays/" + name for name in expected]
    assert decoded(stream) == [(corpus / name).read_bytes() for name in expected]
    assert stream.codec_spec["labels"] == ["comedies", "tragedies"]
    assert stream.labels.tolist() == [0, -1, 1, 1]
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    assert stream.document(0)[:2].tolist() == tokenizer.frame("comedies").tolist()
    assert stream.document(1)[0] == tokenizer.document_id
    assert stream.document(1)[1] < tokenizer.document_id
    assert stream.report.read == 4
    assert stream.report.skipped == {"plays/comedies/empty.txt": "is empty"}
    assert stream.report.bytes == sum((corpus / name).stat().st_size for name in expected)
    assert stream.report.left_out == {
        "binary files": LeftOut(1, 12, ["plays/comedies/scan.png"]),
        "hidden files": LeftOut(1, 6, ["plays/comedies/.hidden.txt"]),
    }
    assert TokenStream.open(stream.path).report == stream.report
    lear = (corpus / expected[2]).read_bytes()
    entry = {"name": "plays/" + expected[2], "bytes": 13, "documents": 1, "sha256": hashlib.sha256(lear).hexdigest()}
    assert stream.sources[2] == entry
    stream.verify()


def test_one_label_for_all(corpus: Path, tmp_path: Path) -> None:
    stream = tokenize(resolve([corpus]), TokenizeSettings(label="plays"), tmp_path / "o")
    assert stream.codec_spec["labels"] == ["plays"]
    assert set(stream.labels.tolist()) == {0}


def test_the_number_of_workers_changes_nothing(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 50)
    monkeypatch.setattr(cutting, "PIECE", 50)
    (corpus / "long.txt").write_bytes("Füße ".encode() * 300)
    for workers in (1, 2):
        tokenize(resolve([corpus]), TokenizeSettings(workers=workers), tmp_path / str(workers))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with pytest.raises(SettingError, match="workers is 0, expected 1 to 1024"):
        tokenize(resolve([corpus]), TokenizeSettings(workers=0), tmp_path / "o")


def test_jobs_are_handed_out_in_batches_in_their_order() -> None:
    jobs = [pool.Job(0, b"x" * size) for size in (1, 5, 2, 2, 2, 1, 1)] + [pool.Job(0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "BATCH_BYTES", 5)
        patch.setattr(pool, "BATCH_JOBS", 3)
        batches = list(pool._batches(iter(jobs)))
    assert [[len(job.data or b"") for job in batch] for batch in batches] == [[1, 5], [2, 2, 2], [1, 1, 0]]
    assert [job for batch in batches for job in batch] == jobs


def test_a_bad_file_between_good_ones_is_reported_whatever_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "BATCH_JOBS", 3)
    good = bytes.fromhex("4d546864000000060000000100604d54726b0000000c00903c4060803c4000ff2f00")
    (tmp_path / "songs").mkdir()
    for number in range(8):
        (tmp_path / "songs" / f"{number}.mid").write_bytes(good if number % 4 else b"junk")
    files = resolve([tmp_path / "songs"])
    streams = [tokenize(files, TokenizeSettings(workers=workers), tmp_path / f"{workers}.o") for workers in (1, 2)]
    for stream in streams:
        assert stream.documents == 6
        assert [Path(name).name for name in stream.report.skipped] == ["0.mid", "4.mid"]
    assert (tmp_path / "1.o").read_bytes() == (tmp_path / "2.o").read_bytes()


@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_cutting_loses_nothing(tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "aé楽\U0001f3b5\r\n".encode() * 20 + b"\xff\xe6\xa5"
    monkeypatch.setattr(cutting, "PIECE", piece)
    monkeypatch.setattr(reading, "PIECE", piece)
    for whole in (10, 1 << 20):  # streamed, and taken whole
        monkeypatch.setattr(cutting, "MAX_WHOLE", whole)
        stream = tokenize(one(tmp_path, data), TokenizeSettings("char"), tmp_path / "o")
        assert decoded(stream) == [data]
        assert Tokenizer.from_spec(stream.codec_spec).encode(data).tolist() == stream.ids[1:].tolist()


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "MAX_WHOLE", 4 << 20)
    (tmp_path / "big.txt").write_bytes(b"All the world's a stage\n" * 1_500_000)
    sources = resolve([tmp_path / "big.txt"])
    tokenize(one(tmp_path, b"warm up"), TokenizeSettings("char"), tmp_path / "o")
    tracemalloc.start()
    stream = tokenize(sources, TokenizeSettings("char"), tmp_path / "o")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(stream.ids) == 36_000_001
    assert peak < 30_000_000


@pytest.mark.usefixtures("faulty")
def test_a_bad_file_among_several_is_skipped_with_its_reason(tmp_path: Path) -> None:
    for name, content in {"a": b"fine", "b": b"bad!", "c": b"mended?"}.items():
        (tmp_path / name).write_bytes(content)
    names = [tmp_path / name for name in "abc"]
    stream = tokenize(resolve(names), TokenizeSettings("byte"), tmp_path / "o")
    assert decoded(stream) == [b"fine", b"mended?"]
    assert stream.report.to_json() == {
        "read": 2,
        "skipped": {"b": "byte 3: an exclamation"},
        "dropped": {},
        "repaired": {"question": 1},
        "bytes": 11,
    }


@pytest.mark.usefixtures("faulty")
def test_strict_stops_at_the_first_fault_and_writes_nothing(tmp_path: Path) -> None:
    for name, content in {"a": b"fine", "b": b"mended?"}.items():
        (tmp_path / name).write_bytes(content)
    output = tmp_path / "o"
    output.write_bytes(b"old")
    with pytest.raises(MidiError, match=r"/b: byte -1: an exclamation\nHint: drop the file, or pass -P skip_bad true"):
        tokenize(resolve([tmp_path / "a", tmp_path / "b"]), TokenizeSettings("byte", skip_bad=False), output)
    with pytest.raises(MidiError, match="/b: byte -1"):
        tokenize(resolve([tmp_path / "b"]), TokenizeSettings("byte"), output)  # a single file: strict by default
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "o"]
    assert decoded(tokenize(resolve([tmp_path / "b"]), TokenizeSettings("byte", skip_bad=True), output)) == [b"mended?"]


@pytest.mark.usefixtures("faulty")
def test_whole_documents_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "MAX_WHOLE", 100)
    monkeypatch.setattr(reading, "PIECE", 10)
    assert len(tokenize(one(tmp_path, b"x" * 99), TokenizeSettings("byte"), tmp_path / "o").ids) == 100
    with pytest.raises(CorpusError, match=r"x\.txt: is longer than 100 bytes, and this codec needs it whole"):
        tokenize(one(tmp_path, b"x" * 200), TokenizeSettings("byte"), tmp_path / "o")


def test_a_file_that_fails_late_leaves_nothing_in_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "PIECE", 1000)
    monkeypatch.setattr(cutting, "MAX_WHOLE", 2000)
    monkeypatch.setattr(reading, "PIECE", 500)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(noise(8000).hex().encode())[:-6])
    (tmp_path / "b.txt").write_bytes(b"whole")
    stream = tokenize(resolve([tmp_path / "a.txt.gz", tmp_path / "b.txt"]), TokenizeSettings("char"), tmp_path / "o")
    assert decoded(stream) == [b"whole"]
    assert "gzip data are damaged or cut short" in stream.report.skipped["a.txt.gz"]


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"x\.txt: is empty"):
        tokenize(one(tmp_path, b""), TokenizeSettings("char"), tmp_path / "o")
    with pytest.raises(CorpusError, match=r"^x\.txt: is empty"):
        tokenize(one(tmp_path, b""), TokenizeSettings("char", skip_bad=True), tmp_path / "o")
    (tmp_path / "y.txt").write_bytes(bytes(9))
    with pytest.raises(CorpusError, match=r"none of 2 files could be tokenized; the last: y\.txt: is binary"):
        tokenize(resolve([tmp_path / "x.txt", tmp_path / "y.txt"]), TokenizeSettings("char"), tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_settings_of_the_codec_and_ours_are_told_apart(tmp_path: Path) -> None:
    assert separate({"skip_bad": "yes", "min_count": "2"}) == ({"min_count": "2"}, True)
    assert separate({}) == ({}, None)
    with pytest.raises(SettingError, match="skip_bad is 'maybe', expected true or false"):
        separate({"skip_bad": "maybe"})
    with pytest.raises(SettingError, match="no setting is called 'min_cout'"):
        tokenize(one(tmp_path, b"x"), TokenizeSettings("char", {"min_cout": "2"}), tmp_path / "o")
    stream = tokenize(one(tmp_path, "éé楽".encode()), TokenizeSettings("char", {"min_count": "2"}), tmp_path / "o")
    assert stream.codec_spec["state"]["characters"] == "é"


def test_a_fitted_tokenizer_encodes_other_files(corpus: Path, tmp_path: Path) -> None:
    first = Tokenizer.from_spec(tokenize(resolve([corpus]), TokenizeSettings(), tmp_path / "a").codec_spec)
    (corpus / "histories").mkdir()
    (corpus / "histories" / "john.txt").write_bytes("Ø not seen before".encode())
    stream = tokenize(resolve([corpus]), TokenizeSettings(tokenizer=first), tmp_path / "b")
    assert stream.codec_spec == first.spec()
    assert stream.labels.tolist() == [0, -1, -1, 1, 1]
    assert decoded(stream)[1] == "Ø not seen before".encode()
    with pytest.raises(SettingError, match="no label is called 'tragedy'"):
        tokenize(resolve([corpus]), TokenizeSettings(label="tragedy", tokenizer=first), tmp_path / "b")


# The cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How often something was tokenized."""
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    built: list[int] = []
    original = building.build
    monkeypatch.setattr("seqgen.tokenization.cache.build", lambda *arguments: (built.append(1), original(*arguments)))
    yield built
    reading._hashes.clear()


def test_the_same_content_is_tokenized_once(corpus: Path, tmp_path: Path, cache: list[int]) -> None:
    notes: list[str] = []
    first = cached_stream(resolve([corpus]), TokenizeSettings("char"))
    second = cached_stream(resolve([corpus]), TokenizeSettings("char"), note=notes.append)
    assert (first.path, first.fingerprint, len(cache)) == (second.path, second.fingerprint, 1)
    assert notes[-1] == "Tokenized before: taken from the cache."
    assert notes[0] == "Left out 18 bytes of 101 bytes (18 %) in 2 files:"
    corpus.rename(tmp_path / "renamed")
    assert cached_stream(resolve([tmp_path / "renamed"]), TokenizeSettings("char")).path == first.path
    assert len(cache) == 1


def test_whatever_changes_the_tokens_changes_the_key(corpus: Path, cache: list[int]) -> None:
    calls: list[dict[str, Any]] = [
        {},
        {"options": {"min_count": 2}},
        {"label": "x"},
        {"encoding": "latin-1"},
        {"skip_bad": False},
        {"codec": "byte"},
    ]
    paths = set()
    for call in calls:
        chosen = [source for source in resolve([corpus]) if source.path.stat().st_size and source.suffix == ".txt"]
        paths.add(cached_stream(chosen, TokenizeSettings(**{"codec": "char", **call})).path)
    hamlet = corpus / "tragedies" / "hamlet.txt"
    hamlet.write_bytes(hamlet.read_bytes().replace(b"W", b"V"))
    paths.add(cached_stream(resolve([corpus]), TokenizeSettings("char")).path)
    assert len(paths) == len(cache) == len(calls) + 1


def test_a_damaged_entry_is_made_again(corpus: Path, cache: list[int]) -> None:
    path = cached_stream(resolve([corpus]), TokenizeSettings("char")).path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StreamError):
        TokenStream.open(path)
    cached_stream(resolve([corpus]), TokenizeSettings("char")).verify()
    assert len(cache) == 2
    whole, said = path.read_bytes(), list[str]()
    path.write_bytes(whole[:4_100] + bytes([whole[4_100] ^ 1]) + whole[4_101:])
    cached_stream(resolve([corpus]), TokenizeSettings("char"), note=said.append).verify()
    assert len(cache) == 3
    assert path.read_bytes() == whole
    assert f"{path}: is damaged: its data do not match their checksum. It is made again." in said
    cached_stream(resolve([corpus]), TokenizeSettings("char"), note=said.append)
    assert said[-1] == "Tokenized before: taken from the cache."


def test_what_was_used_longest_ago_goes(tmp_path: Path, cache: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for index in range(3):
        paths.append(cached_stream(one(tmp_path, f"text {index}".encode()), TokenizeSettings("char")).path)
        os.utime(paths[-1], (index, index))
    monkeypatch.setattr("seqgen.tokenization.cache.MAX_CACHED", 3 * paths[0].stat().st_size + 100)
    paths.append(cached_stream(one(tmp_path, b"text 3"), TokenizeSettings("char")).path)
    assert [path.exists() for path in paths] == [False, True, True, True]


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    (source,) = one(tmp_path, b"abc")
    assert content_hash(source) == hashlib.sha256(b"abc").hexdigest()
    (source,) = one(tmp_path, b"abcd")
    assert content_hash(source) == hashlib.sha256(b"abcd").hexdigest()


# Restoring


def test_names_from_a_stream_do_not_lead_outside(tmp_path: Path) -> None:
    from seqgen.stream import StreamWriter

    tokenizer = Tokenizer(Byte(), "byte", ())
    names = ["../../evil.txt", "/etc/passwd", "a/../b", "", "..", "x\0y\n.c", "A.txt", "a.txt", "w" * 300, "\udcff.txt"]
    with StreamWriter(tmp_path / "s.tokens", tokenizer.spec(), tokenizer.vocab_size) as writer:
        for name in names:
            writer.add(np.frombuffer(name.encode("utf-8", "replace"), np.uint8))
            writer.add(tokenizer.frame(None))
            writer.end_document()
            writer.sources.append({"name": name, "bytes": 0, "sha256": "", "documents": 1})
    folder = tmp_path / "below" / "out"
    folder.parent.mkdir()
    assert restore_folder(TokenStream.open(tmp_path / "s.tokens"), tokenizer, folder) == len(names)
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert written == sorted(
        ["evil.txt", "etc/passwd.bin", "a/b.bin", "document.bin", "document-2.bin", "x_y_.c", "A.txt", "a-2.txt"]
        + ["w" * 100 + ".bin", "_.txt"]
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["below", "s.tokens"]
    with pytest.raises(OutputError, match="exists already, expected a new or empty folder"):
        restore_folder(TokenStream.open(tmp_path / "s.tokens"), tokenizer, folder)


def test_a_script_that_asks_for_workers_needs_no_guard(tmp_path):
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(f"document {number}\n" * 9)
    call = "seqgen.tokenize('*.txt', 'o.tokens', codec='char', workers=2)"
    (tmp_path / "script.py").write_text(f"import seqgen\nopen('ran', 'a').write('x')\nprint({call}.documents)\n")
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("6\n", "")
    assert (tmp_path / "ran").read_text() == "x"
