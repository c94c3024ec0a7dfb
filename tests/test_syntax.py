"""What parsers say of programs, and what is said where it is not installed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqgen import registry
from seqgen.cli import run
from seqgen.codecs.c_source import CSource
from seqgen.errors import UsageError
from seqgen.evaluation import syntax

C = CSource.tree_sitter(".c")
GOOD = b"#include <stdio.h>\n\nint f(int x) {\n    return x + 1;\n}\n\nstatic void g(void) { f(2); }\n"
BAD = b"int f(int x) {\n    return x + 1;\n}\n\nint g(int y) {\n    return y ) 3;\n}\n"


@pytest.fixture
def no_parser(monkeypatch):
    """The extra is not installed."""
    monkeypatch.setitem(sys.modules, "tree_sitter", None)


def test_c_in_order_has_no_faults():
    assert syntax.parse(GOOD, C) == syntax.Syntax(functions=2, sound=2, faults=())
    assert syntax.parse(b"", C) == syntax.Syntax(0, 0, ())


def test_a_fault_is_found_where_it_is():
    found = syntax.parse(BAD, C)
    assert (found.functions, found.sound) == (2, 1)
    assert [(fault.kind, fault.line) for fault in found.faults] == [("error", 6)]
    assert BAD[found.faults[0].byte : found.faults[0].byte + 1] == b")"


def test_what_is_missing_is_named():
    (fault,) = syntax.parse(b"int f(void) { return 1 }\n", C).faults
    assert fault == syntax.Fault("missing ;", 22, 1)


def test_bytes_that_are_no_text_are_judged_too():
    assert syntax.parse(b"\xff\xfe\x00 int }", C).faults


def test_texts_are_counted_together():
    tally = syntax.examine([("good.c", GOOD), ("bad.c", BAD)], C)
    assert tally == syntax.Tally(2, 1, 4, 3, {"bad.c": "line 6: error"})


HOLDS = b"x " + b"*/ " * 10_000 + b"x\n"  # holds the parser for some forty seconds on a machine at rest


def test_a_text_that_holds_the_parser_is_given_up_and_the_next_is_read():
    began = time.monotonic()
    tally = syntax.examine([("holds.c", HOLDS), ("good.c", GOOD)], C, seconds=0.5)
    assert time.monotonic() - began < 30
    assert tally == syntax.Tally(2, 1, 2, 2, {"holds.c": "not parsed within 0.5 s"})


def test_a_parser_that_breaks_down_is_told_and_begun_again(monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("")
    with syntax.parser(C) as parser:
        with monkeypatch.context() as patch:
            patch.setattr(syntax, "PROGRAM", tmp_path / "broken.py")
            parser.end()
            assert parser.parse(GOOD).given_up == "the parser broke down"
        assert parser.parse(GOOD).sound == 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not tell a process's children")
def test_ctrl_c_is_answered_while_the_parser_is_held(tmp_path):
    (tmp_path / "holds.c").write_bytes(HOLDS)
    command = [sys.executable, "-m", "seqgen", "inspect", str(tmp_path / "holds.c")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():  # the parser has begun
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=syntax.SECONDS / 2)
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
    alone = {"files": 1, "in_order": 1, "functions": 2, "sound": 2, "first_faults": {}}
    assert json.loads(capsys.readouterr().out)["syntax"] == {**alone, "languages": {"C": alone}}


def test_without_the_extra_inspect_says_what_brings_it(tmp_path, capsys, no_parser):
    (tmp_path / "good.c").write_bytes(GOOD)
    with pytest.raises(UsageError, match="not installed") as caught:
        syntax.parse(GOOD, C)
    assert "pip install 'seqgen-art[code]'" in caught.value.hint
    assert run(["inspect", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "C not looked at: pip install 'seqgen-art[code]' brings a parser" in said


def test_each_language_of_a_folder_is_told_and_one_without_a_parser_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    for name, data in {
        "a.c": GOOD,
        "b.py": b"def f():\n    return )\n",
        "c.go": b"package c\n",
        "d.txt": b"a (",
    }.items():
        (tmp_path / name).write_bytes(data)
    assert run(["inspect", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "C: 1 of 1 file parsed without an error, 2 of 2 functions" in said
    assert "Python: 0 of 1 file parsed without an error, 0 of 1 function " in said
    assert "b.py, line 2: error" in said
    assert "Go not looked at: pip install 'seqgen-art[code]' brings a parser" in said
    assert run(["inspect", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["syntax"]
    assert (found["files"], found["in_order"]) == (2, 1)
    assert (list(found["languages"]), found["languages"]["Go"]) == (["C", "Go", "Python"], None)
    (tmp_path / "d.txt").rename(tmp_path / "only.txt")
    assert run(["inspect", str(tmp_path / "only.txt"), "--json"]) == 0
    assert "syntax" not in json.loads(capsys.readouterr().out)


def test_headers_are_parsed_as_the_language_that_the_folder_is_in(tmp_path, capsys):
    (tmp_path / "a.c").write_bytes(GOOD)
    (tmp_path / "a.h").write_bytes(b"int f(int x);\n")
    assert run(["inspect", str(tmp_path), "--json"]) == 0
    languages = json.loads(capsys.readouterr().out)["syntax"]["languages"]
    assert {name: found["files"] for name, found in languages.items()} == {"C": 2}


GRAMMARS = sorted({(kind.medium.name, kind.tree_sitter(suffix)) for kind in registry.usable("codecs").values()
                   for suffix in kind.suffixes if kind.tree_sitter(suffix)})  # fmt: skip
TWO = {  # two functions each
    "C": GOOD,
    "C#": b"class A {\n    int F() { return 1; }\n    A() { }\n}\n",
    "C++": b"namespace a {\nclass A {\n    int f() { return 1; }\n};\n}\n\nint g() { return 2; }\n",
    "Go": b"package a\n\nfunc f() int { return 1 }\n\nfunc (a A) g() {}\n",
    "Java": b"class A {\n    A() { }\n    int f() { return 1; }\n}\n",
    "JavaScript": b"function f() { return 1; }\n\nclass A {\n    g() { return 2; }\n}\n",
    "Lua": b"function f() return 1 end\n\nlocal function g() end\n",
    "Python": b"def f():\n    return 1\n\n\nclass A:\n    def g(self):\n        return 2\n",
    "Rust": b"fn f() -> i32 { 1 }\n\nimpl A {\n    fn g(&self) {}\n}\n",
}


@pytest.mark.parametrize(("language", "grammar"), GRAMMARS)
def test_functions_of_each_language_are_counted(language, grammar):
    pytest.importorskip(grammar.partition(":")[0])
    good = TWO[language]
    assert syntax.parse(good, grammar) == syntax.Syntax(2, 2, ())
    found = syntax.parse(good.replace(b"1", b"1 ) +"), grammar)
    assert found.faults
    assert found.sound < 2
