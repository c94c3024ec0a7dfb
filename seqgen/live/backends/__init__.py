"""The libraries that have MIDI ports, by name, in the order in which they are tried. Each is imported when it is.

python-rtmidi through mido, and rtmidi2 where that has no wheels. `loopback` is inside this process, for tests and for a
machine without MIDI; it is taken only by name.
"""

from collections.abc import Callable

from seqgen.errors import UsageError
from seqgen.live.ports import Backend
from seqgen.registry import nearest

INSTALL = "pip install 'seqgen-art[live]', or leave --in and --out away and use --osc-to or --websocket"


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
    reasons = []
    for each in [name] if name is not None else [key for key in BACKENDS if key != "loopback"]:
        try:
            found = BACKENDS[each]()
            found.outputs()
            return found
        except (ImportError, OSError, RuntimeError) as error:
            reasons.append(f"{each}: {' '.join(str(error).split())[:120]}")
    raise UsageError(f"no MIDI ports can be used ({'; '.join(reasons)})", INSTALL)
