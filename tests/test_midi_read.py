"""Reading MIDI: the edge cases of real files, the limits, and what is said about damage."""

import io
import struct

import mido
import numpy as np
import pytest
from midi_files import chunk, control, events, header, meta, midi, notes, number, off, on, program, simple, spans, tempo

from seqgen.errors import MidiError
from seqgen.music import chunks, stretches
from seqgen.music.read import pieces, read_score
from seqgen.music.score import DRUMS
from seqgen.report import Report

NOTE = ((0, on(60)), (480, off(60)))


def salvage(data: bytes):
    report = Report()
    return read_score(data, report), report


def test_a_plain_note():
    score = read_score(simple(*NOTE, end=960))
    assert notes(score) == [(0, 480, 60, 64, 0)]
    assert score.ticks_per_quarter == 480
    assert score.length == 960
    assert score.duration_seconds == 1.0


def test_note_on_of_velocity_0_and_running_status_end_notes():
    body = b"\0\x90\x3c\x40" + b"\x60\x3c\0" + b"\0\x40\x40" + b"\x60\x40\0"
    assert spans(read_score(midi(body + b"\0" + meta(0x2F)))) == [(0, 96, 60), (96, 96, 64)]


@pytest.mark.parametrize("delta", [0, 127, 128, 16383, 16384, 2097151, 2097152])
def test_delta_times_of_every_length(delta):
    assert spans(read_score(simple((delta, on(60)), (2 * delta + 1, off(60)))))[0] == (delta, delta + 1, 60)


def test_channel_events_of_one_and_two_data_bytes_mix():
    timed = [(0, program(40)), (0, on(60)), (10, bytes([0xD0, 9])), (20, bytes([0xA0, 60, 9])), (30, off(60))]
    score, report = salvage(simple(*timed))
    assert notes(score) == [(0, 30, 60, 64, 40)]
    assert report.dropped == {"channel pressure": 1, "key pressure": 1}


def test_running_status_of_program_changes():
    body = b"\0\xc0\x05" + b"\0\x06" + b"\0\x90\x3c\x40" + b"\x60\x3c\0" + b"\0" + meta(0x2F)
    assert notes(read_score(midi(body))) == [(0, 96, 60, 64, 6)]


# The numbered edge cases.


def test_1_overlapping_notes_of_one_pitch_pair_first_in_first_out():
    data = simple((0, on(60, 10)), (5, on(60, 20)), (8, off(60)), (20, off(60)))
    assert notes(read_score(data)) == [(0, 8, 60, 10, 0), (5, 15, 60, 20, 0)]


def test_2_a_note_of_no_length_is_one_tick_long():
    score, report = salvage(simple((5, on(60)), (5, off(60)), (9, on(61)), (10, off(61))))
    assert spans(score) == [(5, 1, 60), (9, 1, 61)]
    assert report.repaired == {"note of no length": 1}


def test_3_a_note_never_closed_ends_with_its_track():
    data = midi(events((0, on(60)), (10, on(61)), (20, off(61)), end=700), events((0, on(72)), (900, off(72))))
    score, report = salvage(data)
    assert spans(score) == [(0, 700, 60), (0, 900, 72), (10, 10, 61)]
    assert report.repaired == {"note never closed": 1}


def test_a_note_off_without_a_note_is_counted_and_disturbs_nothing():
    data = simple((0, off(60)), (1, off(60)), (2, on(60)), (5, off(60)), (6, off(60)), (7, on(60)), (9, off(60)))
    score, report = salvage(data)
    assert spans(score) == [(2, 3, 60), (7, 2, 60)]
    assert report.dropped == {"note-off without a note": 3}


def test_5_a_program_change_in_another_track_counts():
    data = midi(
        events((0, program(7)), (100, program(9))), events((50, on(60)), (60, off(60)), (100, on(62)), (110, off(62)))
    )
    assert [row[4] for row in notes(read_score(data))] == [7, 9]


def test_6_a_note_keeps_the_program_of_its_onset():
    data = simple((0, program(1)), (0, on(60)), (5, program(2)), (9, off(60)), (9, on(60)), (12, off(60)))
    assert notes(read_score(data)) == [(0, 9, 60, 64, 1), (9, 3, 60, 64, 2)]


