"""Text is UTF-8 where its corpus was, whatever codec, engine, rule, length and temperature; no stranger is drawn."""

from typing import Any

import numpy as np
import pytest
from test_api import SHAPE

from seqgen import registry
from seqgen.api.mixture import Voice, mix
from seqgen.api.model import Model
from seqgen.api.sampling import Sampling
from seqgen.api.selecting import beam_steps, best_steps
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run as command
from seqgen.codecs import Codec
from seqgen.codecs._utf8 import CUT, ILL_FORMED, KNOWN, PLACES, WELL_FORMED, spelling, transitions
from seqgen.codecs.byte import Byte
from seqgen.codecs.c_source import CSource, CSourceOptions
from seqgen.generation.loop import collect
from seqgen.models import weight_shapes
from seqgen.seen import Seen
from seqgen.tokenizer import Tokenizer
from seqgen.training import survey
from seqgen.training.data import Spans

rng = np.random.default_rng(7)
CHINESE = "".join(chr(0x4E00 + min(int(abs(rng.normal(0, 900))), 20_000)) + "，。\n"[i % 3] for i in range(4_000))
PERSIAN = "زندگی\u200cنامهٔ یک شاعر پیر، «باران» آمد.\n" * 40
EMOJI = "👩\u200d👧 🎼🎻 ok 🏳️\u200d🌈 日本 café\n" * 40  # \u200d joins
SMALL = ("The café on Łódź street — naïve, 5 €.\n" * 60)[:2000]
TEXTS = {
    "chinese": CHINESE,
    "persian": PERSIAN,
    "emoji": EMOJI,
    "small": SMALL,
    "ascii": "Plain words, no more.\n" * 50,
}
FEW = {
    "char": {"max_characters": 5},
    "c_source": {"max_characters": 5},
    "subword": {"vocab_size": 300},
    "word": {"vocab_size": 300},
}
CODECS = [name for name in registry.names("codecs") if not name.startswith("midi")]
ENGINES = ["numpy", "torch", "cuda"]
RULES = [(name, value) for name in registry.names("rules") for value in registry.load("rules", name).contract.values]


def fitted(name: str, text: str) -> Codec:
    kind = registry.load("codecs", name)
    return kind.fit([text.encode()], kind.Options(**FEW.get(name, {})))


def model(name: str, text: str, engine: str = "numpy", known: bool = True, codec: Codec | None = None) -> Model:
    """An untrained model, which likes everything that it has seen alike."""
    codec = codec or fitted(name, text)
    tokenizer, noise = Tokenizer(codec, name), np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {key: (0.1 * noise.standard_normal(shape)).astype(np.float32) for key, shape in shapes.items()}
    ids = np.append(tokenizer.frame(), codec.encode(text.encode()))
    counts = np.bincount(ids, minlength=tokenizer.vocab_size).astype(np.int64)
    seen = Seen(counts, codec.bounds(ids) if known else {})
    return Model(Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, seen=seen), engine=engine, device="cpu")


def samples(run: Model, count: int = 12, prompt: bytes = b"", **how: Any) -> list[bytes]:
    sampler = run.sampler(
        Sampling(**{"seed": 3, "temperature": 1.5, "length": 60, **how}), [run.prompt(prompt)] * count
    )
    return [sampler.data(index, np.array(each.ids)) for index, each in enumerate(collect(sampler.steps(), count))]


