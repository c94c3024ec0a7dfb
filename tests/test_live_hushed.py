"""What libraries say while a session plays smears no terminal: it is counted, and told once."""

import functools
import logging
import socket
import subprocess
import sys
import threading
import time

import pytest

from seqgen.live import hushed as work
from seqgen.live import websocket
from seqgen.live.hushed import MOST, hushed

pytest.importorskip("websockets")


def bare(test):
    """In a process in which nobody has set up anything that takes remarks, as pytest does while a test runs."""

    @functools.wraps(test)
    def alone(**fixtures):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logging.getLogger(), "handlers", [])
            patch.setattr(threading, "excepthook", threading.__excepthook__)
            patch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
            test(**fixtures)

    return alone


def failing():
    raise ValueError("odd\nvalue")


@bare
def test_a_remark_is_told_once_and_counted(capfd):
    events, notes = [], []
    with hushed(events.append, notes.append):
        for _ in range(3):
            try:
                failing()
            except ValueError:
                logging.getLogger("websockets.client").exception("keepalive ping failed")
        logging.getLogger("asyncio").error("Task was destroyed but it is pending!")
        logging.warning("Unhandled parameter type: %s", "x")
        logging.warning("%d of a mistaken format", "x")
        logging.getLogger("websockets.server").info("nobody wants to know")
        thread = threading.Thread(target=failing)
        thread.start()
        thread.join()
    assert [event["message"] for event in events] == [
        "websockets.client: keepalive ping failed (told once)",
        "asyncio: Task was destroyed but it is pending! (told once)",
        "root: Unhandled parameter type: x (told once)",
        "root: %d of a mistaken format (told once)",
        "a thread: ValueError: odd value (told once)",
    ]
    assert notes == ["websockets.client: keepalive ping failed (3 times)"]
    assert capfd.readouterr().err == ""
    assert not logging.getLogger().handlers
    assert threading.excepthook is threading.__excepthook__


@bare
def test_a_flood_of_different_remarks_is_bounded():
    events = []
    with hushed(events.append) as heard:
        for number in range(500):
            logging.getLogger("x").warning("remark %d", number)
    assert len(events) == MOST + 1
    assert heard.counts["other remarks of libraries"] == 500 - MOST


@bare
def test_who_is_told_may_fail():
    def tell(event):
        raise OSError

    with hushed(tell) as heard:
        logging.getLogger("x").warning("remark")
    assert sum(heard.counts.values()) == 1


@bare
def test_what_somebody_set_up_goes_on():
    taken, hook = logging.NullHandler(), threading.excepthook
    logging.getLogger().addHandler(taken)
    with hushed(pytest.fail) as heard:
        assert logging.getLogger().handlers == [taken]
        logging.getLogger("x").warning("remark")
    assert not heard.counts
    assert threading.excepthook is hook


@pytest.mark.sockets
@bare
def test_a_client_that_goes_away_without_a_word_prints_nothing(monkeypatch, capfd):
    quick = functools.partial(websocket.serve, ping_interval=0.05, ping_timeout=0.05)
    monkeypatch.setattr(websocket, "serve", quick)
    events = []
    with hushed(events.append):
        door = websocket.WebSocketDoor(0, lambda values: None, lambda *note: None)
        clients = []
        for _ in range(3):
            client = socket.create_connection(("127.0.0.1", door.port))
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 101")
            clients.append(client)
        clients[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        clients[0].close()  # by a reset; the second goes in silence, the third stays and answers no ping
        clients[1].close()
        end = time.monotonic() + 20
        while (door.clients or sum(door.budget.refused.values()) < 3) and time.monotonic() < end:
            door.tell({"event": "state"})
            time.sleep(0.05)
        door.close()
        clients[2].close()
    assert door.clients == 0
    assert door.budget.refused["connection"] == 3
    assert capfd.readouterr().err == ""
    assert events == []


SESSION = """
import logging, sys, threading, time
from seqgen.jobs.jam import job as work
from seqgen.jobs.jam.settings import JamJob
from seqgen.live import backends
from seqgen.live.backends.loopback import Loopback
backends.BACKENDS["loopback"] = lambda: Loopback(("synth",))
def begun(session):
    logging.getLogger("websockets.server").error("keepalive ping failed")
    threading.Thread(target=lambda: 1 / 0).start()
events = []
options = {"ports": "loopback", "outputs": ("synth",), "seconds": 0.3, "log": None, "take": False, "seed": 1}
work.jam(JamJob(checkpoint="folk-tunes", **options), tell=events.append, begun=begun)
print([event["message"] for event in events if "told once" in event.get("message", "")])
"""


def test_a_session_hushes_libraries():
    done = subprocess.run([sys.executable, "-P", "-c", SESSION], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "keepalive ping failed" in done.stdout
    assert "ZeroDivisionError" in done.stdout


@bare
def test_remarks_are_short():
    events = []
    with hushed(events.append):
        logging.getLogger("x").warning("y" * 10_000)
    assert len(events[0]["message"]) < work.LONGEST + 40
