"""The server: a socket on this machine, the address said, the browser opened, until Ctrl-C."""

import contextlib
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser

import uvicorn

from seqgen.api.control import MAX_LINE
from seqgen.generation.blas import one_numpy_thread
from seqgen.jobs.interrupts import wanted
from seqgen.jobs.observer import SILENT, Observer
from seqgen.live.doors import bound, check_host
from seqgen.studio.app import application
from seqgen.studio.hall import Hall
from seqgen.studio.settings import StudioJob

CLOSING = 2  # seconds that open requests get at the end
MOST_REQUESTS = 64  # at once


class Studio:
    """The studio: it listens at once, and answers once it runs.

    Args:
        job: What is asked for.
        observer: Is told remarks.

    Attributes:
        address: Of its page, with the token.

    Raises:
        UsageError: It cannot listen there, or would be open to others without a token.
    """

    def __init__(self, job: StudioJob, observer: Observer = SILENT) -> None:
        check_host(job.host, job.token)
        self._job, self._observer = job, observer
        token = job.token or secrets.token_hex(16)
        self._listening = bound(socket.SOCK_STREAM, job.host, job.port, "seqgen studio")
        self._listening.listen(MOST_REQUESTS)
        port = int(self._listening.getsockname()[1])
        self.address = f"http://{_named(job.host)}:{port}/?token={token}"
        self.hall = Hall(job.checkpoint, observer)
        app = application(self.hall, job.host, port, token)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, log_level="critical", access_log=False, lifespan="off", ws="websockets-sansio",
                ws_max_size=MAX_LINE, ws_per_message_deflate=False, http="h11", server_header=False, date_header=False,
                timeout_graceful_shutdown=CLOSING, limit_concurrency=MOST_REQUESTS,
            )
        )  # fmt: skip

    def run(self) -> None:
        """Serve until `stop`, or Ctrl-C; then all that runs ends, and is kept."""
        if self._job.browser:
            threading.Thread(target=_open, args=(self.address, self._observer), name="browser", daemon=True).start()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
                if wanted(number):  # as Ctrl-C: what runs ends, and is kept
                    signal.signal(number, signal.default_int_handler)
        try:
            with contextlib.suppress(KeyboardInterrupt), one_numpy_thread():
                self._server.run(sockets=[self._listening])
        finally:
            self.hall.close()
            self._listening.close()

    def stop(self) -> None:
        """End it, from any thread."""
        self._server.should_exit = True


def _named(host: str) -> str:
    """The host as an address has it."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _open(address: str, observer: Observer) -> None:
    """Show the page in the browser, where there is one; a browser of the terminal would take it over."""
    silent = sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    opened = False
    if not silent:
        with contextlib.suppress(webbrowser.Error, OSError):
            opened = webbrowser.open(address)
    if not opened:
        observer.note("No browser could be opened: open the address above in one.")
