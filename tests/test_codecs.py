"""The contract of every codec in the registry, with the `golden` that it states, or one of those below."""

import dataclasses
import io
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgen import clock, registry
from seqgen.codecs import Codec, id_type
from seqgen.errors import DataError, SeqgenError
from seqgen.report import Report
from seqgen.settings import parse, text

NAMES = registry.names("codecs")
PROSE = (
    "Déjà vu — said the cat: “naïve, 水!”\n\tÄ second line, and a third.\r\n"
    "/* the end */ int main(void) { return 0; }\n"
)
ACCIDENTS = {
    "empty": b"",
    "one byte": b"\x92",
    "Windows quotes": b"don\x92t \x93quote\x94 me",
    "BOM": b"\xef\xbb\xbfBOM",
    "UTF-16": "é水\r\n".encode("utf-16"),
    "UTF-32": "é水".encode("utf-32"),
    "NUL": b"a\0b\0\0",
    "lone CR": b"one\rtwo\r",
    "CRLF": b"one\r\ntwo\r\n\n\r",
    "NFC": "é Å ﬁ".encode(),
    "NFD": "e\u0301 A\u030a".encode(),
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "cut short": "水".encode()[:-1],
    "overlong": b"\xc0\x80\xe0\x80\xaf",
    "beyond Unicode": b"\xf4\x90\x80\x80\xf5\xff\xfe",
    "space sign": "▁ ▁".encode(),
    "bidirectional": "a\u202eb\u2066".encode(),
    "emoji": "👩‍🚀🏽".encode(),
    "every byte": bytes(range(256)),
}


def tiny_midi() -> bytes:
    """Two instruments and a drum, a tempo change and a pedal."""
    song = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack()
    song.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=400_000))
    track.append(mido.Message("program_change", channel=1, program=40))
    for step, (channel, note) in enumerate([(0, 60), (1, 67), (9, 38), (0, 64), (1, 71), (0, 60)]):
        track.append(mido.Message("control_change", channel=0, control=64, value=127 * (step % 2)))
        track.append(mido.Message("note_on", channel=channel, note=note, velocity=40 + 10 * step, time=24))
        track.append(mido.Message("note_off", channel=channel, note=note, time=48))
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    buffer = io.BytesIO()
    song.save(file=buffer)
    return buffer.getvalue()


SAMPLES = {name: tiny_midi() for name in ("midi", "midi_388", "midi_bar", "midi_grid")}
GOLDEN_TEXT = "né 水\n".encode()
# Of codecs that state none. Ids of GOLDEN_TEXT; of the MIDI sample, the number of ids and their checksum.
GOLDEN: dict[str, Any] = {
    "subword": [260, 295, 258, 300, 256],
    "midi": (32, 3950859813),
    "midi_388": (25, 1646888751),
    "midi_bar": (37, 1073571807),
    "midi_grid": (72, 837119452),
}


@cache
def sample(name: str) -> bytes:
    """A document for a codec: prose, where it takes any text."""
    kind = registry.load("codecs", name)
    if kind.golden is not None and kind.fit([kind.golden.document], kind.Options()).token_bytes() is None:
        return bytes(kind.golden.document)
    return SAMPLES.get(name, PROSE.encode())


@cache
def fitted(name: str) -> Codec:
    kind = registry.load("codecs", name)
    codec = kind.fit([sample(name)], kind.Options())
    assert isinstance(codec, Codec)
    return codec


def is_text(name: str) -> bool:
    """Whether decoding is concatenation: such a codec must take any bytes."""
    return fitted(name).token_bytes() is not None


def _is_text(name: str) -> bool:
    """The same of a codec that may be broken: then its own tests fail, and no others."""
    try:
        return is_text(name)
    except Exception:
        return False


TEXT = [name for name in NAMES if _is_text(name)]


def in_pieces(codec: Codec, data: bytes, size: int) -> list[int]:
    """The ids of a document that arrives `size` bytes at a time and is encoded as far as `boundary` allows."""
    ids: list[int] = []
    rest = b""
    for place in range(0, len(data), size):
        rest += data[place : place + size]
        end = codec.boundary(rest)
        assert 0 <= end <= len(rest)
        ids += codec.encode(rest[:end]).tolist() if end else []
        rest = rest[end:]
    return ids + codec.encode(rest).tolist() if rest else ids


def test_the_text_codecs_are_recognised() -> None:
    assert {"byte", "char", "c_source", "subword"} <= set(TEXT)


def golden_codec(name: str) -> Codec:
    """The codec fitted on the sample, or the one that was kept: sentencepiece may learn otherwise in other versions."""
    kept = Path(__file__).parent / "data" / f"{name}_state.json"
    if not kept.exists():
        return fitted(name)
    kind = registry.load("codecs", name)
    codec = kind.restore(kind.Options(), json.loads(kept.read_text("ascii")))
    assert isinstance(codec, Codec)
    return codec


