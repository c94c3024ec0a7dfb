"""Training: it learns, keeps the best, stops when told, and goes on to the same bits."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.byte import Byte
from seqgen.errors import CheckpointError, CorpusError, SeqgenError, SettingError, UsageError
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training import device, optimizer
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.data import Spans
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.run import Run
from seqgen.training.settings import TrainSettings
from seqgen.training.validation import own_tokens

TEXT = b"the cat sat on the mat; the dog sat on the log. " * 60
SMALL = TrainSettings(batch=4, window=16, learning_rate=1e-2, precision="float32", validations=4, patience=0)

LONG_WINDOW = dataclasses.replace(SMALL, window=500)


class Nobody:
    """Watches, and remembers."""

    closed = False

    def rolled_back(self, progress, line):
        self.events.append(line)

    def close(self):
        self.closed = True

    def __init__(self, stop_at=None):
        self.lines, self.events, self.stop_at, self.trainer = [], [], stop_at, None

    def stepped(self, progress, share, line):
        pass

    def checked(self, progress, line, improved):
        self.lines.append((line["validation_nats"], improved))
        if self.stop_at == progress.checks:
            self.trainer.stopping = True


def make_stream(path, documents=(TEXT,)):
    tokenizer = Tokenizer(Byte(), "byte")
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        for document in documents:
            writer.add(tokenizer.frame())
            writer.add(tokenizer.encode(document))
            writer.end_document()
        writer.sources = [{"name": "made", "bytes": 1, "sha256": "", "documents": len(documents)}]
    return TokenStream.open(path)


def make_run(
    folder, stream, steps=40, train=SMALL, seed=3, observer=None, dropout=0.2, model="lstm", cell=None, **shape
):
    budget, cell = Budget(steps=steps), registry.load("cells", model)(**(cell or {}))
    train = dataclasses.replace(train, dropout=dropout)
    settings = ModelSettings(**{"hidden": 16, "layers": 2} | shape)
    plan = TrainPlan(model, cell, settings, train, budget, seed, torch.device("cpu"))
    observer = observer or Nobody()
    run = Run(folder, TrainingCorpus(stream, Tokenizer.from_spec(stream.codec_spec)), plan, observer)
    observer.run, observer.trainer = run, run.trainer
    return run


@pytest.fixture
def stream(tmp_path):
    return make_stream(tmp_path / "corpus.tokens")


def test_it_learns_and_beats_uniform_by_far(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=150, hidden=64, layers=1, dropout=0)
    run.start()
    run.train()
    metrics = run.conclude().metrics
    assert metrics["nats_per_token"] < 1.0 < math.log(257)
    assert metrics["nats_per_token"] == pytest.approx(metrics["bits_per_token"] * math.log(2))
    assert metrics["steps"] == 150
    assert 0 < metrics["ngram_nats"] < 0.5
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation_nats" in line] == [38, 75, 113, 150]


def test_the_best_model_is_the_one_kept(tmp_path, stream):
    wild = TrainSettings(batch=4, window=16, learning_rate=0.5, warmup=0.9, clip=100, validations=8, patience=0)
    watcher = Nobody()
    run = make_run(tmp_path / "run", stream, steps=80, train=wild, observer=watcher)
    run.start()
    run.train()
    kept = Checkpoint.load(run.model_path)
    assert any(not improved for _, improved in watcher.lines)
    assert kept.metrics["validation_nats"] == min(nats for nats, _ in watcher.lines)
    assert run.validation.quick(kept.network()) == pytest.approx(kept.metrics["validation_nats"], abs=1e-4)


def test_patience_ends_a_run_that_gets_no_better(tmp_path, stream):
    still = TrainSettings(batch=4, window=16, learning_rate=1e-9, validations=40, patience=2)
    run = make_run(tmp_path / "run", stream, steps=400, train=still, dropout=0)
    run.start()
    run.trainer.validate = lambda network: 5.0
    run.train()
    assert run.trainer.progress.checks == 3
    assert run.observer.closed


def test_another_run_in_the_folder_is_left_alone(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=4)
    run.start()
    run.train()
    before = run.model_path.read_bytes()
    with pytest.raises(CheckpointError, match="another run lies there already") as caught:
        make_run(tmp_path / "run", stream).start()
    assert "--resume" in caught.value.hint
    assert run.model_path.read_bytes() == before


def test_a_corpus_shorter_than_a_window_is_refused(tmp_path):
    stream = make_stream(tmp_path / "short.tokens", (b"short",))
    with pytest.raises(CorpusError, match=r"leaves 5 tokens to train on, expected at least one window \(17\)"):
        make_run(tmp_path / "run", stream)
    assert not (tmp_path / "run").exists()


def test_too_little_to_validate_on_is_refused(tmp_path):
    stream = make_stream(tmp_path / "short.tokens", (b"a" * 30,))
    with pytest.raises(CorpusError, match="leaves 1 tokens to validate on, expected at least 2"):
        make_run(tmp_path / "run", stream, train=TrainSettings(batch=4, window=16, validation=0.01))


def test_held_out_documents_of_one_token_are_refused(tmp_path):
    """Nothing can be predicted of them, so no model would be the best so far, and none be kept."""
    held_out = make_stream(tmp_path / "short.tokens", (b"x", b"y", b"z"))
    stream = make_stream(tmp_path / "corpus.tokens")
    plan = make_run(tmp_path / "run", stream).plan
    with pytest.raises(CorpusError, match="no document of two tokens"):
        Run(tmp_path / "run", TrainingCorpus(stream, Tokenizer.from_spec(stream.codec_spec), held_out), plan, Nobody())
    assert not (tmp_path / "run").exists()


def test_a_shorter_window_is_named_only_where_it_helps(tmp_path):
    for text, hint in ((b"a" * 40, "-P window 16"), (b"abcdef", "-P window 5"), (b"a", "")):
        with pytest.raises(CorpusError) as caught:
            make_run(tmp_path / "run", make_stream(tmp_path / "corpus.tokens", (text,)), train=LONG_WINDOW)
        assert ("-P window" in str(caught.value)) == bool(hint), text
        assert hint in str(caught.value)


def test_validation_is_on_other_documents_than_training(tmp_path):
    stream = make_stream(tmp_path / "many.tokens", tuple(bytes([65 + i]) * 100 for i in range(20)))
    run = make_run(tmp_path / "run", stream)
    held = set(run.validation.ids.tolist())
    trained = {int(stream.ids[begin + 1]) for begin in run.train_spans.begin}
    assert len(held) == 2
    assert held | trained == set(range(65, 85))
    assert not held & trained


def test_learning_rate_rises_and_falls():
    settings = TrainSettings(learning_rate=1.0, warmup=0.1, final_rate=0.05)
    rates = [optimizer.learning_rate(settings, share) for share in np.linspace(0, 1, 101)]
    assert rates[5] == pytest.approx(0.5, abs=2e-3)
    assert max(rates) == pytest.approx(1.0, abs=2e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_biases_do_not_decay():
    network = RecurrentLM(registry.load("cells", "gru")(), ModelSettings(hidden=8), 11)
    groups = optimizer.make_optimizer(network, TrainSettings()).param_groups
    assert all(weight.ndim > 1 for weight in groups[0]["params"])
    assert all(weight.ndim == 1 for weight in groups[1]["params"])
    assert groups[1]["weight_decay"] == 0


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="device is 'tpu', expected one of auto, cpu, cuda, mps"):
        device.pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="device 'cuda' is not there on this machine"):
            device.pick_device("cuda")


def test_own_tokens_are_bounded_and_without_framing():
    ids = np.tile(np.array([9, 1, 2, 3, 4], np.uint16), 100)
    spans = Spans(np.arange(0, 500, 5), np.arange(5, 505, 5))
    own, starts = own_tokens(ids, spans, 9, 10_000)
    assert own.tolist() == [1, 2, 3, 4] * 100
    assert starts.tolist() == list(range(0, 401, 4))
    few, starts = own_tokens(ids, spans, 9, 50)
    assert few.tolist() == [1, 2, 3, 4] * 10
    assert starts.tolist() == list(range(0, 41, 4))


def test_a_part_of_long_documents_comes_from_all_over_them():
    ids = (np.arange(100_000) // 4_000).astype(np.uint16)  # 25 slices, each of its own number
    spans = Spans(np.array([0, 50_000]), np.array([50_000, 100_000]))
    own, starts = own_tokens(ids, spans, 256, 20_000)
    assert len(starts) == 6
    assert len(own) <= 20_000
    assert own[0] == 0
    assert own[-1] == 24
    assert np.diff(own.astype(int)).max() >= 5


@pytest.mark.parametrize("kept", [True, False])
def test_a_model_without_a_finite_loss_is_told_of(tmp_path, stream, monkeypatch, kept):
    run = make_run(tmp_path / "run", stream, steps=4)
    if not kept:  # no validation was finite either
        monkeypatch.setattr(run.trainer, "validate", lambda network: float("nan"))
    run.start()
    run.train()
    assert run.model_path.exists() == kept
    monkeypatch.setattr(run.validation, "exact", lambda network: float("inf"))
    with pytest.raises(SeqgenError, match="training diverged") as caught:
        run.conclude()
    assert "-P learning_rate 0.0025" in caught.value.hint


def test_relu_units_learn_from_the_first_step_on(tmp_path, stream):
    """Their state must not add up from window to window."""
    run = make_run(tmp_path / "run", stream, steps=60, model="rnn", cell={"nonlinearity": "relu"}, hidden=64)
    run.start()
    run.train()
    assert run.trainer.progress.rollbacks == 0
    assert run.trainer.progress.best < 0.7 * np.log(run.network.vocab_size)


@pytest.mark.parametrize(("key", "value"), [("batch", 0), ("window", 0), ("learning_rate", 0), ("validation", 1)])
def test_settings_out_of_range_are_refused(key, value):
    with pytest.raises(SettingError, match=f"{key} is {value}, expected"):
        TrainSettings(**{key: value})
