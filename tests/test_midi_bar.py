"""The score codec: golden ids, exactness on the grid, bars and meters, idempotence, the grammar's promises."""

import json

import numpy as np
import pytest
from midi_files import events, meta, midi, notes, off, on, program, simple, spans, tempo
from midi_walks import after, sampled, walk
from test_midi_performance import busy

from seqgen import registry
from seqgen.codecs.midi_bar import MidiBar, MidiBarOptions
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.errors import MidiError
from seqgen.music.bounds import Bounds
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score
from seqgen.report import Report

CODEC = MidiBar(MidiBarOptions())
NAMES = CODEC.vocabulary()
START = ("BAR_LINE", "METER_4/4", "REMAIN_1", "POS_0", "TEMPO_120", "PART_0", "INST_0", "VEL_8")


def meter(over: int, power: int) -> bytes:
    return meta(0x58, bytes([over, power, 24, 8]))


def words(data: bytes, report: Report | None = None) -> str:
    return " ".join(NAMES[token] for token in CODEC.encode(data, report or Report()).tolist())


def again(data: bytes) -> Score:
    return read_score(CODEC.decode(CODEC.encode(data, Report())))


def test_the_vocabulary():
    assert registry.load("codecs", "midi_bar") is MidiBar
    assert len(NAMES) == len(set(NAMES)) == CODEC.vocab_size == 746
    assert len(v.DURATIONS) == len(v.TEMPOS) == 48
    assert np.all(v.DURATIONS[1:] <= 2 * v.DURATIONS[:-1])
    assert np.all(np.diff(v.DURATIONS) > 0)
    assert np.array_equal(v.tempo_index(v.TEMPOS), np.arange(48))
    assert all(v.sayable(*each) for each in v.METERS)


def test_golden_ids():
    data = simple(
        (0, program(40)), (0, program(25, 9)), (0, meter(3, 2)), (0, on(60, 100)), (0, on(36, 100, 9)), (480, off(60)),
        (480, tempo(400_000)), (480, on(64, 20)), (960, off(64)), (1920, on(60, 20)), (2600, off(60)),
    )  # fmt: skip
    assert words(data) == (
        "INST_25 BAR_LINE METER_3/4 REMAIN_1 POS_0 TEMPO_120 PART_0 INST_40 VEL_12 PITCH_60 DUR_24/24 DRUM_36 "
        "POS_24 TEMPO_154 VEL_2 PITCH_64 DUR_24/24 BAR_LINE REMAIN_0 POS_24 PITCH_60 DUR_33/24 TIE_ON DUR_1/24"
    )
    assert read_score(CODEC.normalize(data)).kit == 25


def test_17_triplets_graces_and_long_notes_survive_to_the_tick():
    thirds = [(at, length, 60 + at % 7, 68, 0) for at, length in ((0, 160), (160, 160), (320, 160), (480, 40))]
    long = [(at * 60, 60 * 12 * 8 + 20 * at, 80 + at, 68, 0) for at in range(20)]  # beyond 12 quarters
    score = Score.from_notes(480, thirds + long)
    report = Report()
    restored = read_score(CODEC.decode(CODEC.encode(write_score(score), report)))
    assert notes(restored) == notes(score)
    assert not report.repaired


