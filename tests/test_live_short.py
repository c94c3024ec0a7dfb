"""Short forms of what `benchmarks/live.py` measures, as far as no other test of `jam` has them, on a loopback port."""

import contextlib
import random
import socket
import threading
import time

import numpy as np
import pytest

from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
from seqgen.live import messages as m
from seqgen.live.backends.loopback import Loopback
from seqgen.live.dialects import message
from seqgen.live.scheduler import Scheduler

PACKETS, SENT = 400, 120
FRAMES = ['{"temperature": 0.5}', "{", '{"note": [1,2,3,4]}', "[" * 900, '{"a": ' + "1" * 900 + "}"]
ODD = [message("/seqgen/temperature", (0.5,)), message("/seqgen/key", ("Am",)), b"#bundle\0" + bytes(12)]


@pytest.fixture
def heard(monkeypatch):
    """What a synthesizer at the end of a cable hears, with the times."""
    found, messages = Loopback(("synth", "keys")), []
    monkeypatch.setattr("seqgen.live.backends.BACKENDS", {"loopback": lambda: found})
    found.open_input("synth", lambda data: messages.append((time.monotonic(), data)), False)
    return messages


def jam(script, **options):
    """A session; `script` is called with it, on this thread, while it plays."""
    kept = []
    options = {"outputs": ("synth",), "log": None, "take": False, "seed": 1, "seconds": 60, **options}

    def begun(session):
        kept.append(session)
        threading.Thread(target=lambda: (script(session), session.stop()), daemon=True).start()

    done = work.jam(JamJob(checkpoint="folk-tunes", ports="loopback", **options), begun=begun)
    return done, kept[0]


@pytest.mark.sockets
def test_hostile_packets_and_frames_stop_nothing_while_it_plays(heard, capfd):
    connect = pytest.importorskip("websockets.sync.client").connect
    rng, sent = random.Random(5), {"osc": 0, "websocket": 0}

    def attack(session):
        time.sleep(0.3)
        osc, page = session.doors
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            for number in range(PACKETS):
                data = bytearray(rng.choice(ODD)) if number % 2 else bytearray(rng.randbytes(rng.randrange(1, 2000)))
                for _ in range(rng.randrange(8)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                sending.sendto(bytes(data), ("127.0.0.1", osc.port))
                sent["osc"] += 1
                time.sleep(0.001)
        with contextlib.ExitStack() as opened:
            client = opened.enter_context(
                connect(f"ws://localhost:{page.port}/", ping_interval=None, close_timeout=0.5)
            )
            for number in range(SENT):
                try:
                    client.send(rng.randbytes(100) if number % 3 == 0 else rng.choice(FRAMES))
                    sent["websocket"] += 1
                except Exception:  # it was turned out
                    client = opened.enter_context(
                        connect(f"ws://localhost:{page.port}/", ping_interval=None, close_timeout=0.5)
                    )
                time.sleep(0.001)
        sent["over"] = time.monotonic()
        time.sleep(1.5)

    done, session = jam(attack, values={"tempo": 200}, osc=0, websocket=0)
    assert sent["osc"] == PACKETS
    assert sent["websocket"] > SENT / 2
    assert all(sum(door.budget.refused.values()) > 5 for door in session.doors)
    assert session.scheduler.faults == 0
    assert not done.broken
    starts = [at for at, data in heard if m.starts(data)]
    assert any(at > sent["over"] for at in starts), "the music goes on"
    assert "Traceback" not in capfd.readouterr().err


def test_clock_out_does_not_drift(heard):
    """What a machine does late now and then is in single ticks: the line through all of them has the tempo."""
    jam(lambda session: time.sleep(4), values={"tempo": 120}, clock_out=True)
    ticks = np.array([at for at, data in heard if data == bytes((m.CLOCK,))])
    assert len(ticks) > 120
    number = np.arange(len(ticks))
    period = np.polyfit(number, ticks, 1)[0]
    early = ticks - ticks.min() - number * 60 / (120 * 24)
    assert abs(period * 24 * 2 - 1) < 0.02
    assert abs(np.quantile(early[: len(early) // 2], 0.1) - np.quantile(early[len(early) // 2 :], 0.1)) < 0.01


def test_what_is_planned_is_handed_out_no_earlier_than_it_is_due(heard):
    """Jitter is one-sided: a busy machine makes events late, and nothing makes them early."""
    done, session = jam(lambda session: time.sleep(2), values={"tempo": 300})
    late = np.array(session.scheduler.lateness)
    assert done.notes > 4
    assert isinstance(session.scheduler, Scheduler)
    assert late.min() > -0.002
    assert np.median(late) < 0.02
