"""Tokenizers: a codec with document and label tokens."""

import json
from typing import Any

import numpy as np
import pytest

from seqgen import clock
from seqgen.codecs import Grammar
from seqgen.codecs.byte import Byte
from seqgen.errors import SettingError, StreamError
from seqgen.framing import FramedGrammar
from seqgen.registry import load
from seqgen.tokenizer import Tokenizer

BYTES = Tokenizer(Byte(), "byte", ("bach", "haydn"))


def char(text: bytes, *labels: str) -> Tokenizer:
    kind = load("codecs", "char")
    return Tokenizer(kind.fit([text], kind.Options()), "char", labels)


class Pairs:
    """A grammar over four ids: 0 opens, 1 closes, 2 is anything, 3 never; states are depths."""

    def start(self) -> int:
        return 0

    def step(self, state: int, token: int) -> int:
        return state + (token == 0) - (token == 1)

    def allowed(self, state: int) -> np.ndarray:
        return np.array([True, state > 0, True, False])

    def may_end(self, state: int) -> bool:
        return state == 0


class Bracketed(Byte):
    """Bytes with a grammar, four ids only."""

    @property
    def vocab_size(self) -> int:
        return 4

    def grammar(self) -> Grammar:
        return Pairs()


def test_ids_of_framing_lie_above_the_codec() -> None:
    assert BYTES.document_id == 256
    assert BYTES.vocab_size == 259
    assert [BYTES.label_id("bach"), BYTES.label_id("haydn")] == [257, 258]
    assert BYTES.frame(None).tolist() == [256]
    assert BYTES.frame("haydn").tolist() == [256, 258]
    assert BYTES.frame(None).dtype == np.uint16


def test_an_unknown_label_names_the_nearest() -> None:
    with pytest.raises(
        SettingError, match=r"no label is called 'hayden'\nHint: did you mean 'haydn'\? there are: bach"
    ):
        BYTES.label_id("hayden")
    with pytest.raises(SettingError, match="this corpus has no labels"):
        Tokenizer(Byte(), "byte").frame("bach")


def test_framing_falls_away_when_decoding() -> None:
    ids = [*BYTES.frame("bach"), *BYTES.encode(b"ab"), 256, *BYTES.encode(b"\xff"), 258]
    assert BYTES.decode(np.array(ids)) == b"ab\xff"
    assert BYTES.decode(np.array([], np.uint16)) == b""
    assert BYTES.decode(np.array([256, 257])) == b""


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.int32, np.int64])
def test_random_ids_decode_without_raising(dtype: Any) -> None:
    tokenizer = char("Straße, 楽譜".encode(), "x")
    ids = np.random.default_rng(1).integers(0, tokenizer.vocab_size, 5000).astype(dtype)
    assert isinstance(tokenizer.decode(ids), bytes)


def test_encoding_is_the_codecs_own_and_decodes_back() -> None:
    tokenizer = char(b"abc")
    data = "cab\r\n never seen: é 楽 \udcff".encode("utf-8", "surrogatepass") + b"\xff\x00"
    ids = tokenizer.encode(data)
    assert ids.max() < tokenizer.document_id
    assert ids.dtype == np.uint16
    assert tokenizer.decode(ids) == data


def test_vocabulary_and_bytes_cover_every_id() -> None:
    names, parts = BYTES.vocabulary(), BYTES.token_bytes()
    assert parts is not None
    assert len(names) == len(parts) == BYTES.vocab_size
    assert names[256:] == ["<document>", "<label bach>", "<label haydn>"]
    assert parts[255:] == [b"\xff", b"", b"", b""]


def test_a_codec_whose_tokens_are_no_bytes_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Byte, "token_bytes", lambda self: None)
    assert BYTES.token_bytes() is None


def test_a_spec_is_json_and_makes_the_same_tokenizer() -> None:
    first = char("naïve — 楽".encode(), "a", "b")
    spec = json.loads(json.dumps(first.spec()))
    second = Tokenizer.from_spec(spec)
    assert second.spec() == first.spec()
    assert second.labels == ("a", "b")
    data = "naïve 楽譜".encode()
    assert second.encode(data).tolist() == first.encode(data).tolist()


BAD = [None, 7, "x", [], {"x": 1}, [None], {"characters": 3}]


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key in ("name", "options", "state", "labels") for value in BAD if (key, value) != ("labels", [])],
)
def test_a_damaged_spec_is_one_sentence(key: str, value: Any) -> None:
    spec = char("é".encode()).spec()
    with pytest.raises(StreamError, match=r"the stored codec (is damaged|does not fit this version)"):
        Tokenizer.from_spec(spec | {key: value})
    del spec[key]
    with pytest.raises(StreamError, match="the stored codec is damaged"):
        Tokenizer.from_spec(spec)


def test_an_unknown_codec_is_named() -> None:
    spec = BYTES.spec() | {"name": "runes"}
    with pytest.raises(StreamError, match="no codec is called 'runes'"):
        Tokenizer.from_spec(spec)


def test_no_grammar_stays_none() -> None:
    assert BYTES.grammar() is None


def test_the_grammar_knows_documents_and_labels() -> None:
    grammar = Tokenizer(Bracketed(), "byte", ("l",)).grammar()
    assert isinstance(grammar, FramedGrammar)
    fresh = grammar.start()
    assert grammar.allowed(fresh).tolist() == [True, False, True, False, False, True]
    opened = grammar.step(grammar.step(fresh, 4), 0)
    assert grammar.allowed(opened).tolist() == [True, True, True, False, False, False]
    assert not grammar.may_end(opened)
    closed = grammar.step(opened, 1)
    assert grammar.allowed(closed).tolist() == [True, False, True, False, True, False]
    assert grammar.may_end(closed)


def test_the_document_token_restarts_the_grammar() -> None:
    grammar = Tokenizer(Bracketed(), "byte", ("l",)).grammar()
    assert grammar is not None
    deep = grammar.step(grammar.step(grammar.start(), 0), 0)
    assert grammar.step(deep, 4) == grammar.start()
    labelled = grammar.step(grammar.start(), 5)
    assert grammar.allowed(labelled).tolist() == [True, False, True, False, False, False]
    assert grammar.step(deep, 5)[1] == deep[1]


def test_a_document_begins_the_clock_anew_whatever_the_codec_knows(monkeypatch):
    assert BYTES.clock().shape == (259, clock.COLUMNS)
    assert BYTES.clock()[10, clock.BARS] == 1
    assert BYTES.clock()[BYTES.document_id, clock.BARS] == clock.DOCUMENT
    monkeypatch.setattr(Byte, "clock", lambda self: None)
    assert np.flatnonzero(BYTES.clock().any(axis=1)).tolist() == [BYTES.document_id]
