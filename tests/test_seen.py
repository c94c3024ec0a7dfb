"""No heaps, no strangers: what training saw is counted and kept, and bounds what is drawn."""

import dataclasses

import numpy as np
import pytest
from midi_files import off, on, program, simple
from test_api import SHAPE
from test_midi_performance import busy
from test_training import SMALL, make_run, make_stream

import seqgen
from seqgen import registry
from seqgen.api.mixture import Voice, mix
from seqgen.api.model import Model
from seqgen.api.sampling import Sampling
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import COUNTS, Checkpoint
from seqgen.cli import run as command
from seqgen.codecs.byte import Byte
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi_bar.learned import of_holes
from seqgen.errors import CheckpointError
from seqgen.generation.limits import Constraints, Limits
from seqgen.generation.loop import collect
from seqgen.models import weight_shapes
from seqgen.music import medium
from seqgen.music.bounds import OF_A_PART, TOGETHER, UNKNOWN, Bounds, most_together
from seqgen.music.request import Music
from seqgen.report import Report
from seqgen.seen import Seen, read_seen, together
from seqgen.tokenizer import Tokenizer
from seqgen.training import survey
from seqgen.training.data import Spans
from seqgen.training.run import Inherited

MUSIC = [name for name in registry.names("codecs") if registry.load("codecs", name).medium is medium.MUSIC]
MIDI = Midi(MidiOptions())
TUNE = simple(
    *((at * 120, event) for at in range(60) for event in (on(60 + 5 * (at % 3), 70), on(72 + at % 2, 70))), end=7500
)


def corpus(codec) -> list[np.ndarray]:
    return [codec.encode(data, Report()) for data in (TUNE, *(busy(seed, 150) for seed in range(3)))]


def drawn(grammar, seen, seed, limit=400):
    """Ids from random logits through a grammar, of what was seen alone where that is possible."""
    rng, state, ids = np.random.default_rng(seed), grammar.start(), []
    taste = 2 * rng.normal(size=len(seen))
    while len(ids) < limit:
        mask = grammar.allowed(state)
        if grammar.may_end(state) and (not (mask & seen).any() or rng.random() < 0.3):
            break
        mask = mask & seen if (mask & seen).any() else mask
        assert mask.any()
        ids.append(int(np.where(mask, taste + rng.gumbel(size=len(seen)), -np.inf).argmax()))
        state = grammar.step(state, ids[-1])
    return np.array(ids, np.int64)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", MUSIC)
def test_random_logits_pile_nothing_up_and_draw_no_stranger(name, seed):
    codec = registry.load("codecs", name)(registry.load("codecs", name).Options())
    documents = corpus(codec)[: 1 + seed % 2 * 3]  # a tune with two notes at a time, or everything
    bounds: dict[str, int] = {}
    for ids in documents:
        bounds = {key: max(most, bounds.get(key, 0)) for key, most in codec.bounds(ids).items()}
    seen = codec.drawable(np.bincount(np.concatenate(documents), minlength=codec.vocab_size) > 0)
    ids = drawn(codec.within(bounds, seen), seen, seed)
    assert all(most <= bounds[key] for key, most in codec.bounds(ids).items() if not of_holes(key))
    report = Report()
    score = codec.score(ids, report)
    assert "second note of one pitch at one time" not in report.dropped
    parts = score.part if len(score.part) == len(score) else score.program
    struck = np.stack((score.onset, parts, score.program, score.pitch), axis=1)
    assert len(np.unique(struck, axis=0)) == len(struck) > 0
    if bounds:
        assert bounds[TOGETHER] >= bounds[OF_A_PART] >= 2
        assert seen[ids].all(), [codec.vocabulary()[token] for token in ids[~seen[ids]]]


@pytest.mark.parametrize("name", [name for name in MUSIC if name != "midi_grid"])
def test_what_was_measured_lets_the_corpus_through(name):
    codec = registry.load("codecs", name)(registry.load("codecs", name).Options())
    for ids in corpus(codec):
        grammar = codec.within(codec.bounds(ids), np.bincount(ids, minlength=codec.vocab_size) > 0)
        state = grammar.start()
        for token in ids.tolist():
            assert grammar.allowed(state)[token]
            state = grammar.step(state, token)
        assert grammar.may_end(state)


