"""The performance codec: golden ids, the bound of its errors, idempotence, and any ids at all."""

import io
import subprocess
import sys

import numpy as np
import pytest
from midi_files import chunk, control, events, header, midi, notes, number, off, on, program, simple, spans, tempo

from seqgen import registry
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi import vocabulary as v
from seqgen.errors import MidiError
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

CODEC = Midi(MidiOptions())
PEDAL = Midi(MidiOptions(pedal=True))
NAMES = CODEC.vocabulary()


def words(ids) -> list[str]:
    return [NAMES[token] for token in ids.tolist()]


def encoded(data: bytes, codec: Midi = CODEC) -> list[str]:
    return words(codec.encode(data, Report()))


def ids_of(*tokens: str):
    return np.array([NAMES.index(token) for token in tokens], np.uint16)


def busy(seed: int, count: int = 600, codec: Midi = CODEC) -> bytes:
    """A file with everything that makes trouble: overlaps, unisons, many programs, drums, a pedal."""
    rng = np.random.default_rng(seed)
    timed = [(0, tempo(487_213))]
    for _ in range(count):
        at, length = int(rng.integers(0, 40_000)), int(rng.integers(0, 3_000))
        channel, pitch = int(rng.integers(0, 16)), int(rng.integers(60, 66))
        timed += [(at, on(pitch, int(rng.integers(1, 128)), channel)), (at + length, off(pitch, channel))]
        if rng.random() < 0.1:
            timed.append((at, program(int(rng.integers(0, 128)), channel)))
            timed.append((at, control(64, int(rng.integers(0, 128)), channel)))
    timed.sort(key=lambda event: event[0])
    return midi(events(*timed[::2]), events(*timed[1::2]))


def test_the_registry_finds_it():
    assert registry.load("codecs", "midi") is Midi
    assert ".mid" in Midi.suffixes
    assert Midi.restore(MidiOptions(), CODEC.state()).vocab_size == CODEC.vocab_size == len(NAMES) == 615
    assert len(set(NAMES)) == 615


def test_golden_ids():
    data = simple(
        (0, program(40)),
        (0, on(60, 100)),
        (0, on(36, 100, 9)),
        (480, off(60)),
        (480, on(64, 20)),
        (960, off(64)),
        (1920, on(60, 20)),
        (2000, off(60)),
    )
    expected = (
        "DENSITY_1 REMAIN_2 INST_40 VEL_24 PITCH_60 DUR_510ms DRUM_36 SHIFT_500ms VEL_4 PITCH_64 DUR_510ms "
        "SHIFT_1000ms SHIFT_500ms REMAIN_0 PITCH_60 DUR_80ms"
    )
    ids = CODEC.encode(data)
    assert " ".join(words(ids)) == expected
    assert ids.dtype == np.uint16
    assert ids.tolist() == [1, 10, 173, 285, 353, 447, 521, 73, 265, 357, 447, 123, 73, 8, 353, 428]


def test_durations_grow_by_at_most_an_eighth():
    assert len(v.DURATIONS) == 64
    assert v.DURATIONS[0] == 1
    assert v.DURATIONS[-1] == 2000
    ratio = v.DURATIONS[1:] / v.DURATIONS[:-1]
    assert np.all(np.diff(v.DURATIONS) >= 1)
    assert np.all(ratio[14:] <= 1.135)
    steps = np.arange(1, 2001)
    error = np.abs(v.DURATIONS[v.duration_index(steps)] / steps - 1)
    assert error.max() <= 0.065
    assert np.all(v.DURATIONS[v.duration_index(v.DURATIONS)] == v.DURATIONS)


def test_velocities_change_by_at_most_2():
    velocity = np.arange(1, 128)
    restored = v.velocity_of(v.velocity_index(velocity))
    assert np.abs(restored - velocity).max() <= 2
    assert np.array_equal(v.velocity_index(restored), v.velocity_index(velocity))


