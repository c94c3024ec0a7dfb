"""Takes: list, star, open, compare, export. They are those of `seqgen takes`, whoever made them.

{"do": "takes.list", "starred", "limit"}    → {"event": "takes.list", "takes": [`taken.row`…], "more", "missing": […]}
{"do": "takes.open", "take", "side"}        → {"event": "takes.open", "side", "take": `taken.whole`}
{"do": "takes.star", "take", "starred"}     → to all pages {"event": "takes.starred", "take", "starred"}
GET /takes/file/ID.SUFFIX                   a take as a file, in a format
GET /takes/export?take=ID&take=ID           takes with all that `seqgen takes import` needs; without a name, the starred
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from seqgen.errors import SeqgenError, UsageError
from seqgen.studio import taken
from seqgen.studio.hall import sentence
from seqgen.studio.room import Asked, Room, field, unknown
from seqgen.studio.shelf import Kept
from seqgen.studio.visitor import Visitor
from seqgen.takes.exchange import export
from seqgen.takes.place import kept, place
from seqgen.takes.replay import tokenizer_of
from seqgen.takes.store import Takes

KNOWN = ("list", "open", "star")
USUAL, MOST = 60, 2_000  # takes of a list
SIDES = ("left", "right")
NAMED = 500  # takes that an export names at most


class TakesRoom(Room):
    """The room."""

    title = "Takes"
    place = 2

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Files."""
        return [Route("/file/{name}", _file), Route("/export", _export)]

    def hear(self, visitor: Visitor, what: str, asked: Asked) -> None:
        """See the module."""
        if what == "list":
            _list(visitor, asked)
        elif what == "open":
            _open(visitor, asked)
        elif what == "star":
            self._star(asked)
        else:
            raise unknown(self.title, what, KNOWN)

    def _star(self, asked: Asked) -> None:
        starred = field(asked, "starred", bool, True)
        with Takes() as takes, takes.transaction():
            take = takes.find(_name(asked))
            takes.set_star(takes.key(take.id), starred)
        self.hall.tell({"event": "takes.starred", "take": take.id, "starred": starred})


def _list(visitor: Visitor, asked: Asked) -> None:
    starred, limit = field(asked, "starred", bool, False), field(asked, "limit", int, USUAL)
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit is {limit}, expected 1 to {MOST:,}")
    missing: list[str] = []
    rows, more = [], False
    if not kept() or place().exists():  # where they are turned off, opening them says so
        with Takes(write=False) as takes, takes.snapshot():
            found = takes.list(limit + 1, starred, lambda error: missing.append(error.message))
            rows = [taken.row(takes, take) for take in found[:limit]]
            more = len(found) + len(missing) > limit
    visitor.tell({"event": "takes.list", "takes": rows, "more": more, "missing": missing[:NAMED]})


def _open(visitor: Visitor, asked: Asked) -> None:
    side = field(asked, "side", str, SIDES[0])
    if side not in SIDES:
        raise UsageError(f"side is {side[:40]!r}, expected {' or '.join(SIDES)}")
    with Takes(write=False) as takes, takes.snapshot():
        found = taken.whole(takes, takes.find(_name(asked)))
    visitor.tell({"event": "takes.open", "side": side, "take": found})


def _name(asked: Asked) -> str:
    name = field(asked, "take", str, "")
    if not name:
        raise UsageError("no take was chosen", "choose one of the list")
    return str(name)


def _file(request: Request) -> Response:
    """A take as a file, on a thread of its own."""
    name, dot, suffix = request.path_params["name"].partition(".")
    try:
        with Takes(write=False) as takes:
            take = takes.find(name)
        data = Kept(tokenizer_of(take), None, take.id).file(dot + suffix)
    except SeqgenError as error:
        return JSONResponse(sentence(error), 404)
    return _download(data, f"seqgen-{take.id}{dot}{suffix}")


def _export(request: Request) -> Response:
    """Takes for `seqgen takes import`, on a thread of its own."""
    names = request.query_params.getlist("take")[:NAMED]
    try:
        with Takes(write=False) as takes, takes.snapshot():
            chosen = taken.named(takes, names) if names else takes.list(starred=True, left_out=lambda error: None)[::-1]
            if not chosen:
                raise UsageError("no take has a star", "star those that are to be exported")
            data = b"".join(export(takes, chosen))
    except SeqgenError as error:
        return JSONResponse(sentence(error), 404)
    return _download(data, "seqgen-takes.jsonl")


def _download(data: bytes, name: str) -> Response:
    header = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/octet-stream", headers=header)


ROOM = TakesRoom
