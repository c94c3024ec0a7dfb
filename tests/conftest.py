"""What all tests share."""

import os
import signal
import socket
import sys

import pytest
import torch
from browser import _started, chromium  # noqa: F401 (fixtures)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell, whose children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _leaves_nothing(tmp_path):
    """A test leaves no module of its own and no variable of seqgen's behind, for those after it to meet."""
    modules, variables = set(sys.modules), _variables()
    yield
    new = {name: str(getattr(sys.modules[name], "__file__", None)) for name in set(sys.modules) - modules}
    assert [name for name, path in new.items() if path.startswith(str(tmp_path))] == []
    assert _variables() == variables


def _variables():
    return {name: value for name, value in os.environ.items() if name.startswith("SEQGEN_")}


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch, tmp_path):
    """One torch thread, since test models are tiny; nothing of the user's own is read or written."""
    torch.set_num_threads(1)
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
    monkeypatch.setenv("SEQGEN_TRACEBACK", "1")  # what nobody foresaw fails a test as it is


TRIED: list[object] = []  # addresses that a test wanted to reach


@pytest.fixture(autouse=True)
def _no_network(request, monkeypatch):
    """No test opens a connection, but those that are marked `sockets` and talk to servers of their own."""
    if request.node.get_closest_marker("sockets"):
        yield
        return

    def refuse(self_or_host, *address):
        TRIED.append(address[0] if address else self_or_host)
        raise OSError("tests open no socket")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    TRIED.clear()
    yield
    assert TRIED == [], "this test wanted to open a connection; is it a core command's?"
