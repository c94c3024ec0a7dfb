"""OSC, WebSocket and MIDI libraries: what goes out byte for byte, what may come in, and what is turned away."""

import json
import os
import random
import socket
import struct
import sys
import threading
import time
import types

import mido
import pytest

from seqgen.errors import UsageError
from seqgen.live import messages as m
from seqgen.live.backends import backend
from seqgen.live.backends.of_mido import MidoBackend
from seqgen.live.dialects import DIALECTS, message
from seqgen.live.doors import Budget, check_host
from seqgen.live.osc import OscDoor, messages_of, voice
from seqgen.live.output import Out
from seqgen.live.ports import Input, Output
from seqgen.live.websocket import WebSocketDoor

NOTE = Out(10.0, 0.25, 2, 64, 100, 24, 4.0, 0.5)
DRUM = NOTE._replace(channel=9, pitch=36)
TOKEN = "0123456789abcdef"


class Taken:
    """What came in by a door."""

    def __init__(self):
        self.changes, self.notes = [], []

    def play(self, *note):
        self.notes.append(note)


def padded(data):
    return data + b"\0" * (4 - len(data) % 4)


def test_flat_lists_for_sonic_pi_max_and_pd():
    wanted = padded(b"/seqgen/note") + padded(b",iifi") + struct.pack(">iifi", 64, 100, 0.25, 3)
    for name in ("sonic-pi", "max", "pd", "seqgen"):
        assert DIALECTS[name].note(NOTE, 0.0) == [wanted]
    assert DIALECTS["sonic-pi"].line("abc") == [padded(b"/seqgen/line") + padded(b",s") + b"abc\0"]
    assert DIALECTS["pd"].event("beat", (7,)) == [padded(b"/seqgen/beat") + padded(b",i") + struct.pack(">i", 7)]
    assert [DIALECTS[name].port for name in ("sonic-pi", "tidal", "superdirt", "pd", "touchdesigner")] == [
        4560, 6010, 57120, 7400, 10000,
    ]  # fmt: skip


def test_floats_for_touchdesigner():
    wanted = padded(b"/note") + padded(b",ffff") + struct.pack(">ffff", 64, 100, 0.25, 3)
    assert DIALECTS["touchdesigner"].note(NOTE, 0.0) == [wanted]


def test_controls_for_tidal():
    first = padded(b"/ctrl") + padded(b",sf") + padded(b"seqgen_note") + struct.pack(">f", 4)
    made = DIALECTS["tidal"].note(NOTE, 0.0)
    assert made[0] == first
    assert [data[12:].split(b"\0")[0] for data in made] == [
        b"seqgen_note", b"seqgen_gain", b"seqgen_sustain", b"seqgen_channel",
    ]  # fmt: skip


def test_timetagged_bundles_for_superdirt():
    (made,) = DIALECTS["superdirt"].note(NOTE, 1_000_000_000.5)
    assert made[:8] == b"#bundle\0"
    assert made[8:16] == struct.pack(">II", 1_000_000_000 + 2_208_988_800, 1 << 31)
    (size,) = struct.unpack_from(">i", made, 16)
    assert size == len(made) - 20
    inner = made[20:]
    assert inner.startswith(padded(b"/dirt/play") + padded(b",sssfsfsfsisssfsfsf"))
    assert padded(b"midinote") in inner
    assert struct.pack(">f", 64) in inner
    (drum,) = DIALECTS["superdirt"].note(DRUM, 0.0)
    assert padded(b"bd") in drum
    assert b"midinote" not in drum
    assert DIALECTS["superdirt"].lead == 0.1


@pytest.mark.sockets
def test_a_voice_sends_and_survives_that_nobody_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        made = voice(f"sonic-pi:{listening.getsockname()[1]}")
        made.note(NOTE)
        assert listening.recv(1000) == DIALECTS["sonic-pi"].note(NOTE, 0.0)[0]
    for _ in range(5):
        made.note(NOTE)
    made.close()


