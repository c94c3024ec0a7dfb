"""Train: a folder of this machine, a corpus by name, or files that are brought in; one run at a time.

{"do": "train.begin", "name", "source" or "set", "minutes", "steps", "preset", "model", "codec", "settings", "holes",
                      "seed"}
{"do": "train.guide", …, "run"}              the same → what would be said of it: see `seqgen.studio.guiding`
{"do": "train.unguide"}                      nobody waits for that any more
{"do": "train.form", "model", "codec"}       → {"event": "train.form", "model", "codec", "groups"}: what `settings` are,
                                             as `seqgen.jobs.train.form` has it
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

from seqgen import registry
from seqgen.errors import SeqgenError, UsageError
from seqgen.jobs.train.form import form, recipes
from seqgen.jobs.train.settings import TrainJob
from seqgen.live.controls import shown
from seqgen.studio import models
from seqgen.studio.guiding import Guides
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.room import Asked, Room, field, unknown
from seqgen.studio.training import CLOSING, Training
from seqgen.studio.uploads import Uploads
from seqgen.studio.visitor import Visitor

KNOWN = ("begin", "guide", "unguide", "form", "resume", "stop")
MOST_SETTINGS, LONGEST = 100, 200  # characters of a name and of a value
KIND = "training"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
HOLES = "0.3"  # the share of documents that are read with a hole, as `seqgen fill` says


class Train(Room):
    """The room."""

    title = "Train"
    place = 4

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        self.uploads, self.guides = Uploads(), Guides()
        self._training: Training | None = None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Files in."""
        return [Route("/set", self._new_set, methods=["POST"]), Route("/file", self._bring, methods=["POST"])]

    def greeting(self) -> dict[str, Any]:
        """The run of this studio, and those that can go on."""
        kinds = {kind: list(registry.names(kind)) for kind in ("cells", "codecs")}
        return {"state": self._training and self._training.state, "runs": runs(), "presets": recipes(), **kinds}

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "begin":
            job = self._begun(asked)
            self.guides.end(visitor)
            self._train(_name(asked), job)
        elif what == "guide":
            self._guide(visitor, asked)
        elif what == "unguide":
            self.guides.end(visitor)
        elif what == "form":
            model, codec = _chosen(asked, "model"), _chosen(asked, "codec")
            visitor.tell({"event": "train.form", "model": model, "codec": codec, "groups": form(model, codec)})
        elif what == "resume":
            self._train(_name(asked), TrainJob((), _folder(asked), resume=True, **_budget(asked)))
        elif what == "stop":
            if self._training is not None:
                self._training.stop()
        else:
            raise unknown(self.title, what, KNOWN)

    def left(self, visitor: Visitor) -> None:
        """Nobody waits for its guidance."""
        self.guides.end(visitor)

    def close(self) -> None:
        """The run ends, and is saved."""
        self.guides.close()
        if self._training is not None:
            self._training.stop(CLOSING)
        self.uploads.close()

    def _begun(self, asked: Asked) -> TrainJob:
        given, source = field(asked, "set", str, ""), field(asked, "source", str, "").strip()
        if bool(given) == bool(source):
            hint = "a folder of this machine, a corpus by name, or files that are dropped"
            raise UsageError("expected something to train on" if not given else "expected one thing to train on", hint)
        holes = {"infill": HOLES} if field(asked, "holes", bool, False) else {}
        return TrainJob(
            (str(self.uploads.folder(given)) if given else source,), _folder(asked), settings=holes | _settings(asked),
            model=_chosen(asked, "model"), codec=_chosen(asked, "codec"), preset=_chosen(asked, "preset") or "auto",
            seed=field(asked, "seed", int, None), **_budget(asked),
        )  # fmt: skip

    def _guide(self, visitor: Visitor, asked: Asked) -> None:
        """Guidance for what was chosen, or why there is none: beside it on the page, not among the errors of a run."""
        run = field(asked, "run", int, 0)
        try:
            self.guides.begin(visitor, self._begun(asked), run)
        except SeqgenError as error:
            self.guides.end(visitor)
            visitor.tell({**sentence(error), "event": "train.guide", "kind": "error", "run": run})

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


def _chosen(asked: Asked, name: str) -> str | None:
    """A cell, a codec or a preset by name; None: whatever suits."""
    found: str = field(asked, name, str, "")
    return found or None


def _settings(asked: Asked) -> dict[str, str]:
    """Settings as `-P KEY VALUE` gives them; whether they make sense training says, as on the command line."""
    given = field(asked, "settings", dict, {})
    if len(given) > MOST_SETTINGS:
        raise UsageError(f"{len(given):,} settings were given, expected {MOST_SETTINGS} at most")
    for name, value in given.items():
        if not isinstance(value, str) or max(len(name), len(value)) > LONGEST:
            raise UsageError(f"the setting {shown(name)} is {shown(value)}, expected a short text")
    return dict(given)


def _budget(asked: Asked) -> Mapping[str, Any]:
    minutes = asked.get("minutes")
    if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, (int, float))):
        raise UsageError(f"minutes is {shown(minutes)}, expected a number")
    try:
        return {"minutes": None if minutes is None else float(minutes), "steps": field(asked, "steps", int, None)}
    except OverflowError:
        raise UsageError(f"minutes is {shown(minutes)}, expected fewer") from None


ROOM = Train
