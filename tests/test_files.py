"""Writing: whole or not at all, durable, with the old file's mode, and one sentence for every failure."""

import errno
import os
import stat
import subprocess
import sys
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


class Failing(files.system.System):
    """One kind of call fails."""

    def __init__(self, call, number):
        def fail(*_):
            raise OSError(number, os.strerror(number))

        setattr(self, call, fail)


@pytest.mark.parametrize("call", ["open", "write", "truncate", "sync", "rename"])
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full; nothing was overwritten"),
        (errno.EFBIG, "the file is larger than this system allows; nothing was overwritten"),
        (errno.EIO, "cannot be (written|put in its place)"),
        (errno.EROFS, "no permission to write there"),
    ],
)
def test_every_failing_call_leaves_the_old_file(tmp_path, call, number, sentence):
    target = tmp_path / "old"
    target.write_bytes(b"before")
    with (
        files.system.replaced(Failing(call, number)),
        pytest.raises(OutputError, match=f"old: {sentence}"),
        files.atomic_write(target) as file,
    ):
        file.write(b"after")
        file.truncate(3)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_says_what_was_needed(tmp_path):
    with (
        files.system.replaced(Failing("write", errno.ENOSPC)),
        pytest.raises(OutputError, match=r"new: .*\(2\.0 MB or more are needed, .* are free\)"),
        files.atomic_write(tmp_path / "new") as file,
    ):
        file.write(bytes(2_000_000))


@pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOTSUP, errno.EINVAL])
def test_a_mount_without_rename_is_told_and_keeps_the_old_file(tmp_path, number):
    (tmp_path / "old").write_bytes(b"before")
    with (
        files.system.replaced(Failing("rename", number)),
        pytest.raises(OutputError, match=r"old: cannot be put in its place, .* does not rename it") as caught,
    ):
        files.write_bytes(tmp_path / "old", b"after")
    assert "nothing was overwritten" in caught.value.hint
    assert (tmp_path / "old").read_bytes() == b"before"


def test_a_folder_that_cannot_be_synced_is_told_where_it_matters(tmp_path, monkeypatch):
    class Folder(files.system.System):
        number = errno.EIO

        def sync(self, descriptor):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(self.number, os.strerror(self.number))
            super().sync(descriptor)

    with files.system.replaced(Folder()), pytest.raises(OutputError, match="new: is written, but the disk does not"):
        files.write_bytes(tmp_path / "new", b"after")
    assert (tmp_path / "new").read_bytes() == b"after"
    Folder.number = errno.EINVAL  # a system that knows no such call
    with files.system.replaced(Folder()):
        files.write_bytes(tmp_path / "new", b"again")


def test_file_and_folder_are_synced_in_this_order(tmp_path):
    class Told(files.system.System):
        calls = []

        def sync(self, descriptor):
            self.calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
            super().sync(descriptor)

        def rename(self, source, target):
            self.calls.append("rename")
            super().rename(source, target)

    with files.system.replaced(Told()):
        files.write_bytes(tmp_path / "new", b"abc")
    assert Told.calls == ["file", "rename", "folder"]


def test_writes_may_be_short(tmp_path):
    class Short(files.system.System):
        def write(self, descriptor, data):
            return super().write(descriptor, data[: max(1, len(data) // 3)])

    data = os.urandom(300_000)
    with files.system.replaced(Short()):
        files.write_bytes(tmp_path / "new", data)
    assert (tmp_path / "new").read_bytes() == data


KILLED = """
import os, signal
from pathlib import Path
from seqgen import files
with files.atomic_write({path!r}) as file:
    file.write(b"half"); file.flush()
    with files.atomic_folder({path!r} + "-folder") as folder:
        (folder / "x").write_bytes(b"half")
        print("ready", flush=True)
        signal.pause()
"""


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    command = [sys.executable, "-c", KILLED.format(path=str(tmp_path / "new"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        foreign = [tmp_path / ".new.part", tmp_path / ".new.seqgen-12345678.part.txt", tmp_path / "new.seqgen"]
        for path in foreign:
            path.write_bytes(b"not ours")
        (tmp_path / ".x.seqgen-0000000a.part").symlink_to(tmp_path / ".new.part")
        assert files.sweep(tmp_path) == 0  # both are locked: their process lives
        process.kill()
    assert len(list(tmp_path.glob(".new*seqgen-????????.part"))) == 2
    files.write_bytes(tmp_path / "other", b"")  # the first write of this process in this folder
    assert list(tmp_path.glob(".new*seqgen-????????.part")) == []
    assert all(path.read_bytes() == b"not ours" for path in foreign)
    assert (tmp_path / ".x.seqgen-0000000a.part").is_symlink()


def test_a_circle_of_links_is_one_sentence(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="a: cannot be written"):
        files.write_bytes(tmp_path / "a", b"")


def test_a_long_name_can_be_staged(tmp_path):
    name = "ü" * 127
    files.write_bytes(tmp_path / name, b"abc")
    assert (tmp_path / name).read_bytes() == b"abc"
    with pytest.raises(OutputError, match="the name is too long"):
        files.write_bytes(tmp_path / (name + name), b"abc")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with files.atomic_folder(tmp_path / "new") as folder, files.new_file(folder / "x") as file:
        file.write(b"abc")
    assert (tmp_path / "new/x").read_bytes() == b"abc"
    with pytest.raises(ZeroDivisionError), files.atomic_folder(tmp_path / "other") as folder:
        (folder / "x").write_bytes(b"abc")
        1 / 0
    with pytest.raises(OutputError, match="exists already, expected a new or empty folder"):
        files.atomic_folder(tmp_path / "new").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


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


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no such name")
def test_the_name_of_standard_output_is_a_pipe_where_it_is_one():
    code = "from seqgen import files; files.write_bytes('/dev/stdout', b'abc')"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"abc"


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
