"""The libraries that have MIDI ports, by name, in the order in which they are tried. Each is imported when it is.

python-rtmidi through mido, and rtmidi2 where that has no wheels. `loopback` is inside this process, for tests and for a
machine without MIDI; it is taken only by name.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

from seqgen.errors import UsageError
from seqgen.live.ports import Backend
from seqgen.registry import nearest

INSTALL = "pip install 'seqgen-art[live]', or leave --in and --out away and use --osc-to or --websocket"
SYSTEM = "the system has none (Linux: modprobe snd-seq); --osc-to and --websocket need none"


def _mido() -> Backend:
    from seqgen.live.backends.of_mido import MidoBackend

    return MidoBackend()


def _rtmidi2() -> Backend:
    from seqgen.live.backends.of_rtmidi2 import Rtmidi2Backend

    return Rtmidi2Backend()


def _loopback() -> Backend:
    from seqgen.live.backends.loopback import SHARED

    return SHARED


BACKENDS: dict[str, Callable[[], Backend]] = {"rtmidi": _mido, "rtmidi2": _rtmidi2, "loopback": _loopback}


def backend(name: str | None = None) -> Backend:
    """The backend of a name, or the first that works.

    Raises:
        UsageError: None is installed, or none works on this machine.
    """
    if name is not None and name not in BACKENDS:
        raise UsageError(f"no port backend is called {name!r}", nearest(name, [*BACKENDS]))
    reasons, hint = [], INSTALL
    for each in [name] if name is not None else [key for key in BACKENDS if key != "loopback"]:
        try:
            with _silent():
                found = BACKENDS[each]()
                found.outputs()
            return found
        except (ImportError, OSError, RuntimeError) as error:
            hint = hint if isinstance(error, ImportError) else SYSTEM
            reasons.append(f"{each}: {' '.join(str(error).split())[:120]}")
    raise UsageError(f"no MIDI ports can be used ({'; '.join(reasons)})", hint)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What a library written in C++ prints goes nowhere: its errors say the same."""
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