@pytest.mark.parametrize("name", NAMES)
def test_golden_ids(name: str) -> None:
    stated = registry.load("codecs", name).golden
    if stated is not None:
        kind = registry.load("codecs", name)
        assert tuple(kind.fit([stated.document], kind.Options()).encode(stated.document).tolist()) == stated.ids
        return
    ids = golden_codec(name).encode(SAMPLES.get(name, GOLDEN_TEXT))
    assert name in GOLDEN, f"{name} states no `golden`: a document, and the ids of it, such as {ids.tolist()}"
    found = (len(ids), zlib.crc32(ids.astype("<u4").tobytes())) if name in SAMPLES else ids.tolist()
    assert found == GOLDEN[name]


@pytest.mark.parametrize("name", NAMES)
def test_decoding_returns_the_normalized_document(name: str) -> None:
    codec, data = fitted(name), sample(name)
    ids = codec.encode(data)
    assert ids.dtype == id_type(codec.vocab_size)
    assert ids.ndim == 1
    assert int(ids.max()) < codec.vocab_size
    assert codec.decode(ids) == codec.normalize(data)
    assert codec.normalize(codec.normalize(data)) == codec.normalize(data)


@pytest.mark.parametrize("name", NAMES)
def test_random_ids_decode_and_what_they_decode_to_is_a_document(name: str) -> None:
    codec, rng = fitted(name), np.random.default_rng(0)
    for length in [0, 1, 2, 3, *rng.integers(4, 200, 60)]:
        ids = rng.integers(0, codec.vocab_size, length).astype(id_type(codec.vocab_size))
        data = codec.decode(ids)
        assert isinstance(data, bytes)
        assert codec.decode(codec.encode(data)) == codec.normalize(data)
        assert codec.normalize(codec.normalize(data)) == codec.normalize(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_codec_is_the_same_codec(name: str) -> None:
    codec, kind = fitted(name), registry.load("codecs", name)
    again = kind.restore(codec.options, json.loads(json.dumps(codec.state())))
    assert again.encode(sample(name)).tolist() == codec.encode(sample(name)).tolist()
    assert again.vocab_size == codec.vocab_size
    assert again.vocabulary() == codec.vocabulary()
    assert again.state() == codec.state()
    assert again.options == codec.options


@pytest.mark.parametrize("name", NAMES)
def test_fitting_twice_gives_the_same_codec(name: str) -> None:
    kind = registry.load("codecs", name)
    assert kind.fit(iter([sample(name)]), kind.Options()).state() == fitted(name).state()


@pytest.mark.parametrize("name", NAMES)
def test_options_survive_json_and_the_command_line(name: str) -> None:
    kind = registry.load("codecs", name)
    options = kind.Options()
    values = dataclasses.asdict(options)
    assert parse(kind.Options, json.loads(json.dumps(values))) == options
    assert parse(kind.Options, {key: text(value) for key, value in values.items()}) == options
    bare = [field.name for field in dataclasses.fields(kind.Options) if not field.metadata.get("help")]
    assert bare == [], "each is made with settings.option(default, help)"
    assert kind.Options.__dataclass_params__.frozen


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(SeqgenError, match="no setting is called 'nonsense'"):
        parse(registry.load("codecs", name).Options, {"nonsense": "1"})


@pytest.mark.parametrize("name", NAMES)
def test_every_token_has_a_readable_name_of_its_own(name: str) -> None:
    codec = fitted(name)
    names = codec.vocabulary()
    assert len(names) == len(set(names)) == codec.vocab_size
    assert [each for each in names if not each or not each.isprintable()] == [], "see codecs.byte.byte_name"


@pytest.mark.parametrize("name", NAMES)
def test_suffixes_and_artifact_are_file_name_endings(name: str) -> None:
    kind = registry.load("codecs", name)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in kind.suffixes)
    assert kind.suffix.startswith(".")


@pytest.mark.filterwarnings("ignore::seqgen.extensions.ExtensionWarning")  # of one that is broken its own tests tell
@pytest.mark.parametrize("name", NAMES)
def test_no_other_codec_claims_a_suffix_of_it(name: str) -> None:
    """Or else nobody's files with it would be guessed any more."""
    others = {
        each: other for other, kind in registry.usable("codecs").items() if other != name for each in kind.suffixes
    }
    shared = {suffix: others[suffix] for suffix in registry.load("codecs", name).suffixes if suffix in others}
    assert shared == {}, f"the codec {name} has suffixes of others: leave them out, and choose it by -c {name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_document_in_pieces_has_the_same_ids(name: str) -> None:
    codec, data = fitted(name), sample(name)
    for size in (1, 5, 16, len(data)):
        ids = in_pieces(codec, data, size)
        assert codec.decode(np.array(ids, id_type(codec.vocab_size))) == codec.normalize(data)
        assert ids == codec.encode(data).tolist() or name == "subword"


