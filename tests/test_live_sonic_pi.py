"""The recipe for Sonic Pi against its own server, without a window or a sound card; where it is not installed, skipped.

In Debian: apt-get install sonic-pi-server, version 3.2, whose server takes code on port 4557 and tells of it on 4558.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from seqgen.live.dialects import message

SERVER = Path("/usr/lib/sonic-pi/app/server/ruby/bin/sonic-pi-server.rb")
RECIPE = Path(__file__).parents[1] / "examples" / "live" / "sonic_pi.rb"
CODE, TOLD, PORTS = 4557, 4558, range(4556, 4565)
MISSING = not SERVER.exists() or any(shutil.which(name) is None for name in ("ruby", "jackd", "scsynth"))


def free():
    """Whether nothing listens on its ports."""
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


@pytest.fixture
def server(tmp_path):
    """Sonic Pi's server on a sound card that is none."""
    if not free():
        pytest.skip("its ports are in use")
    environment = {**os.environ, "HOME": str(tmp_path), "JACK_NO_AUDIO_RESERVATION": "1"}
    out, started = tmp_path / "out", []
    with out.open("wb") as file:
        how = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "env": environment}
        for command in (["jackd", "-r", "-d", "dummy"], ["ruby", str(SERVER)]):
            started.append(subprocess.Popen(command, start_new_session=True, **how))
            time.sleep(2)
    try:
        end = time.monotonic() + 60
        while "successfully booted" not in out.read_text(errors="replace"):
            if time.monotonic() > end or started[1].poll() is not None:
                pytest.skip("Sonic Pi's server does not start here")
            time.sleep(0.2)
        yield
    finally:
        begun = below(started[1].pid)
        tell("/exit", "test")
        with contextlib.suppress(subprocess.TimeoutExpired):
            started[1].wait(20)  # it ends what it has started
        for pid in [*begun, *(each.pid for each in reversed(started) if each.poll() is None)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # its Erlang stays else
        for each in started:
            each.wait()


def below(pid):
    """The processes that a process has begun, and theirs."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(each) for each in children.read_text().split()] if children.exists() else []
    return [*own, *(further for each in own for further in below(each))]


def tell(*words):
    """Say something to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendto(message(words[0], words[1:]), ("127.0.0.1", CODE))


@pytest.mark.sockets
@pytest.mark.skipif(MISSING, reason="Sonic Pi's server is not installed")
def test_sonic_pi_plays_every_note(server):
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob

    said = '  puts "heard #{pitch} #{velocity} #{seconds} #{channel}"\n  with_synth'
    heard, over = [], threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", TOLD))
        listening.settimeout(0.3)

        def hear():
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    heard.append(listening.recv(1 << 16))

        thread = threading.Thread(target=hear)
        thread.start()
        tell("/cue-port-start", "test")  # as its window does, unless somebody has switched that off
        tell("/run-code", "test", RECIPE.read_text("utf-8").replace("  with_synth", said))
        time.sleep(4)
        options = {"log": None, "take": False, "values": {"tempo": 200}, "seconds": 2, "seed": 1}
        done = work.jam(JamJob(checkpoint="folk-tunes", osc_to=("sonic-pi",), **options))
        time.sleep(2)
        over.set()
        thread.join()
    notes = re.findall(rb"heard (\d+) (\d+) ([\d.]+) (\d+)", b"".join(heard))
    assert len(notes) == done.notes > 0
