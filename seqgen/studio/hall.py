"""What all rooms share: who is there, which rooms there are, what message goes where, and what runs one at a time."""

import contextlib
import functools
import importlib
import json
import pkgutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from seqgen import registry
from seqgen.api.control import read_line
from seqgen.errors import SeqgenError, UsageError
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.rules_help import about_rule
from seqgen.live import controls
from seqgen.live.doors import Budget
from seqgen.studio import rooms as own
from seqgen.studio.room import Room
from seqgen.studio.visitor import Visitor
from seqgen.studio.wording import on_page, worded

MOST_VISITORS = 16
LONGEST = 300  # characters of a sentence, and twice as many of a hint


class Hall:
    """The hall.

    Args:
        checkpoint: The model that a page begins with; None: any.
        observer: Is told what people at the command line should know.

    Attributes:
        rooms: By name, in order.
        visitors: The pages that are connected.
    """

    def __init__(self, checkpoint: str | None = None, observer: Observer = SILENT) -> None:
        self.checkpoint, self.observer = checkpoint, observer
        self.visitors: set[Visitor] = set()
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()
        self.budget = Budget()
        made = {name: importlib.import_module(f"{own.__name__}.{name}").ROOM(self) for name in names()}
        self.rooms: dict[str, Room] = dict(sorted(made.items(), key=lambda each: each[1].place))

    def come(self, visitor: Visitor) -> None:
        """A page is connected: it is told what there is.

        Raises:
            UsageError: There are too many.
        """
        if len(self.visitors) >= MOST_VISITORS:
            raise UsageError(f"{MOST_VISITORS} pages of this studio are open already", "close one of them")
        self.visitors.add(visitor)
        visitor.tell(
            {
                "event": "hello",
                "checkpoint": self.checkpoint,
                "controls": [asdict(each) for each in rows()],
                "rooms": [{"name": name, "title": each.title, **each.greeting()} for name, each in self.rooms.items()],
            }
        )

    def go(self, visitor: Visitor) -> None:
        """A page has left."""
        visitor.leave()
        self.visitors.discard(visitor)
        for each in self.rooms.values():
            each.left(visitor)

    def hear(self, visitor: Visitor, text: str) -> None:
        """A message of a page: {"do": "ROOM.WHAT", …}, or controls by name; never raises."""
        if not self.budget.allows():
            return
        name = ""
        try:
            asked = _message(text)
            if "do" in asked:
                name, _, what = str(asked.pop("do")).partition(".")
                if name not in self.rooms:
                    raise UsageError(
                        f"no room is called {controls.shown(name)}", registry.nearest(name[:40], list(self.rooms))
                    )
                self.rooms[name].hear(visitor, what, asked)
            else:
                values = controls.checked(asked)
                any(each.turn(visitor, values) for each in self.rooms.values())
        except SeqgenError as error:
            visitor.tell({**sentence(error), "room": name} if name in self.rooms else sentence(error))
        except Exception as error:  # a fault of ours must not take the page down
            self.fault(visitor, error)

    def fault(self, visitor: Visitor, error: Exception) -> None:
        """Something that nobody foresaw went wrong: said here and there, in a sentence."""
        said = f"{type(error).__name__}: {error}"[:LONGEST]
        self.observer.note(f"A fault of seqgen's own: {said}")
        visitor.tell({"event": "error", "message": f"a fault of seqgen's own ({said})", "hint": "please report it"})

    def tell(self, event: dict[str, Any]) -> None:
        """An event to all who are there."""
        for each in list(self.visitors):
            each.tell(event)

    def begin(self, kind: str, what: str) -> None:
        """Something begins of which one runs at a time.

        Args:
            kind: Of what there is to be one.
            what: This one, for people.

        Raises:
            UsageError: There is one already.
        """
        with self._lock:
            if kind in self._running:
                raise UsageError(
                    f"{self._running[kind]} is running, and one {kind} runs at a time", "stop it, or wait for its end"
                )
            self._running[kind] = what

    def end(self, kind: str) -> None:
        """It is over; where nothing ran, nothing happens."""
        with self._lock:
            self._running.pop(kind, None)

    @contextlib.contextmanager
    def running(self, kind: str, what: str) -> Iterator[None]:
        """What runs one at a time; see `begin`."""
        self.begin(kind, what)
        try:
            yield
        finally:
            self.end(kind)

    def close(self) -> None:
        """The studio closes."""
        for each in self.rooms.values():
            each.close()


def _message(text: str) -> dict[str, Any]:
    """The keys and values of a message.

    Raises:
        UsageError: It is no JSON object, or holds half a character, which no file could hold.
    """
    asked = read_line(text.encode("utf-8", "replace"))
    try:
        json.dumps(asked, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError("a message holds half of a character", "write that character anew") from None
    return asked


def names() -> list[str]:
    """The rooms that there are: modules beside each other."""
    return sorted(module.name for module in pkgutil.iter_modules(own.__path__))


@functools.cache
def rows() -> tuple[controls.Knob, ...]:
    """The control schema, rules included, as pages make sliders of it."""
    found = registry.usable("rules")
    knobs = [replace(each, help=worded(each.help)) for each in controls.KNOBS]
    rules = (replace(controls.knob(f"{controls.RULE}{name}"), help=about_rule(kind)) for name, kind in found.items())
    return *knobs, *rules


def sentence(error: SeqgenError) -> dict[str, Any]:
    """An error as an event, in terms of the page."""
    said = on_page(error)
    return {"event": "error", "message": _short(said.message, LONGEST), "hint": _short(said.hint, 2 * LONGEST)}


def _short(text: str, most: int) -> str:
    """A sentence without its middle where it is too long: what is wrong stands at its end."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[1 - most // 2 :]}"
