"""Counts in a checkpoint beside what else sampling can do: learning from the prompt, no copies, threads, new tokens."""

import os
import subprocess
import sys

import numpy as np
import pytest

import seqgen
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.experts.mixing import Experts

NAMES = ["Anna", "Bruno", "Clara", "Dora", "Emil", "Franz", "Gerda", "Hugo"]
VERBS = ["sees", "hears", "meets", "asks", "leaves"]


def lines(count, seed=1):
    draw = np.random.default_rng(seed)
    return "".join(f"{draw.choice(NAMES)} {draw.choice(VERBS)} {draw.choice(NAMES)}.\n" for _ in range(count))


TEXT, PROMPT = lines(1500), "Hugo asks Emil.\nEmil leaves Hugo.\n" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with counts."""
    where = tmp_path_factory.mktemp("counted")
    (where / "lines.txt").write_text(TEXT, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQGEN_CACHE", str(where / "cache"))
        how = ["--documents", "file", "-c", "char", "-P", "hidden", "128", "-P", "batch", "8", "-P", "counts", "40"]
        arguments = [str(where / "lines.txt"), "-o", str(where / "run"), "--steps", "20", "--seed", "1", *how]
        assert run(["train", *arguments]) == 0
    assert Checkpoint.load(where / "run").experts is not None
    return where / "run"


def trained_on(folder):
    """The text that the run learned from: what is held out of one file is its tail."""
    return TEXT[: Checkpoint.load(folder).provenance["train_tokens"] - 1]


@pytest.mark.parametrize("longest", [5, 12])
def test_no_copy_is_longer_than_allowed(folder, longest):
    model, corpus = seqgen.load(folder), trained_on(folder)
    for seed in range(3):
        text = model.sample("Anna ", seed=seed, length=300, temperature=0.7, max_copy=longest).text
        runs = [text[at : at + longest + 1] for at in range(len(text) - longest)]
        assert not [each for each in runs if each in corpus]
        free = model.sample("Anna ", seed=seed, length=300, temperature=0.7).text
        assert any(free[at : at + longest + 1] in corpus for at in range(len(free) - longest))


def test_a_prompt_is_learned_from_and_counted(folder):
    model = seqgen.load(folder)
    how = {"seed": 3, "length": 120, "temperature": 0.8}

    def chances(**more):
        return model.sample(PROMPT, **how, **more).log_probabilities

    plain, bare = chances(), chances(memory=False)
    learned, bare_learned = chances(adapt=0.002), chances(adapt=0.002, memory=False)
    for one, other in ((learned, plain), (learned, bare_learned), (bare_learned, bare)):
        assert not np.allclose(one, other)
    assert bare_learned.mean() > bare.mean()
    np.testing.assert_array_equal(chances(adapt=0.002), learned)
    np.testing.assert_array_equal(chances(), plain)  # it has forgotten


def test_a_take_of_a_model_with_counts_that_learned_is_made_again(folder, tmp_path, capsys):
    made, again = tmp_path / "made.txt", tmp_path / "again.txt"
    (tmp_path / "prompt.txt").write_text(PROMPT, "utf-8")
    arguments = ["--prompt-file", str(tmp_path / "prompt.txt"), "-l", "80", "--adapt", "0.002", "--seed", "2"]
    assert run(["generate", str(folder), *arguments, "-o", str(made)]) == 0
    assert run(["takes", "replay", "last", "-o", str(again)]) == 0
    assert again.read_bytes() == made.read_bytes()


@pytest.mark.parametrize("streams", [1, 3, 40])
def test_threads_of_the_machine_change_no_byte(folder, streams):
    command = [sys.executable, "-m", "seqgen", "generate", str(folder), "-n", str(streams), "-l", "60", "--seed", "7"]
    found = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        found.append(subprocess.run([*command, "--no-take"], capture_output=True, check=True, env=environment).stdout)
    assert found[0] == found[1]
    assert len(found[0]) > 50 * streams


def test_a_run_that_goes_on_with_new_characters_counts_them(folder, tmp_path):
    (tmp_path / "new.txt").write_text(lines(800, 2).replace("Anna", "Ŝaŭ"), "utf-8")
    how = ["--documents", "file", "--steps", "3", "-P", "batch", "8", "-P", "counts", "40"]
    assert run(["train", str(tmp_path / "new.txt"), "-o", str(tmp_path / "child"), "--from", str(folder), *how]) == 0
    child = Checkpoint.load(tmp_path / "child")
    assert child.tokenizer.vocab_size == Checkpoint.load(folder).tokenizer.vocab_size + 2
    assert isinstance(child.experts, Experts)
    assert child.experts.vocab_size == child.tokenizer.document_id
    text = seqgen.load(tmp_path / "child").sample("Bruno sees ", seed=1, length=400, temperature=0.8).text
    assert "Ŝaŭ" in text
