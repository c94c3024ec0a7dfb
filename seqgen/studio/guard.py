"""Who may come in: the right host, no foreign origin, the token; and the headers that hold the page to itself.

A site that a browser shows can send requests to this machine, and by a name of its own that points here even read the
answers. So a request must name this machine in Host, come from this page where it names an Origin, and bring the token:
in the address the first time, in a cookie then, which no other site's requests carry.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqgen.live.doors import LOOPBACK, name_of, same

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self' ws://{host}; worker-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SAID = {
    "host": "This address is not the studio's own.",
    "origin": "Another site may not use the studio.",
    "token": "The token is missing or old: open the address that `seqgen studio` printed.",
}


class Guard:
    """Stands before an application.

    Args:
        app: What is guarded.
        host, port: Where it listens.
        token: What must be known.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str) -> None:
        self._app, self._near, self._port, self._token = app, host in LOOPBACK, port, token
        self.cookie = f"seqgen-{port}"  # a cookie is for all ports of a host, and there may be two studios

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        reason = self.refusal(connection)
        if reason is not None:
            await self._refuse(reason, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif "token" in connection.query_params and connection.url.path == "/":
            entry = RedirectResponse("/", 303)
            entry.set_cookie(self.cookie, self._token, httponly=True, samesite="strict")
            await entry(scope, receive, self._dressed(send, connection))
        else:
            await self._app(scope, receive, self._dressed(send, connection))

    def refusal(self, connection: HTTPConnection) -> str | None:
        """Why a request may not come in: host, origin or token; None: it may."""
        hosts = connection.headers.getlist("host")
        if len(hosts) != 1 or (self._near and not self._here(hosts[0])):
            return "host"
        origins = connection.headers.getlist("origin")
        if origins and origins != [f"http://{hosts[0]}"]:
            return "origin"
        given = connection.query_params.get("token") or connection.cookies.get(self.cookie, "")
        return None if same(given, self._token) else "token"

    def _here(self, host: str) -> bool:
        return name_of(host) in LOOPBACK and host.rpartition(":")[2] == str(self._port)

    async def _refuse(self, reason: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
            return
        answer: Response = PlainTextResponse(SAID[reason] + "\n", 403, headers=HEADERS)
        await answer(scope, receive, send)

    @staticmethod
    def _dressed(send: Send, connection: HTTPConnection) -> Callable[[Message], Awaitable[None]]:
        """`send` with the headers of every answer; an answer that has a policy of its own keeps it."""
        policy = POLICY.format(host=connection.headers["host"])

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, "Content-Security-Policy": policy}.items():
                    headers.setdefault(name, value)
            await send(message)

        return dressed
