"""Music that a page plays with: a session of `seqgen jam` whose notes go to the page as they begin.

{"event": "live", "tempo"}          it plays; times are seconds from here on
{"event": "note", "at", "seconds", "pitch", "velocity", "program", "part", "drum", "name"}
{"event": "bar", "at"}              a bar begins now
{"event": "sample", "number", "take", "tokens", "seconds", "finished", "seed", "sheet"}     it is over, and a take
{"event": "control", …}, {"event": "error", "message", "hint"}
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from seqgen.errors import SeqgenError
from seqgen.jobs.jam.job import jam
from seqgen.jobs.jam.settings import JamJob
from seqgen.live.messages import PERCUSSION
from seqgen.live.output import Out
from seqgen.live.player import Player
from seqgen.live.session import Session
from seqgen.music import programs
from seqgen.studio.hall import sentence
from seqgen.studio.shelf import Kept, Shelf
from seqgen.studio.told import Told
from seqgen.studio.visitor import Visitor
from seqgen.studio.wording import worded_event
from seqgen.tokenizer import Tokenizer

FORWARDED = ("control", "error")


class Live:
    """A session on a thread; it listens to it as any door does.

    Args:
        job: Of the session.
        tokenizer: Of its model.
        visitor: Who plays.
        shelf: Where it is put in the end.
        over: Is called when all is done, with a fault that nobody foresaw, or None.
        run: The page's own number of it.
    """

    lead = 0.0

    def __init__(
        self,
        job: JamJob,
        tokenizer: Tokenizer,
        visitor: Visitor,
        shelf: Shelf,
        over: Callable[[Exception | None], object],
        run: int,
    ) -> None:
        self._job, self._tokenizer, self._shelf, self._over, self._run = job, tokenizer, shelf, over, run
        self.visitor = visitor
        self._session: Session | None = None
        self._waiting: list[dict[str, Any]] = []
        self._stopped = False
        self._began = 0.0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._play, name="live", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def turn(self, values: Mapping[str, Any]) -> None:
        """Controls with checked values; those that come before it plays wait until then."""
        with self._lock:
            if self._session is None:
                self._waiting.append(dict(values))
                return
        self._session.control(dict(values))

    def stop(self, wait: float) -> None:
        """End it, and wait so many seconds for that; what was played is a take."""
        with self._lock:
            self._stopped = True
        if self._session is not None:
            self._session.stop()
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(wait)

    # What the session tells.

    def note(self, note: Out) -> None:
        """A note begins."""
        self._tell(
            {
                "event": "note", "at": self._at(note.time), "seconds": round(note.seconds, 4), "pitch": note.pitch,
                "velocity": note.velocity, "program": note.program, "part": note.channel,
                "drum": note.channel == PERCUSSION, "name": programs.name(note.program),
            }
        )  # fmt: skip

    def tell(self, event: Mapping[str, Any]) -> None:
        """Something else happened."""
        player = None if self._session is None else self._session.player
        if event["event"] == "beat" and isinstance(player, Player):
            if event["beat"] % max(round(player.stream.playing.bar), 1) == 0:
                self._tell({"event": "bar", "at": self._at(time.monotonic())})
        elif event["event"] in FORWARDED:
            self._tell(worded_event(event) or event)

    def close(self) -> None:
        """No more is to come."""

    def _begun(self, session: Session) -> None:
        self._began = time.monotonic()
        self._tell({"event": "live", "tempo": round(session.transport.tempo, 2)})
        session.listen(self)
        with self._lock:
            self._session, waiting = session, self._waiting
        for each in waiting:
            session.control(each)
        if self._stopped:
            session.stop()

    def _play(self) -> None:
        fault: Exception | None = None
        try:
            jammed = jam(self._job, Told(self.visitor.tell), begun=self._begun)
            number = None if jammed.take is None else self._shelf.put(Kept(self._tokenizer, None, jammed.take))
            self._tell(
                {
                    "event": "sample", "number": number, "take": jammed.take, "tokens": jammed.notes,
                    "seconds": round(jammed.seconds, 3), "finished": "stop", "seed": str(jammed.seed), "sheet": None,
                }
            )  # fmt: skip
        except SeqgenError as error:
            self._tell(sentence(error))
        except Exception as error:  # the page is told; the server goes on
            fault = error
        finally:
            self._over(fault)
            self._tell({"event": "over"})

    def _at(self, now: float) -> float:
        return round(max(now - self._began, 0.0), 4)

    def _tell(self, event: Mapping[str, Any]) -> None:
        self.visitor.tell({**event, "run": self._run})
