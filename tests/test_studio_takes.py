"""The room Takes of the studio without a browser: lists, stars, files, exports, odd messages."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import io
import json

import pytest
from studio_server import running, toy

from seqgen.takes.exchange import bring_in
from seqgen.takes.store import Takes

pytestmark = pytest.mark.sockets


def sampled(page, toy, seed, **more):
    page.say(do="play.start", checkpoint=toy, prompt="ANNA", length=20, seed=seed, **more)
    take = page.until("sample")["take"]
    page.until("over")
    return take


def test_before_the_first_take_the_list_is_empty(running):
    with running.page() as page:
        page.say(do="takes.list")
        assert page.until("takes.list") == {"event": "takes.list", "takes": [], "more": False, "missing": []}


def test_takes_are_listed_the_latest_first_and_starred_on_all_pages(running, toy):
    with running.page() as page, running.page() as other:
        one, two = sampled(page, toy, 1), sampled(page, toy, 2)
        page.say(do="takes.list")
        listed = page.until("takes.list")["takes"]
        assert [each["take"] for each in listed] == [two, one]
        assert listed[0]["begins"].startswith("ANNA")
        assert (listed[0]["tokens"], listed[0]["starred"], listed[0]["heard"]) == (20, False, False)
        page.say(do="takes.list", limit=1)
        assert page.until("takes.list")["more"]
        page.say(do="takes.star", take=one, starred=True)
        assert other.until("takes.starred") == {"event": "takes.starred", "take": one, "starred": True}
        page.say(do="takes.list", starred=True)
        assert [each["take"] for each in page.until("takes.list")["takes"]] == [one]
        with Takes(write=False) as takes:
            assert takes.find(one).starred
        page.say(do="takes.star", take=one, starred=False)
        page.say(do="takes.list", starred=True)
        assert page.until("takes.list")["takes"] == []


def test_a_take_is_opened_whole_with_its_prompt_and_settings(running, toy):
    with running.page() as page:
        take = sampled(page, toy, 2**64 - 1, values={"temperature": 0.5})
        page.say(do="takes.open", take=take, side="right")
        opened = page.until("takes.open")
        assert opened["side"] == "right"
        found = opened["take"]
        assert found["seed"] == str(2**64 - 1)
        assert found["prompt"] == "ANNA"
        assert found["text"].startswith("ANNA")
        assert ["temperature", "0.5"] in found["settings"]
        assert not {"null", "[]"} & {value for _, value in found["settings"]}, "what nobody asked for is not listed"
        status, headers, body = running.get(f"/takes/file/{take}.txt")
        assert status == 200
        assert f'filename="seqgen-{take}.txt"' in headers["content-disposition"]
        assert body.decode("utf-8", "replace") == found["text"]


def test_an_export_is_what_import_reads(running, toy, tmp_path):
    with running.page() as page:
        one, two = sampled(page, toy, 1), sampled(page, toy, 2)
        status, _, body = running.get("/takes/export")
        assert status == 404
        assert "no take has a star" in json.loads(body)["message"]
        page.say(do="takes.star", take=one)
        page.until("takes.starred")
    for path, wanted in (("/takes/export", [one]), (f"/takes/export?take={two}&take={one}&take={two}", [one, two])):
        status, _, body = running.get(path)
        assert status == 200
        with Takes(tmp_path / f"{len(wanted)}.sqlite") as takes:
            assert bring_in(takes, io.BytesIO(body), "export") == (len(wanted), 0)
            assert sorted(each.id for each in takes.list()) == sorted(wanted)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('{"do": "takes.nothing"}', "Takes does not know 'nothing'"),
        ('{"do": "takes.open"}', "no take was chosen"),
        ('{"do": "takes.open", "take": "nobody"}', "no take is called 'nobody'"),
        ('{"do": "takes.open", "take": 5}', "take is 5, expected text"),
        ('{"do": "takes.open", "take": "last", "side": "middle"}', "side is 'middle', expected left or right"),
        ('{"do": "takes.star", "take": "<script>"}', "no take is called"),
        ('{"do": "takes.star", "take": "last", "starred": "yes"}', "starred is 'yes', expected true or false"),
        ('{"do": "takes.list", "limit": 0}', "limit is 0"),
        ('{"do": "takes.list", "limit": 1e9}', "limit is 1000000000.0, expected a whole number"),
    ],
)
def test_odd_messages_are_one_sentence_of_the_room(running, toy, message, said):
    with running.page() as page:
        sampled(page, toy, 1)
        page.socket.send(message)
        error = page.until("error")
        assert said in error["message"]
        assert error["room"] == "takes"


@pytest.mark.parametrize(
    "path", ["nobody.txt", "last.exe", "last", "..%2f..%2fsecret.txt", "%3Cscript%3E.txt", "last.txt%00.mid"]
)
def test_a_file_that_cannot_be_had_is_a_sentence(running, toy, path):
    with running.page() as page:
        sampled(page, toy, 1)
    status, headers, body = running.get(f"/takes/file/{path}")
    assert status == 404
    assert headers["x-content-type-options"] == "nosniff"
    assert b"Traceback" not in body


def test_takes_that_are_turned_off_are_told(running, monkeypatch):
    monkeypatch.setenv("SEQGEN_TAKES", "off")
    with running.page() as page:
        page.say(do="takes.list")
        error = page.until("error")
        assert "takes are turned off" in error["message"]
        assert error["hint"]


def test_a_damaged_take_costs_itself_alone(running, toy):
    import sqlite3

    with running.page() as page:
        one, two = sampled(page, toy, 1), sampled(page, toy, 2)
        with Takes(write=False) as takes:
            path = takes.path
        base = sqlite3.connect(path)
        base.execute("UPDATE chunks SET ids = X'FF' WHERE take = (SELECT key FROM takes WHERE id = ?)", (two,))
        base.commit()
        base.close()
        page.say(do="takes.list")
        listed = {each["take"]: each for each in page.until("takes.list")["takes"]}
        assert "damaged" in listed[two]["fault"]
        assert listed[one]["fault"] is None
        page.say(do="takes.open", take=one)
        page.until("takes.open")
        page.say(do="takes.open", take=two)
        assert "damaged" in page.until("error")["message"]
