"""Short documents side by side: their order, exact gradients, resuming, several processes, what is held out."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from test_parallel import HOW, log_of, pytestmark, together
from test_resume import assert_same, finished
from test_resume import make as make_resumed
from test_training import SMALL, make_run

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run as seqgen
from seqgen.codecs.byte import Byte
from seqgen.documents import Documents
from seqgen.errors import SettingError
from seqgen.evaluation.report import evaluate
from seqgen.jobs.sample.session import sample
from seqgen.jobs.sample.settings import SampleJob
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training import duplicates, packing, resume
from seqgen.training.data import IGNORED, Spans, gather
from seqgen.training.settings import TrainSettings

ALONE = pytestmark
CELLS = registry.names("cells")
PACKED = dataclasses.replace(SMALL, pack=True)


def words(count, seed=1):
    random = np.random.default_rng(seed)
    return [bytes(random.integers(97, 103, random.integers(1, 12)).tolist()) for _ in range(count)]


def make_list(path, items):
    tokenizer = Tokenizer(Byte(), "byte", (), Documents("line"))
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        writer.add_documents(*tokenizer.encode_items(items, None))
        writer.sources = [{"name": "made", "bytes": 1, "sha256": "", "documents": len(items)}]
    return TokenStream.open(path)


@pytest.fixture
def stream(tmp_path):
    return make_list(tmp_path / "x.tokens", words(600))


def spans_of(stream):
    return Spans(stream.starts[:-1], stream.starts[1:])


# The order


def test_each_document_is_read_once_and_almost_nothing_is_padding(stream):
    spans = spans_of(stream)
    for number in range(3):
        epoch = packing.PackedEpoch(spans, 8, 16, 5, number)
        read, padded = [], 0
        for step in range(epoch.steps):
            groups = epoch.groups(step)
            assert 1 <= len(groups) <= packing.GROUPS
            read += [(b, l) for begin, length in groups for b, l in zip(begin.tolist(), length.tolist())]
            padded += sum(len(begin) * int(length.max()) for begin, length in groups)
        assert sorted(read) == list(zip(spans.begin.tolist(), (spans.end - spans.begin).tolist()))
        assert padded < 1.1 * spans.tokens
        sizes = [sum(int(length.sum()) for _, length in epoch.groups(step)) for step in range(epoch.steps - 1)]
        assert 0.8 * 128 < np.median(sizes) < 1.2 * 128


def test_the_order_is_a_function_of_seed_and_epoch(stream):
    def order(seed, number):
        epoch = packing.PackedEpoch(spans_of(stream), 8, 16, seed, number)
        return [begin.tolist() for step in range(epoch.steps) for begin, _ in epoch.groups(step)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_a_long_document_is_read_in_parts():
    spans = Spans(np.array([0, 5]), np.array([5, 1005]))
    found = packing.parts(spans, 400)
    assert found.begin.tolist() == [0, 5, 405, 805]
    assert found.end.tolist() == [5, 405, 805, 1005]
    epoch = packing.PackedEpoch(spans, 2, 8, 1, 0)
    lengths = [int(each) for step in range(epoch.steps) for _, length in epoch.groups(step) for each in length]
    assert sum(lengths) == 1005
    assert max(lengths) == packing.REACH * 8


def test_inputs_and_targets_are_those_of_windows(stream):
    begin = np.append(stream.starts[[0, 7, 3]], stream.starts[-2])
    length = np.append(np.diff(stream.starts)[[0, 7, 3]], len(stream.ids) - stream.starts[-2])
    made = packing.side_by_side(stream.ids, begin, length, 256)
    wanted = gather(stream.ids, begin, length, int(length.max()), 256)
    for mine, theirs in zip(made, wanted):
        assert np.array_equal(mine, theirs)
    assert made[1][-1, length[-1] - 1] == 256
    assert (made[1] == IGNORED).sum() == (length.max() - length).sum()


def test_lists_are_packed_and_books_are_not():
    short, long = np.arange(0, 1000, 9), np.arange(0, 100_000, 640)
    assert packing.packs(short, SMALL)
    assert not packing.packs(long, SMALL)
    assert not packing.packs(short[:50], SMALL)
    for change in ({"reset": "never"}, {"reset_probability": 0.1}, {"transpose": 2}):
        assert not packing.packs(short, dataclasses.replace(SMALL, **change))
        with pytest.raises(SettingError, match="pack is true"):
            TrainSettings(pack=True, **change)


# A step


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_learns_from_each_document_as_if_alone(tmp_path, stream, cell):
    run = make_run(tmp_path / "run", stream, train=PACKED, dropout=0, model=cell)
    trainer = run.trainer
    some = trainer.packed.packed(trainer._epoch, 0, slice(0, 4))
    assert some.count == sum(int((y != IGNORED).sum()) for _, y in some.groups)
    step = trainer.step
    trainer.network.train()
    step._count.fill_(1)
    step.optimizer.zero_grad(set_to_none=True)
    for x, y in some.groups:
        step._backward(x, y, step.network.initial_state(len(x)))
    together_ = [weight.grad.clone() for weight in step.network.parameters()]
    step.optimizer.zero_grad(set_to_none=True)
    for x, y in some.groups:
        for row, target in zip(x, y):
            length = int((target != IGNORED).sum())
            step._backward(row[None, :length], target[None, :length], step.network.initial_state(1))
    for mine, weight in zip(together_, step.network.parameters()):
        torch.testing.assert_close(mine, weight.grad, rtol=1e-3, atol=1e-4)


def test_the_ranks_share_the_documents_of_a_step(stream):
    feed = packing.PackedFeed(stream.ids, 256, torch.device("cpu"))
    epoch = packing.PackedEpoch(spans_of(stream), 4, 16, 1, 0)
    whole = feed.packed(epoch, 2, slice(0, 4))
    halves = [feed.packed(epoch, 2, rows) for rows in (slice(0, 2), slice(2, 4))]
    assert {half.count for half in halves} == {whole.count}

    def targets(some):
        return sorted(tuple(row[row != IGNORED].tolist()) for _, y in some.groups for row in y)

    assert targets(whole) == sorted(targets(halves[0]) + targets(halves[1]))


def test_the_gradients_of_the_ranks_add_up(tmp_path, stream):
    def gradients(rows):
        trainer = make_run(tmp_path / "run", stream, train=PACKED, dropout=0).trainer
        trainer.network.train()
        trainer.step._count.fill_(100)
        for x, y in trainer.packed.packed(trainer._epoch, 0, rows).groups:
            trainer.step._backward(x, y, trainer.network.initial_state(len(x)))
        return [weight.grad for weight in trainer.network.parameters()]

    whole, *halves = map(gradients, (slice(0, 4), slice(0, 2), slice(2, 4)))
    for all_of_it, one, other in zip(whole, *halves):
        torch.testing.assert_close(all_of_it, one + other, rtol=1e-4, atol=1e-6)


def test_items_of_labels_are_measured_with_them(tmp_path):
    tokenizer = Tokenizer(Byte(), "byte", ("low", "high"), Documents("line"))
    path, items = tmp_path / "x.tokens", [b"aaaa", b"zzzz"] * 200
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        numbered = [item + bytes([97 + n % 7, 97 + n % 11]) for n, item in enumerate(items)]
        writer.add_documents(*tokenizer.encode_items(numbered, ["low", "high"] * 200))
        writer.sources = [{"name": "made", "bytes": 1, "sha256": "", "documents": len(items)}]
    run = make_run(tmp_path / "run", TokenStream.open(path), steps=80, train=PACKED, hidden=32, layers=1, dropout=0)
    run.start()
    run.train()
    nats = run.conclude().metrics["nats_per_token"]
    assert nats < 1.0  # ln 2 of the label, nothing of four letters, ln 7 and ln 11 of two: 0.72 a token
    own = evaluate(Checkpoint.load(run.model_path), run.validation.ids, run.validation.starts)
    assert own.protocol_b == pytest.approx(nats, rel=1e-5)
    assert own.bytes == 6 * own.documents


def test_it_learns_a_list(tmp_path, stream):
    run = make_run(tmp_path / "run", stream, steps=120, train=PACKED, hidden=32, layers=1, dropout=0)
    run.start()
    run.train()
    metrics = run.conclude().metrics
    assert metrics["nats_per_token"] < 1.95  # ln 6 = 1.79 for the letters, which are drawn evenly
    assert run.validation.ids[0] == 256


def test_a_stop_at_any_step_leaves_no_trace(tmp_path, stream, monkeypatch):
    kinds = dataclasses.replace(PACKED, average="ema", weight_drop=0.3, activation_reg=1.0, temporal_activation_reg=0.5)
    monkeypatch.setitem(__import__("test_resume").KINDS, "packed", kinds)
    assert make_resumed(tmp_path / "made", stream, "packed").trainer.settings.pack
    straight = finished(tmp_path / "straight", stream, "packed")
    assert_same(straight, finished(tmp_path / "stopped", stream, "packed", [7, 38, 71]))


def test_runs_that_knew_of_no_packing_go_on():
    old = dataclasses.asdict(SMALL)
    del old["pack"]
    resume._check_same("x", {"train": resume.LATER | old}, {"train": dataclasses.asdict(SMALL)})


@ALONE
def test_two_processes_have_the_losses_of_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "x.txt").write_bytes(b"\n".join(words(600)))
    how = ["--documents", "line", "--steps", "20", *HOW]
    assert seqgen(["train", "x.txt", "-o", "one", *how]) == 0
    ran = together("x.txt", "-o", "two", *how)
    assert ran.returncode == 0, ran.stderr
    for mine, theirs in zip(log_of(tmp_path / "one"), log_of(tmp_path / "two")):
        assert mine["tokens"] == theirs["tokens"]
        assert mine["nats"] == pytest.approx(theirs["nats"], rel=1e-3)  # Adam enlarges rounding


def test_a_sorted_and_a_shuffled_list_come_to_about_the_same_loss(tmp_path):
    items = sorted(words(400))
    losses = []
    for name, order in (("sorted", items), ("shuffled", words(400))):
        run = make_run(tmp_path / name, make_list(tmp_path / f"{name}.tokens", order), 100, PACKED, hidden=32, layers=1)
        run.start()
        run.train()
        losses.append(run.conclude().metrics["nats_per_token"])
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


# What is held out


def held_items(stream, seed=3):
    train, held = duplicates.held_out(stream, 1, 0.1, seed)
    assert train.tokens + held.tokens == len(stream.ids)
    read = [{bytes(stream.ids[b:e][1:].astype(np.uint8)) for b, e in zip(s.begin, s.end)} for s in (train, held)]
    return *read, held.tokens / len(stream.ids)


def test_the_same_items_are_held_out_in_whatever_order_the_list_is(tmp_path):
    items = words(500)
    found = [held_items(make_list(tmp_path / f"{n}.tokens", each)) for n, each in enumerate((sorted(items), items))]
    assert found[0] == found[1]
    assert found[0][2] == pytest.approx(0.1, abs=0.02)
    assert held_items(make_list(tmp_path / "y.tokens", items), seed=4)[1] != found[0][1]


def test_duplicates_are_on_one_side(tmp_path):
    items = words(150) * 4
    train, held, share = held_items(make_list(tmp_path / "x.tokens", items))
    assert not train & held
    assert share == pytest.approx(0.1, abs=0.03)


def test_a_list_of_one_word_is_split_all_the_same(tmp_path):
    train, held, _ = held_items(make_list(tmp_path / "x.tokens", [b"owl"] * 100))
    assert train == held == {b"owl"}


def test_contents_do_not_depend_on_the_blocks(stream, monkeypatch):
    whole = list(duplicates.contents(stream.ids, stream.starts))
    monkeypatch.setattr(duplicates, "BLOCK", 10)
    assert list(duplicates.contents(stream.ids, stream.starts)) == whole
    assert b"".join(whole) == stream.ids.tobytes()


def test_the_first_lines_of_an_item_are_as_sure_as_those_within(tmp_path):
    """Recipes of several lines: a sample is one from its first line on, though nothing stands before it."""
    random = np.random.default_rng(1)
    foods = ("plum", "oats", "salt", "leek", "milk", "rice")
    made = []
    for _ in range(300):
        one, two = random.choice(foods, 2, replace=False)
        made.append(f"Title: {one} pie\n- {random.integers(1, 10)} g {one}\n- {random.integers(1, 10)} g {two}\nBake.")
    (tmp_path / "x.txt").write_text("\n\n".join(made))
    stream = tokenize(resolve([tmp_path / "x.txt"]), TokenizeSettings("byte", documents="blank"), tmp_path / "x.tokens")
    how = dataclasses.replace(PACKED, batch=16, window=32)
    run = make_run(tmp_path / "run", stream, steps=250, train=how, hidden=64, layers=1, dropout=0)
    run.start()
    run.train()
    job = SampleJob(checkpoint=str(tmp_path / "run"), samples=60, output=str(tmp_path / "y.txt"), seed=1, no_take=True)
    sample(job)
    items = (tmp_path / "y.txt").read_text().removesuffix("\n").split("\n\n")
    assert len(items) == 60
    good = re.compile(r"Title: [a-z]+ pie\n- \d g [a-z]+\n- \d g [a-z]+\nBake\.")
    assert sum(bool(good.fullmatch(item)) for item in items) >= 57
