"""Inside: the pictures of `seqgen look` over a text or a take, as a page in a frame that can reach nothing.

{"do": "inside.look", "checkpoint", "text" or "take", "whole", "run"}     → {"event": "inside.page", "number", "run"}
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
from seqgen.studio.looking import Pages, apart, looked
from seqgen.studio.room import Asked, Room, field, model_of, unknown
from seqgen.studio.told import Told
from seqgen.studio.visitor import Visitor
from seqgen.takes.replay import replay, tokenizer_of
from seqgen.takes.store import Takes

KNOWN = ("look",)
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

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The pages."""
        return [Route("/page/{number:int}", self._page), Route("/file/{number:int}", self._file)]

    def greeting(self) -> dict[str, Any]:
        """The models that there are."""
        return {"models": models.choices()}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what != "look":
            raise unknown(self.title, what, KNOWN)
        checkpoint, run = model_of(asked), field(asked, "run", int, 0)
        whole = field(asked, "whole", bool, False)
        data, name = _given(asked)
        self.hall.begin(KIND, "a look")

        def work() -> None:
            try:
                number = self.pages.put(
                    looked(checkpoint, data, name, whole, Told(visitor.tell, "inside.note", run=run))
                )
            finally:
                self.hall.end(KIND)
            visitor.tell({"event": "inside.page", "number": number, "run": run})

        apart(
            work,
            lambda error: visitor.tell({**sentence(error), "room": "inside", "run": run}),
            lambda error: self.hall.fault(visitor, error),
        )

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