def test_onsets_move_by_at_most_5_ms_and_errors_do_not_add_up():
    rng = np.random.default_rng(0)
    onset = np.cumsum(rng.integers(1, 400, 5000))
    pitch = rng.permutation(128)[np.arange(5000) % 128]  # no key twice at one step
    timed = [(0, tempo(493_827)), *((int(at), on(int(p))) for at, p in zip(onset, pitch))]
    data = simple(*timed, division=959)
    before = read_score(data)
    after = read_score(CODEC.normalize(data))
    error = after.seconds(after.onset) - before.seconds(before.onset)
    assert len(before) == len(after) == 5000
    assert np.abs(error).max() <= 0.005 + 1e-9
    assert np.abs(error).max() > 0.004  # the bound is tight
    assert abs(error[-500:].mean()) < 0.001


def test_program_and_velocity_stand_only_where_they_change():
    timed = [(at, message) for at in range(0, 4800, 480) for message in (on(60), on(64, channel=1))]
    found = encoded(simple((0, program(5, 1)), *timed))
    assert sum(name.startswith("VEL") for name in found) == 1
    assert sum(name.startswith("INST") for name in found) == 20


def test_within_a_step_notes_stand_by_program_then_pitch_and_drums_last():
    data = simple((0, program(9, 1)), (0, on(40, channel=9)), (0, on(70, channel=1)), (0, on(80)), (0, on(50)), end=500)
    found = [name for name in encoded(data) if name.startswith(("INST", "PITCH", "DRUM"))]
    assert found == ["INST_0", "PITCH_50", "PITCH_80", "INST_9", "PITCH_70", "DRUM_40"]


def test_remain_counts_down_to_the_last_onset():
    data = simple(*((at, on(60)) for at in range(0, 960 * 10, 960)), end=960 * 10)  # a note a second, ten of them
    found = encoded(data)
    seconds, stated = 0, []
    for name in found:
        seconds += name == "SHIFT_1000ms"
        if name.startswith("REMAIN"):
            stated.append((seconds, int(name[7:])))
    assert stated == [(0, 6), (1, 5), (3, 4), (5, 3), (7, 2), (8, 1), (9, 0)]


@pytest.mark.parametrize(("count", "density"), [(1, 1), (5, 3), (11, 5), (50, 7)])
def test_density_is_notes_a_second(count, density):
    score = simple(*((0, on(60 + note)) for note in range(count)), end=100)
    assert encoded(score)[0] == f"DENSITY_{density}"


@pytest.mark.parametrize(
    ("milliseconds", "shifts"),
    [
        (10, ["10ms"]),
        (1000, ["1000ms"]),
        (1010, ["1000ms", "10ms"]),
        (9990, ["9000ms", "990ms"]),
        (10_000, ["10000ms"]),
        (37_210, ["10000ms"] * 3 + ["7000ms", "210ms"]),
        (60_000, ["10000ms"] * 6),
        (61_000, ["10000ms"] * 6),
    ],
)
def test_shifts(milliseconds, shifts):
    data = simple((0, on(60)), (1, off(60)), (milliseconds, on(60)), (milliseconds + 1, off(60)), division=500)
    report = Report()
    found = words(CODEC.encode(data, report))
    assert [name[6:] for name in found if name.startswith("SHIFT")] == shifts
    assert report.repaired["rest longer than 60 s"] == (milliseconds > 60_000)


def test_long_notes_are_cut_and_counted():
    report = Report()
    CODEC.encode(simple((0, on(60)), (21_000, off(60)), division=500), report)
    assert report.repaired == {"note longer than 20 s": 1}


def test_rounding_lets_no_note_run_into_the_next_of_its_key():
    data = simple(
        *((at, message) for at in range(0, 5000, 500) for message in (off(60), on(60))), division=500, end=5000
    )
    restored = read_score(CODEC.normalize(data))  # 500 ms would round to 510
    assert np.all(restored.onset[:-1] + restored.duration[:-1] <= restored.onset[1:])
    assert restored.duration.min() >= 460


def test_drums_and_kit():
    report = Report()
    data = simple((0, program(25, 9)), (0, on(36, channel=9)), (500, off(36, 9)), division=500)
    restored = read_score(CODEC.decode(CODEC.encode(data, report)))
    assert notes(restored) == [(0, 100, 36, 62, DRUMS)]
    assert report.dropped == {"drum kit": 1}


