"""A sample that a page watches: the job of `seqgen generate --follow` on a thread, told of while it runs.

{"event": "start", "prompt", "seed", "label", "notes"}      what it goes on from
{"event": "tokens", "tokens": [[text, surprise, [[text, chance]…]]…]}     a text; surprise in nats
{"event": "notes", "notes": [row…], "seconds"}              music; rows as `seqgen.studio.sheet` has them
{"event": "progress", "tokens"}                             music that can be heard when it is whole
{"event": "sample", "number", "take", "tokens", "seconds", "finished", "seed", "sheet"}
{"event": "control", …}, {"event": "remark", "message"}, {"event": "error", "message", "hint"}
"""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from seqgen.api.sampler import Sampler
from seqgen.api.words import Words
from seqgen.errors import SeqgenError
from seqgen.generation.steps import Step
from seqgen.jobs.sample.audience import Audience, Sampled
from seqgen.jobs.sample.controls import Controls
from seqgen.jobs.sample.preparing import prepare
from seqgen.jobs.sample.session import run
from seqgen.jobs.sample.settings import SampleJob
from seqgen.studio.hall import sentence
from seqgen.studio.sheet import Coming, Row, sheet
from seqgen.studio.shelf import Kept, Shelf
from seqgen.studio.told import Told
from seqgen.studio.visitor import Visitor

TURN = 0.016  # seconds between two messages: a frame of the page
LIKELY = 5
LONGEST = 60  # characters of a token that a page is shown


class Letters:
    """Control lines that wait to be read."""

    def __init__(self, idle: Callable[[], object]) -> None:
        self._idle, self._waiting = idle, bytearray()
        self._there, self._over = threading.Condition(), False

    def put(self, given: Mapping[str, Any]) -> None:
        """One more line."""
        with self._there:
            self._waiting += json.dumps(given).encode("ascii") + b"\n"
            self._there.notify()

    def close(self) -> None:
        """No more is to come."""
        with self._there:
            self._over = True
            self._there.notify()

    def ready(self, wait: bool) -> bool:
        """Whether there is something to be read, or nothing ever will be."""
        if wait:
            self._idle()
        with self._there:
            if wait:
                self._there.wait_for(lambda: self._waiting or self._over)
            return bool(self._waiting) or self._over

    def read(self, count: int) -> bytes:
        """At most so many bytes; b"" at the end."""
        with self._there:
            found = bytes(self._waiting[:count])
            del self._waiting[:count]
            return found


class Streamed(Audience):
    """Sends what comes to a page.

    Args:
        visitor: The page.
        shelf: Where the finished sample is put.
        run: The page's own number of the sample, which every event carries.
    """

    scores = True
    likely = LIKELY

    def __init__(self, visitor: Visitor, shelf: Shelf, run: int) -> None:
        self.visitor, self.shelf, self._run = visitor, shelf, run
        self._tokens: list[list[Any]] = []
        self._notes: list[Row] = []
        self._count = 0
        self._sent = time.monotonic()
        self._coming: Coming | None = None

    def begun(self, sampler: Sampler, job: SampleJob, label: str | None) -> None:
        """What it goes on from."""
        self.sampler, model = sampler, sampler.model
        self._words = Words(sampler)
        prompt = sampler.prompts[0]
        self._pieces = [piece.decode("utf-8", "replace") for piece in model.pieces or []]
        codec = model.tokenizer.codec.steerable()
        if codec is not None:
            self._coming = Coming(codec, model.tokenizer.own(prompt).tolist())
        self._tell(
            {
                "event": "start", "seed": str(job.seed), "label": label, "checkpoint": model.name,
                "prompt": model.tokenizer.decode(prompt).decode("utf-8", "replace") if model.is_text else "",
                "notes": self._coming.opening if self._coming is not None else [],
            }
        )  # fmt: skip

    def token(self, index: int, step: Step) -> None:
        """A token: put beside those of the same frame."""
        token = self._words.token(index, step)
        if self.sampler.model.is_text:
            self._tokens.append([token.text, _nats(-token.log_probability), self._likely(step)])
        elif self._coming is not None:
            self._notes += self._coming.take(token.id)
        self._count += 1
        if time.monotonic() - self._sent >= TURN:
            self.flush()
            self.visitor.wait()

    def flush(self) -> None:
        """Send what there is."""
        self._sent = time.monotonic()
        if self._tokens:
            self._tell({"event": "tokens", "tokens": self._tokens})
        elif self._notes and self._coming is not None:
            self._tell({"event": "notes", "notes": self._notes, "seconds": round(self._coming.seconds, 3)})
        elif not self.sampler.model.is_text:
            self._tell({"event": "progress", "tokens": self._count})
        self._tokens, self._notes = [], []

    def steered(self, said: dict[str, object]) -> None:
        """A control was followed."""
        self._tell({"event": "control", **said})

    def refused(self, error: SeqgenError) -> None:
        """A control was not followed."""
        self._tell(sentence(error))

    def done(self, sample: Sampled) -> None:
        """It is whole, and can be had as a file."""
        self.flush()
        tokenizer = self.sampler.model.tokenizer
        number = self.shelf.put(Kept(tokenizer, sample.data, sample.take))
        drawn = sheet(sample.data) if tokenizer.medium.heard and sample.data else None
        self._tell(
            {
                "event": "sample", "number": number, "take": sample.take, "tokens": sample.tokens,
                "seed": str(sample.seed), "seconds": round(sample.seconds, 3), "finished": sample.finished,
                "sheet": drawn,
            }
        )  # fmt: skip

    def _tell(self, event: Mapping[str, Any]) -> None:
        self.visitor.tell({**event, "run": self._run})

    def _likely(self, step: Step) -> list[list[Any]]:
        if step.likeliest is None:
            return []
        pairs = zip(step.likeliest[0].tolist(), step.likeliest[1].tolist())
        end = self.sampler.model.tokenizer.document_id
        return [[self._pieces[id][:LONGEST] if id < end else "", round(math.exp(nats), 4)] for id, nats in pairs]


class Sampling:
    """A sample on a thread.

    Args:
        job: What is sampled.
        visitor: Who watches.
        shelf: Where it is put in the end.
        over: Is called when all is done, with a fault that nobody foresaw, or None.
        run: The page's own number of it.
    """

    def __init__(
        self, job: SampleJob, visitor: Visitor, shelf: Shelf, over: Callable[[Exception | None], object], run: int = 0
    ) -> None:
        self.job, self.visitor, self.run, self._over = job, visitor, run, over
        self.audience = Streamed(visitor, shelf, run)
        self._letters = Letters(self.audience.flush)
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def turn(self, values: Mapping[str, Any]) -> None:
        """Steer it."""
        self._letters.put(values)

    def stop(self, wait: float) -> None:
        """End it, and wait so many seconds for that; what there is by then is a take."""
        self._letters.put({"stop": True})
        self._letters.close()
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(wait)

    def _run(self) -> None:
        fault: Exception | None = None
        try:
            prepared = prepare(self.job, self.audience, Told(self.visitor.tell))
            run(prepared, self.audience, Told(self.visitor.tell), Controls(self._letters.ready, self._letters.read))
        except SeqgenError as error:
            self.visitor.tell({**sentence(error), "run": self.run})
        except Exception as error:  # the page is told; the server goes on
            fault = error
        finally:
            self._over(fault)
            self.visitor.tell({"event": "over", "run": self.run})


def _nats(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