def test_bounds_are_of_parts_and_of_the_whole():
    timed = [(0, program(9, 1)), *((0, on(60 + note)) for note in range(3)), (0, on(60, channel=1))]
    ids = MIDI.encode(simple(*timed, (0, on(36, channel=9)), (500, on(60)), (900, off(60))))
    assert MIDI.bounds(ids) == {TOGETHER: 5, OF_A_PART: 3}
    framed = np.concatenate([ids, [v.SIZE], ids])
    assert MIDI.bounds(framed) == MIDI.bounds(ids), "documents are apart"
    assert most_together(np.zeros(0, np.int64), np.zeros(0, np.int64)) == {}
    assert Bounds.of({}) == (UNKNOWN, UNKNOWN)
    assert Byte().bounds(np.arange(5, dtype=np.uint16)) == {"utf8": 1}


def test_the_last_onset_may_be_late_so_that_no_notes_pile_up():
    names, grammar = MIDI.vocabulary(), MIDI.grammar()
    state = grammar.start()
    said = "DENSITY_3 REMAIN_1 INST_0 VEL_19 PITCH_60 DUR_250ms SHIFT_900ms PITCH_60 DUR_250ms"
    for name in said.split():
        state = grammar.step(state, names.index(name))
    assert grammar.allowed(state)[v.SHIFT + 24], "250 ms, though 100 ms are left"
    late = grammar.step(state, v.SHIFT + 24)
    assert np.flatnonzero(grammar.allowed(late)).tolist() == [v.REMAIN], "and that is the end"


def test_a_survey_counts_training_documents_block_by_block(monkeypatch):
    tokenizer = Tokenizer(MIDI, "midi")
    documents = [np.concatenate([tokenizer.frame(), ids]) for ids in corpus(MIDI)]
    ids, ends = np.concatenate(documents), np.cumsum([len(each) for each in documents])
    spans = Spans(np.append(0, ends[:-1])[[0, 1, 3]], ends[[0, 1, 3]])  # the third is held out
    whole = survey.survey(ids, spans, tokenizer)
    expected = np.bincount(np.concatenate([documents[at] for at in (0, 1, 3)]), minlength=tokenizer.vocab_size)
    np.testing.assert_array_equal(whole.counts, expected)
    assert whole.bounds == MIDI.bounds(np.concatenate([documents[at] for at in (0, 1, 3)]))
    for block in (1, 100, 700, 2000):
        monkeypatch.setattr(survey, "BLOCK", block)
        parts = survey.survey(ids, spans, tokenizer)
        np.testing.assert_array_equal(parts.counts, whole.counts)
        assert block < 700 or parts.bounds == whole.bounds


def test_a_token_that_augmentation_reaches_was_seen():
    tokenizer = Tokenizer(MIDI, "midi")
    ids = np.concatenate([tokenizer.frame(), MIDI.encode(TUNE)])
    tables = tokenizer.augmentations(2, 0.0, 0)
    plain, moved = (
        survey.survey(ids, Spans(np.array([0]), np.array([len(ids)])), tokenizer, t) for t in (None, tables)
    )
    pitches = [np.flatnonzero(each.counts[v.PITCH : v.DUR]).tolist() for each in (plain, moved)]
    assert pitches == [[60, 65, 70, 72, 73], sorted({p + d for p in pitches[0] for d in range(-2, 3)})]
    np.testing.assert_array_equal(moved.counts[v.SIZE :], plain.counts[v.SIZE :])


def checkpoint(codec, name, seen, labels=()) -> Checkpoint:
    """An untrained model, which likes nothing."""
    tokenizer, rng = Tokenizer(codec, name, labels), np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {key: (0.1 * rng.standard_normal(shape)).astype(np.float32) for key, shape in shapes.items()}
    return Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, seen=seen)


