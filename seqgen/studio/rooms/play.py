"""Play: choose a model, sample, steer while it runs, branch, download. Every sample is a take.

{"do": "play.open", "checkpoint"}        → {"event": "model", …} (`seqgen.studio.models.facts`)
{"do": "play.start", "checkpoint", "prompt", "take" or "primer", "values", "length", "seed"}
                                         → see `seqgen.studio.sampling`; music goes on from a take, or a primer
{"do": "play.live", "checkpoint", "values", "seed"}     → see `seqgen.studio.live`
{"do": "play.stop"}
{"temperature": 0.7} …                   turns a control while it runs
POST /play/primer?name=NAME              → {"primer", "name", "seconds", "notes"}: a piece to go on from
GET /play/sample/NUMBER.SUFFIX           a finished sample as a file
"""

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from seqgen import hub
from seqgen.api.model import Model, load
from seqgen.checkpoint import find
from seqgen.errors import MidiError, SeqgenError
from seqgen.files import write_bytes
from seqgen.inside.naming import read_value
from seqgen.live import controls
from seqgen.studio import models
from seqgen.studio.asked import job_of, live_of
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.live import Live
from seqgen.studio.pieces import MOST_BYTES, Piece, Pieces, named
from seqgen.studio.room import Asked, Room, field, model_of, unknown
from seqgen.studio.sampling import Sampling
from seqgen.studio.sheet import sheet
from seqgen.studio.shelf import Shelf
from seqgen.studio.uploads import within
from seqgen.studio.visitor import Visitor
from seqgen.takes.replay import replay
from seqgen.takes.store import Takes

PATIENCE = 5.0  # seconds that what ends may take
MOST_MODELS = 2  # that stay loaded
KNOWN = ("models", "open", "start", "live", "stop")


