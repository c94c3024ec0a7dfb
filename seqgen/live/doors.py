"""What every network door has in common: where it may be open, how much may come in, and what it is turned away for."""

import errno
import hmac
import socket
import time
from collections import Counter

from seqgen.errors import UsageError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST_BYTES = 8192  # of a packet or a frame
RATE, BURST = 1000.0, 2000.0  # messages a second from all together, and at once


def check_host(host: str, token: str | None) -> None:
    """Refuse to open to others without a token.

    Raises:
        UsageError: It is not only this machine's, and there is none; or the token is too short or odd.
    """
    if host not in LOOPBACK and not token:
        raise UsageError(f"--host {host} opens seqgen to other machines", "give --token, which they have to know")
    if token is not None and not (8 <= len(token) <= 100 and token.isascii() and token.isalnum()):
        raise UsageError("a token is 8 to 100 letters and digits", "such as what `openssl rand -hex 16` prints")


def name_of(host: str) -> str:
    """What a Host header names, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def same(given: str, token: str) -> bool:
    """Whether a token is right, in a time that does not tell how much of it is."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


class Budget:
    """So many messages a second; what is more is turned away and counted.

    Attributes:
        refused: Reason → how many were turned away for it.
    """

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._looked = burst, time.monotonic()
        self.refused: Counter[str] = Counter()
        self.taken = 0

    def allows(self) -> bool:
        """Whether one more may come in."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._looked) * self._rate)
        self._looked = now
        if self._left < 1:
            self.refused["too many"] += 1
            return False
        self._left -= 1
        return True


def bound(kind: socket.SocketKind, host: str, port: int, what: str) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: The port is in use, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        said = getattr(error, "strerror", None) or str(error)
        of_port = isinstance(error, OverflowError) or error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = "take another port" if of_port else "name an address of this machine, such as 127.0.0.1"
        raise UsageError(f"{what} cannot listen on {host}, port {port} ({said})", hint) from None
    return made
