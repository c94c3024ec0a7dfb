"""What a session keeps: rows in constant memory, a file that grows, and what one leaves that was cut off."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from seqgen.errors import OutputError
from seqgen.files.growing import Growing, left_behind
from seqgen.jobs.jam.spool import LINES, NOTES, Spool, recover
from seqgen.live.later import MOST, Later
from seqgen.live.recording import IN, OUT, Recording, Transcript, score_of
from seqgen.music.read import read_score


def played(recording, count, begin=0.0):
    for number in range(count):
        now = begin + number / 10
        recording.on(OUT, number % 3, 60 + number % 12, 80, 5, now, 120)
        recording.off(OUT, number % 3, 60 + number % 12, now + 0.05, 120)


def test_a_recording_follows_the_tempo():
    recording = Recording(120)
    recording.begin(10.0)
    recording.on(OUT, 0, 60, 80, 5, 10.0, 120)
    recording.off(OUT, 0, 60, 10.5, 120)
    recording.on(IN, 0, 61, 80, 0, 11.0, 120)
    recording.off(IN, 0, 61, 11.5, 60)
    recording.on(OUT, 9, 36, 80, 0, 12.5, 60)
    first = recording.taken()
    recording.end(13.0, 60)
    score = score_of(first + recording.taken())
    assert score.onset.tolist() == [0, 960, 1440 + 480]
    assert score.program.tolist() == [5, 0, 128]
    assert [score.names[part] for part in score.part] == ["out 1", "in 1", "out 10"]
    assert np.allclose(score.seconds(score.onset), [0, 1, 2.5])


def test_what_was_taken_is_no_longer_held():
    recording, transcript = Recording(120), Transcript()
    recording.begin(0.0)
    played(recording, 100)
    transcript.add("a b")
    rows, lines = recording.taken(), transcript.taken()
    assert len(score_of(rows)) == recording.count == 100
    assert lines == b"a b\n"
    assert recording.taken() == transcript.taken() == b""
    assert transcript.count == 1


def test_rows_that_were_cut_are_read_as_far_as_they_are_whole():
    recording = Recording(120)
    recording.begin(0.0)
    played(recording, 10)
    rows = recording.taken()
    assert len(score_of(rows[:-3])) == 9
    assert len(score_of(b"")) == 0


def spool(folder, kept, kind=NOTES, suffix=".mid"):
    said = []
    return Spool(folder, suffix, kind, kept, [], said.append), said


def test_a_session_grows_in_its_folder_and_becomes_a_file(tmp_path):
    recording = Recording(120)
    recording.begin(0.0)
    made, said = spool(tmp_path / "jam", recording)
    played(recording, 20)
    made.drain(soon=True)
    (growing,) = (tmp_path / "jam").iterdir()
    assert growing.name.startswith(".")
    assert len(score_of(growing.read_bytes())) == 20
    played(recording, 5, begin=2.0)
    path = made.finish(3.0, 120)
    assert [each.name for each in (tmp_path / "jam").iterdir()] == [path.name]
    assert len(read_score(path.read_bytes())) == 25
    assert said == []


def test_nothing_is_left_of_a_session_without_a_note(tmp_path):
    made, _ = spool(tmp_path / "jam", Recording(120))
    assert made.finish(1.0, 120) is None
    assert list((tmp_path / "jam").iterdir()) == []
    made, _ = spool(None, Recording(120))
    assert made.finish(1.0, 120) is None


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path):
    (tmp_path / "jam").write_text("a file")
    transcript = Transcript()
    made, said = spool(tmp_path / "jam", transcript, LINES, ".txt")
    for _ in range(3):
        transcript.add("x")
        made.drain(soon=True)
    assert made.finish(1.0, 120) is None
    assert len(said) == 1
    assert "This session is not kept any more" in said[0]


def test_what_a_killed_session_left_is_found_by_the_next(tmp_path):
    recording = Recording(120)
    recording.begin(0.0)
    played(recording, 7)
    rows, said = recording.taken(), []
    (tmp_path / ".a.mid.notes").write_bytes(rows + b"\0\0\0")
    (tmp_path / ".b.txt.lines").write_bytes(b"one\ntwo\n")
    (tmp_path / ".c.mid.notes").write_bytes(rows[:48])
    held = Growing(tmp_path / ".d.mid.notes")
    held.append(rows)
    recover(tmp_path, said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".d.mid.notes", "a.mid", "b.txt"]
    assert len(read_score((tmp_path / "a.mid").read_bytes())) == 7
    assert (tmp_path / "b.txt").read_text() == "one\ntwo\n"
    assert said == [f"Wrote {tmp_path / name}, of a session that was cut off" for name in ("a.mid", "b.txt")]
    held.close()
    recover(tmp_path, said.append)
    assert (tmp_path / "d.mid").exists()


def test_a_file_that_grows_replaces_nothing(tmp_path):
    (tmp_path / "there").write_bytes(b"mine")
    with pytest.raises(OutputError):
        Growing(tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"mine"
    with left_behind(tmp_path / "there") as data:
        assert data == b"mine"
    assert not (tmp_path / "there").exists()


KILLED = """
import sys
from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
job = JamJob(checkpoint="folk-tunes", ports="loopback", outputs=("loopback",), log=sys.argv[1], take=False,
             values={"tempo": 300}, seconds=60, seed=1)
work.jam(job)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills outright there")
def test_a_kill_loses_no_more_than_the_last_seconds(tmp_path):
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    for _ in range(600):
        time.sleep(0.1)
        left = list(tmp_path.iterdir())
        if left and left[0].stat().st_size > 48 * 6:
            break
    started.kill()
    started.wait()
    said = []
    recover(tmp_path, said.append)
    (path,) = tmp_path.iterdir()
    assert len(said) == 1
    assert len(read_score(path.read_bytes())) >= 5


def test_a_flood_of_notes_is_one_thread():
    later, done, before = Later(), [], threading.active_count()
    for number in range(MOST + 10):
        later.after(60.0, lambda number=number: done.append(number))
    later.after(0.02, lambda: done.append("soon"))
    time.sleep(0.3)
    assert threading.active_count() == before + 1
    assert set(done) == {*range(MOST, MOST + 10), "soon"}
    later.close()
    time.sleep(0.1)
    assert threading.active_count() == before
    later.after(0.0, lambda: done.append("late"))
    assert "late" not in done


@pytest.mark.parametrize("name", ["midi", "midi_bar"])
def test_what_a_grammar_keeps_is_small(name):
    """Its masks are kept by state, and in hours of music nearly every state comes."""
    grammar, vocabulary = (
        importlib.import_module(f"seqgen.codecs.{name}.{each}") for each in ("grammar", "vocabulary")
    )
    assert grammar._mask.cache_info().maxsize * vocabulary.SIZE < 1_000_000
