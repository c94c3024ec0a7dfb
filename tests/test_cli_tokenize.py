"""The commands `tokenize` and `decode`, as a shell would call them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqgen.cli import run
from seqgen.files import written
from seqgen.stream import TokenStream


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def plays(folder: Path) -> Path:
    for name, content in {"a/one.txt": b"One\r\n", "b/two.md": "zwö".encode(), "b/three.xyz": b"\0\1\2\3"}.items():
        (folder / "plays" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "plays" / name).write_bytes(content)
    return folder / "plays"


def test_there_and_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plays(here)
    assert run(["tokenize", "plays", "-o", "p.tokens"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "Codec char, guessed from the files; -c names another.",
        "p.tokens: 12 tokens in 2 documents from 2 files (9 bytes), vocabulary 260",
        "Labels: a, b",
        "Left out 4 bytes of 13 bytes (31 %) in 1 file:",
        "   4 bytes  binary files, 1 file: plays/b/three.xyz",
    ]
    assert run(["decode", "p.tokens", "-o", "again"]) == 0
    assert capsys.readouterr().err == "again: 2 files\n"
    assert (here / "again/plays/a/one.txt").read_bytes() == b"One\r\n"
    assert (here / "again/plays/b/two.md").read_bytes() == "zwö".encode()
    assert run(["decode", "p.tokens", "-o", "all.txt"]) == 0
    assert (here / "all.txt").read_bytes() == "One\r\nzwö".encode()


def test_standard_streams() -> None:
    data = b"To be, or not to be \xff\x00\r\n" * 3
    seqgen = [sys.executable, "-m", "seqgen"]
    stream = subprocess.run([*seqgen, "tokenize", "-", "-o", "-"], input=data, capture_output=True, check=True)
    back = subprocess.run([*seqgen, "decode", "-", "-o", "-"], input=stream.stdout, capture_output=True, check=True)
    assert back.stdout == data
    assert b"1 document from 1 file" in stream.stderr


def test_one_document_becomes_one_file(here: Path) -> None:
    (here / "x.txt").write_bytes(b"abc")
    assert run(["tokenize", "x.txt", "-o", "x.tokens"]) == 0
    assert run(["decode", "x.tokens", "-o", "plain"]) == 0
    assert (here / "plain").read_bytes() == b"abc"
    (here / "folder").mkdir()
    assert run(["decode", "x.tokens", "-o", "folder"]) == 0
    assert (here / "folder/x.txt").read_bytes() == b"abc"


def test_settings_label_encoding_and_workers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "x.txt").write_bytes("é, é und ü".encode("latin-1"))
    arguments = [
        "-c",
        "char",
        "-P",
        "min_count",
        "2",
        "-P",
        "skip_bad",
        "true",
        "--label",
        "l",
        "--encoding",
        "latin-1",
    ]
    assert run(["tokenize", "x.txt", "-o", "x.tokens", *arguments, "--workers", "2"]) == 0
    stream = TokenStream.open("x.tokens")
    assert stream.codec_spec["state"]["characters"] == "é"
    assert stream.codec_spec["labels"] == ["l"]
    assert "guessed" not in capsys.readouterr().err
    assert run(["decode", "x.tokens", "-o", "y.txt"]) == 0
    assert (here / "y.txt").read_text("utf-8") == "é, é und ü"


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["nowhere"], 1, "Error: nowhere: there is no such file, folder or corpus", "catalogued corpora are"),
        (["empty.txt"], 1, "Error: empty.txt: is empty", ""),
        (["hollow"], 1, "Error: hollow: holds no files", "Hint: hidden files do not count"),
        (["*.mid"], 1, "Error: *.mid: no file matches this pattern", ""),
        (["binary.txt"], 1, "Error: binary.txt: is binary, expected text", "-c byte"),
        (["wide.txt"], 1, "Error: wide.txt: begins with the byte order mark of utf-16", "--encoding utf-16"),
        (["odd.txt", "--encoding", "utf-8"], 1, "Error: odd.txt: byte 0x92 at offset 4 is not utf-8", "cp1252"),
        (["odd.txt", "--encoding", "utf8000"], 2, "Error: encoding is 'utf8000'", "common ones are utf-8"),
        (["odd.txt", "-c", "chars"], 2, "Error: no codec is called 'chars'", "did you mean 'char'?"),
        (
            ["odd.txt", "-P", "min_cuont", "2"],
            2,
            "Error: no setting is called 'min_cuont'",
            "did you mean 'min_count'?",
        ),
        (["odd.txt", "-P", "skip_bad", "perhaps"], 2, "Error: skip_bad is 'perhaps'", ""),
        (["odd.txt", "-o", "absent/x.tokens"], 1, "Error: absent/x.tokens: there is no folder absent", "make it first"),
        (["cut.txt.gz"], 1, "Error: cut.txt.gz: its gzip data are damaged or cut short", ""),
        (["hollow", "-o", "x.tokens", "--workers", "0"], 2, "Invalid value for '--workers'", ""),
        ([], 2, "Missing argument 'SOURCE...'", ""),
    ],
)
def test_refusals(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str, hint: str
) -> None:
    (here / "empty.txt").write_bytes(b"")
    (here / "hollow").mkdir()
    (here / "binary.txt").write_bytes(bytes(range(256)))
    (here / "wide.txt").write_bytes("wide".encode("utf-16"))
    (here / "odd.txt").write_bytes(b"it\r\n\x92s")
    (here / "cut.txt.gz").write_bytes(b"\x1f\x8b\x08\x00\x00")
    (here / "x.tokens").write_bytes(b"old")
    written.remember(here / "x.tokens")
    before = sorted(path.name for path in here.iterdir())
    assert run(["tokenize", *([] if "-o" in arguments else ["-o", "x.tokens"]), *arguments]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert hint in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert (here / "x.tokens").read_bytes() == b"old"
    assert sorted(path.name for path in here.iterdir()) == before


def test_decode_refuses(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    plays(here)
    run(["tokenize", "plays", "-o", "p.tokens"])
    raw = (here / "p.tokens").read_bytes()
    (here / "cut.tokens").write_bytes(raw[:-1])
    (here / "rotten.tokens").write_bytes(raw[:4097] + bytes([raw[4097] ^ 2]) + raw[4098:])
    (here / "text.tokens").write_bytes(b"not a stream at all")
    (here / "pickle.tokens").write_bytes(b"\x80\x04.")
    cases = {
        ("cut.tokens", "o"): "cut.tokens: is damaged: it is cut short",
        ("rotten.tokens", "o"): "rotten.tokens: is damaged: its data do not match their checksum",
        ("text.tokens", "o"): "text.tokens: is not a safetensors file",
        ("pickle.tokens", "o"): "pickle.tokens: is a Python pickle",
        ("absent.tokens", "o"): "absent.tokens: there is no such file",
        ("plays", "o"): "plays: is a folder, expected a file",
        ("p.tokens", "plays"): "plays: exists already, expected a new or empty folder",
        ("p.tokens", "absent/o"): "absent/o: there is no folder absent",
    }
    before = sorted(path.name for path in here.iterdir())
    for (name, output), message in cases.items():
        capsys.readouterr()
        assert run(["decode", name, "-o", output]) == 1
        assert f"Error: {message}" in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == before


def test_several_midi_documents_want_a_folder(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(here)
    run(["tokenize", "plays", "-o", "p.tokens"])
    monkeypatch.setattr("seqgen.codecs.char.Char.token_bytes", lambda self: None)
    assert run(["decode", "p.tokens", "-o", "x.mid"]) == 2
    assert "holds 2 documents, which do not fit into one file" in capsys.readouterr().err
    assert not (here / "x.mid").exists()


def test_a_full_disk(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (here / "x.txt").write_bytes(b"abc")
    seqgen = [sys.executable, "-m", "seqgen"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*seqgen, "tokenize", "x.txt", "-o", "-"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Error: standard output: cannot be written (No space left on device)" in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_help_and_list_do_not_import_torch() -> None:
    code = "import sys; from seqgen.cli import run; run(['tokenize', '--help']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env={**os.environ}, check=False)
    assert done.returncode == 0
    assert b"SOURCE" in done.stdout


def test_tokenizing_imports_no_torch(here: Path) -> None:
    (here / "x.txt").write_bytes(b"abc")
    code = (
        "import sys; from seqgen.cli import run;"
        "assert run(['tokenize', 'x.txt', '-o', 'x.tokens']) == 0; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_standard_input_for_tokenize(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped text")))
    assert run(["tokenize", "-", "-o", "x.tokens"]) == 0
    assert TokenStream.open("x.tokens").sources[0]["name"] == "-"