@pytest.mark.parametrize("channel", [0, 1, 5, 15])
def test_7_the_pedal_holds_the_notes_of_its_channel(channel):
    other = 3
    data = simple(
        (0, on(60, channel=channel)),
        (0, on(60, channel=other)),
        (5, control(64, 64, channel)),
        (10, off(60, channel)),
        (10, off(60, other)),
        (50, control(64, 63, channel)),
    )
    assert sorted(spans(read_score(data))) == [(0, 10, 60), (0, 50, 60)]


def test_7_a_pedal_in_another_track_holds_and_a_restrike_ends_the_old_note():
    pedal = events((0, control(64, 127)), (100, control(64, 0)))
    played = events((0, on(60)), (10, off(60)), (30, on(60)), (40, off(60)), (50, on(62)), (120, off(62)))
    assert spans(read_score(midi(pedal, played))) == [(0, 30, 60), (30, 70, 60), (50, 70, 62)]


def test_7_a_pedal_pressed_after_the_note_holds_nothing():
    data = simple((0, on(60)), (10, off(60)), (10, control(64, 127)), (50, control(64, 0)))
    assert spans(read_score(data)) == [(0, 10, 60)]


def test_7_a_pedal_never_released_ends_with_its_track():
    score, report = salvage(simple((0, control(64, 127)), (0, on(60)), (10, off(60)), end=300))
    assert spans(score) == [(0, 300, 60)]
    assert report.repaired == {"pedal never released": 1}


def test_7_repeated_pedal_values_are_one_pedal():
    data = simple(
        (0, on(60)),
        (1, control(64, 80)),
        (2, control(64, 127)),
        (5, off(60)),
        (9, control(64, 70)),
        (20, control(64, 0)),
    )
    assert spans(read_score(data)) == [(0, 20, 60)]
    kept = read_score(data, fold_pedal=False)
    assert spans(kept) == [(0, 5, 60)]
    assert kept.pedal.tolist() == [[1, 19, 0]]


def test_8_tempo_events_count_in_any_track():
    data = midi(events((0, tempo(1_000_000))), events((0, on(60)), (480, tempo(250_000)), (960, off(60))))
    score = read_score(data)
    assert score.tempo.tolist() == [1_000_000, 250_000]
    assert score.seconds(960) == 1.25


@pytest.mark.parametrize(
    ("rate", "seconds"), [(24, 100 / 2400), (25, 100 / 2500), (29, 100 / 3000 * 1.001), (30, 100 / 3000)]
)
def test_9_smpte_time_is_honoured(rate, seconds):
    data = simple((0, tempo(1)), (0, on(60)), (100, off(60)), division=bytes([256 - rate, 100]))
    score = read_score(data)
    assert score.seconds(100) == pytest.approx(seconds, rel=1e-12)


def test_9_smpte_of_an_odd_rate_is_refused():
    with pytest.raises(MidiError, match=r"byte 12: time division is 77 frames of 100 ticks, expected 24"):
        read_score(simple(*NOTE, division=bytes([256 - 77, 100])))


def test_10_the_tracks_of_a_type_2_file_are_pieces():
    bodies = [events((0, on(60)), (10, off(60))), events((0, on(72)), (20, off(72)))]
    data = midi(*bodies, form=2)
    parts = pieces(data)
    assert [spans(read_score(part)) for part in parts] == [[(0, 10, 60)], [(0, 20, 72)]]
    assert parts[1].endswith(chunk(b"MTrk", bodies[1]))
    score, report = salvage(data)
    assert spans(score) == [(0, 10, 60)]
    assert report.dropped == {"further piece of a type 2 file": 1}
    with pytest.raises(MidiError, match="holds 2 pieces"):
        read_score(data)


def test_pieces_leaves_other_files_alone():
    for data in (simple(*NOTE), midi(events(*NOTE), form=2), b"MThd", b"junk"):
        assert pieces(data) == [data]


