"""Holes filled, parts added, pieces varied for a page: the jobs of `seqgen fill`, `accompany` and `vary` on a thread.

{"event": "fill.begun", "seed"}, {"event": "fill.progress", "tokens"}, {"event": "fill.note", "message"}
{"event": "fill.made", "index", "piece", "take", "tokens", "seconds", "finished", …}      as `Piece.told` has it
{"event": "fill.over"}
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from seqgen.api.model import Model
from seqgen.api.sampling import fresh_seed
from seqgen.errors import SeqgenError, UsageError
from seqgen.generation.steps import Step
from seqgen.jobs.fill.job import fill
from seqgen.jobs.fill.settings import AccompanyJob, FillJob, VaryJob
from seqgen.jobs.fill.vary import vary
from seqgen.jobs.sample.audience import Audience, Sampled
from seqgen.live import controls
from seqgen.live.source import temperature_of
from seqgen.studio.asked import rules_of
from seqgen.studio.hall import sentence
from seqgen.studio.pieces import Piece, Pieces
from seqgen.studio.room import Asked, field, seed_of
from seqgen.studio.told import Told
from seqgen.studio.visitor import Visitor

TURN = 0.1  # seconds between two words of how far it is
MOST = 8  # variations
KINDS: dict[str, type[FillJob]] = {"fill": FillJob, "accompany": AccompanyJob, "vary": VaryJob}


def job_of(asked: Asked, model: Model, piece: Piece) -> FillJob:
    """The job of a message {"how", "at", "bars", "seconds", "parts", "amount", "count", "values", "seed", "alone"}.

    Raises:
        SeqgenError: A value makes no sense.
    """
    how = field(asked, "how", str, "fill")
    if how not in KINDS:
        raise UsageError(f"how is {controls.shown(how)}", f"there are: {', '.join(KINDS)}")
    if piece.heard == model.is_text:
        makes, given = ("text", "music") if model.is_text else ("music", "a text")
        raise UsageError(f"{model.name} makes {makes}, and {piece.name} is {given}", "choose another model")
    values = controls.defaults() | controls.settled({}, controls.checked(field(asked, "values", dict, {})))
    count, seed = field(asked, "count", int, 1), seed_of(asked)
    if not 1 <= count <= MOST:
        raise UsageError(f"count is {count}, expected 1 to {MOST} variations")
    where: dict[str, Any] = {name: _pair(asked, name) for name in ("at", "bars", "seconds") if name in asked}
    for name in where.keys() & {"bars", "seconds"}:
        where[name] = ":".join(f"{each:g}" if name == "bars" else f"{each:.4f}" for each in where[name])
    if "parts" in asked:
        where["parts"] = ",".join(str(each) for each in field(asked, "parts", list))
    if how == "vary":
        where["amount"] = _number(asked, "amount", VaryJob.amount)
    return KINDS[how](
        checkpoint=model.name, file=piece.name, given=piece.data, samples=count, label=values["label"],
        seed=fresh_seed() if seed is None else seed, temperature=temperature_of(values, model), rules=rules_of(values),
        left_alone=field(asked, "alone", bool, False), **where,
    )  # fmt: skip


def _pair(asked: Asked, name: str) -> tuple[Any, Any]:
    found = field(asked, name, list)
    kinds = (int,) if name != "seconds" else (int, float)
    if len(found) != 2 or not all(isinstance(each, kinds) and not isinstance(each, bool) for each in found):
        raise UsageError(f"{name} is {controls.shown(found)}, expected where it begins and where it ends")
    return found[0], found[1]


def _number(asked: Asked, name: str, default: float) -> float:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{name} is {controls.shown(value)}, expected a number")
    return float(value)


class _Ended(Exception):
    """Somebody stopped it."""


class _Made(Audience):
    """Hands what is made to the page."""

    def __init__(self, filling: "Filling") -> None:
        self._filling, self._count, self._sent, self._done = filling, 0, 0.0, 0

    def token(self, index: int, step: Step) -> None:
        """A token of one variation."""
        if self._filling.stopped:
            raise _Ended
        self._count += 1
        if time.monotonic() - self._sent >= TURN:
            self._sent = time.monotonic()
            self._filling.tell({"event": "fill.progress", "tokens": self._count})

    def done(self, sample: Sampled) -> None:
        """A variation is whole."""
        self._filling.made(self._done, sample)
        self._done += 1


class Filling:
    """A filling on a thread.

    Args:
        job: What is made.
        piece: Of what.
        visitor: Who wants it.
        pieces: Where the variations are put.
        over: Is called when all is done, with a fault that nobody foresaw, or None.
        run: The page's own number of it, which every event carries.

    Attributes:
        stopped: Whether somebody stopped it.
    """

    def __init__(
        self,
        job: FillJob,
        piece: Piece,
        visitor: Visitor,
        pieces: Pieces,
        over: Callable[[Exception | None], object],
        run: int,
    ) -> None:
        self._job, self._piece, self._visitor, self._pieces, self._over, self._run = (
            job, piece, visitor, pieces, over, run,
        )  # fmt: skip
        self.stopped = False
        self._thread = threading.Thread(target=self._work, name="filling", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait: float) -> None:
        """End it at the next token, and wait so many seconds for that; variations that are whole by then stay."""
        self.stopped = True
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(wait)

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event to the page."""
        self._visitor.tell({**event, "run": self._run})

    def made(self, index: int, sample: Sampled) -> None:
        """A variation: put among the pieces, and told."""
        piece = Piece(self._piece.name, sample.data or b"", self._piece.heard)
        self.tell(
            {
                "event": "fill.made", "index": index, "piece": self._pieces.put(piece), "take": sample.take,
                "tokens": sample.tokens, "seconds": round(sample.seconds, 3), "finished": sample.finished,
                **piece.told(strict=False),
            }
        )  # fmt: skip

    def _work(self) -> None:
        fault: Exception | None = None
        self.tell({"event": "fill.begun", "seed": str(self._job.seed)})
        try:
            if isinstance(self._job, VaryJob):
                vary(self._job, _Made(self), Told(self.tell, "fill.note"))
            else:
                fill(self._job, _Made(self), Told(self.tell, "fill.note"))
        except _Ended:
            pass
        except SeqgenError as error:
            self.tell({**sentence(error), "room": "fill"})
        except Exception as error:  # the page is told; the server goes on
            fault = error
        finally:
            self._over(fault)
            self.tell({"event": "fill.over"})
