"""A model as an instrument: what sounds, when, and that nothing is left sounding. On ports inside this process."""

import functools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from seqgen.api.model import load
from seqgen.errors import UsageError
from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
from seqgen.live import controls
from seqgen.live import messages as m
from seqgen.live.backends.loopback import Loopback
from seqgen.live.clock import Ticks, Transport
from seqgen.live.ports import Input, Output, matched
from seqgen.live.preset import Preset, bound, usual_controllers
from seqgen.live.scheduler import Scheduler
from seqgen.live.sounding import Sounding
from seqgen.live.stream import Stream
from seqgen.music.read import read_score


class Listening:
    """What a synthesizer has heard: the keys that are down on it, and all messages."""

    def __init__(self):
        self.down, self.heard = set(), []

    def hear(self, data):
        self.heard.append((time.monotonic(), data))
        if m.starts(data):
            self.down.add((data[0] & 15, data[1]))
        elif m.ends(data):
            self.down.discard((data[0] & 15, data[1]))

    @property
    def starts(self):
        return [(at, data) for at, data in self.heard if m.starts(data)]


@pytest.fixture
def cable(monkeypatch):
    """A loopback with a synthesizer at its end."""
    found, listening = Loopback(("synth", "keys")), Listening()
    monkeypatch.setattr("seqgen.live.backends.BACKENDS", {"loopback": lambda: found})
    found.open_input("synth", listening.hear, False)
    found.listening = listening
    return found


@pytest.fixture(scope="module")
def tunes():
    return load("folk-tunes")


def in_time(test):
    """What must hold in one of three tries: a machine with other work to do is late now and then."""

    @functools.wraps(test)
    def tried(cable, tmp_path):
        for number in range(3):
            try:
                test(cable, tmp_path / str(number))
                return
            except AssertionError:
                if number == 2:
                    raise
                cable.listening.heard.clear()
                cable.listening.down.clear()

    return tried


def jam(cable, tmp_path, script=lambda session: None, **options):
    """A session, and what `script` does in it on a thread of its own."""

    def begun(session):
        threading.Thread(target=script, args=(session,), daemon=True).start()

    options = {"outputs": ("synth",), "inputs": ("keys",), "seconds": 2.0, "seed": 3, **options}
    options = {"checkpoint": "folk-tunes", **options}
    job = JamJob(ports="loopback", log=str(tmp_path / "jam"), **options)
    events = []
    return work.jam(job, tell=events.append, begun=begun), events


@in_time
def test_solo_plays_in_time_and_ends_in_silence(cable, tmp_path):
    done, _ = jam(cable, tmp_path, values={"tempo": "150"})
    listening = cable.listening
    assert len(listening.starts) == done.notes > 4
    assert listening.down == set()
    grid = np.array([at for at, _ in listening.starts])
    steps = (grid - grid[0]) * 150 / 60 * 24
    assert np.abs(steps - np.rint(steps)).max() < 24 * 150 / 60 * 0.02  # 20 ms of a busy machine
    ends = [data[:2] for _, data in listening.heard if data[0] & 0xF0 == m.CONTROL][-3:]
    assert ends == [bytes((0xB0, number)) for number in (64, 120, 123)]


def test_a_session_is_a_file_that_training_reads_and_a_take(cable, tmp_path, capsys):
    def play(session):
        time.sleep(0.3)
        cable.put("keys", m.note_on(2, 60, 90))
        time.sleep(0.5)
        cable.put("keys", m.note_off(2, 60))

    done, _ = jam(cable, tmp_path, play, values={"tempo": 120})
    score = read_score(done.path.read_bytes())
    assert sorted(score.names) == ["in 3", "out 1"]
    heard = score.part == score.names.index("in 3")
    assert score.pitch[heard].tolist() == [60]
    assert score.velocity[heard].tolist() == [90]
    seconds = score.seconds(score.duration[heard])
    assert 0.4 < seconds[0] < 0.7
    assert done.notes == (~heard).sum()
    from seqgen.cli import run

    assert run(["takes", "replay", done.take, "-o", str(tmp_path / "take.mid")]) == 0
    assert len(read_score((tmp_path / "take.mid").read_bytes())) >= done.notes
    source = str(tmp_path / "jam")
    arguments = ["train", source, "-o", str(tmp_path / "run"), "-c", "midi_bar", "--steps", "1", "-P", "window", "8"]
    assert run([*arguments, "-P", "hidden", "8", "--val", source]) == 0, capsys.readouterr().err


