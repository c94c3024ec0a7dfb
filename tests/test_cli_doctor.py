"""`seqgen doctor` says what is there and what is missing; `seqgen selftest` says what held."""

import json
import sys

import pytest

from seqgen.cli import run
from seqgen.jobs import examine, selftest


def test_doctor_fits_eighty_columns_and_names_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(examine.fluid, "installed", lambda: False)
    monkeypatch.setattr(examine, "_soundfonts", list)
    monkeypatch.setattr(examine, "_ports", lambda: None)
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    flowing = " ".join(shown.split())  # a line may break anywhere
    for words in (
        "seqgen ",
        "torch 2.",
        "trains in",
        "free disk",
        "has run on CUDA or MPS yet",
        "Missing: FluidSynth",
        "Missing: a SoundFont",
    ):
        assert words in flowing
    assert "pip install python-rtmidi" in shown


def test_doctor_for_programs(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x").write_bytes(b"12345")
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cache"] == {"path": str(tmp_path / "cache"), "files": 1, "bytes": 5}
    assert found["devices"][-1]["name"] in ("cpu", "mps")
    assert [each["auto"] for each in found["devices"]].count(True) == 1
    assert [each["tried"] for each in found["devices"] if each["name"] == "cpu"] == [True]
    assert "benchmarks/gpu.py" in found["untried"]
    assert found["packages"]["numpy"]


def test_doctor_without_a_package(capsys, monkeypatch):
    monkeypatch.setattr(examine, "_packages", lambda: {"numpy": "2.4", "torch": None})
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "torch MISSING" in shown
    assert "Missing: the package torch. pip install torch." in shown


def test_selftest_prints_a_table_and_fails_where_something_broke(capsys, monkeypatch):
    good = selftest.Outcome("texts", "a title", 5, 0, (), {}, 0.1, 1)
    bad = selftest.Outcome("kills", "another", 5, 1, ("what broke",), {}, 0.1, 1)
    monkeypatch.setattr(selftest, "check_apart", lambda name, size, seed: good if name == "texts" else bad)
    assert run(["selftest", "--only", "texts"]) == 0
    assert "1 of 1 promises held" in capsys.readouterr().out
    assert run(["selftest", "--only", "texts", "--only", "kills"]) == 1
    shown = capsys.readouterr().out
    assert "BROKEN another" in shown
    assert "what broke" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert run(["selftest", "--only", "kills", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["held"] is False


def test_selftest_runs_a_real_check(capsys):
    assert run(["selftest", "--only", "terminal"]) == 0
    assert "held   controls and bidi marks reach no terminal raw" in capsys.readouterr().out


def test_selftest_needs_neither_pytest_nor_the_tests(monkeypatch, capsys):
    assert not [name for name in selftest.names() if "pytest" in name]
    assert run(["selftest", "--only", "nothing"]) == 2
    assert "no check is called 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("name", selftest.names())
def test_titles_fit_the_table(name):
    module = __import__(f"seqgen.selftest.{name}", fromlist=["TITLE"])
    assert len(module.TITLE) <= 62
    assert name in sys.modules[f"seqgen.selftest.{name}"].__name__
