"""One checkpoint on one corpus: what is counted, and in which units."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.errors import StreamError
from seqgen.evaluation.protocols import cold_windows, stateful
from seqgen.evaluation.report import Evaluation, evaluate, surprise
from seqgen.experts.ngram import NGram
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.tokenizer import Tokenizer

TEXT = "Ein Käuzchen saß\nauf einem Baum. " * 30


def make_checkpoint(codec_name, documents, labels=()):
    """A checkpoint with a random network."""
    kind = registry.load("codecs", codec_name)
    tokenizer = Tokenizer(kind.fit(documents, kind.Options()), codec_name, labels)
    torch.manual_seed(1)
    settings = ModelSettings(hidden=16, layers=2)
    network = RecurrentLM(LSTM(), settings, tokenizer.vocab_size)
    with torch.no_grad():
        network.output.bias.normal_()
    weights = {name: weight.numpy() for name, weight in network.state_dict().items() if name != "output.weight"}
    return Checkpoint("lstm", LSTM(), settings, tokenizer, weights)


def framed(tokenizer, documents, label=None):
    pieces = [np.concatenate([tokenizer.frame(label), tokenizer.encode(document)]) for document in documents]
    return np.concatenate(pieces), np.cumsum([0] + [len(piece) for piece in pieces])


@pytest.fixture(scope="module")
def text_checkpoint():
    return make_checkpoint("char", [TEXT.encode()], ("owls",))


def test_framing_is_neither_counted_nor_a_help(text_checkpoint):
    tokenizer = text_checkpoint.tokenizer
    documents = [TEXT.encode(), b"Kauz", b"x"]
    plain = [tokenizer.encode(document) for document in documents]
    starts = np.cumsum([0] + [len(ids) for ids in plain])
    network = text_checkpoint.network()
    found = evaluate(text_checkpoint, *framed(tokenizer, documents, "owls"))
    assert found.tokens == len(TEXT) - 1 + 3
    assert found.documents == 2
    assert found.protocol_b == stateful(network, np.concatenate(plain), starts).mean
    assert found.protocol_a == cold_windows(network, np.concatenate(plain), starts).mean
    assert found == evaluate(text_checkpoint, np.concatenate(plain), starts)


def test_bits_per_byte_count_the_bytes_of_what_was_predicted(text_checkpoint):
    found = evaluate(text_checkpoint, *framed(text_checkpoint.tokenizer, [TEXT.encode()]))
    assert found.bytes == len(TEXT.encode()) - 1
    data = found.to_json()
    assert data["bits_per_byte"] == pytest.approx(found.protocol_b * found.tokens / math.log(2) / found.bytes)
    assert data["perplexity"] == pytest.approx(math.exp(found.protocol_b))


def test_the_names_in_json_are_stable():
    found = Evaluation(10, 1, 12, 2.0, 1.5, 1.75).to_json()
    assert found["tokens"] == 10
    assert found["nats_per_token"] == 1.5
    assert found["protocol_a"] == {"nats_per_token": 2.0}
    assert found["protocol_b"] == {"nats_per_token": 1.5}
    assert found["ngram"] == {"nats_per_token": 1.75}
    assert list(found) == [
        "tokens", "nats_per_token", "bits_per_byte", "perplexity", "protocol_a", "protocol_b", "ngram",
    ]  # fmt: skip
    music = Evaluation(10, 1, 12, 2.0, 1.5, None, notes=5, seconds=0.0).to_json()
    assert music["ngram"] is None
    assert music["bits_per_note"] == pytest.approx(15 / math.log(2) / 5)
    assert music["bits_per_second"] is None


def test_the_baseline_makes_the_same_predictions(text_checkpoint):
    tokenizer = text_checkpoint.tokenizer
    ids = tokenizer.encode(TEXT.encode())
    ngram = NGram.fit(ids, np.array([0]), tokenizer.document_id, order=3)
    found = evaluate(text_checkpoint, *framed(tokenizer, [TEXT.encode(), TEXT.encode()]), ngram=ngram)
    assert found.ngram == pytest.approx(ngram.nats(ids, np.array([0]))[1:].mean(), rel=1e-6)


def test_music_has_notes_and_seconds():
    checkpoint = make_checkpoint("midi", [])
    tokenizer = checkpoint.tokenizer
    random = np.random.default_rng(0)
    ids = random.integers(0, tokenizer.document_id, 400).astype(np.uint16)
    found = evaluate(checkpoint, ids, np.array([0, 250, 400]))
    scores = [tokenizer.codec.score(ids[:250]), tokenizer.codec.score(ids[250:])]
    assert found.notes == sum(map(len, scores)) > 0
    assert found.seconds == pytest.approx(sum(score.duration_seconds for score in scores), rel=0.02)
    assert found.to_json()["bits_per_note"] == pytest.approx(found.bits / found.notes)


def test_progress_is_told(text_checkpoint):
    told = []
    evaluate(text_checkpoint, *framed(text_checkpoint.tokenizer, [TEXT.encode()]), watch=told.append)
    assert sum(told) >= len(TEXT) - 1 + (len(TEXT) - 1) // 256 * 256


@pytest.mark.parametrize("documents", [[], [b"a"], [b"a", b"", b"b"]])
def test_nothing_to_predict(text_checkpoint, documents):
    ids, starts = framed(text_checkpoint.tokenizer, documents) if documents else (np.zeros(0, np.uint16), np.zeros(1))
    with pytest.raises(StreamError, match="no document has more than one token"):
        evaluate(text_checkpoint, ids, starts.astype(np.int64))


def test_surprise_begins_at_the_start_of_a_document(text_checkpoint):
    tokenizer = text_checkpoint.tokenizer
    found = surprise(text_checkpoint, "saß".encode())
    assert [name for name, _ in found] == ["s", "a", "ß"]
    network = text_checkpoint.network()
    ids = torch.from_numpy(np.concatenate([tokenizer.frame(), tokenizer.encode("saß".encode())]).astype(np.int64))
    with torch.no_grad():
        logits, _ = network(ids[None, :-1], network.initial_state(1))
    expected = -torch.log_softmax(logits[0], -1)[range(3), ids[1:]]
    np.testing.assert_allclose([nats for _, nats in found], expected, rtol=1e-5)
    labelled = surprise(text_checkpoint, "saß".encode(), "owls")
    assert len(labelled) == 3
    assert labelled[0][1] != found[0][1]


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Evaluation(1, 1, 1, 1.0, 1.0).tokens = 2