@in_time
def test_follow_answers_at_once_and_as_long(cable, tmp_path):
    times = []

    def play(session):
        time.sleep(0.4)
        for pitch in (60, 64, 67, 72, 62, 65):
            before = len(cable.listening.starts)
            times.append(time.monotonic())
            cable.put("keys", m.note_on(0, pitch, 80))
            while len(cable.listening.starts) == before and time.monotonic() < times[-1] + 0.25:
                time.sleep(0.01)
            cable.put("keys", m.note_off(0, pitch))
            time.sleep(0.05)
            times.append(bool(cable.listening.down))

    done, _ = jam(cable, tmp_path, play, values={"mode": "follow"}, seconds=3.0)
    assert done.heard == 12
    starts = [at for at, _ in cable.listening.starts]
    assert starts[-1] >= times[-2]
    latency = [min(at for at in starts if at >= time) - time for time in times[::2]]
    assert len(latency) == 6
    assert np.median(latency) < 0.03
    assert times[1::2] == [False] * 6


def test_a_call_is_answered_after_a_bar_of_silence(cable, tmp_path):
    def play(session):
        time.sleep(0.1)
        for pitch in (60, 62, 64, 65):
            cable.put("keys", m.note_on(0, pitch, 80))
            time.sleep(0.1)
            cable.put("keys", m.note_off(0, pitch))
        assert cable.listening.starts == []

    done, events = jam(cable, tmp_path, play, values={"mode": "call", "tempo": 240}, seconds=4.5)
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states[:2] == ["answering", "listening"]
    assert done.notes > 0


def test_accompany_and_loop_play(cable, tmp_path):
    def play(session):
        for pitch in (60, 64, 67, 72) * 4:
            cable.put("keys", m.note_on(0, pitch, 80))
            time.sleep(0.1)
            cable.put("keys", m.note_off(0, pitch))

    values = {"mode": "accompany", "tempo": 240}
    done, events = jam(cable, tmp_path, play, values=values, seconds=3.5, checkpoint="bach-chorales")
    assert [event for event in events if event["event"] == "error"] == []
    assert done.notes > 0
    cable.listening.heard.clear()
    done, _ = jam(cable, tmp_path, values={"mode": "loop", "tempo": 240, "loop_bars": 1}, seconds=3.4)
    starts = [(at, data[1]) for at, data in cable.listening.starts]
    bar = [pitch for at, pitch in starts if at < starts[0][0] + 0.99]
    assert [pitch for _, pitch in starts][: 2 * len(bar)] == bar * 2


def test_a_model_that_counts_seconds_plays_and_follows(cable, tmp_path, monkeypatch):
    from seqgen.cli import run
    from seqgen.music.score import Score
    from seqgen.music.write import write_score

    notes = [(240 * i + i * 37 % 50, 200, 48 + 3 * i % 24, 60 + i % 40, 0) for i in range(200)]
    (tmp_path / "song.mid").write_bytes(write_score(Score.from_notes(480, np.array(notes))))
    source, folder = str(tmp_path / "song.mid"), str(tmp_path / "played")
    options = ["-c", "midi", "--steps", "3", "--seed", "1", "-P", "hidden", "16", "-P", "window", "16"]
    assert run(["train", source, "-o", folder, "--val", source, *options]) == 0

    def play(session):
        time.sleep(0.4)
        cable.put("keys", m.note_on(0, 60, 80))
        time.sleep(0.2)
        cable.put("keys", m.note_off(0, 60))

    common = {"ports": "loopback", "inputs": ("keys",), "outputs": ("synth",), "log": None, "take": False, "seed": 1}
    for mode, seconds in (("solo", 1.5), ("follow", 1.0)):
        job = JamJob(checkpoint=folder, values={"mode": mode, "tempo": 200}, seconds=seconds, **common)
        done = work.jam(job, begun=lambda session: threading.Thread(target=play, args=(session,), daemon=True).start())
        assert done.notes > 0, mode
        assert cable.listening.down == set()


