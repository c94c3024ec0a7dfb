"""Fetching: pip is stopped before it looks inside a package; hashes decide; failures are one sentence."""

import hashlib
import io
import subprocess
import sys
import tarfile
import textwrap
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from seqgen.catalogue import _fetch
from seqgen.catalogue._recipe import RecipeSource
from seqgen.errors import DownloadError

SPY = "import pathlib; pathlib.Path({!r}).write_text('the package ran')\n"
BACKEND = "def prepare_metadata_for_build_wheel(*a, **k): raise SystemExit\nbuild_sdist = build_wheel = None\n"

pytestmark = pytest.mark.sockets


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_sdist(folder: Path, spy: Path, in_tree: bool) -> Path:
    """A source distribution whose build would write the file `spy`."""
    path = folder / "bait-1.0.tar.gz"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {"bait-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: bait\nVersion: 1.0\n", "bait-1.0/data/a.txt": "hello"}
    files["bait-1.0/setup.py"] = (
        SPY.format(str(spy)) + "from setuptools import setup; setup(name='bait', version='1.0')\n"
    )
    if in_tree:
        files |= {"bait-1.0/pyproject.toml": project, "bait-1.0/backend.py": SPY.format(str(spy)) + BACKEND}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def make_wheel(folder: Path) -> Path:
    path = folder / "bait-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bait/a.txt", "hello")
        archive.writestr(
            "bait-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bait\nVersion: 1.0\nRequires-Python: <3\n"
        )
        archive.writestr("bait-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("bait-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index, and a folder to download into."""
    for name in ("index", "download"):
        (tmp_path / name).mkdir()
    for key in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def pypi(file: str, digest: str) -> RecipeSource:
    return RecipeSource("pypi", requirement="bait==1.0", file=file, sha256=digest)


def test_a_wheel_comes_as_it_is_whatever_python_it_wants(index, tmp_path, monkeypatch):
    wheel = make_wheel(index)
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")  # a setting of the user's that would forbid it
    found = _fetch.fetch(pypi("wheel", sha256(wheel)), tmp_path / "download")
    assert found.read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("in_tree", [False, True])
def test_nothing_of_a_source_distribution_runs(index, tmp_path, in_tree):
    spy = tmp_path / "spy"
    sdist = make_sdist(index, spy, in_tree)
    found = _fetch.fetch(pypi("sdist", sha256(sdist)), tmp_path / "download")
    assert found.read_bytes() == sdist.read_bytes()
    assert not spy.exists()


def test_even_an_unexpected_archive_does_not_run(index, tmp_path):
    """Were the archive never noticed, pip would go on to the build, and fail at the ban on other processes."""
    spy = tmp_path / "spy"
    sdist = make_sdist(index, spy, in_tree=True)
    pip = ["download", "--no-deps", "--no-build-isolation", "-d", str(tmp_path / "download"), str(sdist)]
    script = [sys.executable, "-P", _fetch.__file__.replace("_fetch", "_pip"), "0" * 64, str(tmp_path / "target")]
    done = subprocess.run([*script, *pip], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no other process may be started here" in done.stderr
    assert not spy.exists()
    subprocess.run([sys.executable, "-m", "pip", *pip], capture_output=True, check=False)
    assert spy.exists()  # so the bait works: plain pip does run it


def test_the_ban_covers_every_way_to_start_a_process(tmp_path):
    script = textwrap.dedent("""
        import os, subprocess, sys
        from pathlib import Path
        from seqgen.catalogue._pip import hook
        sys.addaudithook(hook("0" * 64, Path("target")))
        ways = {
            "Popen": lambda: subprocess.run([sys.executable, "-V"]), "system": lambda: os.system("true"),
            "exec": lambda: os.execv(sys.executable, [sys.executable, "-V"]), "fork": os.fork,
            "spawn": lambda: os.posix_spawn(sys.executable, [sys.executable, "-V"], {}),
        }
        for name, way in ways.items():
            try:
                way()
            except PermissionError:
                print(name)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["Popen", "system", "exec", "fork", "spawn"]


@pytest.mark.parametrize("file", ["wheel", "sdist"])
def test_a_wrong_hash_is_one_sentence(index, tmp_path, file):
    made = make_wheel(index) if file == "wheel" else make_sdist(index, tmp_path / "spy", in_tree=True)
    with pytest.raises(
        DownloadError, match=r"^bait==1\.0 .*wrong sha256 \(expected 0{64}, found [0-9a-f]{64}\)"
    ) as caught:
        _fetch.fetch(pypi(file, "0" * 64), tmp_path / "download")
    assert sha256(made) in caught.value.message
    assert not (tmp_path / "spy").exists()


def test_an_index_without_it_is_one_sentence(index, tmp_path):
    with pytest.raises(DownloadError, match=r"^bait==1\.0: the package index cannot be reached, or lacks it"):
        _fetch.fetch(pypi("sdist", "0" * 64), tmp_path / "download")


def test_a_python_without_pip_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="pip is missing") as caught:
        _fetch.fetch(pypi("sdist", "0" * 64), tmp_path)
    assert caught.value.hint == "python -m ensurepip"