def test_who_is_to_be_told_must_make_sense():
    for text, said in [
        ("sonic", "names no place"),
        ("x@127.0.0.1:7", "no program is called 'x'"),
        ("127.0.0.1:99999", "names no place"),
    ]:
        with pytest.raises(UsageError) as error:
            voice(text)
        assert said in error.value.message


@pytest.fixture
def door():
    taken = Taken()
    made = OscDoor(0, taken.changes.append, taken.play)
    made.taken = taken
    yield made
    made.close()


def test_osc_controls_come_in_by_exact_addresses_only(door):
    door.hear(message("/seqgen/temperature", (0.5,)))
    door.hear(message("/seqgen/rule/top_p", (0.9,)))
    door.hear(message("/seqgen/density", (3.0,)))
    door.hear(message("/seqgen/panic", ()))
    door.hear(message("/seqgen/note", (60, 100, 0.5)))
    taken = door.taken
    assert taken.changes == [
        {"temperature": 0.5}, {"rule.top_p": pytest.approx(0.9)}, {"density": 3}, {"panic": True},
    ]  # fmt: skip
    assert taken.notes == [(60, 100, 0.5)]
    for address in ("/seqgen/*", "/*/temperature", "/seqgen/temp[e]rature", "/{seqgen}/panic", "/seqgen", "//panic"):
        door.hear(message(address, (1,)))
    door.hear(message("/seqgen/tempo", (9999,)))
    door.hear(message("/seqgen/note", (600, 100)))
    assert len(taken.changes) == 4
    assert door.budget.refused == {"address": 6, "value": 1, "note": 1}


def test_osc_packets_that_hang_the_library_are_turned_away(door):
    circle = b"#bundle\0" + bytes(8) + struct.pack(">i", -4)
    nested = b"#bundle\0" + bytes(8)
    for _ in range(200):
        nested = b"#bundle\0" + bytes(8) + struct.pack(">i", len(nested)) + nested
    many = padded(b"/seqgen/tempo") + padded(b"," + b"z" * 4000)
    started = time.perf_counter()
    for data in (circle, nested, many, b"", b"/", b"/a\0\0", b"x" * 9000, b"/a\0\0,s\0\0", b"/a\0\0,i\0\0\0"):
        door.hear(data)
    assert time.perf_counter() - started < 0.5
    assert door.taken.changes == []
    assert sum(door.budget.refused.values()) == 9
    good = message("/seqgen/tempo", (90,))
    bundle = b"#bundle\0" + bytes(8) + struct.pack(">i", len(good)) + good
    assert [each.address for each in messages_of(bundle)] == ["/seqgen/tempo"]