def test_11_a_truncated_file_keeps_its_complete_events():
    whole = simple((0, on(60)), (10, off(60)), (20, on(62)), (30, off(62)))
    cut = whole[:-6]  # inside the last note-off
    score, report = salvage(cut)
    assert spans(score) == [(0, 10, 60), (20, 1, 62)]
    assert report.repaired["truncated track"] == 1
    assert report.dropped["event cut short"] == 1
    with pytest.raises(MidiError) as caught:
        read_score(cut)
    assert caught.value.message == "byte 14: track chunk is cut short (expected 20 bytes, found 14)"
    assert caught.value.hint == "drop the file, or pass -P skip_bad true"


def test_every_truncation_is_told_or_salvaged():
    whole = simple((0, tempo(400_000)), (0, meta(3, b"name")), *NOTE, (500, control(7, 9)))
    for length in range(len(whole)):
        with pytest.raises(MidiError):
            read_score(whole[:length])
        if length >= 22:
            _, report = salvage(whole[:length])
            assert report.repaired["truncated track"] == 1


def test_12_a_data_byte_above_127_is_clipped_and_counted():
    score, report = salvage(simple((0, b"\x90\x3c\xc8"), (10, off(60)), (10, on(62)), (20, off(62))))
    assert notes(score) == [(0, 10, 60, 127, 0), (10, 10, 62, 64, 0)]
    assert report.repaired == {"data byte above 127": 1}
    with pytest.raises(MidiError, match=r"byte 24: data byte is 200, expected at most 127"):
        read_score(simple((0, b"\x90\x3c\xc8"), (10, off(60))))


def test_12_bad_key_signatures_and_meters_are_left_out():
    timed = [(0, meta(0x59, b"\x7f\x09")), (0, meta(0x58, b"\x04\xff\x18\x08")), (0, meta(0x58, b"\x03")), *NOTE]
    score, report = salvage(simple(*timed))
    assert score.meter.tolist() == [[4, 4]]
    assert report.dropped == {"key signature": 1, "bad meter": 2}


def test_12_a_riff_wrapped_file():
    inner = simple(*NOTE)
    body = b"RMID" + b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(inner)) + inner
    assert spans(read_score(b"RIFF" + struct.pack("<I", len(body)) + body)) == [(0, 480, 60)]


def test_12_a_riff_file_without_music():
    with pytest.raises(MidiError, match="holds no MIDI data"):
        read_score(b"RIFF" + struct.pack("<I", 4) + b"RMID")


def test_12_unknown_chunks_are_passed_over():
    body = chunk(b"MTrk", events(*NOTE))
    score, report = salvage(header(1) + chunk(b"XFIH", b"whatever") + body + chunk(b"Yama", b""))
    assert spans(score) == [(0, 480, 60)]
    assert report.dropped == {"unknown chunk": 2}


def test_12_junk_between_chunks_is_searched_for_the_next_track():
    data = header(1) + b"\0\0\0junk" + chunk(b"MTrk", events(*NOTE))
    score, report = salvage(data)
    assert spans(score) == [(0, 480, 60)]
    assert report.dropped == {"bytes between chunks": 1}
    with pytest.raises(MidiError, match="byte 14: expected a chunk"):
        read_score(data)


def test_12_a_wrong_track_count_is_mended():
    score, report = salvage(header(7) + chunk(b"MTrk", events(*NOTE)))
    assert spans(score) == [(0, 480, 60)]
    assert report.repaired == {"wrong track count": 1}


def test_12_division_0_is_refused():
    for report in (None, Report()):
        with pytest.raises(MidiError, match=r"byte 12: time division is 0"):
            read_score(simple(*NOTE, division=0), report)


def test_12_a_far_tick():
    far = (1 << 28) - 1
    score, _ = salvage(simple(*NOTE, end=far))
    assert score.length == 480  # three days of silence are cut
    with pytest.raises(MidiError, match=r"music is too long \(expected at most 24 hours, found 77\.7\)"):
        read_score(simple((far, on(60)), (far + 1, off(60))), Report())


def test_ticks_do_not_wrap():
    far = (1 << 28) - 1
    body = b"".join(number(far) + meta(1) for _ in range(40))
    data = midi(b"\0" + tempo(1) + body + b"\0" + on(60) + b"\1" + off(60) + b"\0" + meta(0x2F), division=32767)
    assert spans(read_score(data)) == [(40 * far, 1, 60)]


