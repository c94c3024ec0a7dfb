"""Whoever samples has numpy's products computed on one thread, and finds as many as before afterwards."""

import numpy as np
import pytest

import seqgen
from seqgen.cli import run
from seqgen.generation import blas
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.jobs.evaluate.music_samples import sampled

COMMANDS = {
    "generate": ["generate", "tiny-shakespeare", "-l", "3", "--no-take"],
    "many": ["generate", "tiny-shakespeare", "-n", "12", "-l", "3", "--no-take", "-o", "many"],
    "fill": ["fill", "tiny-shakespeare", "lines.txt", "--lines", "2", "--no-take", "-l", "3", "-o", "filled.txt"],
    "vary": ["vary", "tiny-shakespeare", "lines.txt", "--amount", "0.5", "--no-take", "-l", "3", "-o", "varied.txt"],
}


@pytest.fixture
def threads(monkeypatch):
    """How many threads each library had at each step of an engine. Two before."""
    counters = blas._counters()
    if not counters:
        pytest.skip("numpy's products are not OpenBLAS's")
    before, found, step = [get() for _, get in counters], [], NumpyEngine.step
    for put, _ in counters:
        put(2)
    if any(get() != 2 for _, get in counters):
        pytest.skip("there is one thread only")

    def watched(self, ids, state):
        found.append([get() for _, get in counters])
        return step(self, ids, state)

    monkeypatch.setattr(NumpyEngine, "step", watched)
    yield found
    after = [get() for _, get in counters]
    for (put, _), count in zip(counters, before):
        put(count)
    assert found
    assert all(counts == [1] * len(counters) for counts in found)
    assert after == [2] * len(counters)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_sample_take_one_thread(name, threads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text("ANNA:\nGood day.\n\nBRUNO:\nFarewell.\n")
    assert run(COMMANDS[name]) == 0


def test_samples_in_python_and_those_of_evaluate_take_one_thread(threads):
    model = seqgen.load("tiny-shakespeare")
    model.generate(length=3, seed=1)
    assert [len(ids) for ids in sampled(model, 2, 1, 1.0, length=3)] == [3, 3]
    assert np.all(np.array(threads) == 1)
