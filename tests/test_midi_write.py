"""Writing MIDI: what is written is read back, and no two instruments share a channel."""

import io

import mido
import numpy as np
import pytest
from midi_files import notes

from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score
from seqgen.music.write import write_score


def opened(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(data))


def test_a_score_is_read_back_whole():
    rows = [(0, 480, 60, 64, 0), (0, 100, 36, 99, DRUMS), (480, 960, 67, 1, 40), (480, 5, 60, 127, 0)]
    score = Score.from_notes(
        480,
        rows,
        tempo_tick=np.array([0, 600]),
        tempo=np.array([400_000, 700_000]),
        meter_tick=np.array([0, 960]),
        meter=np.array([[3, 4], [7, 8]]),
        length=5000,
        kit=25,
        title="Süß ♪",
        pedal=np.array([[10, 500, 40]]),
    )
    data = write_score(score)
    restored = read_score(data, fold_pedal=False)
    assert notes(restored) == notes(score)
    for name in ("tempo_tick", "tempo", "meter_tick", "meter", "pedal"):
        assert np.array_equal(getattr(restored, name), getattr(score, name)), name
    assert (restored.length, restored.kit, restored.title) == (5000, 25, "Süß ♪")
    assert write_score(restored) == data == write_score(score)


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        ((60, 64, 65, 67, 69, 71, 72, 67, 60), "C"),
        ((62, 66, 67, 69, 71, 73, 74, 69, 62), "D"),
        ((57, 60, 62, 64, 65, 68, 69, 64, 57), "Am"),
        ((58, 62, 63, 65, 67, 69, 70, 65, 58), "Bb"),
        ((61, 64, 66, 68, 69, 72, 73, 68, 61), "C#m"),
    ],
)
def test_the_key_is_that_which_is_heard(pitches, key):
    score = Score.from_notes(480, [(480 * at, 480, pitch, 64, 0) for at, pitch in enumerate(pitches)])
    found = [message for message in opened(write_score(score)).tracks[0] if message.type == "key_signature"]
    assert [(message.key, message.time) for message in found] == [(key, 0)]


def test_drums_have_no_key():
    data = write_score(Score.from_notes(480, [(0, 100, 36, 99, DRUMS)]))
    assert [message.type for message in opened(data).tracks[0]] == ["set_tempo", "time_signature", "end_of_track"]


def test_one_track_an_instrument_and_drums_on_channel_10():
    rows = [(0, 10, 60, 64, program) for program in (0, 5, 40, DRUMS)]
    file = opened(write_score(Score.from_notes(96, rows)))
    assert file.type == 1
    assert [track.name for track in file.tracks] == ["", "grand piano", "electric piano 2", "violin", "drums"]
    channels = [{message.channel for message in track if message.type == "note_on"} for track in file.tracks]
    assert channels == [set(), {0}, {1}, {2}, {9}]


def test_ten_programs_pass_over_the_drum_channel():
    file = opened(write_score(Score.from_notes(96, [(0, 10, 60, 64, program) for program in range(11)])))
    assert [track[-2].channel for track in file.tracks[1:]] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]


def test_the_note_off_is_written_before_the_note_on_of_its_tick():
    track = opened(write_score(Score.from_notes(96, [(0, 10, 60, 64, 0), (10, 10, 60, 64, 0)]))).tracks[1]
    assert [(m.type, m.time) for m in track if m.type.startswith("note")] == [
        ("note_on", 0), ("note_off", 10), ("note_on", 0), ("note_off", 10),
    ]  # fmt: skip


def test_more_than_fifteen_programs_in_turn_share_channels_over_time():
    score = Score.from_notes(96, [(at * 10, 10, 60, 64, at % 40) for at in range(200)])
    data = write_score(score)
    assert notes(read_score(data)) == notes(score)
    assert not any(message.type == "midi_port" for track in opened(data).tracks for message in track)
    owner: dict[int, int] = {}
    events = [
        (tick, message.type != "program_change", message)
        for track in opened(data).tracks
        for tick, message in zip(np.cumsum([message.time for message in track]), track)
        if message.type in ("program_change", "note_on")
    ]
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        if message.type == "program_change":
            owner[message.channel] = message.program
        else:
            assert owner[message.channel] == (tick // 10) % 40


def test_more_than_fifteen_programs_at_once_go_to_further_ports():
    score = Score.from_notes(96, [(at, 1000, 60, 64, program) for at in (0, 2000) for program in range(100)])
    data = write_score(score)
    assert notes(read_score(data)) == notes(score)
    ports = {message.port for track in opened(data).tracks for message in track if message.type == "midi_port"}
    assert ports == {1, 2, 3, 4, 5, 6}


def test_a_resolution_that_no_file_can_state_is_reduced():
    score = Score.from_notes(100_000, [(0, 100_000, 60, 64, 0), (100_000, 1, 62, 64, 0)])
    restored = read_score(write_score(score))
    assert restored.ticks_per_quarter == 25_000
    assert np.allclose(restored.seconds(restored.onset), score.seconds(score.onset), atol=1e-4)
    assert [row[2] for row in notes(restored)] == [60, 62]


def test_a_meter_that_no_file_can_state_is_left_out():
    score = Score.from_notes(96, [], meter=np.array([[4, 3]]))
    assert read_score(write_score(score)).meter.tolist() == [[4, 4]]


def test_an_empty_score_is_a_file():
    restored = read_score(write_score(Score.from_notes(96, [])))
    assert len(restored) == 0
    assert restored.ticks_per_quarter == 96


def test_programs_that_wander_between_ports_make_few_tracks():
    rng = np.random.default_rng(1)
    rows = [
        (int(at), 3000, int(pitch), 64, int(program))
        for at, pitch, program in zip(
            rng.integers(0, 90_000, 4000), rng.permutation(np.arange(4000) % 128), rng.integers(0, 129, 4000)
        )
    ]
    rows = list({(row[0] // 4000, row[2], row[4]): row for row in rows}.values())  # fmt: skip
    data = write_score(Score.from_notes(480, rows))
    assert len(opened(data).tracks) < 256
    assert len(read_score(data)) == len(rows)