@pytest.mark.parametrize("name", NAMES)
def test_documents_are_encodable(name: str) -> None:
    codec = fitted(name)
    documents = codec.documents(sample(name))
    assert len(documents) >= 1
    for document in documents:
        assert len(codec.encode(document))


def refusal(codec: Codec, data: bytes, report: Report | None) -> DataError | None:
    """The error with which a codec refuses a document; other errors pass through and fail the test."""
    try:
        codec.encode(data, report)
    except DataError as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_junk_is_taken_or_refused_in_a_sentence(name: str) -> None:
    codec, rng = fitted(name), np.random.default_rng(0)
    for data in [*ACCIDENTS.values(), *(rng.bytes(50) for _ in range(20)), sample(name)[: len(sample(name)) // 2]]:
        for report in (None, Report()):
            error = refusal(codec, data, report)
            assert error is None or (error.message and not is_text(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_grammar_accepts_what_the_codec_encodes(name: str) -> None:
    codec = fitted(name)
    grammar = codec.grammar()
    if grammar is None:
        return
    document = b"int main(void) { return 0; }\n" if is_text(name) else sample(name)
    state = grammar.start()
    for token in codec.encode(document).tolist():
        mask = grammar.allowed(state)
        assert mask.shape == (codec.vocab_size,)
        assert mask.dtype == np.bool_
        assert mask[token], codec.vocabulary()[token]
        state = grammar.step(state, token)
    assert grammar.may_end(state)


@pytest.mark.parametrize("name", NAMES)
def test_a_grammar_never_leads_to_a_dead_end(name: str) -> None:
    grammar, rng = fitted(name).grammar(), np.random.default_rng(0)
    state = grammar.start() if grammar else None
    for _ in range(300 if grammar else 0):
        mask = grammar.allowed(state)
        assert mask.any() or grammar.may_end(state)
        if not mask.any():
            break
        state = grammar.step(state, int(rng.choice(np.flatnonzero(mask))))
        assert hash(state) == hash(state)


@pytest.mark.parametrize("name", NAMES)
def test_a_clock_has_a_row_for_each_token_and_moves(name: str) -> None:
    codec = fitted(name)
    table = codec.clock()
    if table is None:
        return
    assert table.shape == (codec.vocab_size, clock.COLUMNS)
    assert (table >= 0).all()
    assert (table <= clock.MOST).all()
    assert (table[:, clock.BARS] < clock.DOCUMENT).all()  # no document begins within one
    assert table[:, [clock.BARS, clock.ADVANCE]].any()


@pytest.mark.parametrize("name", TEXT)
def test_token_bytes_are_what_decoding_puts_together(name: str) -> None:
    codec, rng = fitted(name), np.random.default_rng(0)
    pieces = codec.token_bytes()
    assert pieces is not None
    assert len(pieces) == codec.vocab_size
    ids = rng.integers(0, codec.vocab_size, 500).astype(id_type(codec.vocab_size))
    assert codec.decode(ids) == b"".join(pieces[id] for id in ids.tolist())


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_text_accidents_come_back_byte_for_byte(name: str, accident: str) -> None:
    codec, data = fitted(name), ACCIDENTS[accident]
    assert codec.decode(codec.encode(data)) == data == codec.normalize(data)
    assert b"".join(codec.documents(data)) == data


@pytest.mark.parametrize("name", TEXT)
def test_an_empty_corpus_still_gives_a_codec_that_takes_everything(name: str) -> None:
    kind = registry.load("codecs", name)
    codec = kind.fit([], kind.Options())
    assert codec.decode(codec.encode(PROSE.encode())) == PROSE.encode()


FRAGMENTS = st.one_of(
    st.sampled_from(list(ACCIDENTS.values())),
    st.text(max_size=12).map(str.encode),
    st.binary(max_size=8),
    st.text("aé水😀 \n\r\t\0▁", max_size=12).map(str.encode),
)


@settings(max_examples=2500, derandomize=True, database=None, deadline=None)
@given(data=st.lists(FRAGMENTS, max_size=4).map(b"".join), cut=st.integers(0, 30))
def test_any_bytes_come_back_whole_or_in_pieces(data: bytes, cut: int) -> None:
    """2,500 documents through each text codec: 10,000 cases and more."""
    for name in TEXT:
        codec = fitted(name)
        end = codec.boundary(data[:cut])
        whole, pieces = codec.encode(data), np.concatenate([codec.encode(data[:end]), codec.encode(data[end:])])
        assert codec.decode(whole) == data
        assert codec.decode(pieces) == data
        assert whole.tolist() == pieces.tolist() or name == "subword"
