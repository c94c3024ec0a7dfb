"""Few streams have numpy's products computed on one thread, many keep theirs; then there are as many as before."""

import pytest

import seqgen
from seqgen.api.finishing import finished
from seqgen.api.sampling import Sampling
from seqgen.cli import run
from seqgen.generation import blas
from seqgen.generation.engines.numpy import NumpyEngine

COMMANDS = {
    "generate": ["generate", "tiny-shakespeare", "-l", "3", "--no-take"],
    "eight": ["generate", "tiny-shakespeare", "-n", "4", "--best-of", "2", "-l", "3", "--no-take", "-o", "eight"],
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
    assert after == [2] * len(counters)
    assert found
    assert all(len(set(counts)) == 1 for counts in found)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_sample_take_one_thread(name, threads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text("ANNA:\nGood day.\n\nBRUNO:\nFarewell.\n")
    assert run(COMMANDS[name]) == 0
    assert {counts[0] for counts in threads} == {1}


@pytest.mark.parametrize("how", [["-n", "9"], ["-n", "3", "--best-of", "3"], ["--beam", "9"]])
def test_many_streams_keep_their_threads(how, threads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["generate", "tiny-shakespeare", *how, "-l", "3", "--no-take", "-o", "many"]) == 0
    assert {counts[0] for counts in threads} == {2}


@pytest.mark.parametrize(("best_of", "count"), [(1, 1), (8, 1), (9, 2)])
def test_samples_in_python_do_the_same(best_of, count, threads):
    model = seqgen.load("tiny-shakespeare")
    finished(model.sampler(Sampling(seed=1, length=3), [model.prompt(b"")]), best_of=best_of)
    assert {counts[0] for counts in threads} == {count}
