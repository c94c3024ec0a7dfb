"""`benchmarks/gpu.py`: a part that fails leaves the others and the file alone, and nothing private is written."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def command(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks" / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_part_runs_apart_and_its_result_is_written(command, tmp_path, monkeypatch, capsys):
    path = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--quick", "--only", "device", "-o", str(path)])
    command.main()
    written = json.loads(path.read_text("utf-8"))["results"]
    assert written["parts"]["device"]["device"].startswith("CPU, ")
    assert written["held"]["device ran"] is True
    assert written["held"]["training steps are captured"] is None
    assert "please send it with an issue" in capsys.readouterr().out


def test_parts_that_fail_are_named_and_the_rest_goes_on(command, tmp_path, monkeypatch, capsys):
    path, broken = tmp_path / "gpu.json", "training: parity"
    monkeypatch.setattr(
        command, "apart", lambda name, given: {"error": ["exit code 1", "no GPU"]} if name == broken else {"n": 1}
    )
    monkeypatch.setattr(sys, "argv", ["gpu.py", "-o", str(path)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    written = json.loads(path.read_text("utf-8"))["results"]
    assert list(written["parts"]) == list(command.PARTS)
    assert [name for name, good in written["held"].items() if good is False] == [f"{broken} ran"]
    assert "no GPU" in capsys.readouterr().out


def test_what_a_gpu_found_is_judged(command):
    found = {
        "training: parity": {"captured": True, "within tolerance": False, "losses finite": True},
        "sampling: parity": {"float32: worst difference of logits": 1e-3, "float16: blocks captured": True},
        "training: kernel": {"as expected": True},
    }
    held = dict(command.verdicts(found))
    assert held["training steps are captured"]
    assert held["captured steps lose what plain ones lose"] is False
    assert held["logits are those of the CPU"] is False
    assert held["blocks of samples are captured"]
    assert held["the tests pass"] is None


def test_neither_paths_nor_samples_are_written(command):
    text = f"File {ROOT}/seqgen/x.py\n  │ a private line\nFile {Path.home()}/y"
    assert command.plain(text) == "File …/seqgen/x.py\nFile …/y"
