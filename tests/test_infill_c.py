"""The benchmark of C that is filled: what it removes, what it calls in order, and all of it on a tiny run."""

import importlib.util
import random
import sys
from pathlib import Path

import pytest
from fill_fixtures import run_folder

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytest.importorskip("tree_sitter_c")

BODY = "    int c = a + {};\n    if (c > 1) {{\n        c = g(c, 2);\n    }}\n    return c;\n"
FUNCTION = "static int f{}(int a, char *b)\n{{\n" + BODY + "}}\n\n"
CODE = "/* begins */\n#include <x.h>\n\n" + "".join(FUNCTION.format(at, at) for at in range(40))


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("infill_c", FOLDER / "infill_c.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(FOLDER))
    return module


def test_functions_are_found_by_their_lines(benchmark):
    text = (
        "int a;\nstruct s {\n int b;\n};\nint f(void) {\n  return 1;\n}\n"
        + FUNCTION.format(1, 1)
        + "int open(void) {\n"
    )
    found = [text[opened:closed] for _, opened, closed in benchmark.functions(text)]
    assert found == ["  return 1;\n", BODY.format(1)]
    assert benchmark.functions("") == []


def test_a_file_without_a_body_is_the_file_with_it(benchmark):
    holes = list(benchmark.removed(CODE, 1000, random.Random(1)))
    assert len(holes) == 40
    for hole in holes:
        assert hole.left + hole.body + hole.right in CODE
        assert hole.left.endswith("{\n")
        assert hole.right.startswith("}\n")
        assert (hole.left + hole.right).count("static int") in (3, 4, 5)
    assert not list(benchmark.removed(CODE, 20, random.Random(1))), "longer bodies are none"
    assert list(benchmark.removed(CODE.replace("return c;", "return c);"), 1000, random.Random(1))) == [None] * 40


def test_what_is_in_order_is_told_from_what_is_not(benchmark):
    holes = list(benchmark.removed(CODE, 1000, random.Random(1)))[:4]
    texts = [holes[0].body, "    return 1;\n", "    if (a {\n", "    return;;}\n    int;\n"]
    found = benchmark.judged(holes, texts, 0)
    assert found["balanced"] == 0.5
    assert found["parsed"] == 0.5
    assert found["as_it_was"] == 0.25
    assert found["median_lines_removed"] == 5


def test_a_tiny_run_is_measured(benchmark, tmp_path, monkeypatch, capsys):
    run = run_folder(tmp_path / "run", CODE * 4, "c_source", "a.c")
    monkeypatch.setattr(sys, "argv", ["infill_c.py", str(run), "--quick", "--timed", "2"])
    benchmark.main()
    printed = capsys.readouterr().out
    rows = {line.split()[1]: line.split()[2] for line in printed.splitlines() if line.startswith(("bodies", "speed"))}
    assert rows["files"] == "6"
    assert float(rows["balanced"]) >= 5 / 6
    assert float(rows["ratio"]) > 0
    assert rows["fillings"] == "2"