class Answers:
    """What `urlopen` gives: bytes, and a length that may lie."""

    def __init__(self, data: bytes, length: int | None = None) -> None:
        self.file, self.headers = io.BytesIO(data), {"Content-Length": str(len(data) if length is None else length)}

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, count: int) -> bytes:
        return self.file.read(count)


URL = "https://example.org/data/input.txt?raw=1"


def url(data: bytes) -> RecipeSource:
    return RecipeSource("url", url=URL, file="plain", sha256=hashlib.sha256(data).hexdigest())


def answer(monkeypatch, result: object) -> None:
    def urlopen(address: str, timeout: float) -> object:
        assert address == URL
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)


def test_a_url_is_fetched(tmp_path, monkeypatch):
    answer(monkeypatch, Answers(b"to be"))
    found = _fetch.fetch(url(b"to be"), tmp_path)
    assert (found.name, found.read_bytes()) == ("input.txt", b"to be")


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (Answers(b"not to be"), "wrong sha256"),
        (Answers(b"to", 5), "connection was cut at 2 of 5 bytes"),
        (urllib.error.URLError("Name or service not known"), r"cannot be reached \(Name or service not known\)"),
        (urllib.error.HTTPError(URL, 404, "Not Found", {}, None), "answers 404 Not Found"),
        (TimeoutError("timed out"), r"cannot be reached \(timed out\)"),
        (ConnectionResetError("reset"), r"cannot be reached \(reset\)"),
    ],
)
def test_a_url_that_fails_is_one_sentence(tmp_path, monkeypatch, result, sentence):
    answer(monkeypatch, result)
    with pytest.raises(DownloadError, match=sentence) as caught:
        _fetch.fetch(url(b"to be"), tmp_path)
    assert caught.value.message.startswith("https://example.org/")
    assert caught.value.hint


def test_a_url_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "LIMIT", 3)
    answer(monkeypatch, Answers(b"to be", 0))
    with pytest.raises(DownloadError, match="is larger than 3 bytes"):
        _fetch.fetch(url(b"to be"), tmp_path)


DEBIAN = RecipeSource("debian", file="deb", package="toys")


def test_debian_wants_its_tools(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadError, match="toys is a Debian package, and there is no apt-get here"):
        _fetch.fetch(DEBIAN, tmp_path)


def fake_tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_debian_packages_come_from_apt(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    (tmp_path / "download").mkdir()
    fake_tool(tmp_path, "dpkg-deb", 'cat "$2"')
    fake_tool(tmp_path, "apt-get", 'echo "$1 $3" > toys_1_all.deb')
    found = _fetch.fetch(DEBIAN, tmp_path / "download")
    assert found.read_text() == "download toys\n"
    with _fetch.debian_files(found) as stream:
        assert stream.read() == b"download toys\n"


def test_apt_that_fails_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    fake_tool(tmp_path, "dpkg-deb", "")
    fake_tool(tmp_path, "apt-get", 'echo "W: x" >&2; echo "E: Unable to locate package toys" >&2; exit 100')
    with pytest.raises(
        DownloadError, match=r"toys: apt-get cannot download it \(Unable to locate package toys\)"
    ) as caught:
        _fetch.fetch(DEBIAN, tmp_path)
    assert caught.value.hint == "try `apt-get update` first"
