"""The studio's server without a browser: who may come in, what a page is told, and what odd messages do."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import json
import socket

import pytest
from click.testing import CliRunner
from studio_server import Running, running, toy
from websockets.exceptions import ConnectionClosed, InvalidStatus

from seqgen import cli
from seqgen.api.control import MAX_LINE
from seqgen.errors import UsageError
from seqgen.studio import serving
from seqgen.studio.app import STATIC
from seqgen.studio.hall import Hall, names
from seqgen.studio.serving import Studio
from seqgen.studio.settings import StudioJob

pytestmark = pytest.mark.sockets


def test_the_page_and_its_files_are_there_for_who_knows_the_token(running):
    status, headers, _ = running.get(f"/?token={running.token}", token=None)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert f"seqgen-{running.port}={running.token}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    status, headers, body = running.get("/")
    assert status == 200
    assert b"<main>" in body
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for path in ("/static/app.js", "/static/theme.css", "/static/rooms/play.js"):
        assert running.get(path)[0] == 200
    assert running.get("/static/../serving.py")[0] == 404
    assert running.get("/static/%2e%2e/serving.py")[0] == 404


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/play/sample/1.mid", "/nothing", "/?token=wrong", "/?token="])
def test_without_the_token_there_is_nothing(running, path):
    status, _, body = running.get(path, token=None)
    assert status == 403
    assert b"token" in body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "localhost.evil:{port}"]
)
def test_a_foreign_host_is_turned_away(running, host):
    status, _, body = running.get("/", Host=host.format(port=running.port))
    assert (status, body) == (403, b"This address is not the studio's own.\n")
    assert running.get("/", Host=f"localhost:{running.port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_turned_away(running, origin):
    named = origin.format(port=running.port)
    status, _, body = running.get("/", Origin=named)
    assert (status, body) == (403, b"Another site may not use the studio.\n")
    with pytest.raises(InvalidStatus), running.page(origin=named):
        pass


def test_a_socket_needs_the_token(running):
    for query in ("", "?token=0123456789abcdef0123456789abcdef"):
        with pytest.raises(InvalidStatus), running.page(query=query):
            pass
    with running.page() as page:
        assert page.until("hello")["rooms"][0]["name"] == "play"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object"),
        ('{"do": "nowhere.open"}', "no room is called 'nowhere'"),
        ('{"do": "play.nothing"}', "Play does not know 'nothing'"),
        ('{"do": "play.start"}', "no model was chosen"),
        ('{"do": "play.start", "checkpoint": 5}', "checkpoint is 5, expected text"),
        ('{"do": "play.open", "checkpoint": "nothing"}', "there is no such checkpoint"),
        ('{"do": "play.start", "checkpoint": "TOY", "values": {"temperature": 9}}', "expected a number from 0 to 2"),
        ('{"do": "play.start", "checkpoint": "TOY", "values": {"nothing": 9}}', "no control is called"),
        ('{"do": "play.start", "checkpoint": "TOY", "values": [1]}', "values is [1], expected an object"),
        ('{"do": "play.start", "checkpoint": "TOY", "length": -5}', "length"),
        ('{"do": "play.start", "checkpoint": "TOY", "length": true}', "length is True, expected a whole number"),
        ('{"do": "play.start", "checkpoint": "TOY", "seed": -1}', "seed"),
        ('{"do": "play.start", "checkpoint": "TOY", "prompt": {"a": 1}}', "expected text"),
        ('{"do": "play.start", "checkpoint": "TOY", "values": {"label": "nobody"}}', "no label is called 'nobody'"),
        ('{"temperature": "hot"}', "temperature is 'hot'"),
        ('{"<script>": 1}', "no control is called '<script>'"),
        ('{"do": {"a": 1}}', "no room is called"),
        ('{"do": "play.start", "checkpoint": "TOY", "prompt": "\\ud800"}', "holds half of a character"),
        (json.dumps({"do": "play.open", "checkpoint": "x" * 5000}), "x: cannot be looked for ("),
    ],
)  # fmt: skip
def test_odd_messages_are_one_sentence_and_the_page_goes_on(running, toy, message, said):
    with running.page() as page:
        page.socket.send(message.replace("TOY", toy))
        assert said in page.until("error")["message"]
        page.say(do="play.start", checkpoint=toy, length=5)
        assert page.until("sample")["tokens"] == 5


def test_what_is_too_large_or_no_text_ends_the_connection_alone(running):
    for sent in ("x" * (MAX_LINE + 1), b"\x00" * 100):
        with running.page() as page:
            page.until("hello")
            page.socket.send(sent)
            with pytest.raises(ConnectionClosed):
                while True:
                    page.socket.recv(timeout=10)
        with running.page() as page:
            page.until("hello")


def test_a_port_in_use_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError) as error:
            Studio(StudioJob(port=taken.getsockname()[1], browser=False))
        assert "cannot listen on 127.0.0.1" in error.value.message
        assert error.value.hint == "take another port"
    with pytest.raises(UsageError) as error:
        Studio(StudioJob(host="192.0.2.1", token="0123456789", browser=False))
    assert error.value.hint == "name an address of this machine, such as 127.0.0.1"


def test_it_is_open_to_others_only_with_a_token():
    with pytest.raises(UsageError) as error:
        Studio(StudioJob(host="0.0.0.0", browser=False))
    assert "--token" in error.value.hint
    made = Running(host="0.0.0.0", token="0123456789abcdef")
    assert made.get("/", token=None)[0] == 403
    assert made.get("/", Host="studio.example")[0] == 200  # who knows the token may use any name of the machine
    made.close()


@pytest.mark.parametrize("display", ["", ":0"])
def test_a_browser_that_cannot_be_opened_is_told(monkeypatch, display):
    notes, tried = [], []

    class Notes:
        def note(self, message):
            notes.append(message)

    monkeypatch.setattr(serving.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(serving.webbrowser, "open", lambda address: tried.append(address) is not None)
    serving._open("http://127.0.0.1:1/", Notes())
    assert tried == ["http://127.0.0.1:1/"] * bool(display)  # a browser of the terminal would take it over
    assert notes == ["No browser could be opened: open the address above in one."]


def test_the_command_prints_its_address_and_refuses_a_wrong_name(toy, tmp_path, monkeypatch):
    run = CliRunner().invoke(cli.group, ["studio", "nothing", "--no-browser"])
    assert "no such checkpoint" in str(run.exception)
    made = []
    monkeypatch.setattr(serving.webbrowser, "open", made.append)
    (tmp_path / "toy.txt").write_text("a text, and no model\n" * 40)
    run = CliRunner().invoke(cli.group, ["studio", str(tmp_path / "toy.txt")])
    assert "toy.txt: is not a safetensors file" in str(run.exception)
    assert run.exception.hint == "was it written by seqgen?"
    assert (run.output, made) == ("", [])
    monkeypatch.setattr(Studio, "run", lambda self: made.append(self) or self._listening.close())
    run = CliRunner().invoke(cli.group, ["studio", toy, "--no-browser", "--token", "0123456789abcdef"])
    assert run.output.startswith("http://127.0.0.1:")
    assert run.output.endswith("/?token=0123456789abcdef\n")
    assert made[0].hall.checkpoint == toy


def test_every_room_has_its_component():
    assert names() == sorted(path.stem for path in (STATIC / "rooms").glob("*.js"))
    for name in names():
        assert f'customElements.define("seq-room-{name}"' in (STATIC / "rooms" / f"{name}.js").read_text("utf-8")


def test_the_page_makes_no_markup_of_what_it_is_told():
    """Text comes into the page as text: nothing there reads markup or runs text."""
    for path in STATIC.rglob("*.js"):
        text = path.read_text("utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
        ):
            assert word not in text, f"{path.name} has {word}"
        assert text.count("\n") <= 320, path


def test_a_hall_runs_one_of_a_kind():
    hall = Hall()
    with hall.running("training", "a training"):
        with pytest.raises(UsageError), hall.running("training", "another"):
            pass
        with hall.running("sample", "a sample"):
            pass
    hall.begin("training", "a third")
    hall.end("training")
    hall.begin("training", "a fourth")