def test_thousands_of_hostile_packets_cost_little_and_change_nothing_odd(door):
    door.budget = Budget(1e9, 1e9)
    rng, longest = random.Random(0), 0.0
    seeds = [message("/seqgen/temperature", (0.5,)), message("/seqgen/key", ("Am",)), message("/seqgen/note", (1, 2))]
    for _ in range(2000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        began = time.thread_time()
        door.hear(bytes(data[: rng.randrange(len(data) + 1)]))
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.05
    for changes in door.taken.changes:
        assert set(changes) <= {"temperature", "key"}


@pytest.mark.sockets
def test_osc_comes_in_by_its_socket(door):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for _ in range(50):
            sending.sendto(message("/seqgen/tempo", (90,)), ("127.0.0.1", door.port))
            time.sleep(0.02)
            if door.taken.changes:
                break
    assert door.taken.changes[0] == {"tempo": 90.0}


def test_doors_open_to_others_with_a_token_only():
    for host, token, said in [
        ("0.0.0.0", None, "opens seqgen to other machines"), ("127.0.0.1", "short", "a token is 8 to 100"),
        ("192.168.0.2", "with space 12", "a token is 8 to 100"),
    ]:  # fmt: skip
        with pytest.raises(UsageError) as error:
            check_host(host, token)
        assert said in error.value.message
    check_host("0.0.0.0", TOKEN)
    taken = Taken()
    made = OscDoor(0, taken.changes.append, taken.play, token=TOKEN)
    made.hear(message("/seqgen/tempo", (90,)))
    made.hear(message(f"/seqgen/{TOKEN}/tempo", (91,)))
    made.close()
    assert taken.changes == [{"tempo": 91.0}]
    assert made.budget.refused == {"address": 1}


def test_a_port_that_is_in_use_is_one_sentence(door):
    with pytest.raises(UsageError, match=f"OSC cannot listen on 127.0.0.1, port {door.port}"):
        OscDoor(door.port, print, print)


def test_a_flood_is_bounded():
    budget = Budget(10, 20)
    assert sum(budget.allows() for _ in range(1000)) <= 21
    assert budget.refused["too many"] >= 979


@pytest.fixture
def page():
    taken = Taken()
    made = WebSocketDoor(0, taken.changes.append, taken.play, origins=("https://editor.p5js.org",))
    made.taken = taken
    yield made
    made.close()


def connected(door, path="/", **headers):
    from websockets.sync.client import connect

    made = socket.create_connection(("127.0.0.1", door.port), timeout=5)
    origin = headers.pop("origin", None)
    return connect(
        f"ws://{headers.pop('host', 'localhost')}:{door.port}{path}", sock=made, origin=origin, open_timeout=5
    )


@pytest.mark.sockets
def test_a_page_turns_controls_and_is_told_of_notes(page):
    with connected(page, origin="http://localhost:8000") as client:
        client.send(json.dumps({"temperature": 0.5, "note": [60, 100, 0.5]}))
        client.send(json.dumps({"tempo": 1}))
        assert "tempo is 1, expected" in json.loads(client.recv(timeout=5))["message"]
        page.note(NOTE)
        assert json.loads(client.recv(timeout=5)) == {
            "event": "note", "pitch": 64, "velocity": 100, "seconds": 0.25, "channel": 3, "program": 24, "beat": 4.0,
        }  # fmt: skip
    assert page.taken.changes == [{"temperature": 0.5}]
    assert page.taken.notes == [(60, 100, 0.5)]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("origin", "host", "reason"),
    [
        ("https://evil.example", "localhost", "origin"),
        ("null", "localhost", "origin"),
        ("http://localhost.evil.example", "localhost", "origin"),
        (None, "evil.example", "host"),
    ],
)
def test_pages_of_elsewhere_are_turned_away(page, origin, host, reason):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as error:
        connected(page, origin=origin, host=host)
    assert error.value.response.status_code == 403
    assert page.budget.refused == {reason: 1}
    with connected(page, origin="https://editor.p5js.org") as client:
        client.send("{}")


@pytest.mark.sockets
def test_with_a_token_who_does_not_know_it_stays_out():
    from websockets.exceptions import InvalidStatus

    made = WebSocketDoor(0, print, print, token=TOKEN)
    try:
        for path in ("/", "/?token=wrong", f"/?token={TOKEN}x"):
            with pytest.raises(InvalidStatus):
                connected(made, path)
        with connected(made, f"/?token={TOKEN}", origin="null", host="example.org") as client:
            client.send("{}")
    finally:
        made.close()