def test_0_ticks_of_error_on_the_grid_and_half_a_step_off_it():
    rng = np.random.default_rng(1)
    rows = np.stack([rng.integers(0, 90_000, 3000), rng.integers(1, 9000, 3000), rng.integers(0, 128, 3000),
                     rng.integers(1, 128, 3000), rng.integers(0, 129, 3000)], axis=1)  # fmt: skip
    rows = rows[np.unique(rows[:, 2] * 1000 + rows[:, 4], return_index=True)[1]]  # no key twice
    for ticks in (24, 96, 480):
        scaled = rows * np.array([ticks // 24, ticks // 24, 1, 1, 1])
        score = Score.from_notes(ticks, scaled)
        restored = read_score(CODEC.normalize(write_score(score)))
        assert np.array_equal(restored.onset * ticks, score.onset * restored.ticks_per_quarter)
        pitched = score.program != DRUMS
        assert np.array_equal(
            (restored.duration * ticks)[pitched], (score.duration * restored.ticks_per_quarter)[pitched]
        )
    score = Score.from_notes(1000, rows)
    error = again(write_score(score)).onset / 480 - score.onset / 1000
    assert np.abs(error).max() <= 1 / 48 + 1e-9


def ensemble(seed: int, parts: int) -> bytes:
    """A file of many parts that share programs and keys, and of drums."""
    rng = np.random.default_rng(seed)
    tracks = []
    for number in range(parts):
        channel = number % 15 + (number % 15 >= 9)
        timed = [(0, program(int(rng.integers(0, 4)), channel)), (0, program(16, 9))]
        for _ in range(40):
            at, length = 20 * int(rng.integers(0, 2000)), 20 * int(rng.integers(0, 150))
            where = channel if rng.random() < 0.9 else 9
            pitch = int(rng.integers(60, 66))
            timed += [(at, on(pitch, int(rng.integers(1, 128)), where)), (at + length, off(pitch, where))]
        tracks.append(events(*sorted(timed, key=lambda event: event[0])))
    return midi(*tracks)


@pytest.mark.parametrize("seed", range(6))
def test_normalize_is_idempotent_and_loses_no_note(seed):
    data, report = ensemble(seed, 2 + 2 * seed), Report()
    ids = CODEC.encode(data, report)
    once = CODEC.decode(ids)
    assert np.array_equal(CODEC.encode(once), ids)
    assert CODEC.normalize(once) == once
    doubled = report.repaired.get("note doubled in its part", 0)
    assert len(read_score(once)) + doubled == len(read_score(data, Report()))
    assert CODEC.grammar().may_end(walk(CODEC, ids))


@pytest.mark.parametrize("seed", range(3))
def test_of_more_than_16_parts_the_least_busy_are_joined(seed):
    data, report = busy(seed), Report()
    ids = CODEC.encode(data, report)
    assert report.repaired["part joined with others"] > 0
    assert len(set(ids[(ids >= v.PART) & (ids < v.INST)].tolist())) == 16
    assert CODEC.grammar().may_end(walk(CODEC, ids))
    restored, given = CODEC.score(ids), read_score(data, Report())
    assert len(restored) + report.repaired["note doubled in its part"] == len(given)
    assert set(restored.program.tolist()) == set(given.program.tolist())


def test_parts_keep_their_names_and_their_ends():
    """A short note inside a long one of the same key and program, each in its own track."""
    long = events((0, meta(0x03, b"Piano")), (0, program(0)), (0, on(60)), (1920, off(60)))
    short = events((0, meta(0x03, b"Melody")), (0, program(0, 1)), (480, on(60, 90, 1)), (720, off(60, 1)))
    data = midi(long, short)
    codec = MidiBar.fit([data] * 2, MidiBarOptions())
    assert codec.state() == {"parts": ["Piano", "Melody"]}
    restored = read_score(codec.normalize(data))
    assert restored.names == ("Piano", "Melody")
    assert spans(restored) == [(0, 1920, 60), (480, 240, 60)]
    assert np.array_equal(codec.encode(codec.normalize(data)), codec.encode(data))
    assert MidiBar.restore(MidiBarOptions(), codec.state()).encode(data).tolist() == codec.encode(data).tolist()
    with pytest.raises(ValueError, match="older midi_bar"):
        MidiBar.restore(MidiBarOptions(), {})


def test_names_that_are_frequent_have_a_token_of_their_own():
    def piece(*names: str) -> bytes:
        tracks = [
            events((0, meta(0x03, name.encode())), (0, on(60 + at, 80, at)), (480, off(60 + at, at)))
            for at, name in enumerate(names)
        ]
        return midi(*tracks)

    codec = MidiBar.fit([piece("Soprano", "Alto", "Bass")] * 30 + [piece("Alto", "Kazoo", "Soprano")], MidiBarOptions())
    assert codec.state() == {"parts": ["Soprano", "Alto", "Bass"]}
    ids = codec.encode(piece("Bass", "Kazoo", "Alto"))
    assert [NAMES[token] for token in ids if v.PART <= token < v.INST] == ["PART_1", "PART_2", "PART_3"]
    assert codec.score(ids).names == ("Alto", "Bass", "")
    assert [row.tolist() for row in codec.score(ids).pitch.reshape(-1, 1)] == [[60], [61], [62]]


@pytest.mark.parametrize("with_prompt", [True, False])
def test_what_follows_a_prompt_calls_its_parts_as_the_prompt_does(with_prompt):
    """Two names that the corpus never had, and one that it has."""
    tracks = [
        events((0, meta(0x03, name.encode())), (0, on(60 + at, 80, at)), (1920, off(60 + at, at)))
        for at, name in enumerate(("Kazoo", "Alto", "Saw"))
    ]
    codec = MidiBar.fit([midi(*tracks[1:2])] * 30, MidiBarOptions())
    assert codec.state() == {"parts": ["Alto"]}
    primer = read_score(midi(*tracks))
    prompt = codec.encode(midi(*tracks))
    timing = json.loads(json.dumps(codec.timing(primer, None, None)))
    made = read_score(codec.finished(prompt, prompt, timing, with_prompt))
    assert sorted(made.names) == ["Alto", "Kazoo", "Saw"]
    assert {name: int(made.pitch[made.part == part][0]) for part, name in enumerate(made.names)} == {
        "Kazoo": 60, "Alto": 61, "Saw": 62,
    }  # fmt: skip
    assert len(made) == (6 if with_prompt else 3)


def test_empty_bars_are_bounded_and_what_was_cut_is_counted():
    report = Report()
    data = simple((0, on(60)), (10, off(60)), (480 * 4 * 40, on(61)), (480 * 4 * 41, off(61)))
    found = words(data, report)
    assert found.count("BAR_LINE") == 2 + v.MAX_EMPTY
    assert report.repaired == {"rest longer than 16 bars": 1}
    assert spans(again(data))[1][0] == 480 * 4 * 17
    report = Report()
    words(simple((0, on(60)), (480 * 4 * 17, on(61)), end=480 * 80), report)
    assert not [kind for kind in report.repaired if "rest" in kind]


def test_a_drum_at_the_end_of_a_bar_makes_no_empty_bar():
    score = again(
        simple((0, on(60)), (480, off(60)), (480 * 4 - 20, on(38, channel=9)), (480 * 4 + 60, off(38, channel=9)))
    )
    assert score.length == 480 * 4
    assert spans(score)[1] == (480 * 4 - 20, 20, 38)


def test_a_long_note_through_a_cut_rest_keeps_its_order():
    timed = [(0, on(60)), (480 * 4 * 30, off(60)), (480 * 4 * 40, on(60)), (480 * 4 * 41, off(60))]
    data = simple(*timed)
    once = CODEC.normalize(data)
    assert CODEC.normalize(once) == once
    assert [row[0] for row in spans(read_score(once))] == [0, 480 * 4 * 17]


def test_a_meter_that_begins_inside_a_bar_cuts_it_short():
    report = Report()
    data = simple((0, meter(4, 2)), (0, on(60)), (480, meter(3, 2)), (480, on(62)), (1000, off(60)), end=2000)
    found = words(data, report)
    assert found.startswith("BAR_LINE METER_1/4 REMAIN_1 POS_0")
    assert "BAR_LINE METER_3/4 REMAIN_0 POS_0" in found
    assert report.repaired["bar cut short by a meter"] == 1
    restored = again(data)
    assert restored.meter.tolist() == [[1, 4], [3, 4]]
    assert restored.meter_tick.tolist() == [0, 480]


def test_20_absurd_meters():
    report = Report()
    other = words(simple((0, meter(13, 4)), (0, on(60)), end=480), report)
    assert other.startswith("BAR_LINE METER_OTHER POS_13 POS_4 REMAIN_0 POS_0")
    assert not report.repaired.get("meter without a name")
    for over, power, kept, kind in ((8, 1, [4, 2], "meter of long bars"), (17, 6, [1, 64], ""), (7, 0, [1, 1], "")):
        report = Report()
        data = simple((0, meter(over, power)), (0, on(60)), end=480)
        ids = CODEC.encode(data, report)
        restored = read_score(CODEC.decode(ids))
        assert np.array_equal(CODEC.encode(CODEC.decode(ids)), ids)
        assert not kind or report.repaired[kind] == 1
        assert not kind or restored.meter.tolist() == [kept]


def test_tempos_change_where_they_did_and_by_little():
    data = simple((0, tempo(600_000)), (0, on(60)), (240, tempo(480_000)), (900, tempo(1)), (960, on(61)), end=1500)
    restored = again(data)
    assert restored.tempo_tick.tolist() == [0, 240, 900]
    assert np.abs(np.log(restored.tempo[:2] / [600_000, 480_000])).max() < 0.033
    report = Report()
    CODEC.encode(data, report)
    assert report.repaired["tempo out of range"] == 1


def test_19_any_ids_decode_to_a_file_that_can_be_read():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ids = rng.integers(0, v.SIZE, int(rng.integers(0, 500))).astype(np.uint16)
        if seed % 2:
            pool = [v.BAR, v.BAR, v.METER + v.OTHER, *range(v.POS, v.POS + 9), v.PITCH + 60, v.PITCH + 61, v.TIE]
            ids = rng.choice([*pool, *range(v.DUR, v.TIE), v.TEMPO, v.METER, v.DRUM], 400)
        once = CODEC.normalize(CODEC.decode(ids))
        assert CODEC.normalize(once) == once


def test_tokens_that_make_no_sense_are_counted():
    report = Report()
    tokens = (
        "BAR_LINE TIE_ON DUR_2/24 PITCH_60 POS_3 METER_2/4 PITCH_61 DUR_2/24 TIE_ON DUR_3/24 TIE_ON PITCH_62 DUR_2/24"
    )
    score = CODEC.score(np.array([NAMES.index(token) for token in tokens.split()]), report)
    assert [row[1] for row in spans(score)] == [100, 40]
    assert report.dropped == {
        "duration without a pitch": 1,
        "pitch without a duration": 1,
        "tie of nothing": 2,
        "meter that makes no sense": 1,
    }


def test_decoding_stays_within_a_day():
    bar = [v.BAR, v.POS, v.TEMPO, v.PITCH + 60, v.DUR + 20]
    ids = np.array([v.BAR, v.METER + 13] + bar * 5000)
    report = Report()
    score = CODEC.score(ids, report)
    assert score.duration_seconds <= 24 * 3600
    assert report.dropped["note past the limits of a file"] > 0
    CODEC.encode(CODEC.decode(ids))


def test_a_small_file_that_would_make_many_tokens_is_refused():
    step = b"\x7f\x90"  # 127 quarters, every one a bar of its own
    body = b"".join(step + bytes([pitch % 128, 64]) for pitch in range(3000))
    data = midi(b"\0" + tempo(1000) + b"\0" + meter(1, 2) + body + b"\0" + meta(0x2F), division=1)
    with pytest.raises(MidiError, match=r"would become [\d,]+ tokens"):
        CODEC.encode(data)


def test_random_logits_decode_with_nothing_dropped_and_end_when_they_said():
    ended = 0
    for seed in range(120):
        ids, complete = sampled(CODEC, seed, spread=seed % 4)
        if not complete:
            continue
        ended += 1
        report = Report()
        score = CODEC.score(np.array(ids), report)
        assert not report.dropped
        bars = ids.count(v.BAR)
        first = next(token for token in ids if token >= v.REMAIN) - v.REMAIN
        assert np.searchsorted(v.REMAIN_EDGES, bars - 1) == first
        assert len(score) == sum(v.PITCH <= token < v.DUR for token in ids)
    assert ended > 30


def test_the_grammar_of_a_bar():
    assert after(CODEC) == {"BAR_LINE", *(f"INST_{number}" for number in range(1, 128))}
    assert {name.split("_")[0] for name in after(CODEC, "BAR_LINE")} == {"METER"}
    assert {name.split("_")[0] for name in after(CODEC, *START[:2])} == {"REMAIN"}
    assert after(CODEC, *START[:3]) == {"POS_0"}
    assert {name.split("_")[0] for name in after(CODEC, *START[:4])} == {"TEMPO"}
    found = after(CODEC, *START, "PITCH_60", "DUR_24/24")
    assert {"PITCH_61", "BAR_LINE", "POS_1", "TIE_ON", "PART_1", "INST_1", "DRUM_0"} <= found
    assert not {"PITCH_60", "POS_0", "POS_96", "PART_0", "INST_0", "VEL_8", "DUR_1/24"} & found
    assert {name.split("_")[0] for name in after(CODEC, *START, "PITCH_60", "DUR_24/24", "PART_3")} == {"INST"}
    second = (*START, "PITCH_60", "DUR_24/24", "PART_3", "INST_0", "PITCH_60", "DUR_24/24")
    assert not {"PITCH_60", "PART_3", "PART_0", "INST_0"} & after(CODEC, *second)
    assert {"PITCH_61", "PART_4", "INST_1"} <= after(CODEC, *second)
    assert "TIE_ON" not in after(CODEC, *START, "PITCH_60", "DUR_1/24")
    assert "DUR_24/24" not in after(CODEC, *START, "PITCH_60", "DUR_24/24", "TIE_ON")


def test_no_more_notes_at_a_position_than_the_bounds():
    for seed in range(20):
        grammar = ScoreGrammar(Bounds(together=3, part=2))
        ids, _ = sampled(CODEC, seed, 1.0, grammar=grammar)
        own = every = 0
        for token in ids:
            if token <= v.BAR or v.POS <= token < v.PART:
                own = every = 0
            elif v.PART <= token < v.INST:
                own = 0
            elif v.PITCH <= token < v.DUR:
                own, every = own + 1, every + 1
            assert own <= 3
            assert every <= 3


def test_a_part_has_no_program_that_it_never_had():
    ids = CODEC.encode(ensemble(1, 4))
    bounds = CODEC.bounds(ids)
    assert bounds["part 1 as program 2"] == 1
    assert not [name for name in bounds if "as program 16" in name], "the kit of drums is no part's program"
    pairs = {tuple(int(word) for word in name.split() if word.isdecimal()) for name in bounds if "as" in name.split()}
    grammar = CODEC.within(bounds)
    for seed in range(10):
        part = None
        for token in sampled(CODEC, seed, 1.0, grammar=grammar)[0]:
            part = token - v.PART if v.PART <= token < v.INST else part
            if v.INST <= token < v.VEL and part is not None:
                assert (part, token - v.INST) in pairs
    freed = CODEC.within(bounds, programs=frozenset({70}))
    state = walk(CODEC, [NAMES.index(token) for token in START[:5]])
    allowed = freed.allowed(freed.step(state, v.PART + 1))
    assert np.flatnonzero(allowed[v.INST : v.VEL]).tolist() == [2, 70]


def test_the_countdown_is_obeyed_and_empty_bars_end():
    note = ("PITCH_60", "DUR_24/24")
    assert {name.split("_")[0] for name in after(CODEC, *START, *note, "BAR_LINE")} == {"METER", "REMAIN"}
    last = (*START, *note, "BAR_LINE", "REMAIN_0")
    assert "BAR_LINE" not in after(CODEC, *last)
    grammar = CODEC.grammar()
    assert not grammar.may_end(walk(CODEC, [NAMES.index(token) for token in last]))
    long = (*START[:2], "REMAIN_15", *START[3:], *note, *["BAR_LINE"] * v.MAX_EMPTY)
    assert "BAR_LINE" in after(CODEC, *long)
    assert "BAR_LINE" not in after(CODEC, *long, "BAR_LINE")


def test_an_opening_has_no_last_bar():
    data = simple(*((at * 1920, on(60)) for at in range(3)), end=1920 * 3)
    found = [NAMES[token] for token in CODEC.encode_prompt(data) if token >= v.REMAIN]
    assert found == ["REMAIN_9", "REMAIN_8"]  # 18 bars, then 16
    assert len(CODEC.encode_prompt(simple())) == 0


def test_two_tracks_and_type_2_files():
    data = midi(events((0, on(60)), (480, off(60))), events((0, on(64)), (480, off(64))))
    assert len(again(data)) == 2
    assert len(CODEC.documents(midi(events((0, on(60))), events((0, on(61))), form=2))) == 2