def test_controls_by_line_controller_and_panic(cable, tmp_path):
    def turn(session):
        time.sleep(0.3)
        session.line(b"key C")
        session.line(b"nonsense 3")
        cable.put("keys", m.control(5, 27, 0))  # velocity 0: nothing goes out
        time.sleep(0.3)
        session.line(b"panic")
        time.sleep(0.2)
        assert cable.listening.down == set()
        session.line(b"velocity 1")
        session.line(b"resume")

    done, events = jam(cable, tmp_path, turn, values={"tempo": 240})
    assert any(event.get("key") == "C" for event in events)
    assert any("no control is called 'nonsense'" in event.get("message", "") for event in events)
    assert any(event.get("velocity") == 0.0 for event in events)
    assert done.notes > 0


def test_learning_binds_a_controller_and_keeps_it(cable, tmp_path):
    def turn(session):
        time.sleep(0.2)
        cable.put("keys", m.control(0, 77, 64))
        time.sleep(0.1)
        cable.put("keys", m.control(0, 77, 127))

    preset = tmp_path / "mine.toml"
    _, events = jam(cable, tmp_path, turn, learn=("density",), save=str(preset), seconds=0.8)
    assert {"event": "learned", "control": "density", "cc": 77} in events
    assert {"event": "control", "density": 8} in events
    assert Preset.load(preset).controllers[77] == "density"
    assert Preset.load(preset).values["density"] == 8


def test_an_output_wired_to_an_input_is_no_feedback(cable, tmp_path):
    done, _ = jam(cable, tmp_path, inputs=("synth",), values={"mode": "follow"}, seconds=0.5)
    assert done.notes == 0

    def play(session):
        time.sleep(0.3)
        session.play_in(60, 80, 0.2)

    done, _ = jam(cable, tmp_path, play, inputs=("synth",), values={"mode": "follow"}, seconds=1.2)
    assert 0 < done.notes <= 3  # an answer to the one note, none to the answers
    assert done.heard == 2


def test_a_fault_of_the_model_silences_and_begins_anew(cable, tmp_path, monkeypatch):
    plain, calls = Stream.advance, []

    def faulty(stream, without=None):
        calls.append(None)
        if len(calls) == 60:
            raise ZeroDivisionError("planted")
        return plain(stream)

    monkeypatch.setattr(Stream, "advance", faulty)
    done, events = jam(cable, tmp_path, values={"tempo": 240})
    assert any("planted" in event.get("message", "") for event in events)
    assert done.notes > 3
    assert cable.listening.down == set()


def test_a_model_that_stalls_is_silenced(cable, tmp_path, monkeypatch):
    plain, calls = Stream.advance, []

    def stalling(stream, without=None):
        calls.append(None)
        if len(calls) == 40:
            time.sleep(3)
        return plain(stream)

    monkeypatch.setattr("seqgen.live.session.STALL", 0.5)
    monkeypatch.setattr(Stream, "advance", stalling)
    quiet = []

    def look(session):
        time.sleep(2.4)
        quiet.append(set(cable.listening.down))

    _, events = jam(cable, tmp_path, look, values={"tempo": 120}, seconds=2.6)
    assert any("stalled" in event.get("message", "") for event in events)
    assert quiet == [set()]


def test_a_port_that_is_unplugged_comes_back(cable, tmp_path, monkeypatch):
    monkeypatch.setattr("seqgen.live.session.PORTS", 0.1)

    def pull(session):
        time.sleep(0.3)
        cable.unplug("synth")
        time.sleep(0.4)
        cable.plug("synth")
        cable.open_input("synth", cable.listening.hear, False)
        cable.listening.down.clear()

    _, events = jam(cable, tmp_path, pull, values={"tempo": 240}, seconds=2)
    said = [event["message"] for event in events if event["event"] == "port"]
    assert said == ["synth was unplugged", "synth is there again"]
    assert cable.listening.starts[-1][0] > cable.listening.starts[0][0] + 1
    assert cable.listening.down == set()


