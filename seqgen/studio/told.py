"""Remarks of a job, told to a page."""

from collections.abc import Callable
from typing import Any

from seqgen.jobs.observer import Observer


class Told(Observer):
    """Sends remarks as events.

    Args:
        tell: Sends an event.
        event: What they are called.
        more: What stands in each besides.
        word: Puts a remark in other words.
    """

    def __init__(
        self,
        tell: Callable[[dict[str, Any]], object],
        event: str = "remark",
        word: Callable[[str], str] = str,
        **more: Any,
    ) -> None:
        self._tell, self._event, self._more, self._word = tell, event, more, word

    def note(self, message: str) -> None:
        """A remark."""
        self._tell({"event": self._event, "message": self._word(message), **self._more})
