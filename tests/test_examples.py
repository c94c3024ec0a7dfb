"""Every script in examples/ runs on a tiny checkpoint that is trained here."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqgen.cli import run
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of words and one of scales, each trained for three steps."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "plays").mkdir()
    (folder / "songs").mkdir()
    for number in range(4):
        (folder / f"plays/{number}.txt").write_text("ROMEO:\nBut soft!\n\n" * 80, "utf-8")
        notes = [(480 * i, 480, 48 + (2 * i + number) % 24, 80, 0) for i in range(60)]
        (folder / f"songs/{number}.mid").write_bytes(write_score(Score.from_notes(480, np.array(notes))))
    for name in ("plays", "songs"):
        options = ["--steps", "3", "--seed", "1", "--device", "cpu", "-P", "hidden", "16", "-P", "memory", "none"]
        assert run(["train", str(folder / name), "-o", str(folder / f"{name}-model"), *options]) == 0
    return folder


def example(script: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_breathe_says_the_prompt_and_all_stretches(models):
    said = example("breathe.py", str(models / "plays-model"), "ROMEO", "--stretches", "3", "--length", "20")
    assert said.startswith("ROMEO")
    assert len(said) == len("ROMEO") + 60 + 1


def test_surprise_writes_a_page(models, tmp_path):
    page = tmp_path / "page.html"
    example("surprise.py", str(models / "plays-model"), str(page), "--prompt", "ROMEO", "--length", "30")
    text = page.read_text("utf-8")
    assert text.count("<h2>") == 3
    assert text.count("rgba(") == 90


@pytest.mark.parametrize(("model", "out"), [("plays-model", "best.txt"), ("songs-model", "best.mid")])
def test_audition_keeps_the_likeliest(models, tmp_path, model, out):
    path = tmp_path / out
    said = example("audition.py", str(models / model), str(path), "--length", "60", "--candidates", "3")
    lines = said.splitlines()
    assert [line[0] for line in lines].count("*") == 1
    nats = [(float(line.split(", ")[1].split()[0]), line[0]) for line in lines]
    assert (min(nats)[0], "*") in nats  # two may be equal in what is shown
    if out.endswith(".mid"):
        read_score(path.read_bytes())
    else:
        assert len(path.read_bytes()) == 60


def test_the_list_of_examples_is_complete():
    text = (EXAMPLES / "README.md").read_text("utf-8")
    for script in EXAMPLES.glob("*.py"):
        assert f"`{script.name} " in text, script.name
