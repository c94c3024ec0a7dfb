"""A page that is connected: events go to it from any thread, in order."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

WAITING = 64  # events that may wait to be sent while somebody who can wait makes more


class Visitor:
    """One page.

    Args:
        loop: On which it is sent to.

    Attributes:
        gone: Whether it has left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self.gone = loop, False
        self._waiting: deque[str] = deque()
        self._there = asyncio.Event()
        self._space = threading.Condition()

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event goes out; from any thread, without waiting."""
        if not self.gone:
            self._waiting.append(json.dumps(event))
            self._wake()

    def wait(self) -> bool:
        """Wait until the page has taken most of what was told, so that a slow one holds up who makes more.

        Returns whether it is still there. Never called on the loop's own thread.
        """
        with self._space:
            self._space.wait_for(lambda: self.gone or len(self._waiting) < WAITING)
        return not self.gone

    def leave(self) -> None:
        """It has gone: nothing goes out any more, and nobody waits for it."""
        self.gone = True
        self._waiting.clear()
        with self._space:
            self._space.notify_all()
        self._wake()

    async def next(self) -> str | None:
        """The next event as JSON, when it comes; None where the page has gone."""
        while not self._waiting and not self.gone:
            self._there.clear()
            await self._there.wait()
        if self.gone:
            return None
        text = self._waiting.popleft()
        with self._space:
            self._space.notify_all()
        return text

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._there.set)