@in_time
def test_a_clock_that_comes_in_drives_it(cable, tmp_path):
    """Start, stop, song position, continue: notes lie on the clock's grid, and none sounds while it is stopped."""
    step, times, quiet = 60 / (150 * 24), {}, []

    def send(session):
        def ticks(count, begin):
            for number in range(count):
                while time.monotonic() < begin + number * step:
                    time.sleep(0.0005)
                times.setdefault(len(times), time.monotonic())
                cable.put("keys", bytes((m.CLOCK,)))

        time.sleep(0.2)
        ticks(30, time.monotonic())
        quiet.append({note for _, note in cable.listening.starts})
        for message in (bytes((m.START,)), m.position(64)):
            if message != bytes((m.START,)):
                cable.put("keys", message)
                cable.put("keys", bytes((m.CONTINUE,)))
            else:
                cable.put("keys", message)
            begin = time.monotonic() + 0.05
            grids.append(begin)
            ticks(96, begin)
            cable.put("keys", bytes((m.STOP,)))
            time.sleep(0.1)
            quiet.append(set(cable.listening.down))

    grids = []
    done, events = jam(cable, tmp_path, send, clock="midi", values={}, seconds=4.6)
    said = [event["transport"] for event in events if event["event"] == "transport"]
    assert said == ["start", "stop", "locate", "continue", "stop"]
    assert quiet == [set(), set(), set()]
    for begin in grids:
        notes = [at for at, _ in cable.listening.starts if begin - 0.1 < at < begin + 96 * step]
        assert len(notes) > 2
        off = [((at - begin) / step / 2) % 1 for at in notes]  # in steps of two clocks, which hold 32nds and triplets
        near = [min(each, 1 - each) * 2 * step for each in off]
        assert np.median(near) < 0.012
    assert done.heard == 0


