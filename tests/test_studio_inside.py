"""The room Inside of the studio without a browser: looks over texts and takes, the page's policy, odd messages."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import threading
import time
from pathlib import Path

import pytest
from studio_server import running

from seqgen.jobs.look.apart import LookApart
from seqgen.selftest import _materials
from seqgen.studio.looking import MOST_PAGES, Pages

pytestmark = pytest.mark.sockets
PATIENCE = 120  # seconds: machines that test have other work, too


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.safetensors"
    _materials.checkpoint().save(path)
    return str(path)


def test_a_text_is_looked_at_on_a_page_that_can_reach_nothing(running, toy):
    with running.page() as page:
        page.say(do="inside.look", checkpoint=toy, text="<script>alert(1)</script> ANNA", run=4)
        told = page.until("inside.page", PATIENCE)
        assert told["run"] == 4
    status, headers, body = running.get(f"/inside/page/{told['number']}")
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert b"<script>alert(1)" not in body
    assert b"Cells over the text" in body
    status, headers, saved = running.get(f"/inside/file/{told['number']}")
    assert saved == body
    assert "attachment" in headers["content-disposition"]
    assert running.get("/inside/page/99")[0] == 404
    assert running.get(f"/inside/page/{told['number']}", token=None)[0] == 403


def test_a_take_is_looked_at(running, toy):
    with running.page() as page:
        page.say(do="play.start", checkpoint=toy, prompt="ANNA", length=60, seed=1)
        take = page.until("sample")["take"]
        page.until("over")
        page.say(do="inside.look", checkpoint=toy, take=take)
        number = page.until("inside.page", PATIENCE)["number"]
    assert b"Cells over the text" in running.get(f"/inside/page/{number}")[2]


def test_a_text_is_never_taken_for_the_name_of_a_file(running, toy, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("QQQQQQQQQQ")
    with running.page() as page:
        page.say(do="inside.look", checkpoint=toy, text=str(secret))
        number = page.until("inside.page", PATIENCE)["number"]
    assert b"QQQQ" not in running.get(f"/inside/page/{number}")[2]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"text": "ANNA", "checkpoint": ""}, "no model was chosen"),
        ({"text": "ANNA", "checkpoint": "nothing"}, "there is no such checkpoint"),
        ({}, "there is nothing to look at"),
        ({"text": 5}, "text is 5, expected text"),
        ({"take": "nobody"}, "take"),
        ({"text": "ANNA", "whole": "yes"}, "whole is 'yes', expected true or false"),
    ],
)
def test_odd_messages_are_one_sentence_and_the_next_look_goes(running, toy, asked, said):
    with running.page() as page:
        page.say(do="inside.look", **{"checkpoint": toy, **asked})
        error = page.until("error", PATIENCE)
        assert said in error["message"]
        assert error["room"] == "inside"
        page.say(do="inside.nothing")
        assert "Inside does not know" in page.until("error")["message"]
        page.say(do="inside.look", checkpoint=toy, text="ANNA: Good day")
        assert page.until("inside.page", PATIENCE)["number"] == 1


def test_a_look_that_runs_is_stopped_and_so_is_one_that_nobody_waits_for(running, toy, monkeypatch):
    begun = threading.Event()
    original = LookApart.page

    def page_of(self, observer):
        begun.set()
        return original(self, observer)

    monkeypatch.setattr(LookApart, "page", page_of)
    with running.page() as page, running.page() as other:
        page.say(do="inside.look", checkpoint=toy, text="ANNA " * 300, whole=True, run=3)
        assert begun.wait(PATIENCE)
        other.say(do="inside.stop")  # not its own
        other.say(do="inside.look", checkpoint=toy, text="ANNA")
        assert other.until("error")["message"] == "a look is running, and one look runs at a time"
        since = time.monotonic()
        page.say(do="inside.stop")
        assert page.until("inside.stopped", PATIENCE)["run"] == 3
        assert time.monotonic() - since < 5
        begun.clear()
        page.say(do="inside.look", checkpoint=toy, text="ANNA " * 300, whole=True)
        assert begun.wait(PATIENCE)
        room = running.studio.hall.rooms["inside"]
        process = room._running[1]._apart._process
    assert process.wait(PATIENCE) != 0  # its page has left
    with running.page() as page:
        while room._running is not None:
            time.sleep(0.01)
        page.say(do="inside.look", checkpoint=toy, text="ANNA")
        page.until("inside.page", PATIENCE)


def test_a_process_that_dies_while_it_looks_is_a_sentence(running, toy, monkeypatch):
    made = []
    original = LookApart.__init__

    def begin(self, job):
        original(self, job)
        made.append(self)
        self._process.kill()

    monkeypatch.setattr(LookApart, "__init__", begin)
    with running.page() as page:
        page.say(do="inside.look", checkpoint=toy, text="ANNA")
        error = page.until("error", PATIENCE)
    assert "the process that looked died (exit code -9)" in error["message"]
    assert error["room"] == "inside"
    assert not Path(made[0]._folder.name).exists()


def test_the_oldest_pages_fall_off():
    pages = Pages()
    numbers = [pages.put(b"page") for _ in range(MOST_PAGES + 1)]
    assert pages.get(numbers[-1]) == b"page"
    with pytest.raises(Exception, match="not at hand any more"):
        pages.get(numbers[0])
