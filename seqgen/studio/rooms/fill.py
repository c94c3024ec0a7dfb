"""Fill: a span of a text or a box on the roll made anew, parts added, all of it varied; each result is a take.

{"do": "fill.open", "checkpoint"}        → {"event": "fill.model", …, "parts", "missing": {"message", "hint"} or null}
{"do": "fill.take", "take"}              → {"event": "fill.piece", "piece", …}      as `seqgen.studio.pieces` tells it
{"do": "fill.start", "checkpoint", "piece", "how", …, "run"}      → see `seqgen.studio.filling`
{"do": "fill.stop"}
POST /fill/piece?name=NAME&heard=1       a file is brought in; the answer is {"piece", …}
GET /fill/file/NUMBER.SUFFIX             a version as a file
"""

from collections.abc import Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from seqgen.api.filling import require_holes
from seqgen.api.model import Model, load
from seqgen.errors import CheckpointError, SeqgenError
from seqgen.studio import models
from seqgen.studio.filling import Filling, job_of
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.pieces import MOST_BYTES, Piece, Pieces, named
from seqgen.studio.room import Asked, Room, field, model_of, unknown
from seqgen.studio.uploads import within
from seqgen.studio.visitor import Visitor
from seqgen.studio.wording import on_page
from seqgen.takes.replay import replay, tokenizer_of
from seqgen.takes.store import Takes

PATIENCE = 5.0  # seconds that what ends may take
KNOWN = ("open", "take", "start", "stop")


class Fill(Room):
    """The room."""

    title = "Fill"
    place = 3

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        self.pieces = Pieces()
        self._running: dict[Visitor, Filling] = {}

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Files in and out."""
        return [
            Route("/piece", self._bring, methods=["POST"]),
            Route("/file/{number:int}{suffix:path}", self._file),
        ]

    def greeting(self) -> dict[str, Any]:
        """The models that there are."""
        return {"models": models.choices()}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "open":
            visitor.tell({"event": "fill.model", **_facts(load(model_of(asked)))})
        elif what == "take":
            visitor.tell({"event": "fill.piece", **self._of_take(field(asked, "take", str, ""))})
        elif what == "start":
            self._start(visitor, asked)
        elif what == "stop":
            self._stop(visitor)
        else:
            raise unknown(self.title, what, KNOWN)

    def left(self, visitor: Visitor) -> None:
        """What it waited for ends; nobody waits for that here, where others are served meanwhile."""
        self._stop(visitor, 0)

    def close(self) -> None:
        """All ends."""
        for each in list(self._running):
            self._stop(each)

    def _start(self, visitor: Visitor, asked: Asked) -> None:
        for each in [visitor, *(other for other in list(self._running) if other.gone)]:
            self._stop(each)
        piece = self.pieces.get(field(asked, "piece", int, 0))
        job = job_of(asked, load(model_of(asked)), piece)

        def over(fault: Exception | None) -> None:
            self._running.pop(visitor, None)
            self.hall.end("sample")
            if fault is not None:
                self.hall.fault(visitor, fault)

        made = Filling(job, piece, visitor, self.pieces, over, field(asked, "run", int, 0))
        self.hall.begin("sample", "a sample")
        self._running[visitor] = made
        made.start()

    def _stop(self, visitor: Visitor, wait: float = PATIENCE) -> None:
        running = self._running.get(visitor)
        if running is not None:
            running.stop(wait)

    def _of_take(self, name: str) -> dict[str, Any]:
        """A take as a piece."""
        with Takes(write=False) as takes, takes.snapshot():
            take = takes.find(name)
            tokenizer, data = tokenizer_of(take), bytearray()
            for each in replay(takes, take):
                data += each
                if len(data) > MOST_BYTES:
                    break  # it is refused below
        suffix = tokenizer.codec.suffix
        return self._put(Piece(f"take-{take.id}{suffix}", bytes(data), tokenizer.medium.heard), strict=False)

    def _put(self, piece: Piece, strict: bool = True) -> dict[str, Any]:
        told = piece.told(strict) if len(piece.data) <= MOST_BYTES else {}
        return {"piece": self.pieces.put(piece), **told}

    async def _bring(self, request: Request) -> Response:
        """A file is brought in, read no further than it may be long."""
        try:
            data = await within(request.stream(), MOST_BYTES)
        except ClientDisconnect:
            return Response(status_code=400)
        heard = request.query_params.get("heard") == "1"
        piece = Piece(named(request.query_params.get("name", ""), heard), data, heard)
        try:
            return JSONResponse(await run_in_threadpool(self._put, piece))
        except SeqgenError as error:
            return JSONResponse(sentence(error), 413 if len(data) > MOST_BYTES else 422)

    def _file(self, request: Request) -> Response:
        """A download, on a thread of its own."""
        number, suffix = request.path_params["number"], request.path_params["suffix"]
        try:
            data = self.pieces.get(number).file(suffix)
        except SeqgenError as error:
            return JSONResponse(sentence(error), 404)
        header = {"Content-Disposition": f'attachment; filename="seqgen-version-{number}{suffix}"'}
        return Response(data, media_type="application/octet-stream", headers=header)


def _facts(model: Model) -> dict[str, Any]:
    """A model, what parts it knows, and what keeps it from looking ahead."""
    bounds = {} if model.seen is None else model.seen.bounds
    missing: dict[str, Any] | None = None
    try:
        require_holes(model)
    except CheckpointError as error:
        said = on_page(error)
        missing = {"message": said.message, "hint": said.hint}
    return {**models.facts(model), "parts": model.tokenizer.codec.heard_parts(bounds), "missing": missing}


ROOM = Fill
