"""The `char` codec: bytes are their own ids, characters follow, nothing is lost."""

import random

import numpy as np
import pytest

from seqgen.codecs._characters import BLOCK, Characters, blocks, boundary, learn, utf8
from seqgen.codecs.char import Char, CharOptions
from seqgen.errors import SettingError


def fitted(text: str, **options: int) -> Char:
    return Char.fit([text.encode()], CharOptions(**options))


def test_ascii_text_is_its_own_ids() -> None:
    codec = fitted("To be, or not\n")
    assert codec.vocab_size == 256
    assert codec.encode(b"To\n\0").tolist() == [84, 111, 10, 0]
    assert codec.encode(b"To").dtype == np.uint16


def test_characters_are_numbered_by_code_point_whatever_their_order() -> None:
    codec = fitted("ü€é😀é")
    assert codec.vocab_size == 260
    assert codec.encode("aéü€😀".encode()).tolist() == [97, 256, 257, 258, 259]
    assert codec.vocabulary()[256:] == ["é", "ü", "€", "😀"]
    assert codec.state() == {"characters": "éü€😀"}


def test_an_unseen_character_is_told_by_its_bytes() -> None:
    codec = fitted("é")
    assert codec.encode("aé水😀b".encode()).tolist() == [97, 256, *"水😀".encode(), 98]


def test_what_is_not_utf_8_is_told_by_its_bytes() -> None:
    codec = fitted("é")
    for data in (b"\x92", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80", b"\xc0\x80", b"\xff\xfe", b"\xf0\x9f\x98"):
        assert codec.encode(data).tolist() == list(data)
        assert codec.decode(codec.encode(data)) == data


def test_rare_characters_get_no_id() -> None:
    assert fitted("ééüü€", min_count=2).state() == {"characters": "éü"}


def test_the_cap_keeps_the_most_frequent_and_of_equals_the_first() -> None:
    assert fitted("水水éüœ水ü", max_characters=2).state() == {"characters": "ü水"}
    assert fitted("œéü", max_characters=2).state() == {"characters": "éü"}
    assert fitted("œéü", max_characters=0).vocab_size == 256


def test_fitting_does_not_depend_on_where_pieces_are_cut() -> None:
    data = "né 水 — naïve 😀 ".encode() + b"\x92\xe6"
    whole = learn([[data]], 1, 99)
    assert whole == "éï—水😀"
    for size in (1, 2, 3, 7):
        assert learn([[data[at : at + size] for at in range(0, len(data), size)]], 1, 99) == whole


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="min_count is 0, expected at least 1"):
        CharOptions(min_count=0)
    with pytest.raises(SettingError, match="max_characters is 65280"):
        CharOptions(max_characters=65_280)


@pytest.mark.parametrize("characters", ["ba", "a", "éé", "üé", "\ud800", "".join(map(chr, range(0x10000, 0x1FF00)))])
def test_a_damaged_state_is_refused(characters: str) -> None:
    with pytest.raises(ValueError, match="ascending"):
        Char.restore(CharOptions(), {"characters": characters})


def test_a_state_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match="must be text"):
        Char.restore(CharOptions(), {"characters": ["é"]})
    with pytest.raises(KeyError):
        Char.restore(CharOptions(), {})


def test_boundary_never_cuts_a_character() -> None:
    for char in "aé水😀":
        data = b"xyz" + char.encode()
        assert boundary(data) == len(data)
        for cut in range(1, len(char.encode())):
            assert boundary(data[:-cut]) == 3
    assert boundary(b"") == 0


def test_boundary_does_not_wait_for_junk() -> None:
    for junk in (b"\x80" * 9, b"\xff", b"\xc0", b"\xf5\x80", b"\xe6\xff", b"\xf0\x80"):
        assert boundary(b"ab" + junk) == 2 + len(junk)
    rng = random.Random(1)
    for _ in range(300):
        data = rng.randbytes(rng.randrange(12))
        assert len(data) - 3 <= boundary(data) <= len(data)


def test_blocks_cut_no_character_and_lose_nothing() -> None:
    data = "a水😀é".encode() * 50
    for size in range(4, 30):
        parts = list(blocks(data, size))
        assert b"".join(parts) == data
        assert all(part.decode() and len(part) <= size for part in parts)


def test_text_longer_than_a_block_has_the_same_ids_as_its_characters() -> None:
    text = "aé水" * (BLOCK // 4)
    codec = fitted("é")
    expected = [id for char in text for id in ([256] if char == "é" else char.encode())]
    ids = codec.encode(text.encode())
    assert ids.tolist() == expected
    assert codec.decode(ids) == text.encode()


def test_decoding_keeps_nuls_at_the_end() -> None:
    codec = fitted("é")
    assert codec.decode(np.array([256, 0, 0])) == "é\0\0".encode()


def test_utf_8_bytes_match_the_standard_library() -> None:
    points = [0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]
    rows, lengths = utf8(points)
    assert [bytes(row[:length]) for row, length in zip(rows, lengths)] == [chr(point).encode() for point in points]


def test_names_are_readable_and_distinct() -> None:
    names = fitted("é\u0085\ufeff\u202e").vocabulary()
    assert names[10] == "<0A>"
    assert names[65] == "A"
    assert names[256:] == ["<U+0085>", "é", "<U+202E>", "<U+FEFF>"]
    assert len(set(names)) == 260


def test_token_bytes_spell_every_id() -> None:
    codec = fitted("é水")
    spelled = codec.token_bytes()
    assert [codec.decode(np.array([id])) for id in range(codec.vocab_size)] == spelled


def test_every_code_point_fits_or_falls_back() -> None:
    characters = Characters("".join(chr(point) for point in range(0x80, 0xD800)))
    data = "".join(chr(point) for point in range(0xE000) if not 0xD800 <= point < 0xE000).encode()
    assert characters.decode(characters.encode(data)) == data
    assert len(characters.encode(data)) == 0xD800
