"""Archives: what is asked for comes out; what is hostile is refused in one sentence, and nothing is written."""

import io
import lzma
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from seqgen.catalogue import archives
from seqgen.errors import DownloadError, SeqgenError

ALL = archives.wanted(["**"])


def make_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def make_tar(path: Path, members: list[tuple[str | tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return path


def read(path: Path, choose: archives.Wanted = ALL) -> list[tuple[str, bytes]]:
    reader = archives.read_zip if path.suffix == ".zip" else archives.read_tar
    return list(reader(path, choose))


def outcome(path: Path) -> list[tuple[str, bytes]] | str:
    """What is read, or the sentence that refuses it; any other exception fails the test."""
    try:
        return read(path)
    except SeqgenError as error:
        return error.message


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a/*.md", "a/b.md", True),
        ("a/*.md", "a/b/c.md", False),
        ("a/**/*.c", "a/x.c", True),
        ("a/**/*.c", "a/b/c/x.c", True),
        ("a/**/*.c", "a/b/x.h", False),
        ("**", "any/thing", True),
        ("*/v?.txt", "top/v1.txt", True),
        ("*/v?.txt", "top/v12.txt", False),
        ("a.c", "aXc", False),
    ],
)
def test_patterns_keep_to_folders(pattern, name, fits):
    assert archives.wanted([pattern])(name) is fits


def test_both_kinds_give_the_members_asked_for(tmp_path):
    members = [("top/a.txt", b"one"), ("top/b.bin", b"no"), ("top/c/d.txt", b"two")]
    choose = archives.wanted(["top/**/*.txt"])
    wanted = [("top/a.txt", b"one"), ("top/c/d.txt", b"two")]
    assert read(make_zip(tmp_path / "x.zip", members), choose) == wanted
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        assert read(make_tar(tmp_path / "x.tar", members, mode), choose) == wanted


def test_a_tar_in_a_tar_is_read_as_a_stream(tmp_path):
    inner = make_tar(tmp_path / "inner.tar.xz", [("src/k.c", b"int x;"), ("src/k.h", b"")], "w:xz").read_bytes()
    outer = make_tar(tmp_path / "outer.tar", [("./usr/inner.tar.xz", inner), ("./usr/k.c", b"not this")], "w")
    with outer.open("rb") as file:
        found = list(archives.read_tar_stream(file, archives.wanted(["**/*.c"]), inner="usr/inner.tar.xz"))
    assert found == [("src/k.c", b"int x;")]


EVIL_NAMES = [
    "../up.txt",
    "a/../../up.txt",
    "/abs.txt",
    "a//b.txt",
    "./../x",
    "C:\\x.txt",
    "a\\b",
    "a/\x1b[2J",
    "a/\u202etxt",
    "..",
]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_evil_names_are_refused(tmp_path, name):
    for path in (make_zip(tmp_path / "x.zip", [(name, b"x")]), make_tar(tmp_path / "x.tar.gz", [(name, b"x")])):
        with pytest.raises(DownloadError, match="unsafe name"):
            read(path)
        assert read(path, archives.wanted(["nothing"])) == []  # not asked for, not looked at


@pytest.mark.parametrize(
    "info",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.LNKTYPE, "other"),
        special("device", tarfile.CHRTYPE),
        special("device", tarfile.BLKTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
)
def test_a_tar_member_that_is_no_plain_file_is_refused(tmp_path, info):
    path = make_tar(tmp_path / "x.tar.gz", [("other", b"x"), (info, b"")])
    with pytest.raises(DownloadError, match="no plain file"):
        read(path)


def test_a_zip_member_that_is_no_plain_file_is_refused(tmp_path):
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        info = zipfile.ZipInfo("link")
        info.external_attr = (kind | 0o777) << 16
        with pytest.raises(DownloadError, match="no plain file"):
            read(make_zip(tmp_path / "x.zip", [(info, b"/etc/passwd")]))


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.xz"])
def test_a_bomb_is_refused_before_it_unfolds(tmp_path, suffix):
    zeros = b"\0" * 60_000_000
    path = tmp_path / f"bomb{suffix}"
    if suffix == ".zip":
        make_zip(path, [("bomb", zeros)])
    else:
        make_tar(path, [("bomb", zeros)], "w:" + suffix.rpartition(".")[2])
    del zeros
    tracemalloc.start()
    with pytest.raises(DownloadError, match="expected at most"):
        read(path, archives.wanted(["bomb"] if suffix == ".zip" else ["other"]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_member_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBER", 100)
    for path in (make_zip(tmp_path / "x.zip", [("a", b"x" * 101)]), make_tar(tmp_path / "x.tar", [("a", b"x" * 101)])):
        with pytest.raises(DownloadError, match="expected at most 100 bytes"):
            read(path)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 3)
    members = [(f"m{number}", b"") for number in range(4)]
    for path in (make_zip(tmp_path / "x.zip", members), make_tar(tmp_path / "x.tar", members)):
        with pytest.raises(DownloadError, match="4 members, expected at most 3"):
            read(path)


def test_an_extended_header_has_a_limit(tmp_path):
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (archives.HEADER + 1)}
    with pytest.raises(DownloadError, match="extended header"):
        read(make_tar(tmp_path / "x.tar", [(info, b"")], "w"))


def test_a_zip_that_lies_about_a_size_is_damaged(tmp_path):
    path = make_zip(tmp_path / "x.zip", [("a", b"x" * 5000)])
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")  # uncompressed size
    path.write_bytes(data)
    with pytest.raises(DownloadError, match="damaged"):
        read(path)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = make_zip(tmp_path / "x.zip", [("a", b"x")])
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DownloadError, match="no plain file"):
        read(path)


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
def test_every_truncation_is_a_sentence(tmp_path, suffix):
    members = [("a/b.txt", bytes(range(256)) * 8), ("a/c.txt", b"y" * 3000)]
    path = tmp_path / f"x{suffix}"
    if suffix == ".zip":
        make_zip(path, members)
    else:
        make_tar(path, members, "w" if suffix == ".tar" else "w:" + suffix.rpartition(".")[2])
    data = path.read_bytes()
    for length in range(0, len(data), max(1, len(data) // 120)):
        path.write_bytes(data[:length])
        found = outcome(path)
        assert found if isinstance(found, str) else found == members[: len(found)]


def test_flipped_bytes_are_a_sentence_or_harmless(tmp_path):
    for path in (
        make_zip(tmp_path / "x.zip", [("a/b.txt", b"one" * 50)]),
        make_tar(tmp_path / "x.tar.gz", [("a/b.txt", b"one" * 50)]),
        make_tar(tmp_path / "x.tar", [("a/b.txt", b"one" * 50)], "w"),
    ):
        data = path.read_bytes()
        for place in range(min(len(data), 700)):
            changed = bytearray(data)
            changed[place] ^= 0x55
            path.write_bytes(changed)
            found = outcome(path)
            assert isinstance(found, str) or all(len(data) <= 1000 for _, data in found)


def test_garbage_is_a_sentence(tmp_path):
    for data in (b"", b"not an archive", lzma.compress(b"no tar"), b"\x1f\x8b" + b"\0" * 50, b"BZh9" + b"\0" * 50):
        for name in ("x.zip", "x.tar.gz"):
            (tmp_path / name).write_bytes(data)
            found = outcome(tmp_path / name)
            assert found == [] or "damaged" in found
