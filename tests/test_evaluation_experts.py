"""Network and counts measured together, kept in a checkpoint, and made by a run."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint, write_tensors
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.errors import CheckpointError
from seqgen.evaluation import experts as measuring
from seqgen.evaluation.dynamic import DynamicSettings
from seqgen.evaluation.experts import Beside, evaluate_experts, fit_experts, heard_from
from seqgen.evaluation.protocols import cold_windows, stateful
from seqgen.evaluation.report import evaluate, evaluate_dynamic
from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.document import Document, evidence
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.tokenizer import Tokenizer
from seqgen.training.counting import unfitted

NAMES = ["Anna", "Bruno", "Clara", "Dora", "Emil", "Franz", "Gerda", "Hugo"]
TEXT = "".join(f"{NAMES[i * 7 % 8]} saw {NAMES[i * 3 % 8]} and {NAMES[i * 5 % 8]}.\n" for i in range(200)).encode()
HELD = np.frombuffer(TEXT[::-1][:700] + TEXT[:900], np.uint8).astype(np.int64)
STARTS = np.array([0, 700, 1600])


@pytest.fixture(scope="module")
def checkpoint():
    """A random network, with counts of TEXT."""
    torch.manual_seed(1)
    tokenizer, settings = Tokenizer(Byte(), "byte", ()), ModelSettings(hidden=8)
    network = RecurrentLM(LSTM(), settings, tokenizer.vocab_size)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    counts = CorpusCounts.fit(np.frombuffer(TEXT, np.uint8), np.array([0]), 256, 4000, 4)
    experts, gain = fit_experts(network, unfitted(counts, tokenizer), HELD, STARTS)
    assert gain > 1
    return Checkpoint("lstm", LSTM(), settings, tokenizer, weights, experts=experts)


def test_the_network_alone_is_measured_as_without_counts(checkpoint):
    network = checkpoint.network()
    found = evaluate_experts(network, checkpoint.experts, HELD, STARTS, False)
    a, b = cold_windows(network, HELD, STARTS), stateful(network, HELD, STARTS)
    assert (found.protocol_a.count, found.protocol_b.count) == (a.count, b.count)
    assert found.protocol_a.network == pytest.approx(a.mean, rel=1e-5)
    assert found.protocol_b.network == pytest.approx(b.mean, rel=1e-5)
    assert found.protocol_b.document < found.protocol_b.corpus < b.mean


@pytest.mark.parametrize("crossed", [False, True])
def test_what_is_measured_is_what_steps_would_give(checkpoint, crossed):
    network, experts = checkpoint.network(), checkpoint.experts
    gates = {0: experts.gate, 1: experts.gate}
    if crossed:
        places, heard = heard_from(network, experts, HELD, STARTS)
        part = places * measuring.PARTS // len(HELD) % 2
        for own in (0, 1):
            gates[own] = measuring._fitted(heard, HELD[places], part != own, experts.gate)
    total, count = 0.0, 0
    for begin, end in ((0, 700), (700, 1600)):
        state, known = network.initial_state(1), experts.start(1)
        for at in range(begin, end - 1):
            with torch.no_grad():
                logits, state = network(torch.tensor([[HELD[at]]]), state)
            known = experts.step(HELD[at : at + 1], known)
            gate = gates[(at + 1) * measuring.PARTS // len(HELD) % 2]
            mixed = experts.mixed(logits[0].numpy(), experts.known(known), gate.document)
            total, count = total - float(mixed[0, HELD[at + 1]]), count + 1
    found = evaluate_experts(network, experts, HELD, STARTS, crossed)
    assert found.crossed == crossed
    assert found.protocol_b.document == pytest.approx(total / count, rel=1e-4)


def test_a_gate_hears_what_the_document_held_up_to_a_place(checkpoint, monkeypatch):
    monkeypatch.setattr(measuring, "PIECE", 100)
    places, heard = heard_from(checkpoint.network(), checkpoint.experts, HELD, STARTS)
    assert (np.diff(places) > 0).all()
    assert set(places.tolist()) == set(range(1600)) - {0, 700}
    one = Document()
    for token in HELD[700:905].tolist():
        one.add(chr(token))
    expected = evidence([(one.found(), 205)], 256).probabilities[0]
    row = int(np.flatnonzero(places == 905)[0])
    np.testing.assert_allclose(heard.experts[2, row], np.log(expected), rtol=1e-5)


def test_inspect_tells_of_counts(checkpoint, tmp_path, capsys):
    checkpoint.save(tmp_path / "model.safetensors")
    assert run(["inspect", str(tmp_path / "model.safetensors")]) == 0
    counts = checkpoint.experts.counts
    row = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["counts"])
    assert f"{len(counts.tokens):,} n-grams up to {counts.order} tokens" in row


def test_a_checkpoint_keeps_its_counts(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "model.safetensors")
    loaded = Checkpoint.load(tmp_path / "model.safetensors")
    assert loaded.experts is not None
    for name, array in checkpoint.experts.counts.arrays.items():
        np.testing.assert_array_equal(loaded.experts.counts.arrays[name], array)
    np.testing.assert_allclose(loaded.experts.gate.document, checkpoint.experts.gate.document, atol=1e-6)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model.safetensors").read_bytes()
    assert b'"version":"4"' in (tmp_path / "again").read_bytes()[:8000]
    dataclasses.replace(loaded, experts=None).save(tmp_path / "bare")
    assert b'"version":"1"' in (tmp_path / "bare").read_bytes()[:8000]
    assert Checkpoint.load(tmp_path / "bare").experts is None


@pytest.mark.parametrize("fault", ["gate", "tokens", "missing"])
def test_damaged_counts_are_told(checkpoint, tmp_path, fault, monkeypatch):
    found = {}
    monkeypatch.setattr("seqgen.checkpoint.write_tensors", lambda *given: found.update(given=given))
    checkpoint.save(tmp_path / "x")
    _, tensors, details, metadata = found["given"]
    if fault == "gate":
        details["gate"]["corpus"] = [[1.0]]
    elif fault == "tokens":
        tensors["experts.tokens"] = tensors["experts.tokens"][::-1].copy()
    else:
        del tensors["experts.children"]
    write_tensors(tmp_path / "damaged", tensors, details, metadata)
    with pytest.raises(CheckpointError, match=r"is damaged|holds no tensor"):
        Checkpoint.load(tmp_path / "damaged")


def test_evaluation_tells_of_counts_under_stable_names(checkpoint):
    told = []
    found = evaluate(checkpoint, HELD, STARTS, watch=told.append, own=True)
    data = found.to_json()["experts"]
    assert data["gate"] == "crossed"
    assert data["protocol_b"]["document"]["nats_per_token"] == found.experts.protocol_b.document
    assert set(data["protocol_a"]) == {"corpus", "document"}
    assert evaluate(checkpoint, HELD, STARTS).to_json()["experts"]["gate"] == "stored"


def test_a_run_keeps_counts_where_they_help(tmp_path, capsys):
    (tmp_path / "play.txt").write_bytes(TEXT)
    how = ["--steps", "3", "--device", "cpu", "-P", "hidden", "8", "-P", "batch", "4", "-P", "validations", "1"]
    assert run(["train", str(tmp_path / "play.txt"), "-o", str(tmp_path / "run"), *how, "-P", "counts", "5"]) == 0
    experts = Checkpoint.load(tmp_path / "run").experts
    assert experts is not None
    assert experts.counts.nbytes <= 5000
    assert run(["train", str(tmp_path / "play.txt"), "-o", str(tmp_path / "bare"), *how, "-P", "counts", "0"]) == 0
    assert Checkpoint.load(tmp_path / "bare").experts is None
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["experts"]["gate"] == "crossed"
    assert data["experts"]["protocol_b"]["corpus"]["nats_per_token"] < data["nats_per_token"]
    assert run(["evaluate", str(tmp_path / "run")]) == 0
    assert "with counts of corpus and document" in capsys.readouterr().out


@pytest.mark.parametrize("own", [False, True])
def test_dynamic_evaluation_that_learns_nothing_mixes_as_static_evaluation_does(checkpoint, own):
    still = evaluate_dynamic(checkpoint, HELD, STARTS, DynamicSettings(learning_rate=0, decay=0, statistics=0), own=own)
    found = evaluate_experts(checkpoint.network(), checkpoint.experts, HELD, STARTS, own).protocol_b
    assert still.nats == pytest.approx(found.network, rel=1e-5)
    assert still.counted == pytest.approx((found.corpus, found.document), rel=1e-4)
    assert still.to_json()["document"] == {"nats_per_token": still.counted[1]}


def test_dynamic_evaluation_mixes_what_the_network_has_learned(checkpoint):
    """A random network learns quickly; where a rate diverges, what was counted then does not count."""
    learning = evaluate_dynamic(checkpoint, HELD, STARTS, DynamicSettings(learning_rate=0.3, statistics=0))
    still = evaluate_dynamic(checkpoint, HELD, STARTS, DynamicSettings(learning_rate=0, decay=0, statistics=0))
    assert learning.nats < still.nats - 0.2
    assert learning.counted[1] < learning.counted[0] < learning.nats
    assert learning.counted != pytest.approx(still.counted, rel=1e-3)
    beside = Beside(checkpoint.experts, (checkpoint.experts.gate,) * 2, HELD, STARTS)
    totals = []
    for _ in range(2):  # the second time is an attempt after one that diverged
        beside(0, torch.zeros(699, 257))
        beside(700, torch.zeros(899, 257))
        totals.append(beside.totals.tolist())
    assert totals[0] == totals[1]
    assert beside.found.count == 1598
    assert beside.found.network == pytest.approx(np.log(257), rel=1e-5)
