"""What libraries say on standard error while a session plays, which would smear the terminal: counted, and told once.

`websockets` logs a client that goes away with a traceback, `python-osc` types that it does not know, `asyncio` whatever
was not awaited; and what goes wrong on a thread of a library Python prints itself. None of it stops the music.
"""

import contextlib
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MOST = 20  # kinds of remarks that are told apart
LONGEST = 120  # characters of one
Tell = Callable[[Mapping[str, Any]], object]


class Hushed(logging.Handler):
    """Takes records of any library; each kind is told when it comes first.

    Args:
        tell: Is told events, on any thread.

    Attributes:
        counts: How often each was said.
    """

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._tell, self.counts = tell, Counter[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """One more record."""
        try:
            said = str(record.msg) if record.args is None else record.getMessage()
        except Exception:  # a library's own mistake
            said = str(record.msg)
        self.say(record.name, said)

    def say(self, name: str, said: str) -> None:
        """Something was said by a library, or went wrong in it."""
        kind = f"{name}: {' '.join(said.split())[:LONGEST]}"
        known = kind in self.counts
        if not known and len(self.counts) >= MOST:
            kind = "other remarks of libraries"
            known = kind in self.counts
        self.counts[kind] += 1
        if not known:
            with contextlib.suppress(Exception):  # whoever is told must not bring a library's thread down
                self._tell({"event": "error", "message": f"{kind} (told once)"})


@contextlib.contextmanager
def hushed(tell: Tell, note: Callable[[str], object] = lambda remark: None) -> Iterator[Hushed]:
    """Within the block no library writes to standard error; what somebody has set up to take that goes on as it was.

    Args:
        tell: Is told of each kind of remark when it comes first, as an event.
        note: Is told in the end what came more than once.
    """
    handler, root = Hushed(tell), logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
    on_thread, ignored = threading.excepthook, sys.unraisablehook

    def fault(args: Any) -> None:
        handler.say("a thread", f"{args.exc_type.__name__}: {args.exc_value}")

    if on_thread is threading.__excepthook__:
        threading.excepthook = fault
    if ignored is sys.__unraisablehook__:
        sys.unraisablehook = fault
    try:
        yield handler
    finally:
        threading.excepthook, sys.unraisablehook = on_thread, ignored
        root.removeHandler(handler)
        for kind, count in handler.counts.items():
            if count > 1:
                note(f"{kind} ({count} times)")
