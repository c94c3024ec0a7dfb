"""Train: a folder of this machine, a corpus by name, or files that are brought in; one run at a time.

{"do": "train.begin", "name", "source" or "set", "minutes", "steps", "preset", "holes", "seed"}
{"do": "train.resume", "name", "minutes", "steps"}
{"do": "train.stop"}                         after the step at hand; all is saved
POST /train/set                              → {"set"}: a new set of files
POST /train/file?set=SET&name=FOLDER/FILE    → {"bytes"}: a file of it
What all pages are told: see `seqgen.studio.training`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from seqgen.errors import SeqgenError, UsageError
from seqgen.jobs.train.settings import TrainJob
from seqgen.live.controls import shown
from seqgen.studio import models
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.room import Asked, Room, field, unknown
from seqgen.studio.training import CLOSING, Training
from seqgen.studio.uploads import Uploads
from seqgen.studio.visitor import Visitor

KNOWN = ("begin", "resume", "stop")
KIND = "training"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
HOLES = "0.3"  # the share of documents that are read with a hole, as `seqgen fill` says


class Train(Room):
    """The room."""

    title = "Train"
    place = 4

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        self.uploads = Uploads()
        self._training: Training | None = None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Files in."""
        return [Route("/set", self._new_set, methods=["POST"]), Route("/file", self._bring, methods=["POST"])]

    def greeting(self) -> dict[str, Any]:
        """The run of this studio, and those that can go on."""
        return {"state": self._training and self._training.state, "runs": runs()}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "begin":
            self._train(_name(asked), self._begun(asked))
        elif what == "resume":
            self._train(_name(asked), TrainJob((), _folder(asked), resume=True, **_budget(asked)))
        elif what == "stop":
            if self._training is not None:
                self._training.stop()
        else:
            raise unknown(self.title, what, KNOWN)

    def close(self) -> None:
        """The run ends, and is saved."""
        if self._training is not None:
            self._training.stop(CLOSING)
        self.uploads.close()

    def _begun(self, asked: Asked) -> TrainJob:
        given, source = field(asked, "set", str, ""), field(asked, "source", str, "").strip()
        if bool(given) == bool(source):
            hint = "a folder of this machine, a corpus by name, or files that are dropped"
            raise UsageError("expected something to train on" if not given else "expected one thing to train on", hint)
        settings = {"infill": HOLES} if field(asked, "holes", bool, False) else {}
        return TrainJob(
            (str(self.uploads.folder(given)) if given else source,), _folder(asked), settings=settings,
            preset=field(asked, "preset", str, "") or "auto", seed=field(asked, "seed", int, None), **_budget(asked),
        )  # fmt: skip

    def _train(self, name: str, job: TrainJob) -> None:
        self.hall.begin(KIND, f"the training of {name}")
        try:
            self._training = made = Training(name, job, self.hall.tell, lambda: self.hall.end(KIND))
        except OSError as error:
            self.hall.end(KIND)
            raise UsageError(f"no process can be started ({error.strerror})", "close something else") from error
        self.hall.tell({"event": "train.state", "state": made.state})

    async def _new_set(self, request: Request) -> Response:
        return JSONResponse({"set": self.uploads.new()})

    async def _bring(self, request: Request) -> Response:
        """A file comes in, and is read no further than there is room for."""
        query = request.query_params
        try:
            size = await self.uploads.take(query.get("set", ""), query.get("name", ""), request.stream())
        except SeqgenError as error:
            return JSONResponse(sentence(error), 422)
        except ClientDisconnect:
            return Response(status_code=400)
        return JSONResponse({"bytes": size})


def runs() -> list[str]:
    """The runs of this folder, those too that have no model yet."""
    found = Path(models.RUNS)
    return sorted(path.parent.name for path in found.glob("*/training.json") if NAME.fullmatch(path.parent.name))


def _name(asked: Asked) -> str:
    name = field(asked, "name", str, "")
    if not NAME.fullmatch(name):
        raise UsageError(f"the run's name is {shown(name)}, expected letters, digits, - and _", "such as plays-2")
    return str(name)


def _folder(asked: Asked) -> Path:
    return Path(models.RUNS) / _name(asked)


def _budget(asked: Asked) -> Mapping[str, Any]:
    minutes = asked.get("minutes")
    if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, (int, float))):
        raise UsageError(f"minutes is {shown(minutes)}, expected a number")
    try:
        return {"minutes": None if minutes is None else float(minutes), "steps": field(asked, "steps", int, None)}
    except OverflowError:
        raise UsageError(f"minutes is {shown(minutes)}, expected fewer") from None


ROOM = Train
