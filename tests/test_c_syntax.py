"""What the parser of C says of texts, and what is said where it is not installed."""

import builtins
import json

import pytest

from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.evaluation import c_syntax

GOOD = b"#include <stdio.h>\n\nint f(int x) {\n    return x + 1;\n}\n\nstatic void g(void) { f(2); }\n"
BAD = b"int f(int x) {\n    return x + 1;\n}\n\nint g(int y) {\n    return y ) 3;\n}\n"


@pytest.fixture
def no_parser(monkeypatch):
    """The extra is not installed."""
    imported = builtins.__import__

    def without(name, *rest):
        if name.startswith("tree_sitter"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    c_syntax._parser.cache_clear()
    yield
    c_syntax._parser.cache_clear()


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