def letters(text: bytes) -> Seen:
    return Seen(np.bincount(np.frombuffer(text, np.uint8), minlength=257).astype(np.int64))


def test_a_checkpoint_keeps_what_was_seen_and_an_old_one_has_nothing(tmp_path, capsys):
    seen = Seen(letters(b"abc").counts, {TOGETHER: 4})
    checkpoint(Byte(), "byte", seen).save(tmp_path / "new")
    found = Checkpoint.load(tmp_path / "new").seen
    np.testing.assert_array_equal(found.counts, seen.counts)
    assert found.bounds == {TOGETHER: 4}
    checkpoint(Byte(), "byte", None).save(tmp_path / "old")
    assert Checkpoint.load(tmp_path / "old").seen is None
    for name, said in (("new", "253 tokens, which are not drawn"), ("old", "")):
        assert command(["inspect", str(tmp_path / name)]) == 0
        shown = capsys.readouterr().out
        assert said in shown
        assert ("never seen" in shown) == ("notes together 4" in shown) == bool(said)


@pytest.mark.parametrize(
    "seen",
    [Seen(np.zeros(256, np.int64)), Seen(np.full(257, -1)), Seen(np.ones(257, np.int64), {"a": 0})],
    ids=["too few", "below nothing", "a bound of nothing"],
)
def test_counts_that_make_no_sense_are_refused(tmp_path, seen):
    checkpoint(Byte(), "byte", seen).save(tmp_path / "odd")
    with pytest.raises(CheckpointError, match="details make no sense"):
        Checkpoint.load(tmp_path / "odd")
    with pytest.raises(ValueError, match=r"counts|bounds"):
        read_seen(seen.counts, seen.bounds, 257)


def test_text_is_drawn_from_what_was_seen_whatever_the_prompt_holds():
    model = Model(checkpoint(Byte(), "byte", letters(b"abc")))
    sample = model.sample("xyz", seed=1, length=300, temperature=2)
    assert set(sample.ids.tolist()) <= set(b"abc")
    assert sample.bytes.startswith(b"xyz")
    free = model.sample("xyz", seed=1, length=300, temperature=2, unseen=True)
    assert len(set(free.ids.tolist())) > 50
    old = Model(checkpoint(Byte(), "byte", None)).sample("xyz", seed=1, length=300, temperature=2)
    np.testing.assert_array_equal(old.ids, free.ids)


def test_a_flag_frees_them(tmp_path, capsysbinary):
    checkpoint(Byte(), "byte", letters(b"abc")).save(tmp_path / "model")
    call = ["generate", str(tmp_path / "model"), "-l", "200", "-t", "2", "--seed", "1", "--no-take"]
    assert command(call) == 0
    assert set(capsysbinary.readouterr().out) <= set(b"abc")
    assert command([*call, "--unseen"]) == 0
    assert len(set(capsysbinary.readouterr().out)) > 50


def test_a_mixture_draws_what_any_of_its_voices_saw():
    voices = [
        Model(checkpoint(Byte(), "byte", letters(text)), str(at)) for at, text in enumerate((b"ab", b"cd", b"ef"))
    ]
    mixed = mix([Voice(voices[0], 1, 0), Voice(voices[1], 0, 1), Voice(voices[2], 0, 0)], fade=100)
    found = [mixed.sample("", seed=seed, length=300, temperature=2).ids.tolist() for seed in range(40)]
    assert {token for ids in found for token in ids} == set(b"abcd")
    assert mix([Voice(voices[0], 1, 1), Voice(Model(checkpoint(Byte(), "byte", None), "9"), 1, 1)]).seen is None
    assert together([letters(b"a"), None], 257) is None


