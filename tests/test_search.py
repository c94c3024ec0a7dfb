"""The ideas of `benchmarks/search.py` do what their names say."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from seqgen import settings
from seqgen.cells.lstm.cell import LSTM
from seqgen.codecs.byte import Byte
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import IGNORED, Epoch, Spans
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

FOLDER = Path(__file__).parents[1] / "benchmarks"
ROWS, TOKENS, VOCABULARY = 4, 12, 11
TEXT = b"the cat sat on the mat; the dog sat on the log. " * 60
KINDS = [
    "AdamW",
    "muon, batch 16, updates 0.5",
    "SOAP on the side of the inputs",
    "schedule-free AdamW, rate 1.4e-2",
    "batches 8, 16, 32, rate 1.4e-2",
    "windows 16, 64, 128",
    "shuffled pieces of 256",
    "label smoothing 0.02",
    "z-loss 1e-4",
    "512 units, hidden state of 128",
    "mogrifier, 5 rounds of rank 32",
    "mixture of 4 softmaxes",
    "three layers of minGRU",
    "two layers of RG-LRU",
]


@pytest.fixture(scope="module")
def parts():
    sys.path.insert(0, str(FOLDER))
    names = ("_search_step", "_search_cells", "_search_schedule_free", "_search_ideas", "search")
    found = [importlib.import_module(name) for name in names]
    sys.path.remove(str(FOLDER))
    return found


def network(vocabulary=VOCABULARY):
    torch.manual_seed(1)
    return RecurrentLM(LSTM(), ModelSettings(hidden=16, embedding=8), vocabulary)


def made(batch=ROWS, window=TOKENS):
    return settings.parse(TrainSettings, {"batch": batch, "window": window, "learning_rate": 1e-2})


def block(seed=0):
    torch.manual_seed(seed)
    x, y = torch.randint(0, VOCABULARY, (2, ROWS, TOKENS))
    y[1, -3:] = IGNORED
    return x, y


def test_smoothed_loss_is_that_of_torch(parts):
    torch.manual_seed(2)
    logits, targets = 3 * torch.randn(20, VOCABULARY), torch.randint(0, VOCABULARY, (20,))
    targets[::4] = IGNORED
    for share in (0.0, 0.02, 0.05):
        wanted = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum", label_smoothing=share)
        assert torch.allclose(parts[0].smoothed(share)(logits, targets), wanted)


def test_z_loss_punishes_the_size_of_logits_and_not_their_differences(parts):
    torch.manual_seed(2)
    logits, targets = torch.randn(20, VOCABULARY).log_softmax(-1), torch.randint(0, VOCABULARY, (20,))
    targets[::4] = IGNORED
    plain = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    assert parts[0].with_z(0.1)(logits, targets) == pytest.approx(float(plain), rel=1e-5)
    assert parts[0].with_z(0.1)(logits + 3, targets) == pytest.approx(float(plain) + 0.1 * 9 * 15, rel=1e-5)


def test_a_whole_block_is_learned_from_as_by_a_plain_step(parts):
    x, y = block()
    keep = torch.tensor([1.0, 0, 1, 1])
    one, other = network(), network()
    plain = Step(one, made())
    changed = parts[0].SearchStep(other, made(), parts[0].smoothed(0.0), (), lambda: 0.0)
    for _ in range(3):
        losses = [step(x, y, keep, int((y != IGNORED).sum()), 1e-2) for step in (plain, changed)]
        assert torch.allclose(*losses)
    for weight, same in zip(one.parameters(), other.parameters()):
        assert torch.allclose(weight, same, atol=1e-5)
    for part, same in zip(plain.state[0], changed.state[0]):
        assert torch.allclose(part, same, atol=1e-5)


def test_updates_grow_with_the_share_of_the_run_and_read_each_token_once(parts):
    share, seen = [0.0], list[torch.Tensor]()
    x, numbered = torch.arange(ROWS * TOKENS).view(ROWS, TOKENS), network(vocabulary=ROWS * TOKENS)
    step = parts[0].SearchStep(numbered, made(), None, ((2, 3), (2, 12), (4, 6)), lambda: share[0])
    backward = step._backward

    def noted(some, *others):
        seen.append(some)
        return backward(some, *others)

    step._backward = noted
    for share[0], count, size in (
        (0, 8, (2, 3)),
        (0.32, 8, (2, 3)),
        (0.34, 2, (2, 12)),
        (0.67, 2, (4, 6)),
        (1, 2, (4, 6)),
    ):
        seen.clear()
        before = step.steps
        step(x, x, None, x.numel(), 1e-2)
        assert [tuple(some.shape) for some in seen] == [size] * count
        assert step.steps - before == count
        assert sorted(torch.cat([some.reshape(-1) for some in seen]).tolist()) == list(range(ROWS * TOKENS))


def test_shuffled_pieces_are_the_documents_once_each_in_another_order_every_epoch(parts):
    pieces = parts[0].cut(Spans(np.array([0, 30]), np.array([25, 70])), 10)
    assert list(zip(pieces.begin, pieces.end)) == [(0, 10), (10, 20), (20, 25), (30, 40), (40, 50), (50, 60), (60, 70)]
    orders = []
    for number in range(2):
        epoch, begun = Epoch(pieces, 2, 5, 1, number), list[int]()
        read = set[int]()
        for step in range(epoch.steps):
            begin, length, fresh = epoch.windows(step)
            begun += begin[fresh].tolist()
            read |= {at + n for at, count in zip(begin.tolist(), length.tolist()) for n in range(count)}
        orders.append(begun)
        assert read == {*range(25), *range(30, 70)}
        assert set(pieces.begin.tolist()) <= set(begun)
    assert orders[0] != orders[1]


def test_pieces_carry_their_states(parts):
    """At the rate zero pieces come to the loss and to the states of the whole, streams that begin anew included."""
    x, y = block()
    keep = torch.tensor([1.0, 0, 1, 1])
    whole = parts[0].SearchStep(network(), made(), None, (), lambda: 0.0)
    pieces = parts[0].SearchStep(network(), made(), None, ((2, 3),), lambda: 0.0)
    for step in (whole, pieces):
        step.optimizer.param_groups[0]["weight_decay"] = 0.0
    for _ in range(2):
        losses = [step(x, y, keep, int((y != IGNORED).sum()), 0.0) for step in (whole, pieces)]
        assert torch.allclose(*losses)
    for part, same in zip(whole.state[0], pieces.state[0]):
        assert torch.allclose(part, same, atol=1e-6)


def test_schedule_free_is_the_recursion_of_the_paper(parts):
    """One weight by hand, at a rate that changes."""
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    others = torch.optim.AdamW([{"params": [weight], "weight_decay": 0.1}])
    optimizer = parts[2].ScheduleFree(torch.nn.Module(), others)
    x = z = y = 2.0
    second = squares = 0.0
    for number, rate in enumerate((0.1, 0.3, 0.3, 0.2), 1):
        assert weight.item() == pytest.approx(y, rel=1e-5)
        weight.grad = torch.tensor([2 * y])
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        second = 0.98 * second + 0.02 * (2 * y) ** 2
        z -= rate * (2 * y / ((second / (1 - 0.98**number)) ** 0.5 + 1e-8) + 0.1 * y)
        squares += rate**2
        x += rate**2 / squares * (z - x)
        y = 0.1 * z + 0.9 * x
    optimizer.finish()
    assert weight.item() == pytest.approx(x, rel=1e-5)


def test_schedule_free_finds_a_minimum_of_noisy_gradients(parts):
    torch.manual_seed(3)
    weight = torch.nn.Parameter(torch.full((50,), 3.0))
    others = torch.optim.AdamW([{"params": [weight], "weight_decay": 0.0}])
    optimizer = parts[2].ScheduleFree(torch.nn.Module(), others)
    for _ in range(1000):
        weight.grad = weight.detach() - 1 + torch.randn(50)
        optimizer.param_groups[0]["lr"] = 0.05
        optimizer.step()
    optimizer.finish()
    assert float((weight - 1).detach().square().mean().sqrt()) < 0.1


@pytest.mark.parametrize("name", ["Mogrifier", "Projected"])
def test_cells_of_the_search_say_the_same_twice(parts, name):
    cell = parts[1].Mogrifier(5, 3) if name == "Mogrifier" else parts[1].Projected(9)
    inputs, hidden = 7, 6
    torch.manual_seed(4)
    module = cell.module(inputs, hidden).double()
    weights = {key: weight.detach().numpy() for key, weight in module.named_parameters()}
    assert {key: weight.shape for key, weight in weights.items()} == cell.weights(inputs, hidden)
    x = torch.randn(5, 3, inputs, dtype=torch.float64)
    state = tuple(torch.zeros(3, size, dtype=torch.float64) for size in cell.state(hidden))
    with torch.no_grad():
        y, after = module(x, state)
    parts_after = tuple(part.numpy() for part in state)
    for token, wanted in zip(x.numpy(), y.numpy()):
        given, parts_after = cell.step(weights, token, parts_after)
        assert np.allclose(given, wanted)
    assert all(np.allclose(part, wanted) for part, wanted in zip(parts_after, after))


def test_gates_of_the_mogrifier_that_are_open_leave_an_lstm(parts):
    cell, inputs, hidden = parts[1].Mogrifier(5, 3), 7, 6
    module, lstm = cell.module(inputs, hidden), torch.nn.LSTM(inputs, hidden)
    with torch.no_grad():
        for up in module.up:
            up.zero_()
        lstm.bias_hh_l0.zero_()
        for own, name in ((module.read, "weight_ih"), (module.recur, "weight_hh"), (module.bias, "bias_ih")):
            getattr(lstm, f"{name}_l0").copy_(own)
        x, state = torch.randn(5, 3, inputs), (torch.randn(3, hidden), torch.randn(3, hidden))
        assert torch.allclose(module(x, state)[0], lstm(x, tuple(part[None] for part in state))[0], atol=1e-6)


def test_a_mixture_of_softmaxes_is_one(parts):
    model, count, hidden = network(), 3, 16
    parts[1].mix(model, count)
    ids = torch.randint(0, VOCABULARY, (2, 5))
    with torch.no_grad():
        logits, _ = model(ids, model.initial_state(2))
        features, _ = model.features(ids, model.initial_state(2))
        prior = model.output.prior(features).softmax(-1)
        latent = model.output.latent(features).tanh().view(5, 2, count, 8)
        each = (latent @ model.embedding.weight.t() + model.output.bias).softmax(-1)
    wanted = (prior[..., None] * each).sum(-2).transpose(0, 1)
    assert torch.allclose(logits.exp(), wanted, atol=1e-6)
    assert torch.allclose(logits.exp().sum(-1), torch.ones(2, 5))
    assert features.shape[-1] == hidden


def test_ideas_of_each_kind_learn(parts, tmp_path, monkeypatch):
    """Narrow ones, on a line that comes again and again: all learn more than how often each letter comes."""
    path, tokenizer = tmp_path / "corpus.tokens", Tokenizer(Byte(), "byte")
    with StreamWriter(path, tokenizer.spec(), tokenizer.vocab_size) as writer:
        writer.add(tokenizer.frame())
        writer.add(tokenizer.encode(TEXT))
        writer.end_document()
        writer.sources = [{"name": "made", "bytes": 1, "sha256": "", "documents": 1}]
    ideas, search = parts[3].IDEAS, parts[4]
    monkeypatch.setattr(search.muon, "SIZE", search.muon.SIZE)
    monkeypatch.setattr(search, "SHAPE", {"hidden": 24, "embedding": 24})
    narrow = {name: dataclasses.replace(idea, shape={}) for name, idea in ideas.items()}
    monkeypatch.setattr(search, "IDEAS", narrow)
    letters = np.unique(np.frombuffer(TEXT, np.uint8), return_counts=True)[1] / len(TEXT)
    stream = TokenStream.open(path)
    for name in KINDS:
        line = search.measured(stream, name, 1, 25, None)
        assert line["B"] < -(letters * np.log(letters)).sum() - 0.1, line
