"""The `subword` codec: learned pieces, exact bytes, small corpora and damaged models."""

import base64
import dataclasses
import random
import zlib

import numpy as np
import pytest

from seqgen.codecs import Ids, _subword_file
from seqgen.codecs._subword_model import LINE, sample, train
from seqgen.codecs.subword import Subword, SubwordOptions
from seqgen.errors import SettingError

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "then",
    "that",
    "other",
    "cats",
    "do",
    "when",
    "mats",
    "are",
    "warm",
]


def corpus(lines: int = 400) -> bytes:
    rng = random.Random(0)
    return b"".join(" ".join(rng.choices(WORDS, k=9)).capitalize().encode() + b".\n" for _ in range(lines))


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def codec(request: pytest.FixtureRequest) -> Subword:
    return Subword.fit([corpus()], SubwordOptions(model_type=request.param, vocab_size=320))


def spelled(codec: Subword, ids: Ids) -> list[bytes]:
    pieces = codec.token_bytes()
    return [pieces[id] for id in ids.tolist()]


def test_words_become_pieces(codec: Subword) -> None:
    ids = codec.encode(b"the cat sat")
    assert len(ids) <= 5
    assert b"".join(spelled(codec, ids)) == b"the cat sat"
    assert b" cat" in codec.token_bytes()
    assert codec.decode(ids) == b"the cat sat"


def test_the_vocabulary_has_the_size_asked_for_where_the_corpus_allows(codec: Subword) -> None:
    assert codec.vocab_size <= 320
    assert codec.vocab_size >= 300
    assert len(codec.vocabulary()) == len(codec.token_bytes()) == len(set(codec.vocabulary())) == codec.vocab_size
    assert codec.token_bytes()[:256] == [bytes([value]) for value in range(256)]


@pytest.mark.parametrize(
    "data",
    [
        b"\xe2\x96\x81 and a space",
        "\u2585 \u2047 <unk> <0x41> ▁▁".encode(),
        b"a\0b\0",
        b"\x92quoted\x93 words",
        b"\xef\xbb\xbfBOM",
        "UTF-16: é\r\n".encode("utf-16"),
        b"lone\rCR\r\n\n\n CRLF \t tab\t\n   ",
        "e\u0301 and é, 水 and 😀".encode(),
        b"\xed\xa0\x80",
        b"  leading, double  and trailing  ",
        b"x" * (3 * LINE + 1),
        b"",
    ],
)
def test_awkward_text_comes_back(codec: Subword, data: bytes) -> None:
    assert codec.decode(codec.encode(data)) == data


def test_one_awkward_byte_does_not_cost_the_whole_line_its_pieces(codec: Subword) -> None:
    ids = codec.encode(b"the cat \x92 sat on the mat")
    assert 0x92 in ids.tolist()
    assert len(ids) < 18


@pytest.mark.parametrize("data", [b"", b"\n\t\n", b"\x92\xff", b"a", b" ", b"\0", "水火".encode(), b"\t\tx\n"])
def test_a_tiny_corpus_gives_a_small_vocabulary(data: bytes) -> None:
    for model_type in ("unigram", "bpe"):
        codec = Subword.fit([data] if data else [], SubwordOptions(model_type=model_type))
        assert 256 <= codec.vocab_size < 270
        assert codec.decode(codec.encode(data + b"other")) == data + b"other"


