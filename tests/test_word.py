"""Words as tokens: where a text is cut, what gets a token of its own, and what becomes of the rest."""

import json

import numpy as np
import pytest

from seqgen import registry, settings
from seqgen.codecs import _counted, _segmenting
from seqgen.codecs._segmenting import count, parts
from seqgen.codecs.word import Word, WordOptions
from seqgen.errors import SettingError

TEXT = "The cat sat; the cat didn't. In 1911 the cat\u2019s café — 3.5 €\n    return x_1\n\n"


def word(text: str | bytes, **options) -> Word:
    data = text.encode() if isinstance(text, str) else text
    return Word.fit([data], WordOptions(**options))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("The cat didn't.", "The| cat| didn't|."),
        ("the cat\u2019s 'own'", "the| cat\u2019s| |'|own|'"),
        ("a  b\n\n    c\t\td", "a|  |b|\n|\n|    |c|\t\t|d"),
        ("In 1911, 3.5 €", "In| 1911|,| 3|.|5| |€"),
        ("x_1", "x|_|1"),
        ("我们 喜欢。", "我|们| |喜|欢|。"),
        ("カタカナ ไทย", "カ|タ|カ|ナ| |ไ|ท|ย"),
        ("한국어 문장", "한국어| 문장"),
        ("می\u200cخواهم نامهٔ", "می\u200cخواهم| نامهٔ"),
        ("हिन्दी में", "हिन्दी| में"),
        ("nai\u0308ve caf\u00e9", "nai\u0308ve| café"),
        ("👩\u200d👧 a", "👩|\u200d|👧| a"),
    ],
)
def test_text_is_cut_where_words_end(text: str, cut: str) -> None:
    assert parts(text, joined=True) == cut.split("|")
    assert "".join(parts(text, joined=False)) == text
    assert not any(part[0] == " " and part.strip() for part in parts(text, joined=False))


def test_frequent_words_have_tokens_and_others_go_by_characters_and_bytes() -> None:
    codec = word("the cat, the cat, the dog é é é ü", min_count=2)
    names = codec.vocabulary()
    assert names[256:] == ["é", " the", " cat", " é"][: len(names) - 256] or names[256:] == ["é", " é", " cat", " the"]
    said = [names[id] for id in codec.encode(" the dog é ü".encode()).tolist()]
    assert said == [" the", " ", "d", "o", "g", " é", " ", "<C3>", "<BC>"]
    for data in (TEXT.encode(), b"\xff\xfe the\xe6\xb0", b"", b"\0\0"):
        assert codec.decode(codec.encode(data)) == data


def test_the_vocabulary_is_bound_and_its_order_is_by_frequency() -> None:
    text = " a1 bb bb bb cc cc cc cc dd dd" * 3 + " 水火木金土" * 4
    codec = word(text, vocab_size=264, min_count=1)
    assert codec.vocab_size == 264
    assert codec.vocabulary()[256:] == ["土", "木", "水", "火", " cc", " bb", " dd", " a"]
    assert word(text, vocab_size=256).vocab_size == 256
    assert len(word(text, min_count=10).vocabulary()) == 256 + 1, "cc twelve times, bb nine"
    with pytest.raises(SettingError, match="vocab_size is 255"):
        WordOptions(vocab_size=255)
    with pytest.raises(SettingError, match="min_count is 0"):
        WordOptions(min_count=0)


def test_spaces_stand_alone_where_that_is_wanted() -> None:
    codec = word("the cat the cat the cat", join_space=False)
    assert codec.vocabulary()[256:] == ["cat", "the"]
    assert codec.encode(b"the cat").tolist() == [257, 32, 256]
    assert settings.parse(WordOptions, {"join_space": "false"}) == WordOptions(join_space=False)


def test_counting_pieces_gives_what_counting_the_whole_gives() -> None:
    data = (TEXT * 20 + "水 caf\u00e9\n" * 5).encode()
    whole = count([[data]], True)
    for size in (700, 2000):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert count([pieces], True) == whole
    assert whole[" cat"] == 40
    assert sum(times for part, times in whole.items() if part == "水") == 5


def test_what_was_seen_once_is_forgotten_where_there_is_too_much(monkeypatch) -> None:
    monkeypatch.setattr(_counted, "MOST", 100)
    documents = [f"often w{index}x\n".encode() for index in range(300)]
    found = count([iter(documents)], True)
    assert found["often"] == 300
    assert len(found) < 300


def test_long_texts_are_encoded_in_pieces_to_the_same_ids(monkeypatch) -> None:
    codec = word(TEXT * 5)
    whole = codec.encode((TEXT * 50).encode())
    monkeypatch.setattr(_segmenting, "PIECE", 90)
    np.testing.assert_array_equal(codec.encode((TEXT * 50).encode()), whole)
    endless = codec.encode(b"ab" * 1000)
    assert codec.decode(endless) == b"ab" * 1000


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"characters": "", "words": "no list"},
        {"characters": "", "words": ["ab", "ab"]},
        {"characters": "", "words": ["a"]},
        {"characters": "", "words": ["x" * 65]},
        {"characters": "", "words": ["a\udc80"]},
        {"characters": "", "words": [1]},
        {"characters": "a", "words": []},
    ],
)
def test_a_damaged_state_is_refused(state) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Word.restore(WordOptions(), state)


def test_a_state_comes_back() -> None:
    codec = word(TEXT * 3)
    again = Word.restore(codec.options, json.loads(json.dumps(codec.state())))
    np.testing.assert_array_equal(again.encode(TEXT.encode()), codec.encode(TEXT.encode()))
    assert again.vocabulary() == codec.vocabulary()
    assert registry.load("codecs", "word") is Word
