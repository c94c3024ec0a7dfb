"""Sampling with counts: the same bytes over engines, batches and threads; off where it is to be; bounded."""

import dataclasses

import numpy as np
import pytest
import torch

import seqgen
from seqgen.api.model import Model
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.evaluation.experts import fit_experts
from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.gate import LENGTHS, normalised
from seqgen.generation.engines.experts import ExpertsEngine
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.tokenizer import Tokenizer
from seqgen.training.counting import unfitted

NAMES = ["Anna", "Bruno", "Clara", "Dora", "Emil", "Franz", "Gerda", "Hugo"]
TEXT = "".join(f"{NAMES[i * 7 % 8]} saw {NAMES[i * 3 % 8]} and {NAMES[i * 5 % 8]}.\n" for i in range(300)).encode()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A random network whose counts know TEXT."""
    torch.manual_seed(1)
    tokenizer, settings = Tokenizer(Byte(), "byte", ()), ModelSettings(hidden=8)
    network = RecurrentLM(LSTM(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    ids = np.frombuffer(TEXT, np.uint8).astype(np.int64)
    counts = CorpusCounts.fit(ids[:6000], np.array([0]), 256, 6000, 5)
    experts, _ = fit_experts(network, unfitted(counts, tokenizer), ids[6000:], np.array([0]))
    file = tmp_path_factory.mktemp("model") / "model.safetensors"
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights, experts=experts).save(file)
    return file


def sampled(path, count=1, engine="numpy", **how):
    model = seqgen.load(path, engine, "cpu")
    prompts = [model.prompt(TEXT[:60] + b"\nAnna ")] * count
    steps = list(model.sampler(seqgen.api.sampling.Sampling(seed=5, length=80, **how), prompts).steps())
    return np.array([step.ids for step in steps]).T


def test_counts_speak_and_can_be_silenced(path):
    text = seqgen.load(path).sample("Anna ", seed=5, length=200).text
    assert sum(name in text for name in NAMES) >= 3
    bare = seqgen.load(path).sample("Anna ", seed=5, length=200, memory=False).text
    assert not any(name in bare for name in NAMES[1:])
    checkpoint = dataclasses.replace(Checkpoint.load(path), experts=None)
    assert bare == Model(checkpoint).sample("Anna ", seed=5, length=200).text


def test_every_engine_and_batch_gives_the_same_bytes(path):
    alone = sampled(path)
    np.testing.assert_array_equal(sampled(path, engine="torch"), alone)
    np.testing.assert_array_equal(sampled(path, 7)[:1], alone)
    np.testing.assert_array_equal(sampled(path, 40)[:7], sampled(path, 7))


def test_prompts_are_read_as_steps_would(path):
    model = seqgen.load(path)
    engine = ExpertsEngine(model.engine, model.checkpoint.experts)
    prompt = model.prompt(TEXT[:50])
    logits, _ = engine.prefill(prompt, engine.start(1))
    state = engine.start(1)
    for token in prompt:
        stepped, state = engine.step(np.array([token]), state)
    np.testing.assert_allclose(logits, stepped, atol=1e-5)
    np.testing.assert_allclose(np.exp(logits).sum(), 1, atol=1e-5)


def test_selected_and_joined_streams_go_on_alone(path):
    model = seqgen.load(path)
    engine = ExpertsEngine(model.engine, model.checkpoint.experts)
    states = [engine.prefill(model.prompt(text), engine.start(1))[1] for text in (b"Anna saw", b"Hugo")]
    both = engine.select(engine.join(states), [1, 0, 1])
    logits, _ = engine.step(np.array([32, 32, 32]), both)
    np.testing.assert_array_equal(logits[0], logits[2])
    alone, _ = engine.step(np.array([32]), engine.prefill(model.prompt(b"Hugo"), engine.start(1))[1])
    np.testing.assert_allclose(logits[0], alone[0], atol=1e-5)


def test_beams_and_choices_hear_counts(path):
    model = seqgen.load(path)
    sampler = model.sampler(seqgen.api.sampling.Sampling(seed=1, length=12), [model.prompt(TEXT[:60] + b"\nAnna s")])
    from seqgen.api.selecting import beam_steps

    found = bytes(int(step.ids[0]) for step in beam_steps(sampler, 3))
    assert found.startswith(b"aw ")


def test_the_network_begins_a_document_alone(path):
    """Few predictions at the very beginning are held out: a gate fitted to the others means nothing there."""
    model = seqgen.load(path)
    engine = ExpertsEngine(model.engine, model.checkpoint.experts)
    state, own = engine.start(1), model.engine.start(1)
    for at, token in enumerate(model.prompt(TEXT[:30])):
        logits, state = engine.step(np.array([token]), state)
        bare, own = model.engine.step(np.array([token]), own)
        away = np.abs(normalised(logits) - normalised(bare)).max()
        assert (away < 1e-4) == (at <= LENGTHS[0])  # the document's own token is before the first


def test_takes_know_whether_counts_were_heard(path, tmp_path, capsys):
    for flags in ([], ["--no-memory"]):
        target = tmp_path / f"out{len(flags)}.txt"
        assert run(["generate", str(path), "-l", "60", "--seed", "3", "-o", str(target), *flags]) == 0
    assert (tmp_path / "out0.txt").read_bytes() != (tmp_path / "out1.txt").read_bytes()
    with seqgen.Takes() as takes:
        settings = [take.beginning.settings for take in takes.list()]
    assert [each.get("memory") for each in settings] == [False, None]