def test_what_alone_can_follow_is_drawn_though_it_was_never_seen():
    class Only:
        def start(self):
            return 0

        def step(self, state, token):
            return 0

        def allowed(self, state):
            return np.array([False, True, True, False])

        def may_end(self, state):
            return False

    banned, unseen = np.array([False, True, False, False]), np.array([False, True, True, False])
    limits = Limits(grammar=Only(), banned=banned, unseen=unseen)
    logits = Constraints(limits, [np.array([0])]).apply(np.zeros((1, 4), np.float32))
    assert np.isfinite(logits[0]).tolist() == [False, False, True, False], "a ban stays, a stranger gives way"
    logits = Constraints(Limits(unseen=unseen), [np.array([0])]).apply(np.zeros((1, 4), np.float32))
    assert np.isfinite(logits[0]).tolist() == [True, False, False, True]


def musician(**bounds: int) -> Model:
    """A model that has heard a tune on the piano."""
    ids = MIDI.encode(TUNE)
    return Model(checkpoint(MIDI, "midi", Seen(np.bincount(ids, minlength=v.SIZE + 1).astype(np.int64), bounds)))


def samples(model: Model, music: Music | None = None) -> list[np.ndarray]:
    how = Sampling(5, 1.0, length=300, music=music)
    sampler = model.sampler(how, [model.prompt(b"")] * 8)
    return [np.array(sample.ids, np.int64) for sample in collect(sampler.steps(), 8)]


@pytest.mark.parametrize("asked", ["drums", "violin", "piano,drums"])
def test_instruments_that_are_asked_for_are_freed_for_themselves(asked):
    model = musician(**{TOGETHER: 2, OF_A_PART: 2})
    known = np.flatnonzero(model.checkpoint.seen.counts)
    for ids in samples(model):
        assert set(ids.tolist()) <= set(known.tolist())
        assert MIDI.bounds(ids)[TOGETHER] <= 2
    heard = np.concatenate(samples(model, Music(instruments=asked)))
    strangers = heard[model.checkpoint.seen.counts[heard] == 0]
    allowed = {v.INST + 40} if asked == "violin" else set(range(v.DRUM, v.PEDAL))
    assert set(strangers.tolist()) <= allowed
    assert len(strangers)


def test_training_keeps_counts_over_resuming(tmp_path):
    stream = make_stream(tmp_path / "text.tokens", (b"abcd" * 60, b"efgh" * 60, b"ijkl" * 60))
    run = make_run(tmp_path / "run", stream, train=dataclasses.replace(SMALL, validation=0.34))
    run.start()
    run._inherited = Inherited({}, Seen(letters(b"z").counts, {"x": 3}))
    run.train()
    kept = Checkpoint.load(tmp_path / "run").seen
    held = stream.ids[run.validation_spans.begin[0] : run.validation_spans.end[0]]
    assert kept.counts[ord("z")] == 1
    assert kept.counts[:256][np.unique(held[held < 256])].sum() == 0, "what is held out was not seen"
    assert kept.counts.sum() == run.train_spans.tokens + 1
    again = make_run(tmp_path / "run", stream, train=dataclasses.replace(SMALL, validation=0.34))
    again.resume()
    np.testing.assert_array_equal(again.seen.counts, kept.counts)
    assert again.seen.bounds == {"x": 3, "utf8": 1}


def test_counts_move_with_a_vocabulary_that_grows():
    moved = Seen(np.array([3, 0, 2]), {"x": 1}).moved(np.array([0, 1, 3]), 5)
    assert moved.counts.tolist() == [3, 0, 0, 2, 0]
    assert moved.joined(Seen(np.ones(5, np.int64), {"x": 4, "y": 2})).bounds == {"x": 4, "y": 2}


def test_a_published_tune_has_one_voice_to_its_end():
    model = seqgen.load("folk-tunes")
    prompts = [model.prompt(b"", model.label(None, 77, index)) for index in range(3)]
    for sample in collect(model.sampler(Sampling(77, 0.8, length=4000), prompts).steps(), 3):
        assert sample.finished == "end"
        assert model.tokenizer.codec.bounds(np.array(sample.ids))[TOGETHER] == 1


def test_names_of_tensors_do_not_collide():
    assert COUNTS not in weight_shapes(LSTM(), SHAPE, 10)
