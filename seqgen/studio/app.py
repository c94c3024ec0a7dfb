"""The page as an application: its files, its WebSocket, what rooms serve, and the guard before all of it."""

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from seqgen.errors import UsageError
from seqgen.studio.guard import Guard
from seqgen.studio.hall import Hall, sentence
from seqgen.studio.visitor import Visitor

STATIC = Path(__file__).parent / "static"
BUSY = 1013  # of RFC 6455's registry: try again later


def application(hall: Hall, host: str, port: int, token: str) -> Guard:
    """All of it, guarded.

    Args:
        hall: The rooms.
        host, port: Where it listens.
        token: What a page has to know.
    """

    async def page(request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        visitor = Visitor(asyncio.get_running_loop())
        try:
            hall.come(visitor)
        except UsageError as error:
            await socket.send_json(sentence(error))
            await socket.close(BUSY)
            return
        writing = asyncio.create_task(_write(socket, visitor))
        try:
            while True:
                text = await socket.receive_text()
                await asyncio.to_thread(hall.hear, visitor, text)
        except (WebSocketDisconnect, KeyError, RuntimeError):  # it has gone, or sent bytes
            pass
        finally:
            hall.go(visitor)
            writing.cancel()

    own = [Mount(f"/{name}", routes=list(room.routes)) for name, room in hall.rooms.items()]
    routes = [Route("/", page), WebSocketRoute("/talk", talk), Mount("/static", StaticFiles(directory=STATIC)), *own]
    return Guard(Starlette(routes=routes), host, port, token)


async def _write(socket: WebSocket, visitor: Visitor) -> None:
    """What a visitor is told goes out."""
    try:
        while (text := await visitor.next()) is not None:
            await socket.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        visitor.leave()
