"""What is shown of a session, and that the terminal is given back whatever ends it."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from seqgen.jobs.jam.job import Jammed
from seqgen.jobs.jam.screen import Screen
from seqgen.jobs.jam.view import WIDTH, rows
from seqgen.live import messages as m
from seqgen.live.backends.loopback import Loopback
from seqgen.live.ports import Input, Output
from seqgen.live.preset import Preset
from seqgen.live.session import Session

pty = pytest.importorskip("pty")
GIVEN_BACK = b"\x1b[r"


def done(**rest):
    return Jammed(
        **{"seed": 1, "seconds": 2, "notes": 3, "lines": 0, "heard": 0, "late": 0, "path": None, "take": None} | rest
    )


def test_a_terminal_that_takes_its_time_holds_nothing_up():
    gate, shown = threading.Event(), []

    def slow(text):
        gate.wait(5)
        shown.append(text)

    screen = Screen(slow, slow, as_json=False)
    began = time.monotonic()
    for number in range(12_000):
        screen.tell({"event": "line", "text": str(number)})
    assert time.monotonic() - began < 2
    gate.set()
    screen.done(done())
    assert shown[:3] == ["0", "1", "2"]
    assert 10_000 <= len(shown) <= 10_002  # what was too much is not shown
    assert shown[-1] == "3 notes, 2 s, 0 late, seed 1"


def test_a_reader_that_has_gone_ends_the_session():
    def gone(text):
        raise BrokenPipeError

    screen, stopped = Screen(print, gone, as_json=True), threading.Event()

    class Stopped:
        closed, stop = False, staticmethod(stopped.set)

    screen.begun(Stopped())
    screen.tell({"event": "control", "key": "C"})
    assert stopped.wait(5)
    with pytest.raises(BrokenPipeError):
        screen.done(done())


def test_rows_say_ports_clock_bars_plan_and_controllers():
    from seqgen.live import controls
    from seqgen.music.played import Played

    cable = Loopback(("a long name of a keyboard", "synth"))
    session = Session(
        {**controls.defaults(), "key": "Am", "rule.top_p": 0.9, "instruments": "piano," * 40}, Preset(), print
    )
    session.plug([Input(cable, "a long name of a keyboard", session.hear)], [Output(cable, "synth")])
    session.hands.plan(Played(1.5, 0.5, 61, 80, 0, 0))
    shown = rows(session)
    assert max(map(len, shown)) <= WIDTH
    assert len(shown) <= 16
    text = "\n".join(shown)
    assert "solo stands  bar 1.1  120.0 bpm (own clock)  0 late" in shown[0]
    assert "in a long name of a keyboard  out synth" in shown[2]
    assert shown[3] == "next +1.50 C#4"
    assert re.search(r"temperature 0\.9 +cc20", text)
    assert "key Am" in text
    assert "rule.top_p 0.9" in text
    cable.unplug("synth")
    session.outputs.all[0].look([])
    assert "synth (unplugged)" in rows(session)[2]
    session.close()


@pytest.fixture
def terminal():
    """A command on a terminal of its own: (what starts it, what it has said so far)."""
    opened = []

    def start(*words, lines=24):
        parent, child = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 80, 0, 0))
        before = termios.tcgetattr(child)
        root = str(Path(__file__).parent.parent)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seqgen", *words], stdin=child, stdout=child, stderr=child,
            start_new_session=True, env={**os.environ, "PYTHONPATH": root, "TERM": "xterm"},
        )  # fmt: skip
        opened.append((process, parent, child))
        return process, parent, lambda: termios.tcgetattr(child) == before

    yield start
    for process, parent, child in opened:
        process.kill()
        process.wait()
        os.close(parent)
        os.close(child)


def heard(parent, until, seconds=30):
    """What comes out of a terminal until something was said."""
    found, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and until not in found:
        if select.select([parent], [], [], 0.2)[0]:
            try:
                found += os.read(parent, 1 << 16)
            except OSError:
                break
    return found


JAM = ("jam", "folk-tunes", "--ports", "loopback", "--out", "loopback", "--no-log", "--no-take", "--seed", "1")


@pytest.mark.parametrize("way", ["stop", "SIGINT", "SIGTERM", "SIGHUP", "fault"])
def test_the_terminal_is_given_back_at_every_end(terminal, way):
    if way == "SIGHUP" and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        pytest.skip("under nohup, SIGHUP ends nothing")
    words = [*JAM, "--tempo", "200"] + (["--websocket", "99999"] if way == "fault" else [])
    process, parent, same = terminal(*words)
    if way != "fault":
        said = heard(parent, b"cc20")
        assert b"bpm (own clock)" in said
        if way == "stop":
            os.write(parent, b"stop\n")
        else:
            process.send_signal(getattr(signal, way))
    end = heard(parent, b"late, seed 1" if way != "fault" else b"99999")
    assert process.wait(20) == (2 if way == "fault" else 0)
    if way != "fault":
        assert GIVEN_BACK in end
        assert b"\x1b[2;" not in end[end.rindex(GIVEN_BACK) :]  # no region was set after that
    assert same()


def test_without_a_panel_lines_alone_are_said(terminal):
    process, parent, _ = terminal(*JAM, "--plain", "--seconds", "1")
    said = heard(parent, b"late, seed 1")
    assert process.wait(20) == 0
    assert b"\x1b" not in said


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="no job control there")
def test_nothing_sounds_while_the_process_is_stopped(tmp_path):
    code = """
import os, sys
from seqgen.live import backends
from seqgen.live.backends.loopback import Loopback
cable = Loopback(("synth",))
cable.open_input("synth", lambda data: os.write(3, bytes([len(data)]) + data), False)
backends.BACKENDS["loopback"] = lambda: cable
from seqgen.cli import main
sys.argv[1:] = ["jam", "folk-tunes", "--ports", "loopback", "--out", "synth", "--no-log", "--no-take", "--tempo", "300",
                "--seconds", "30"]
main()
"""
    reading, writing = os.pipe()
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", f"import os; os.dup2({writing}, 3)\n{code}"], pass_fds=(writing,),
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    os.close(writing)
    down, starts = set(), 0

    def listen(seconds, most=1 << 30):
        nonlocal starts
        end = time.monotonic() + seconds
        while time.monotonic() < end and starts < most:
            if select.select([reading], [], [], 0.05)[0]:
                (size,) = os.read(reading, 1) or b"\0"
                data = os.read(reading, size)
                if m.starts(data):
                    starts += 1
                    down.add(data[:2])
                elif m.ends(data):
                    down.discard(bytes((data[0] & 0x0F | 0x90, data[1])))

    try:
        listen(30, most=5)
        assert starts == 5
        started.send_signal(signal.SIGTSTP)
        listen(1.0)
        assert down == set()
        before = starts
        listen(0.5)
        assert starts == before
        started.send_signal(signal.SIGCONT)
        listen(5.0, most=before + 3)
        assert starts == before + 3
        started.send_signal(signal.SIGINT)
        listen(1.5)
        assert down == set()
    finally:
        started.kill()
        started.wait()
        os.close(reading)