def test_more_characters_than_the_vocabulary_holds() -> None:
    data = "".join(chr(point) for point in range(0x4E00, 0x5600)).encode()
    codec = Subword.fit([data], SubwordOptions(vocab_size=300))
    assert codec.vocab_size <= 300
    assert codec.decode(codec.encode(data)) == data


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_training_is_deterministic_and_quiet(model_type: str, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = (train([corpus()], model_type, 320) for _ in range(2))
    assert first == second
    assert capfd.readouterr() == ("", "")


def test_the_sample_is_bounded_and_spread_over_the_corpus() -> None:
    pieces = [bytes([65 + index]) * 1000 for index in range(26)]
    kept = sample(iter(pieces), limit=5000)
    assert len(kept) <= 5010
    assert {b"A"[0], b"Y"[0]} <= set(kept)
    assert sample(iter(pieces), limit=1 << 20) == b"\n".join(pieces)


def test_boundary_is_the_end_of_a_line_or_word(codec: Subword) -> None:
    assert codec.boundary(b"one\ntwo\nthr") == 8
    assert codec.boundary(b"one two thr") == 7
    assert codec.boundary("één水".encode()[:-1]) == 5
    assert codec.boundary(b" word") == 5
    assert codec.boundary(b"") == 0


def test_lines_do_not_depend_on_each_other(codec: Subword) -> None:
    text = corpus(3)
    lines = [codec.encode(line) for line in text.splitlines(keepends=True)]
    assert codec.encode(text).tolist() == np.concatenate(lines).tolist()


def test_a_damaged_model_is_refused() -> None:
    state = Subword.fit([b"some words"], SubwordOptions()).state()
    model = base64.b64decode(state["model"])
    for damaged in (model[:50], model[:-1], b"\x80\x04." + model, b"nonsense"):
        with pytest.raises(ValueError, match="subword model"):
            Subword.restore(SubwordOptions(), {**state, "model": base64.b64encode(damaged).decode()})
    with pytest.raises(ValueError, match="damaged"):
        Subword.restore(SubwordOptions(), {**state, "model": "not base64!"})
    with pytest.raises(TypeError):
        Subword.restore(SubwordOptions(), {**state, "model": None})
    with pytest.raises(KeyError):
        Subword.restore(SubwordOptions(), {"model": state["model"]})


def test_bytes_that_are_no_model_are_refused() -> None:
    for model in (b"nonsense", b"\0"):
        with pytest.raises(ValueError, match="subword model"):
            Subword(model, SubwordOptions())


def test_mutated_models_never_crash_nor_lose_bytes() -> None:
    model = base64.b64decode(Subword.fit([corpus(30)], SubwordOptions(vocab_size=300)).state()["model"])
    rng = random.Random(0)
    text = "the cat ▁ 水\n".encode()
    survived = 0
    for _ in range(400):
        mutant = bytearray(model)
        mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        try:
            codec = Subword(bytes(mutant), SubwordOptions())
        except ValueError:
            continue
        assert codec.decode(codec.encode(text)) == text
        survived += 1
    assert survived < 400


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="vocab_size is 256, expected 300 to 65535"):
        SubwordOptions(vocab_size=256)
    with pytest.raises(SettingError, match="model_type is word, expected unigram or bpe"):
        SubwordOptions(model_type="word")


def forged(model: bytes) -> dict[str, bytes]:
    """Models with what seqgen never writes, each by what it is."""
    pieces, algorithm = _subword_file.parts(model)
    last, fixed = pieces[-1], len(_subword_file.CONTROL)

    def changed(**changes: object) -> bytes:
        return _subword_file.write([*pieces[:-1], dataclasses.replace(last, **changes)], algorithm)

    mapped = b"\x1a\x1e\x0a\x08identity\x12\x0e" + b"\xff" * 14 + b"\x18\0 \0"
    return {
        "charsmap": model.replace(_subword_file.NORMALIZING, mapped),
        "denormalizer": model + b"*\x06\x12\x04\xff\xff\xff\x7f",
        "self-test": model + b'"\x06\x0a\x04\x0a\x00\x12\x00',
        "unknown field": model + b"\xa0\x06\x01",
        "second training": model + b"\x12\x02\x18\x02",
        "word model": _subword_file.write(pieces, 3),
        "group": model + b"\x0b\x0c",
        "huge length": b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + model,
        "endless number": b"\xff" * 20,
        "infinite": changed(score=float("inf")),
        "not a number": changed(score=float("nan")),
        "control kind": changed(kind=3),
        "unused kind": changed(kind=5),
        "empty": changed(text=b""),
        "long": changed(text=b"x" * 17),
        "no UTF-8": changed(text=b"\xed\xa0\x80"),
        "twice": changed(text=pieces[-2].text),
        "a byte again": changed(text=b"<0x41>"),
        "no bytes": _subword_file.write(pieces[fixed:], algorithm),
        "other order": _subword_file.write([*pieces[3:], *pieces[:3]], algorithm),
        "too large": model * (_subword_file.MAX_BYTES // len(model) + 1),
    }


def test_a_model_with_what_seqgen_never_writes_is_refused_before_the_library_sees_it(codec, monkeypatch) -> None:
    model = base64.b64decode(codec.state()["model"])
    assert _subword_file.write(*_subword_file.parts(model)) == model
    monkeypatch.setattr("sentencepiece.SentencePieceProcessor", None)
    for name, data in forged(model).items():
        state = {"model": base64.b64encode(data).decode(), "crc32": zlib.crc32(data)}
        with pytest.raises(ValueError, match="the subword model") as refused:
            Subword.restore(codec.options, state)
        assert "\n" not in str(refused.value), name


def test_what_another_version_of_the_library_adds_is_left_out(codec) -> None:
    model = base64.b64decode(codec.state()["model"])
    assert _subword_file.write(*_subword_file.parts(model + b"\xa0\x06\x01")) == model
