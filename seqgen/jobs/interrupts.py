"""Ctrl-C, SIGTERM and a closed terminal between two tokens, so that what went out and what is kept are the same."""

import signal
import threading
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupts:
    """In a `with`: each of these signals raises KeyboardInterrupt, at once, or at `release` where `hold` was called.

    The second of them does not wait any longer.
    """

    def __init__(self) -> None:
        self._held = self._pending = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._caught) for each in SIGNALS if wanted(each)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def hold(self) -> None:
        """Not now."""
        self._held = True

    def release(self) -> None:
        """Now it may come, or has come already.

        Raises:
            KeyboardInterrupt: It has.
        """
        self._held = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self._held and not self._pending:
            self._pending = True
            return
        raise KeyboardInterrupt


def wanted(number: int) -> bool:
    """What was to be ignored, say under nohup, goes on being ignored."""
    return signal.getsignal(number) is not signal.SIG_IGN