class Play(Room):
    """The room."""

    title = "Play"
    place = 1

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        self.shelf, self.primers = Shelf(), Pieces()
        self._running: dict[Visitor, Sampling | Live] = {}
        self._models: OrderedDict[str, tuple[int, Model]] = OrderedDict()
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of primers
        self._loading = threading.Lock()

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Downloads, and primers."""
        return [
            Route("/sample/{number:int}{suffix:path}", self._file),
            Route("/primer", self._bring, methods=["POST"]),
        ]

    def greeting(self) -> dict[str, Any]:
        """The models that there are."""
        return {"models": models.choices()}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "models":
            visitor.tell({"event": "models", "models": models.choices()})
        elif what == "open":
            name = model_of(asked)
            visitor.tell({"event": "model", "asked": name, **models.facts(self.model(name))})
        elif what in ("start", "live"):
            self._start(visitor, asked, what == "live")
        elif what == "stop":
            self._stop(visitor)
        else:
            raise unknown(self.title, what, KNOWN)

    def turn(self, visitor: Visitor, values: dict[str, Any]) -> bool:
        """Controls of what runs; those that a running sample does not have wait for the next one on the page."""
        running = self._running.get(visitor)
        if isinstance(running, Live):
            running.turn(values)
            return True
        found = {name: value for name, value in values.items() if _followed(name)}
        if running is not None and found:
            running.turn(_line(found))
        return running is not None

    def left(self, visitor: Visitor) -> None:
        """What it watched ends, as a take; nobody waits for it here, where others are served meanwhile."""
        self._stop(visitor, 0)

    def close(self) -> None:
        """All ends."""
        for each in list(self._running):
            self._stop(each)
        if self._folder is not None:
            self._folder.cleanup()

    def model(self, name: str) -> Model:
        """A model by name, loaded once, and anew where its file has changed.

        Raises:
            SeqgenError: There is none, or it is damaged.
        """
        with self._loading:
            stamp = 0 if hub.is_name(name) else find(name).stat().st_mtime_ns
            if name not in self._models or self._models[name][0] != stamp:
                self._models[name] = stamp, load(name)
            self._models.move_to_end(name)
            while len(self._models) > MOST_MODELS:
                self._models.popitem(last=False)
            return self._models[name][1]

    def _start(self, visitor: Visitor, asked: Asked, live: bool) -> None:
        for each in [visitor, *(other for other in list(self._running) if other.gone)]:
            self._stop(each)
        model, run = self.model(model_of(asked)), field(asked, "run", int, 0)
        made: Sampling | Live

        def over(fault: Exception | None) -> None:
            self._running.pop(visitor, None)
            self.hall.end("sample")
            if fault is not None:
                self.hall.fault(visitor, fault)

        self.hall.begin("sample", "a sample")  # before a primer takes the place of one that is being read
        try:
            if live:
                made = Live(live_of(asked, model), model.tokenizer, visitor, self.shelf, over, run)
            else:
                made = Sampling(job_of(asked, model, self._primer(asked)), visitor, self.shelf, over, run)
        except BaseException:
            self.hall.end("sample")
            raise
        self._running[visitor] = made
        made.start()
        if visitor.gone:  # it left meanwhile, and nobody else would end it
            self._stop(visitor)

    def _primer(self, asked: Asked) -> str | None:
        """The file that music goes on from: that of a take, or one that was brought in."""
        name, number = field(asked, "take", str, None), field(asked, "primer", int, None)
        if name is None and number is None:
            return None
        if name is not None:
            with Takes(write=False) as takes:
                data, file = b"".join(replay(takes, takes.find(name))), "primer.mid"
        else:
            piece = self.primers.get(number or 0)
            data, file = piece.data, piece.name
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="seqgen-")
        path = Path(self._folder.name) / file
        write_bytes(path, data)
        return str(path)

    def _stop(self, visitor: Visitor, wait: float = PATIENCE) -> None:
        running = self._running.get(visitor)
        if running is not None:
            running.stop(wait)

    async def _bring(self, request: Request) -> Response:
        """A primer is brought in: music that can be read, whatever the model is."""
        try:
            data = await within(request.stream(), MOST_BYTES)
        except ClientDisconnect:
            return Response(status_code=400)
        piece = Piece(named(request.query_params.get("name", ""), heard=True), data, heard=True)
        try:
            return JSONResponse(await run_in_threadpool(self._put, piece))
        except SeqgenError as error:
            return JSONResponse(sentence(error), 422)

    def _put(self, piece: Piece) -> dict[str, Any]:
        number = self.primers.put(piece)  # which refuses what is too large
        found = sheet(piece.data)
        if not found["notes"]:
            raise MidiError(f"{piece.name}: holds no note", "bring in a piece that has some")
        return {"primer": number, "name": piece.name, "seconds": found["seconds"], "notes": len(found["notes"])}

    def _file(self, request: Request) -> Response:
        """A download, on a thread of its own."""
        number, suffix = request.path_params["number"], request.path_params["suffix"]
        try:
            kept = self.shelf.get(number)
            data = kept.file(suffix)
        except SeqgenError as error:
            return JSONResponse(sentence(error), 404)
        name = f"seqgen-{kept.take or number}{suffix}"
        header = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(data, media_type="application/octet-stream", headers=header)


def _followed(name: str) -> bool:
    """Whether a running sample has this control."""
    return name.startswith(controls.RULE) or controls.knob(name).lines


def _line(values: dict[str, Any]) -> dict[str, Any]:
    """Controls as a line of `--follow` has them."""
    rules = {
        name.removeprefix(controls.RULE): value for name, value in values.items() if name.startswith(controls.RULE)
    }
    rest = {name: value for name, value in values.items() if not name.startswith(controls.RULE)}
    for name in controls.CELLS:
        if isinstance(rest.get(name), str):
            rest[name] = {
                str(cell): value for cell, value in (read_value(each, name) for each in rest[name].split(","))
            }
    return {**rest, **({"rules": rules} if rules else {})}


ROOM = Play
