"""What the parser of C says of texts, and what is said where it is not installed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.evaluation import c_syntax

GOOD = b"#include <stdio.h>\n\nint f(int x) {\n    return x + 1;\n}\n\nstatic void g(void) { f(2); }\n"
BAD = b"int f(int x) {\n    return x + 1;\n}\n\nint g(int y) {\n    return y ) 3;\n}\n"


@pytest.fixture
def no_parser(monkeypatch):
    """The extra is not installed."""
    monkeypatch.setitem(sys.modules, "tree_sitter", None)


def test_c_in_order_has_no_faults():
    assert c_syntax.parse(GOOD) == c_syntax.Syntax(functions=2, sound=2, faults=())
    assert c_syntax.parse(b"") == c_syntax.Syntax(0, 0, ())


def test_a_fault_is_found_where_it_is():
    found = c_syntax.parse(BAD)
    assert (found.functions, found.sound) == (2, 1)
    assert [(fault.kind, fault.line) for fault in found.faults] == [("error", 6)]
    assert BAD[found.faults[0].byte : found.faults[0].byte + 1] == b")"


def test_what_is_missing_is_named():
    (fault,) = c_syntax.parse(b"int f(void) { return 1 }\n").faults
    assert fault == c_syntax.Fault("missing ;", 22, 1)


def test_bytes_that_are_no_text_are_judged_too():
    assert c_syntax.parse(b"\xff\xfe\x00 int }").faults


def test_texts_are_counted_together():
    tally = c_syntax.examine([("good.c", GOOD), ("bad.c", BAD)])
    assert tally == c_syntax.Tally(2, 1, 4, 3, {"bad.c": "line 6: error"})


HOLDS = (
    b"x " + b"*/ " * 5_000 + b"x\n"
)  # holds the parser for some ten seconds; of twice the length, four times as long


def test_a_text_that_holds_the_parser_is_given_up_and_the_next_is_read():
    began = time.monotonic()
    tally = c_syntax.examine([("holds.c", HOLDS), ("good.c", GOOD)], seconds=0.5)
    assert time.monotonic() - began < 5
    assert tally == c_syntax.Tally(2, 1, 2, 2, {"holds.c": "not parsed within 0.5 s"})


def test_a_parser_that_breaks_down_is_told_and_begun_again(monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("")
    with c_syntax.parser() as parser:
        with monkeypatch.context() as patch:
            patch.setattr(c_syntax, "PROGRAM", tmp_path / "broken.py")
            parser.end()
            assert parser.parse(GOOD).given_up == "the parser broke down"
        assert parser.parse(GOOD).sound == 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not tell a process's children")
def test_ctrl_c_is_answered_while_the_parser_is_held(tmp_path):
    (tmp_path / "holds.c").write_bytes(HOLDS * 2)
    command = [sys.executable, "-m", "seqgen", "inspect", str(tmp_path / "holds.c")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():  # the parser has begun
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=c_syntax.SECONDS / 2)
    assert process.returncode == 1
    assert "Stopped." in said


def test_inspect_tells_how_much_parses(tmp_path, capsys):
    (tmp_path / "good.c").write_bytes(GOOD)
    (tmp_path / "bad.c").write_bytes(BAD)
    assert run(["inspect", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 files parsed without an error, 3 of 4 functions" in shown
    assert "bad.c, line 6: error" in shown
    assert run(["inspect", str(tmp_path / "good.c"), "--json"]) == 0
    syntax = json.loads(capsys.readouterr().out)["syntax"]
    assert syntax == {"files": 1, "in_order": 1, "functions": 2, "sound": 2, "first_faults": {}}


def test_without_the_extra_inspect_says_what_brings_it(tmp_path, capsys, no_parser):
    (tmp_path / "good.c").write_bytes(GOOD)
    with pytest.raises(UsageError, match="not installed") as caught:
        c_syntax.parse(GOOD)
    assert "pip install 'seqgen-art[c]'" in caught.value.hint
    assert run(["inspect", str(tmp_path)]) == 0
    assert "not looked at: pip install 'seqgen-art[c]' brings a parser of C" in " ".join(
        capsys.readouterr().out.split()
    )