def test_a_document_without_notes():
    report = Report()
    ids = CODEC.encode(simple((0, tempo(400_000))), report)
    assert len(ids) == 0
    assert report.dropped == {"document without notes": 1}
    assert CODEC.normalize(CODEC.decode(ids)) == CODEC.decode(ids)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("codec", [CODEC, PEDAL], ids=["folded", "pedal"])
def test_normalize_is_idempotent_byte_for_byte(seed, codec):
    data = busy(seed)
    report = Report()
    ids = codec.encode(data, report)
    once = codec.decode(ids)
    assert np.array_equal(codec.encode(once), ids)
    assert codec.normalize(once) == once
    left = len(read_score(data, Report())) - report.dropped.get("second note of one pitch at one time", 0)
    assert sum(name.startswith(("PITCH", "DRUM")) for name in words(ids)) == left


def test_more_than_fifteen_programs_at_once_keep_their_own():
    rows = [(at * 10, 1000 + 300 * (p % 3), 40 + p % 5, 66, p) for at in range(20) for p in range(0, 128, 3)]
    score = Score.from_notes(500, rows)
    from seqgen.music.write import write_score

    data = write_score(score)
    restored = read_score(data)
    assert [(row[0], row[2], row[4]) for row in notes(restored)] == [(r[0], r[2], r[4]) for r in notes(score)]
    assert CODEC.normalize(CODEC.normalize(data)) == CODEC.normalize(data)


def test_a_key_that_is_struck_while_it_sounds_ends_its_earlier_note():
    data = midi(events((0, on(60)), (5000, off(60))), events((1000, on(60)), (1100, off(60))), division=500)
    report = Report()
    restored = read_score(CODEC.decode(CODEC.encode(data, report)))
    assert spans(restored) == [(0, 920, 60), (1000, 100, 60)]  # a length of the vocabulary that ends before
    assert report.repaired == {"overlapping notes of one pitch": 1}