def test_the_tables_are_those_of_the_standard() -> None:
    """Against Python's own decoder: bytes begin a text that some more bytes complete, or no text."""
    table = transitions([bytes([value]) for value in range(256)])

    def begins(data: bytes) -> bool:
        more = (b"", b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xa0\x80", b"\x90\x80\x80")
        return any("\ufffd" not in (data + rest).decode("utf-8", "replace") for rest in more)

    for first in range(256):
        place = table[0, first]
        assert (place >= 0) == begins(bytes([first]))
        for second in range(256) if place > 0 else ():
            after = table[place, second]
            assert (after >= 0) == begins(bytes([first, second])), (first, second)
            for third in (0x00, 0x7F, 0x80, 0x8F, 0x90, 0xBF, 0xC2, 0xFF) if after > 0 else ():
                last = table[after, third]
                assert (last >= 0) == begins(bytes([first, second, third]))
                assert last <= 0 or [table[last, byte] == 0 for byte in (0x7F, 0x80, 0xBF, 0xC0)] == [0, 1, 1, 0]
    for wrong in (b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5"):
        place = 0
        for value in wrong:
            place = table[place, value] if place >= 0 else -1
        assert place == -1, wrong


def test_pieces_of_several_bytes_and_of_none_go_their_way() -> None:
    table = transitions([b"a", "水a".encode(), b"\xe6\xb0", b"\xb4", b"\xb4\xe6", b"", b"\xb4\xb4"])
    assert table[0].tolist() == [0, 0, 1, -1, -1, 0, -1]
    assert table[1].tolist() == [-1, -1, -1, 0, 2, 1, -1]
    assert table[:, 5].tolist() == list(range(PLACES))


def test_no_character_is_begun_that_only_strangers_could_finish() -> None:
    seen = np.zeros(256, np.bool_)
    seen[[0x61, 0xE6, 0xC3, 0xA9]] = True  # E6 needs two more, of which A9 is one: it can be both
    table = transitions([bytes([value]) for value in range(256)])
    assert np.flatnonzero(spelling(table, seen).allowed[0] & seen).tolist() == [0x61, 0xC3, 0xE6]
    seen[0xA9] = False
    found = spelling(table, seen)
    assert np.flatnonzero(found.allowed[0] & seen).tolist() == [0x61]
    assert np.flatnonzero(found.allowed[1]).tolist() == list(range(0x80, 0xC0)), "a prompt's character is finished"
    assert found.after[1, 0x61] == 0
    assert found.after[1, 0xE6] == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"plain", WELL_FORMED),
        ("水 é 🎼".encode(), WELL_FORMED),
        ("水".encode()[1:] + b" a " + "水".encode()[:2], WELL_FORMED),
        (b"caf\xe9 and", ILL_FORMED),
        (b"\x80\x80\x80\x80", ILL_FORMED),
        (b"a\xed\xa0\x80", ILL_FORMED),
        (b"\xc0\x80", ILL_FORMED),
    ],
)
def test_a_corpus_is_utf8_or_not(data: bytes, kind: int) -> None:
    for name in CODECS:
        codec = fitted(name, "水 é and some words\n")
        ids = np.concatenate([[codec.vocab_size], codec.encode(data), [codec.vocab_size], codec.encode(b"b")])
        assert codec.bounds(ids) == {KNOWN: kind}, name
    assert CUT.sub("", "abc") == "abc"


def test_a_character_cut_between_documents_is_no_fault() -> None:
    tail, head = "水".encode()[:2], "水".encode()[2:]
    ids = np.concatenate([list(tail), [256], list(head), list(b" a"), [256]])
    assert Byte().bounds(ids) == {KNOWN: WELL_FORMED}
    assert Byte().bounds(np.array([*b"a", *tail, *b"a"])) == {KNOWN: ILL_FORMED}


@pytest.mark.parametrize("block", [7, 64, 1 << 22])
def test_a_survey_in_blocks_that_cut_characters_finds_utf8(monkeypatch, block: int) -> None:
    monkeypatch.setattr(survey, "BLOCK", block)
    for data, kind in ((EMOJI.encode(), WELL_FORMED), (EMOJI.encode() + b"\xe9 " + EMOJI.encode(), ILL_FORMED)):
        ids = np.append(256, np.frombuffer(data, np.uint8)).astype(np.uint16)
        spans = Spans(np.array([0]), np.array([len(ids)]))
        assert survey.survey(ids, spans, Tokenizer(Byte(), "byte")).bounds == {KNOWN: kind}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", CODECS)
def test_samples_are_utf8_and_of_what_was_seen(name: str, text: str, engine: str) -> None:
    run = model(name, TEXTS[text], engine)
    known = np.flatnonzero(run.checkpoint.seen.counts)
    for temperature in (0.8, 1.5, 3.0):
        for length in (1, 47, 50):
            sampler = run.sampler(Sampling(length, temperature, length=length), [run.prompt(b"")] * 8)
            for index, made in enumerate(collect(sampler.steps(), 8)):
                sampler.data(index, np.array(made.ids, np.int64)).decode()
                assert np.isin(made.ids, known).all()
                assert made.finished == "end" or length <= len(made.ids) <= length + 3


@pytest.mark.parametrize("text", TEXTS)
def test_every_engine_draws_the_same(text: str) -> None:
    found = [samples(model("byte", TEXTS[text], engine), length=300) for engine in ENGINES]
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) > 8


def test_blocks_of_any_size_finish_the_last_character() -> None:
    expected = samples(model("byte", CHINESE), length=64)
    for size in (1, 3, 16, 64, 65):
        run = model("byte", CHINESE, "cuda")
        run.engine._block = size
        assert samples(run, length=64) == expected, size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("rule", "value"), RULES)
