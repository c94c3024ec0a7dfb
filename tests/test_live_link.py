"""Ableton Link: the song is where its peers are. With a stand-in for the library, and with the library where it is."""

import asyncio
import sys
import threading
import time
import types

import pytest

from seqgen.live.clock import Transport
from seqgen.live.link import Link


class Peer:
    """What the library has, without a network."""

    def __init__(self, tempo):
        self._tempo, self._beat, self._time = 97.5, 40.0, time.monotonic()  # those of a session that is joined
        self.asked, self.enabled, self.quantum, self.num_peers = [], False, 0, 1
        PEERS.append(self)

    @property
    def beat(self):
        return self._beat + (time.monotonic() - self._time) * self._tempo / 60

    @property
    def tempo(self):
        return self._tempo - 0.00005

    @tempo.setter
    def tempo(self, value):
        self.asked.append(value)
        self.lead(self.beat, value)

    def lead(self, beat, tempo):
        self._beat, self._time, self._tempo = beat, time.monotonic(), tempo


PEERS = []


@pytest.fixture
def link(monkeypatch):
    """With a library in the place of aalink."""
    PEERS.clear()
    library = types.ModuleType("aalink")
    library.Link = Peer
    monkeypatch.setitem(sys.modules, "aalink", library)


def test_who_joins_takes_tempo_and_beat_over_and_turns_the_tempo_on_demand(link):
    transport, leaps = Transport(120.0), []
    made = Link(transport, lambda: leaps.append(transport.beat(time.monotonic())))
    made.start()
    (peer,) = PEERS
    assert (peer.enabled, peer.quantum, made.peers) == (True, 4.0, 1)
    assert transport.running
    assert transport.tempo == pytest.approx(97.5, abs=0.001)
    assert peer.asked == []  # nobody's tempo is taken over by joining
    assert transport.beat(time.monotonic()) == pytest.approx(peer.beat, abs=0.01)
    transport.set_tempo(140.0, time.monotonic())
    time.sleep(0.2)
    assert peer.asked == [140.0]
    peer.lead(peer.beat, 150.0)
    time.sleep(0.2)
    assert transport.tempo == pytest.approx(150, abs=0.001)
    assert peer.asked == [140.0]
    assert leaps == []
    peer.lead(8.0, 150.0)
    time.sleep(0.2)
    assert len(leaps) == transport.leaps == 1
    assert leaps[0] == pytest.approx(8.0, abs=0.5)
    made.close()
    assert not peer.enabled


def test_a_session_plays_on_the_beat_of_its_peers(link, monkeypatch):
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob
    from seqgen.live import messages as m
    from seqgen.live.backends.loopback import Loopback

    cable, beats = Loopback(("synth",)), []
    monkeypatch.setattr("seqgen.live.backends.BACKENDS", {"loopback": lambda: cable})
    cable.open_input("synth", lambda data: m.starts(data) and beats.append(PEERS[0].beat), False)
    job = JamJob(checkpoint="folk-tunes", ports="loopback", outputs=("synth",), clock="link", log=None, take=False,
                 seconds=5.0, seed=3)  # fmt: skip
    done = work.jam(job)
    assert done.notes == len(beats) > 3
    assert PEERS[0].asked == []
    off = [min(each * 12 % 1, -each * 12 % 1) / 12 for each in beats]  # on the grid of 32nds and triplets
    assert sorted(off)[len(off) // 2] < 0.02


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    from seqgen.errors import UsageError
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob

    monkeypatch.setitem(sys.modules, "aalink", None)
    job = JamJob(checkpoint="folk-tunes", ports="loopback", outputs=("loopback",), clock="link", log=None, take=False)
    with pytest.raises(UsageError, match="aalink is not installed") as error:
        work.jam(job)
    assert error.value.hint == "pip install 'seqgen-art[link]'"


@pytest.mark.sockets
def test_two_peers_of_this_machine_agree_within_five_milliseconds():
    """By the library itself, over this machine's own network."""
    aalink = pytest.importorskip("aalink")
    found, over = [], threading.Event()

    async def other():
        peer = aalink.Link(97.0)
        peer.quantum, peer.enabled = 4.0, True
        await asyncio.sleep(1.0)  # it is there first, so that its tempo counts
        found.append(peer)
        while not over.is_set():
            await asyncio.sleep(0.01)
        peer.enabled = False

    thread = threading.Thread(target=lambda: asyncio.run(other()), daemon=True)
    thread.start()
    while not found:
        time.sleep(0.05)
    transport = Transport(120.0)
    made = Link(transport)
    made.start()
    for _ in range(100):
        time.sleep(0.1)
        if made.peers and abs(transport.tempo - 97.0) < 0.01:
            break
    try:
        assert made.peers == 1
        assert transport.tempo == pytest.approx(97.0, abs=0.01)
        off = []
        for _ in range(50):
            time.sleep(0.02)
            off.append((transport.beat(time.monotonic()) - found[0].beat) % 4 * 60 / 97.0)
        near = sorted(min(each, 4 * 60 / 97 - each) for each in off)
        assert near[len(near) // 2] < 0.005
        transport.set_tempo(133.0, time.monotonic())
        for _ in range(50):
            time.sleep(0.05)
            if abs(found[0].tempo - 133.0) < 0.01:
                break
        assert found[0].tempo == pytest.approx(133.0, abs=0.01)
    finally:
        over.set()
        made.close()
        thread.join(5)
