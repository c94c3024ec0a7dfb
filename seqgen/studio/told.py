"""Remarks of a job, told to a page."""

from collections.abc import Callable
from typing import Any

from seqgen.jobs.observer import Observer
from seqgen.studio.wording import worded


class Told(Observer):
    """Sends remarks as events.

    Args:
        tell: Sends an event.
        event: What they are called.
        more: What stands in each besides.
    """

    def __init__(
        self,
        tell: Callable[[dict[str, Any]], object],
        event: str = "remark",
        **more: Any,
    ) -> None:
        self._tell, self._event, self._more = tell, event, more

    def note(self, message: str) -> None:
        """A remark, in terms of the page."""
        if said := worded(message):
            self._tell({"event": self._event, "message": said, **self._more})