KILLED = """
import os, sys, threading, time
from seqgen.live import backends
from seqgen.live.backends.loopback import Loopback
from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
cable = Loopback(("synth",))
cable.open_input("synth", lambda data: os.write(1, bytes([len(data)]) + data), False)
backends.BACKENDS = {"loopback": lambda: cable}
def begun(session):
    os.write(2, b"begun")
job = JamJob(checkpoint="folk-tunes", ports="loopback", outputs=("synth",), log=None, take=False,
             values={"tempo": 300}, seconds=20, seed=int(sys.argv[1]))
work.jam(job, begun=begun)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing_sounding(number):
    """At a random moment; what the synthesizer heard comes through a pipe."""
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", KILLED, str(int(number))], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    assert started.stderr.read(5) == b"begun"
    time.sleep(0.4 + random.random() / 2)
    started.send_signal(number)
    out, _ = started.communicate(timeout=20)
    listening, at = Listening(), 0
    while at < len(out):
        listening.hear(out[at + 1 : at + 1 + out[at]])
        at += 1 + out[at]
    assert len(listening.starts) > 0
    assert listening.down == set()
    assert started.returncode == 0


def test_the_next_start_silences_what_a_killed_one_left(cable, tmp_path):
    jam(cable, tmp_path, seconds=0.2)
    first = [data for _, data in cable.listening.heard[:48]]
    assert first == [m.control(channel, number, 0) for channel in range(16) for number in (64, 120, 123)]


def test_sounding_counts_retriggers_and_silences():
    sent = []
    sounding = Sounding(sent.append)
    one = sounding.on(0, 60, 80, 0.0)
    two = sounding.on(0, 60, 90, 0.1)
    assert sent == [m.note_on(0, 60, 80), m.note_off(0, 60), m.note_on(0, 60, 90)]
    sounding.off(0, 60, one)
    assert sounding.keys == [(0, 60)]
    sounding.off(0, 60, two)
    assert sounding.keys == []
    assert sent[-1] == m.note_off(0, 60)
    old = sounding.on(3, 40, 1, 1.0)
    sounding.silence()
    assert sent[-7] == m.note_off(3, 40)
    new = sounding.on(3, 40, 1, 1.2)
    sounding.off(3, 40, old)  # what was to end the note of before ends not the one of after
    assert sounding.keys == [(3, 40)]
    sounding.off(3, 40, new)
    sounding.on(1, 50, 200, 2.0)
    sounding.expire(14.0)
    assert sounding.keys == []
    assert sounding.expired == 1
    sounding.close()
    before = len(sent)
    sounding.on(0, 61, 80, 15.0)
    assert len(sent) == before


def test_a_port_that_fails_takes_nothing_down():
    def gone(data):
        raise RuntimeError("unplugged")

    sounding = Sounding(gone)
    sounding.off(0, 60, sounding.on(0, 60, 80, 0.0))
    assert sounding.lost == 2
    assert sounding.keys == []


@pytest.mark.parametrize("bpm", [60, 120, 174.5])
def test_tempo_and_phase_of_a_clock_with_noise(bpm):
    rng, ticks, missed = np.random.default_rng(1), Ticks(), []
    for number in range(24 * 24):
        ticks.hear(100 + number * 60 / (bpm * 24) + rng.uniform(-0.003, 0.003))
        if number >= 192:
            assert abs(ticks.tempo - bpm) < 0.1
            missed.append(abs(ticks.time(number + 1) - 100 - (number + 1) * 60 / (bpm * 24)))
    assert np.quantile(missed, 0.99) < 0.005


def test_a_clock_that_jumps_is_followed():
    ticks, now = Ticks(), 0.0
    for _ in range(300):
        now += 60 / (120 * 24)
        ticks.hear(now)
    for _ in range(72):
        now += 60 / (90 * 24)
        ticks.hear(now)
    assert abs(ticks.tempo - 90) < 0.5


def test_stop_song_position_and_continue_land_on_the_right_sixteenth():
    rng = random.Random(2)
    for _ in range(100):
        transport, now = Transport(external=True), 10.0
        step = 60 / (rng.uniform(60, 180) * 24)

        def ticks(count, transport=transport, step=step):
            nonlocal now
            for _ in range(count):
                now += step
                transport.hear(bytes((m.CLOCK,)), now + rng.uniform(-0.003, 0.003))

        ticks(30)
        assert transport.hear(bytes((m.START,)), now) == "start"
        ticks(1)
        assert transport.beat(now) == pytest.approx(0, abs=0.003 / step / 24 + 0.02)
        ticks(count := rng.randrange(50, 200))
        assert transport.hear(bytes((m.STOP,)), now) == "stop"
        assert transport.beat(now) == pytest.approx(count / 24, abs=1.01 / 24)
        ticks(20)
        assert not transport.running
        where = rng.randrange(0, 1000)
        transport.hear(m.position(where), now)
        transport.hear(bytes((m.CONTINUE,)), now)
        ticks(1)
        assert round(transport.beat(now) * 4) == where
        ticks(24)
        assert round(transport.beat(now) * 4) == where + 4


def test_a_clock_that_stops_silences_and_goes_on():
    transport, now = Transport(external=True), 0.0
    transport.hear(bytes((m.START,)), now)
    for _ in range(48):
        now += 0.02
        transport.hear(bytes((m.CLOCK,)), now)
    assert transport.running
    assert not transport.watch(now + 0.5)
    assert transport.watch(now + 1.5)
    assert not transport.running
    assert transport.hear(bytes((m.CLOCK,)), now + 3) == "tick"
    assert transport.running
    assert transport.beat(now + 3) == pytest.approx(2, abs=0.1)


def test_what_is_planned_moves_with_the_tempo():
    transport = Transport(60.0)
    scheduler, done = Scheduler(transport), []
    scheduler.start()
    try:
        now = time.monotonic()
        transport.start(now)
        for beat in range(4):
            scheduler.plan(beat, lambda now, beat=beat: done.append((beat, now)))
        time.sleep(0.1)
        transport.set_tempo(600.0, time.monotonic())  # cut to 400
        time.sleep(0.7)
    finally:
        scheduler.close()
    assert [beat for beat, _ in done] == [0, 1, 2, 3]
    assert done[-1][1] - now < 0.65
    assert scheduler.faults == 0


def test_a_fault_in_what_is_planned_stops_nothing():
    transport = Transport()
    scheduler, done = Scheduler(transport), []
    scheduler.start()
    transport.start(time.monotonic())
    scheduler.plan(0, lambda now: 1 / 0)
    scheduler.plan(0.1, done.append)
    time.sleep(0.3)
    scheduler.close()
    assert len(done) == 1
    assert scheduler.fault.startswith("ZeroDivisionError")
    assert not scheduler.alive


@pytest.mark.parametrize("name", ["folk-tunes", "bach-chorales"])
def test_what_is_read_token_by_token_is_what_is_decoded(name):
    model = load(name)
    ids, notes = [], []
    stream = Stream(model, controls.defaults(), 5, ids.extend)
    while stream.pieces == 0 and len(ids) < 2000:
        notes += stream.advance()
    score = model.tokenizer.codec.score(model.tokenizer.own(np.array(ids)))
    ticks = score.ticks_per_quarter
    heard = sorted((round(n.at * ticks), n.pitch, round(n.length * ticks), n.velocity, n.program) for n in notes)
    columns = (score.onset, score.pitch, score.duration, score.velocity, score.program)
    there = sorted(zip(*(column.tolist() for column in columns)))
    assert len(heard) > 20
    assert set(heard) <= set(there)
    assert len(there) - len(heard) <= 1  # the last may wait for a tie


def test_performance_tokens_sound_as_they_are_decoded():
    from seqgen.codecs.midi.performance import Midi, MidiOptions
    from seqgen.music.played import Played

    codec = Midi(MidiOptions())
    playing, ids = codec.playing(), []
    for number, (at, length, pitch) in enumerate([(0, 0.5, 60), (0, 1, 64), (1.5, 0.25, 62), (30, 3, 61)]):
        for token in [*playing.moved(at), *playing.said(Played(at, length, pitch, 90, 4 * (number == 3), 0))]:
            ids.append(token)
            playing.take(token)
    score = codec.score(np.array(ids))
    assert score.pitch.tolist() == [60, 64, 62, 61]
    assert (score.seconds(score.onset) * 2).tolist() == [0, 0, 1.5, 30]
    assert score.program.tolist() == [0, 0, 0, 4]


def test_controls_keep_to_key_and_change_while_it_plays(tunes):
    stream = Stream(tunes, controls.defaults(), 1)
    while stream.position < 16:
        stream.advance()
    stream.change({**controls.defaults(), "key": "D", "temperature_pitch": 1.4, "rule.top_p": 0.95})
    notes = []
    while stream.position < 48:
        notes += stream.advance()
    after = [note for note in notes if note.at > 17]
    assert after
    assert {note.pitch % 12 for note in after} <= {2, 4, 6, 7, 9, 11, 1}
    with pytest.raises(UsageError, match="no instrument is called"):
        stream.change({**controls.defaults(), "instruments": "kazoo-o-phone"})


def cells(events, name):
    """What a session was told of cells, one after the other."""
    return [event[name] for event in events if event.get("event") == "control" and name in event]


@in_time
def test_cells_are_held_and_scaled_while_music_plays(cable, tmp_path):
    def turn(session):
        time.sleep(0.2)
        for line in (
            b'{"clamp": {"layer1:cell3": 0.9}, "gain": {"layer1:cell5": 2}}',
            b'{"clamp": {"layer1:cell4": -0.5}}',
            b'{"clamp": {"layer1:cell3": null}}',
            b"gain layer1:cell6=0",
            b"clamp layer1:cell99999=1",
            b"gain none",
        ):
            session.line(line)
            time.sleep(0.1)

    done, events = jam(cable, tmp_path, turn, seconds=1.2)
    held = [{part for part in (text or "").split(",") if part} for text in cells(events, "clamp")]
    assert held == [{"layer1:cell3=0.9"}, {"layer1:cell3=0.9", "layer1:cell4=-0.5"}, {"layer1:cell4=-0.5"}]
    assert cells(events, "gain") == ["layer1:cell5=2.0", "layer1:cell6=0", None]
    said = [event["message"] for event in events if event.get("event") == "error"]
    assert len(said) == 1, "of the cell that the model does not have"
    assert "cell" in said[0]
    assert done.notes > 0


def test_a_cell_that_is_held_changes_what_is_played(tunes):
    values = controls.defaults()

    def played(line):
        stream = Stream(tunes, values, 1)
        while stream.position < 4:
            stream.advance()
        stream.change(values | controls.settled(values, controls.parse_line(line)))
        notes = []
        while stream.position < 24:
            notes += stream.advance()
        return [(note.at, note.pitch) for note in notes]

    held = ", ".join(f'"layer1:cell{number}": 1' for number in range(1, 41))
    plain = played(b"{}")
    assert played(b'{"gain": {"layer1:cell5": 1}}') == plain
    assert played(b'{"clamp": {%s}}' % held.encode()) != plain


def test_changes_of_cells_that_come_together_are_all_kept():
    one, other = ({"clamp": {"layer1:cell3": 0.9}, "tempo": 90.0}, {"clamp": {"layer1:cell4": None}})
    both = controls.followed_by(one, other)
    assert both == {"clamp": {"layer1:cell3": 0.9, "layer1:cell4": None}, "tempo": 90.0}
    assert controls.settled({"clamp": "layer1:cell4=1,layer1:cell5=2"}, both)["clamp"] == (
        "layer1:cell5=2,layer1:cell3=0.9"
    )
    assert controls.followed_by({"clamp": "layer1:cell1=1"}, other) == {"clamp": "layer1:cell1=1"}
    assert controls.followed_by(one, {"clamp": None}) == {"clamp": None, "tempo": 90.0}
    many = {f"layer1:cell{number}": 1 for number in range(500)}
    for odd in ({"layer1:cell3": "loud"}, {"layer1": 1}, {"layer1:cell3": True}, many):
        with pytest.raises(UsageError):
            controls.checked({"clamp": odd})


def test_voices_of_a_mixture_are_weighed_and_labels_checked(cable, tmp_path):
    def turn(session):
        time.sleep(0.2)
        session.line(b"mix 1")
        session.line(b"label nobody")

    done, events = jam(cable, tmp_path, turn, mix=("folk-tunes:0.5",), seconds=1)
    assert any(event.get("mix") == 1.0 for event in events)
    assert any("no label is called 'nobody'" in event.get("message", "") for event in events)
    assert done.notes > 0
    _, events = jam(cable, tmp_path, turn, seconds=0.6)
    assert any("mix weighs what --mix or --blend adds" in event.get("message", "") for event in events)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"tempo 999", "tempo is '999', expected a number from 20 to 400"),
        (b"tempos 9", "no control is called 'tempos'"),
        (b'{"density": 1.5}', "density is 1.5, expected a whole number from 1 to 8"),
        (b'{"temperature": NaN}', "temperature is nan"),
        (b"key H", "no key is called 'H'"),
        (b"mode jazz", "mode is 'jazz', expected one of solo"),
        (b"meter 4", "meter is '4', expected two numbers"),
        (b'{"panic": "yes"}', "panic is 'yes', expected true"),
        (b'{"rules": {"top_q": 1}}', "no rule is called 'top_q'"),
        (b'{"rules": 7}', "rules is 7"),
        (b"[1]", "no control is called"),
        (b"{", "a control line is no JSON"),
    ],
)
def test_a_control_that_makes_no_sense_is_one_sentence(line, said):
    with pytest.raises(UsageError) as error:
        controls.parse_line(line)
    assert said in error.value.message


def test_follow_refuses_what_only_jam_has():
    assert controls.followed(b'{"temperature": 5, "prompt": "x"}').prompt == b"x"
    with pytest.raises(UsageError, match="tempo is a control of seqgen jam"):
        controls.followed(b'{"tempo": 100}')
    from seqgen.api.control import KEYS

    assert {knob.name for knob in controls.KNOBS if knob.lines} | {"rules", "clamp", "gain"} == set(KEYS)


def test_every_controller_turns_one_control_within_its_range():
    numbers = [knob.cc for knob in controls.KNOBS if knob.cc is not None]
    assert len(set(numbers)) == len(numbers)
    for knob in controls.KNOBS:
        if knob.turns:
            for value in range(128):
                knob.checked(knob.of_controller(value))


def test_a_preset_comes_back_and_odd_ones_are_refused(tmp_path):
    path = tmp_path / "p.toml"
    values = {"temperature": 0.7, "key": "Am", "rule.top_p": 0.9, "instruments": 'a"\\b'}
    Preset(values, bound(usual_controllers(), "density", 3)).save(path)
    back = path.read_text()
    assert "density = 3" in back
    path.write_text(back.replace('instruments = "a\\"\\\\b"\n', ""))
    loaded = Preset.load(path)
    assert loaded.values == {"temperature": 0.7, "key": "Am", "rule.top_p": 0.9}
    assert loaded.controllers[3] == "density"
    for text, said in [
        ("[knobs]\na = 1", "no table is called 'knobs'"),
        ("[controls]\nloudness = 1", "no control is called 'loudness'"),
        ("[cc]\ndensity = 200", "the controller of density is 200, expected 0 to 119"),
        ("[cc]\nkey = 3", "key is text, which no MIDI controller can turn"),
        ("[controls]\npanic = true", "panic is something that happens"),
        ("controls = 3", "[controls] and [cc] are tables"),
        ("= 3", "not a TOML file"),
    ]:
        path.write_text(text)
        with pytest.raises(UsageError) as error:
            Preset.load(path)
        assert said in error.value.message


def test_ports_are_matched_by_a_part_of_the_name():
    names = ["IAC Driver Bus 1", "IAC Driver Bus 2", "Keystation 49"]
    assert matched("keysta", names, "input") == "Keystation 49"
    assert matched("IAC Driver Bus 1", names, "input") == "IAC Driver Bus 1"
    with pytest.raises(UsageError, match="several MIDI inputs are called 'iac': IAC Driver Bus 1, IAC Driver Bus 2"):
        matched("iac", names, "input")
    with pytest.raises(UsageError) as error:
        matched("Keystatino 49", names, "output")
    assert "did you mean 'Keystation 49'" in error.value.hint
    with pytest.raises(UsageError, match="there is no MIDI output"):
        matched("x", [], "output")


def test_ports_refuse_what_is_no_message_and_what_cannot_be_opened():
    cable, heard = Loopback(("a",)), []
    port = Input(cable, "a", heard.append)
    for data in (b"", b"\x40\x40", b"\x90\x40", b"\x90\x40\x90", b"\xf0\x01\xf7", b"\xf2\x01"):
        cable.put("a", data)
    cable.put("a", m.note_on(0, 60, 1))
    assert [each.data for each in heard] == [m.note_on(0, 60, 1)]
    assert port.odd == 6
    with pytest.raises(UsageError, match="the MIDI output 'b' cannot be opened"):
        Output(cable, "b")


def test_products_take_one_thread_while_it_plays(cable, tmp_path):
    from seqgen.generation import blas

    before, during = [get() for _, get in blas._counters()], []
    if not before:
        pytest.skip("numpy's products are not OpenBLAS's")
    jam(cable, tmp_path, lambda session: during.append([get() for _, get in blas._counters()]), seconds=0.3)
    assert during == [[1] * len(before)]
    assert [get() for _, get in blas._counters()] == before


def test_the_command_line_says_what_is_wrong(capsys, tmp_path, monkeypatch):
    from seqgen.cli import run

    monkeypatch.chdir(tmp_path)
    assert run(["jam"]) == 2
    assert "no checkpoint was given" in capsys.readouterr().err
    assert run(["jam", "--list-ports", "--ports", "loopback"]) == 0
    assert "in\tloopback" in capsys.readouterr().out
    assert run(["jam", "folk-tunes", "--ports", "loopback", "--out", "looopback"]) == 2
    assert "did you mean 'loopback'" in capsys.readouterr().err
    assert run(["jam", "folk-tunes", "--ports", "loopback", "--virtual", "--tempo", "fast"]) == 2
    assert "tempo is 'fast', expected a number from 20 to 400" in capsys.readouterr().err
    assert run(["jam", "tiny-shakespeare", "--ports", "loopback", "--virtual", "--mode", "follow"]) == 2
    assert "makes text, which has no mode follow" in capsys.readouterr().err
    assert run(["jam", "folk-tunes", "--ports", "loopback", "--out", "loopback", "--clock", "midi"]) == 2
    assert "--clock midi has no MIDI input" in capsys.readouterr().err
    assert run(["jam", "folk-tunes", "--ports", "loopback", "--virtual", "--learn", "key"]) == 2
    assert "key is text, which no MIDI controller can turn" in capsys.readouterr().err
    assert not Path("jam").exists()