def test_no_rule_lets_a_stranger_or_half_a_character_through(rule: str, value: Any, engine: str) -> None:
    for text in ("emoji", "ascii"):
        run = model("byte", TEXTS[text], engine)
        known = np.flatnonzero(run.checkpoint.seen.counts)
        for temperature in (1.2, 1.5):
            sampler = run.sampler(Sampling(5, temperature, [(rule, value)], length=100), [run.prompt(b"")] * 4)
            for index, made in enumerate(collect(sampler.steps(), 4)):
                sampler.data(index, np.array(made.ids, np.int64)).decode()
                assert np.isin(made.ids, known).all()


def test_a_prompt_in_the_middle_of_a_character_is_gone_on_with(tmp_path, capsysbinary) -> None:
    for engine in ENGINES:
        for data in samples(model("byte", CHINESE, engine), prompt=b"a\xe4\xb8"):
            assert data.startswith(b"a\xe4\xb8")
            data.decode()
    whole = model("char", TEXTS["ascii"], "cuda")  # which has never seen a byte of a character
    assert whole.sampler(Sampling(1), [whole.prompt(b"")]).limits().spelling is None
    assert all(data.decode().startswith("a") for data in samples(whole, prompt=b"a\xf0"))
    (first, *_) = model("byte", CHINESE).tokens(b"a\xe4\xb8", seed=1, length=5)
    assert 0x4E00 <= ord(first.text) < 0x4E40, "what is shown is a whole character"
    model("byte", CHINESE).checkpoint.save(tmp_path / "m")
    call = ["generate", str(tmp_path / "m"), "-l", "50", "--seed", "2", "--no-take"]
    assert command(call) == 0
    assert capsysbinary.readouterr().out.decode()


def test_beams_best_steered_and_mixed_samples_are_utf8() -> None:
    run = model("byte", EMOJI)
    for length in (7, 8, 9, 10):
        sampler = run.sampler(Sampling(2, 1.0, length=length), [run.prompt(b"\xf0")] * 3)
        for steps in (beam_steps(sampler, 6), best_steps(sampler, 3)):
            for index, made in enumerate(collect(steps, 3)):
                sampler.data(index, np.array(made.ids, np.int64)).decode()
                assert made.ids
    other = model("byte", CHINESE)
    mixed = mix([Voice(run, 1, 0), Voice(other, 0, 1)], fade=40)
    for seed in range(10):
        mixed.sample("", seed=seed, length=101, temperature=1.5).bytes.decode()
    stream = run.sampler(Sampling(2, 1.5, length=40), [run.prompt(b"\xf0")]).steered()
    said = b"\xf0"
    while stream.active:
        if len(said) == 20:
            stream.restart(run.prompt("日".encode()[:1]))
            said = "日".encode()[:1]
        ids = stream.step().ids
        said += bytes(ids[ids >= 0].tolist())
    assert len(said.decode()) > 3


def test_c_keeps_utf8_in_strings_and_comments_and_at_its_end() -> None:
    text = "/* 水 é ö */\nint f(void) { return g(\"日本 ünï\", 'a'); } // naïve 🎼\n" * 20
    codec = CSource.fit([text.encode()], CSourceOptions(max_characters=1))
    for engine in ENGINES:
        run = model("c_source", text, engine, codec=codec)
        made = samples(run, length=200, temperature=1.2) + samples(run, length=90, balanced=True, prompt=b"/* \xe6")
        assert any(not data.isascii() for data in made)
        for data in made:
            data.decode()


def test_where_it_is_not_known_or_not_wanted_all_is_as_before() -> None:
    old, new = model("byte", EMOJI, known=False), model("byte", EMOJI)
    sampler = old.sampler(Sampling(1), [old.prompt(b"")])
    assert sampler.limits().spelling is None
    assert samples(old) == samples(new, grammar=False) != samples(new)
    latin = Model(new.checkpoint)
    object.__setattr__(latin.checkpoint, "seen", Seen(new.checkpoint.seen.counts, {KNOWN: ILL_FORMED}))
    assert samples(latin) == samples(old)
    plain, before = model("byte", TEXTS["ascii"]), model("byte", TEXTS["ascii"], known=False)
    assert plain.sampler(Sampling(1), [plain.prompt(b"")]).limits().spelling is None, "nothing to pay for in ASCII"
    assert samples(plain) == samples(before)
    for data in samples(plain, unseen=True, length=200):
        data.decode()
    own = model(
        "char",
        SMALL,
        codec=registry.load("codecs", "char").fit([SMALL.encode()], registry.load("codecs", "char").Options()),
    )
    assert own.sampler(Sampling(1), [own.prompt(b"")]).limits().spelling is None, "all characters have tokens"
