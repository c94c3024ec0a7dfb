"""A grown vocabulary: what was known stays as it was, what is new gets rows that fit in."""

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.char import Char, CharOptions
from seqgen.errors import CheckpointError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenizer import Tokenizer
from seqgen.training.growing import count_tokens, grow, places

OLD = Tokenizer(Char("éü", CharOptions()), "char", ("plays",))
NEW = Tokenizer(Char("éüŝ→", CharOptions()), "char", ("plays", "poems"))


def weights(settings, tokenizer=OLD, seed=0):
    generator = np.random.default_rng(seed)
    shapes = weight_shapes(registry.load("cells", "lstm")(), settings, tokenizer.vocab_size)
    return {name: generator.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def logits(settings, tokenizer, values, data):
    network = Checkpoint("lstm", registry.load("cells", "lstm")(), settings, tokenizer, values).network()
    ids = torch.from_numpy(np.concatenate([tokenizer.frame("plays"), tokenizer.encode(data)]).astype(np.int64))
    with torch.no_grad():
        return network(ids[None], network.initial_state(1))[0][0].numpy()


SHAPES = [{"tied": True}, {"tied": False}, {"tied": True, "embedding": 5}]


@pytest.mark.parametrize("shape", SHAPES + [{"memory": memory} for memory in registry.own("memories")])
def test_known_tokens_keep_their_logits(shape):
    settings = ModelSettings(hidden=12, layers=2, **shape)
    old = weights(settings)
    place = places(OLD.vocabulary(), NEW.vocabulary())
    counts = np.bincount(NEW.encode("ŝi éü →→".encode()), minlength=NEW.vocab_size)
    new = grow(old, place, counts, 1)
    before = logits(settings, OLD, old, "ab é ü".encode())
    after = logits(settings, NEW, new, "ab é ü".encode())
    assert after.shape == (len(before), NEW.vocab_size)
    np.testing.assert_allclose(after[:, place], before, atol=1e-6)


def test_document_and_label_tokens_move_with_their_rows():
    place = places(OLD.vocabulary(), NEW.vocabulary())
    assert place[:258].tolist() == list(range(258))
    assert place[OLD.document_id] == NEW.document_id == 260
    assert place[OLD.label_id("plays")] == NEW.label_id("plays")
    assert NEW.label_id("poems") not in place


def test_new_rows_are_near_the_known_ones_in_use():
    settings = ModelSettings(hidden=16)
    old = weights(settings)
    old["embedding.weight"][ord("a")] = 3.0
    old["embedding.weight"][ord("b")] = 5.0
    counts = np.zeros(NEW.vocab_size, np.int64)
    counts[[ord("a"), ord("b"), NEW.encode("ŝ".encode())[0]]] = 10
    new = grow(old, places(OLD.vocabulary(), NEW.vocabulary()), counts, 1)
    row = new["embedding.weight"][NEW.encode("ŝ".encode())[0]]
    assert abs(row.mean() - 4.0) < 0.5
    assert row.std() > 0  # new tokens can part


def test_a_new_bias_follows_the_frequency():
    settings = ModelSettings(hidden=16)
    old = weights(settings)
    counts = np.zeros(NEW.vocab_size, np.int64)
    a, rare, common = ord("a"), *NEW.encode("ŝ→".encode()).tolist()
    counts[[a, rare, common]] = 100, 1, 100
    bias = grow(old, places(OLD.vocabulary(), NEW.vocabulary()), counts, 1)["output.bias"]
    assert bias[common] == pytest.approx(bias[a], abs=0.2)
    assert bias[common] - bias[rare] == pytest.approx(np.log(100.1 / 1.1), abs=1e-4)


def test_nothing_new_changes_nothing():
    old = weights(ModelSettings(hidden=8))
    same = grow(old, places(OLD.vocabulary(), OLD.vocabulary()), np.ones(OLD.vocab_size), 1)
    assert same.keys() == old.keys()
    assert all(same[name] is old[name] for name in old)


def test_a_corpus_that_uses_no_known_token_still_works():
    counts = np.zeros(NEW.vocab_size, np.int64)
    counts[NEW.encode("ŝ".encode())] = 5
    new = grow(weights(ModelSettings(hidden=8)), places(OLD.vocabulary(), NEW.vocabulary()), counts, 1)
    assert all(np.isfinite(weight).all() for weight in new.values())


def test_a_smaller_vocabulary_is_refused():
    with pytest.raises(CheckpointError, match="another vocabulary than the checkpoint \\(it lacks 3 tokens\\)"):
        places(NEW.vocabulary(), OLD.vocabulary())


def test_counts_of_a_long_stream_come_from_all_over():
    ids = np.repeat(np.arange(10, dtype=np.uint16), 1000)
    assert count_tokens(ids, 12).tolist() == [1000] * 10 + [0, 0]
    few = count_tokens(ids, 12, 640)
    assert 600 <= few.sum() <= 700
    assert (few[:10] > 0).all()


@pytest.mark.parametrize("name", ["char", "c_source"])
def test_codecs_of_characters_grow(name):
    kind = registry.load("codecs", name)
    old = kind.fit(["é ü".encode()], kind.Options())
    assert old.grow(["plain é".encode()]) is old
    new = old.grow(["ŝ".encode()[:1], "ŝ".encode()[1:] + "é→".encode()])  # a character cut by the end of a piece
    assert new.state()["characters"] == "éüŝ→"
    text = "é ü ŝ → ж".encode()
    assert new.decode(new.encode(text)) == text
    assert new.options == old.options


def test_growth_heeds_the_settings():
    codec = Char("é", CharOptions(min_count=2, max_characters=2))
    assert codec.grow(["üü ŝŝŝ ж".encode()]).state()["characters"] == "éŝ"


@pytest.mark.parametrize("name", ["byte", "subword", "midi"])
def test_closed_codecs_stay_themselves_and_read_nothing(name):
    def never():
        raise AssertionError("it was read")
        yield b""

    kind = registry.load("codecs", name)
    codec = kind.fit([b"a few words, a few words, and some more of them"], kind.Options())
    assert codec.grow(never()) is codec
