"""A room of the page: what it serves, and what it does with messages. Each is a module in `rooms/` with a ROOM."""

import abc
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.routing import BaseRoute

from seqgen.errors import UsageError
from seqgen.live.controls import shown
from seqgen.studio.visitor import Visitor

if TYPE_CHECKING:
    from seqgen.studio.hall import Hall

Asked = Mapping[str, Any]  # a message as JSON


class Room(abc.ABC):
    """One room.

    Args:
        hall: What all rooms share.

    Attributes:
        title: What people call it.
        place: Rooms stand in the order of this number.
    """

    title: ClassVar[str]
    place: ClassVar[int]

    def __init__(self, hall: "Hall") -> None:
        self.hall = hall

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What it serves besides messages; paths begin with its name."""
        return ()

    def greeting(self) -> dict[str, Any]:
        """What a page is told of it when it comes in."""
        return {}

    @abc.abstractmethod
    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """A message {"do": "ROOM.WHAT", …}, on a thread where it may take a while; the visitor's next one waits.

        Raises:
            SeqgenError: What is asked for makes no sense; the page shows the sentence.
        """

    def turn(self, visitor: Visitor, values: dict[str, Any]) -> bool:
        """Controls with checked values; whether it was this room that they were for."""
        return False

    def left(self, visitor: Visitor) -> None:  # noqa: B027
        """A visitor has gone."""

    def close(self) -> None:  # noqa: B027
        """The studio closes: end what runs, keep what is to be kept."""


def field(asked: Asked, name: str, kind: type, default: Any = None) -> Any:
    """A value of a message, of the right type.

    Raises:
        UsageError: It is of another.
    """
    value = asked.get(name, default)
    if value is not default and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise UsageError(f"{name} is {shown(value)}, expected {NAMES.get(kind, kind.__name__)}")
    return value


def model_of(asked: Asked) -> str:
    """The name of the model that was chosen.

    Raises:
        UsageError: None was.
    """
    name = field(asked, "checkpoint", str, "")
    if not name:
        raise UsageError("no model was chosen", "choose one first")
    return str(name)


def seed_of(asked: Asked) -> int | None:
    """The seed of a message, as a number, or as text, which keeps all digits on a page; None: a fresh one.

    Raises:
        UsageError: It is no whole number.
    """
    given = asked.get("seed")
    if isinstance(given, str) and DIGITS.fullmatch(given):
        return int(given)
    found: int | None = field(asked, "seed", int, None)
    return found


DIGITS = re.compile(r"-?[0-9]{1,25}")
NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def unknown(room: str, what: str, known: Sequence[str]) -> UsageError:
    """That a room does no such thing."""
    return UsageError(f"{room} does not know {shown(what)}", f"there are: {', '.join(known)}")