@pytest.mark.sockets
def test_hostile_frames_close_their_own_connection_alone(page):
    from websockets.exceptions import ConnectionClosed

    rng = random.Random(1)
    with connected(page) as good:
        for number in range(40):
            raw = socket.create_connection(("127.0.0.1", page.port), timeout=5)
            raw.sendall(rng.randbytes(200) if number % 2 else b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            raw.close()
        with connected(page) as large, pytest.raises(ConnectionClosed):
            large.send("x" * 10_000)
            large.recv(timeout=5)
        for text in ("{", "[]", "7", '{"note": 7}', '{"note": [1, 2, 3, 4]}', '{"\\u0000": 1}', "{}" * 9):
            good.send(text)
        good.send('{"tempo": 99}')
        for _ in range(200):
            time.sleep(0.02)
            if page.taken.changes:
                break
    assert page.taken.changes == [{"tempo": 99.0}]


FAKE = """
from mido.ports import BaseInput, BaseOutput
OPEN = {}
class Input(BaseInput):
    def _open(self, callback=None, virtual=False, **rest):
        if self.name == "busy":
            raise OSError("busy")
        OPEN[self.name] = callback
class Output(BaseOutput):
    def _send(self, message):
        if self.name in OPEN:
            OPEN[self.name](message)
def get_devices(**rest):
    return [{"name": name, "is_input": True, "is_output": True} for name in ("Piano", "busy")]
"""


def test_ports_by_mido_take_and_give_bytes(monkeypatch):
    module = types.ModuleType("mido_of_a_test")
    exec(FAKE, module.__dict__)
    monkeypatch.setitem(sys.modules, "mido_of_a_test", module)
    found, heard = MidoBackend("mido_of_a_test"), []
    assert list(found.inputs()) == list(found.outputs()) == ["Piano", "busy"]
    Input(found, "Piano", heard.append)
    out = Output(found, "Piano")
    sent = [m.note_on(3, 60, 7), m.control(0, 64, 0), m.program(1, 5), m.position(1000), bytes((m.CLOCK,))]
    for data in sent:
        out.send(data)
    assert [each.data for each in heard] == sent
    with pytest.raises(UsageError, match="the MIDI input 'busy' cannot be opened"):
        Input(found, "busy", heard.append)


def test_messages_are_those_of_mido():
    assert mido.Message.from_bytes(m.note_on(1, 2, 3)) == mido.Message("note_on", channel=1, note=2, velocity=3)
    assert mido.Message.from_bytes(m.position(300)) == mido.Message("songpos", pos=300)
    assert m.position_of(m.position(300)) == 300


def test_without_a_library_that_works_one_sentence_says_what_to_do(monkeypatch):
    def missing():
        raise ImportError("No module named 'rtmidi'")

    monkeypatch.setattr("seqgen.live.backends.BACKENDS", {"rtmidi": missing})
    with pytest.raises(UsageError) as error:
        backend()
    assert "no MIDI ports can be used (rtmidi: No module named 'rtmidi')" in error.value.message
    assert "seqgen-art[live]" in error.value.hint
    with pytest.raises(UsageError, match="no port backend is called 'x'"):
        backend("x")


def test_what_a_library_prints_of_a_system_without_ports_is_not_seen(monkeypatch, capfd):
    def broken():
        os.write(2, b"MidiOutAlsa::initialize: error")
        raise OSError("no sequencer")

    monkeypatch.setattr("seqgen.live.backends.BACKENDS", {"rtmidi": broken})
    with pytest.raises(UsageError, match="no sequencer") as error:
        backend()
    assert "pip" not in error.value.hint
    assert capfd.readouterr().err == ""
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


@pytest.mark.sockets
def test_text_says_lines_on_the_beat(tmp_path, monkeypatch):
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob

    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    listening.settimeout(60)
    values = {"tempo": 240, "every": 1, "temperature": 0.7}
    place = f"127.0.0.1:{listening.getsockname()[1]}"
    job = JamJob(checkpoint="tiny-shakespeare", osc_to=(place,), log=str(tmp_path), values=values, seconds=1.6, seed=1)
    heard, events = [], []

    def listen():
        while True:
            try:
                heard.append(listening.recv(4096))
            except OSError:
                return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    done = work.jam(job, tell=events.append)
    listening.close()
    lines = [event for event in events if event["event"] == "line"]
    assert len(lines) == done.lines >= 3
    assert [event["beat"] for event in lines] == [float(number) for number in range(len(lines))]
    assert done.path.read_text("utf-8").splitlines() == [event["text"] for event in lines]
    said = [data for data in heard if data.startswith(b"/seqgen/line")]
    assert len(lines) - 1 <= len(said) <= len(lines)  # each once
    assert any(data.startswith(b"/seqgen/beat") for data in heard)


def test_osc_is_looked_for_when_it_is_asked_for(monkeypatch):
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob

    for name in [name for name in sys.modules if name.startswith(("pythonosc", "seqgen.live.osc"))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pythonosc", None)
    monkeypatch.delattr("seqgen.live.osc")
    with pytest.raises(UsageError, match="is not installed"):
        work.jam(JamJob(checkpoint="folk-tunes", osc_to=("pd",), log=None, take=False))
