"""Writing: whole or not at all, durable, with the old file's mode, and one sentence for every failure."""

import errno
import os
import stat
from pathlib import Path

import pytest

from seqgen import files
from seqgen.errors import OutputError


def test_a_file_appears_whole(tmp_path):
    files.write_bytes(tmp_path / "new", b"abc")
    assert (tmp_path / "new").read_bytes() == b"abc"
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_nothing_is_left_when_the_body_fails(tmp_path):
    (tmp_path / "old").write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), files.atomic_write(tmp_path / "old") as file:
        file.write(b"half")
        1 / 0
    assert (tmp_path / "old").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_the_mode_stays_and_a_new_file_gets_what_the_umask_leaves(tmp_path):
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o640)
    before = os.umask(0o027)
    try:
        files.write_bytes(tmp_path / "old", b"x")
        files.write_bytes(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_bytes(tmp_path / "link", b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"after"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "the disk is full; nothing was overwritten"), (errno.EIO, "cannot be written")],
)
def test_every_failing_call_leaves_the_old_file(tmp_path, monkeypatch, call, number, sentence):
    target = tmp_path / "old"
    target.write_bytes(b"before")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif call == "replace":
        monkeypatch.setattr(files.Path, "replace", fail)
    with pytest.raises(OutputError, match=f"old: {sentence}"), files.atomic_write(target) as file:
        if call == "write":
            fail()
        file.write(b"after")
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="there is no folder") as caught:
        files.write_bytes(tmp_path / "none/file", b"")
    assert caught.value.hint
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="none/file: there is no folder none"):
        files.write_bytes("none/file", b"")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="is a folder, expected a file name"):
        files.write_bytes(tmp_path / "folder", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_another_files_error_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), files.atomic_write(tmp_path / "new"):
        (tmp_path / "sub/elsewhere").read_bytes()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_device_is_written_to_and_never_replaced():
    files.write_bytes("/dev/null", b"abc")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OutputError, match="/dev/full: the disk is full"):
        files.write_bytes("/dev/full", b"abc")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write_bytes(pipe, b"abc")
    assert os.read(reader, 10) == b"abc"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_dash_is_standard_output(capfdbinary):
    files.write_bytes("-", b"\x00data")
    assert capfdbinary.readouterr().out == b"\x00data"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e6, "2.0 MB"), (3e12, "3.0 TB")]
)
def test_sizes_are_for_people(count, words):
    assert files.size(count) == words


def test_the_cache_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "here"))
    assert files.cache_folder("streams") == tmp_path / "here/streams"
    assert (tmp_path / "here/streams").is_dir()
