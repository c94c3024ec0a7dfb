"""Ableton Link: tempo and beat shared with other programs on the network, by the package aalink (GPL, an extra).

The song's position is the session's beat, so that what is quantised to a bar begins on the bar of all. Who joins takes
the session's tempo over, and changes it only where somebody turns the control.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from seqgen.live.clock import Transport

LOOK = 0.02  # seconds between two looks
BAR = 4.0  # quarter notes that peers align to
STARTING = 2.0  # seconds that the library may take


class Link:
    """A peer.

    Args:
        transport: Is led.
        leapt: Is called when the position has leapt.

    Attributes:
        peers: How many others there are.

    Raises:
        ImportError: The library is not installed.
    """

    def __init__(self, transport: Transport, leapt: Callable[[], object] = lambda: None) -> None:
        from aalink import Link as Peer

        self._transport, self._leapt, self._make = transport, leapt, Peer
        self._over, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow()), name="link", daemon=True)
        self.peers = 0

    def start(self) -> None:
        """Join, and lead the song from now on."""
        self._thread.start()
        self._ready.wait(STARTING)

    def close(self) -> None:
        """Leave."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(STARTING)

    async def _follow(self) -> None:
        transport = self._transport
        peer = self._make(transport.tempo)
        peer.quantum, peer.enabled = BAR, True
        told = transport.tempo
        while not self._over.is_set():
            if transport.tempo != told:  # somebody turned the control
                peer.tempo = transport.tempo
            told = round(peer.tempo, 3)  # others' 120 bpm come as 119.99994
            if transport.follow(peer.beat, told, time.monotonic()):
                self._leapt()
            self.peers = peer.num_peers
            self._ready.set()
            await asyncio.sleep(LOOK)
        peer.enabled = False