def test_of_notes_of_one_key_that_begin_together_the_longest_stays():
    tracks = [events((0, on(60, 50)), (end, off(60)), (900, on(36, end // 5, 9))) for end in (200, 500, 300)]
    report = Report()
    restored = read_score(CODEC.decode(CODEC.encode(midi(*tracks, division=500), report)))
    assert notes(restored) == [(0, 510, 60, 50, 0), (900, 100, 36, 98, DRUMS)]
    assert report.dropped == {"second note of one pitch at one time": 4}


def test_tokens_out_of_order_sound_a_key_once_as_well():
    head = ("DENSITY_0", "REMAIN_1", "INST_3", "VEL_9")
    ids = ids_of(*head, "PITCH_60", "DUR_100ms", "PITCH_60", "DUR_920ms", "DRUM_36", "DRUM_36", "SHIFT_160ms",
                 "PITCH_60", "DUR_40ms")  # fmt: skip
    report = Report()
    score = CODEC.score(ids, report)
    assert spans(score) == [(0, 150, 60), (0, 100, 36), (160, 40, 60)]
    assert report.dropped == {"second note of one pitch at one time": 2}
    assert report.repaired == {"overlapping notes of one pitch": 1}
    assert CODEC.decode(CODEC.encode(CODEC.decode(ids))) == CODEC.decode(ids)


def test_the_pedal_as_tokens():
    data = simple(
        (0, on(60)),
        (0, control(64, 127)),
        (200, off(60)),
        (700, control(64, 0)),
        (900, on(62)),
        (1000, off(62)),
        division=500,
    )
    assert "PEDAL_ON" not in encoded(data)
    found = encoded(data, PEDAL)
    assert " ".join(found[3:]) == (
        "PEDAL_ON VEL_15 PITCH_60 DUR_210ms SHIFT_700ms PEDAL_OFF SHIFT_200ms REMAIN_0 PITCH_62 DUR_100ms"
    )
    kept = read_score(PEDAL.normalize(data), fold_pedal=False)
    assert kept.pedal.tolist() == [[0, 700, 0]]


@pytest.mark.parametrize("seed", range(40))
def test_any_ids_decode_to_a_file_that_can_be_read(seed):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, v.SIZE, int(rng.integers(0, 500))).astype(np.uint16)
    if seed % 2:  # fewer kinds of tokens, so that notes collide
        ids = rng.choice([v.INST, v.PITCH + 60, v.PITCH + 61, v.SHIFT, v.DRUM, v.PEDAL, *range(v.DUR, v.DRUM)], 300)
    codec = PEDAL if seed % 3 else CODEC
    data = codec.decode(ids)
    once = codec.normalize(data)  # strict: the file has no fault
    assert codec.normalize(once) == once


def test_tokens_that_make_no_sense_are_counted():
    report = Report()
    ids = ids_of("DUR_100ms", "PITCH_60", "SHIFT_10ms", "PITCH_61", "DUR_20ms", "PITCH_62", "DUR_20ms", "DUR_20ms")
    assert len(CODEC.score(ids, report)) == 2
    assert report.dropped == {"duration without a pitch": 2, "pitch without a duration": 1}


def test_decoding_stays_within_a_day():
    ids = np.tile(ids_of(*["SHIFT_10000ms"] * 6, "PITCH_60", "DUR_100ms"), 1500)  # 25 hours
    report = Report()
    score = CODEC.score(ids, report)
    assert score.duration_seconds < 24 * 3600
    assert report.dropped["note past the limits of a file"] == 1500 - len(score) > 0
    CODEC.encode(CODEC.decode(ids))


def test_strict_and_salvaging():
    cut = simple((0, on(60)), (10, off(60)), (20, on(62)))[:-3]
    with pytest.raises(MidiError, match="cut short"):
        CODEC.encode(cut)
    report = Report()
    assert len(CODEC.encode(cut, report)) > 0
    assert report.repaired["truncated track"] == 1


def test_an_opening_counts_down_to_an_end_that_is_still_to_come():
    data = simple((0, on(60)), (480, on(62)), (4800, on(64)))  # the last onset at 5 s
    found = words(CODEC.encode_prompt(data))
    assert [name for name in found if name.startswith("REMAIN")] == ["REMAIN_10", "REMAIN_9"]  # 35 s, then 30
    plain = [name for name in encoded(data)[2:] if not name.startswith("REMAIN")]
    assert [name for name in found[2:] if not name.startswith("REMAIN")] == plain
    assert CODEC.encode_prompt(data).dtype == np.uint16
    assert len(CODEC.encode_prompt(simple())) == 0


def test_documents():
    assert len(CODEC.documents(midi(events((0, on(60))), events((0, on(61))), form=2))) == 2
    plain = simple((0, on(60)))
    assert list(CODEC.documents(plain)) == [plain]
    assert CODEC.boundary(plain) == 0


def test_a_small_file_makes_few_tokens():
    far = number((1 << 28) - 1)
    body = (far + b"\x90\x3c\x40" + far + b"\x3c\0") * 3 + b"\0\xff\x2f\0"
    data = header(1, division=32767) + chunk(b"MTrk", body)
    assert len(CODEC.encode(data)) <= 8 * len(data) + 1000


def test_agrees_with_pretty_midi():
    pretty_midi = pytest.importorskip("pretty_midi")
    data = CODEC.normalize(busy(1))
    theirs = pretty_midi.PrettyMIDI(io.BytesIO(data))
    found = sorted(
        (round(note.start * 1000), round((note.end - note.start) * 1000), note.pitch, note.velocity)
        for instrument in theirs.instruments
        for note in instrument.notes
    )
    ours = sorted(row[:4] for row in notes(read_score(data)))
    assert len(found) == len(ours)
    assert [row[0] for row in found] == [row[0] for row in ours]
    assert sorted(row[2] for row in found) == sorted(row[2] for row in ours)


def test_importing_the_codec_is_light():
    code = "import sys, seqgen.codecs.midi; print(*{'mido', 'symusic', 'pretty_midi', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