def test_13_running_status_after_a_meta_event_works():
    body = b"\0" + on(60) + b"\0" + meta(1, b"la") + b"\x0a\x3c\0" + b"\0" + meta(0x2F)
    assert spans(read_score(midi(body))) == [(0, 10, 60)]


def test_13_running_status_after_a_sysex_is_reported():
    body = b"\0" + on(60) + b"\0\xf0\x03\x01\x02\xf7" + b"\x0a\x3c\0" + b"\0" + meta(0x2F)
    score, report = salvage(midi(body))
    assert spans(score) == [(0, 10, 60)]
    assert report.repaired == {"running status after a system message": 1}
    assert report.dropped == {"system exclusive message": 1}
    with pytest.raises(MidiError, match="byte 33: running status after a system message"):
        read_score(midi(body))


def test_a_data_byte_without_any_status_ends_its_track_where_no_event_follows():
    data = midi(events(*NOTE), b"\0\x3c\x40" * 9)
    score, report = salvage(data)
    assert spans(score) == [(0, 480, 60)]
    assert report.dropped == {"rest of a damaged track": 1}
    with pytest.raises(MidiError, match="expected a status byte, found 0x3c"):
        read_score(data)


def test_15_unison_duplicates_of_two_tracks_are_kept():
    data = midi(events(*NOTE), events((0, on(60, 99)), (240, off(60))))
    assert notes(read_score(data)) == [(0, 240, 60, 99, 0), (0, 480, 60, 64, 0)]


def test_16_channel_10_is_drums_and_keeps_its_kit():
    data = simple(
        (0, program(25, 9)), (0, on(36, channel=9)), (1, on(127, channel=9)), (5, off(36, 9)), (6, off(127, 9))
    )
    score = read_score(data)
    assert notes(score) == [(0, 5, 36, 64, DRUMS), (1, 5, 127, 64, DRUMS)]
    assert score.kit == 25


def test_16_no_note_is_dropped_for_its_range():
    timed = [(0, on(pitch)) for pitch in range(128)] + [(10, off(pitch)) for pitch in range(128)]
    assert [row[2] for row in notes(read_score(simple(*timed)))] == list(range(128))


def test_18_bends_controllers_and_text_are_counted():
    timed = [(0, b"\xe0\0\x40"), (0, control(101, 0)), (0, control(7, 100)), (0, meta(5, b"la")), (0, meta(0x7F, b"x"))]
    _, report = salvage(simple(*timed, (0, b"\xf0\x02\x7e\xf7"), *NOTE))
    assert report.dropped == {
        "pitch bend": 1,
        "controller": 2,
        "text": 1,
        "other meta event": 1,
        "system exclusive message": 1,
    }


def test_20_absurd_meters_duplicate_tempos_and_a_latin_1_name():
    timed = [
        (0, meta(3, "Fr\u00fch\n\x1b[1m".encode("latin-1"))),
        (0, tempo(500_000)),
        (0, tempo(600_000)),
        (0, meta(0x51, b"\0")),
    ]
    score, report = salvage(simple(*timed, *NOTE, (900, tempo(100_000)), (900, meta(0x58, b"\0\x02\x18\x08"))))
    assert score.title == "Fr\u00fch[1m"
    assert score.tempo.tolist() == [600_000, 100_000]
    assert score.tempo_tick.tolist() == [0, 900]
    assert report.dropped == {"bad tempo": 1, "bad meter": 1}
    assert report.repaired == {"duplicate tempo": 1}


def test_a_tempo_of_0_is_left_out():
    score, report = salvage(simple((0, tempo(0)), *NOTE))
    assert score.tempo.tolist() == [500_000]
    assert report.dropped == {"bad tempo": 1}


def test_ports_have_channels_of_their_own():
    first = events((0, program(7)), (0, on(60)), (10, off(60)), (20, on(60)), (30, off(60)))
    second = events((0, meta(0x21, b"\1")), (0, program(9)), (5, on(60)), (40, off(60)))
    assert [(row[0], row[4]) for row in notes(read_score(midi(first, second)))] == [(0, 7), (5, 9), (20, 7)]


