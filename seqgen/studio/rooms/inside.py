"""Inside: the pictures of `seqgen look` over a text or a take, as a page in a frame that can reach nothing.

{"do": "inside.look", "checkpoint", "text" or "take", "whole", "run"}     → {"event": "inside.page", "number", "run"}
{"do": "inside.stop"}         ends it at once                             → {"event": "inside.stopped", "run"}
GET /inside/page/NUMBER       the page, for a frame
GET /inside/file/NUMBER       the same as a download
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from seqgen.errors import SeqgenError, UsageError
from seqgen.studio import models
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.looking import Looking, Pages
from seqgen.studio.room import Asked, Room, field, model_of, unknown
from seqgen.studio.told import Told
from seqgen.studio.visitor import Visitor
from seqgen.takes.replay import replay, tokenizer_of
from seqgen.takes.store import Takes

KNOWN = ("look", "stop")
KIND = "look"
MOST_BYTES = 1_000_000  # of a take that is looked at; a page holds less
# The page has scripts of its own, and text of strangers: no origin, no connection, nothing but itself.
POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'"
)


class Inside(Room):
    """The room."""

    title = "Inside"
    place = 5

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        self.pages = Pages()
        self._running: tuple[Visitor, Looking] | None = None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The pages."""
        return [Route("/page/{number:int}", self._page), Route("/file/{number:int}", self._file)]

    def greeting(self) -> dict[str, Any]:
        """The models that there are."""
        return {"models": models.choices()}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "look":
            self._look(visitor, asked)
        elif what == "stop":
            self._stop(visitor)
        else:
            raise unknown(self.title, what, KNOWN)

    def left(self, visitor: Visitor) -> None:
        """Nobody waits for its pictures."""
        self._stop(visitor)

    def close(self) -> None:
        """Nobody waits for any."""
        if self._running is not None:
            self._running[1].stop()

    def _stop(self, visitor: Visitor) -> None:
        running = self._running
        if running is not None and running[0] is visitor:
            running[1].stop()

    def _look(self, visitor: Visitor, asked: Asked) -> None:
        checkpoint, run = model_of(asked), field(asked, "run", int, 0)
        whole = field(asked, "whole", bool, False)
        data, name = _given(asked)
        made = Looking(checkpoint, data, name, whole, Told(visitor.tell, "inside.note", run=run))

        def over(found: bytes | Exception | None) -> None:
            self._running = None
            self.hall.end(KIND)
            if isinstance(found, SeqgenError):
                visitor.tell({**sentence(found), "room": "inside", "run": run})
            elif isinstance(found, Exception):
                self.hall.fault(visitor, found)
            elif found is None:
                visitor.tell({"event": "inside.stopped", "run": run})
            else:
                visitor.tell({"event": "inside.page", "number": self.pages.put(found), "run": run})

        self.hall.begin(KIND, "a look")
        self._running = visitor, made
        made.start(over)
        if visitor.gone:  # it left meanwhile, and nobody else would end it
            made.stop()

    def _page(self, request: Request) -> Response:
        try:
            page = self.pages.get(request.path_params["number"])
        except SeqgenError as error:
            return JSONResponse(sentence(error), 404)
        return Response(page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})

    def _file(self, request: Request) -> Response:
        try:
            page = self.pages.get(request.path_params["number"])
        except SeqgenError as error:
            return JSONResponse(sentence(error), 404)
        header = {"Content-Disposition": 'attachment; filename="seqgen-inside.html"'}
        return Response(page, media_type="application/octet-stream", headers=header)


def _given(asked: Asked) -> tuple[bytes, str]:
    """(what is looked at, as a file of which name).

    Raises:
        SeqgenError: There is nothing, or no such take.
    """
    text, name = field(asked, "text", str, ""), field(asked, "take", str, "")
    if not name:
        if not text:
            raise UsageError("there is nothing to look at", "write something, or choose a take")
        return text.encode("utf-8", "replace"), "text.txt"
    with Takes(write=False) as takes, takes.snapshot():
        take, data = takes.find(name), bytearray()
        tokenizer = tokenizer_of(take)
        for each in replay(takes, take):
            data += each
            if len(data) > MOST_BYTES and not tokenizer.medium.heard:
                break
    return bytes(data), f"take{tokenizer.codec.suffix}"


ROOM = Inside