def test_a_track_without_an_end_and_one_with_too_much():
    bare = events(*NOTE, end=-1)
    score, report = salvage(midi(bare, events(*NOTE) + b"\0\0\0"))
    assert len(score) == 2
    assert report.repaired == {"track without an end marker": 1}
    assert report.dropped == {"bytes after the end of a track": 3}
    assert len(read_score(midi(bare))) == 1


def test_a_system_message_has_no_place_in_a_file():
    data = simple((0, b"\xf8"), *NOTE)
    score, report = salvage(data)
    assert spans(score) == [(0, 480, 60)]
    assert report.dropped == {"system message": 1}
    with pytest.raises(MidiError, match="byte 23: status byte 0xf8"):
        read_score(data)


def test_variable_length_numbers_have_at_most_four_bytes():
    data = midi(events(*NOTE), b"\xff" * 100_000)
    score, report = salvage(data)
    assert spans(score) == [(0, 480, 60)]
    assert report.dropped == {"rest of a damaged track": 1}
    with pytest.raises(MidiError, match="longer than 4 bytes"):
        read_score(data)


def test_an_unknown_format_is_read_as_type_1():
    data = header(1, form=9) + chunk(b"MTrk", events(*NOTE))
    score, report = salvage(data)
    assert len(score) == 1
    assert report.repaired == {"unknown format": 1}
    with pytest.raises(MidiError, match="byte 8: file format is 9, expected 0, 1 or 2"):
        read_score(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "byte 0: no file of music: it is empty"),
        (b"hello there", "byte 0: no file of music: it begins with b'hell'"),
        (b"MThd\0\0", "byte 0: no MIDI header"),
        (b"MThd\0\0\0\x02\0\1\0\1\0\x60", "byte 4: header chunk is too short"),
        (header(0), "byte 14: file has no track"),
    ],
)
def test_what_is_no_midi_file_is_refused(data, problem):
    for report in (None, Report()):
        with pytest.raises(MidiError, match=problem) as caught:
            read_score(data, report)
        assert caught.value.hint


def test_limits(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_BYTES", 1000)
    with pytest.raises(MidiError, match=r"file is too long \(expected at most 1,000 bytes, found 1,0..\)"):
        read_score(simple(*NOTE) + bytes(970), Report())
    monkeypatch.undo()
    with pytest.raises(MidiError, match=r"too many tracks \(expected at most 256\)"):
        read_score(midi(*[b"\0\xff\x2f\0"] * 257), Report())
    monkeypatch.setattr(stretches, "MAX_EVENTS", 100)
    for timed in (
        [(0, on(60))] * 101,
        [(0, program(3))] * 101,
        [(0, meta(1))] * 101,
        [*[(0, on(6))] * 60, *[(0, meta(1))] * 60],
    ):
        with pytest.raises(MidiError, match=r"too many events \(expected at most 100"):
            read_score(simple(*timed), Report())


def test_agrees_with_mido_on_a_busy_file():
    rng = np.random.default_rng(3)
    file = mido.MidiFile(ticks_per_beat=96)
    expected = []
    for channel in (0, 4, 9):
        track = mido.MidiTrack()
        file.tracks.append(track)
        track.append(mido.Message("program_change", channel=channel, program=channel + 20))
        now = 0
        for _ in range(400):
            wait, length, pitch = int(rng.integers(0, 300)), int(rng.integers(1, 20_000)), int(rng.integers(0, 128))
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=1 + pitch // 2, time=wait))
            if rng.random() < 0.2:
                track.append(mido.MetaMessage("lyrics", text="la"))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=length))
            track.append(mido.Message("aftertouch", channel=channel, value=pitch))
            program_number = DRUMS if channel == 9 else channel + 20
            expected.append((now + wait, length, pitch, 1 + pitch // 2, program_number))
            now += wait + length
    buffer = io.BytesIO()
    file.save(file=buffer)
    assert sorted(notes(read_score(buffer.getvalue()))) == sorted(expected)
