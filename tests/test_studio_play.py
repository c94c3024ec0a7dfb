"""The room Play without a browser: what is sampled, steered, played live, and had as a file."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.parse

import numpy as np
import pytest
from fill_fixtures import chorale
from studio_server import Page, running, toy
from websockets.sync.client import connect

from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.selftest import _materials
from seqgen.studio.pieces import MOST_BYTES
from seqgen.takes.store import Takes

pytestmark = pytest.mark.sockets


def test_a_page_is_told_of_controls_and_models(running, toy):
    with running.page() as page:
        hello = page.until("hello")
        assert hello["checkpoint"] == toy
        knob = next(each for each in hello["controls"] if each["name"] == "temperature")
        assert (knob["least"], knob["most"], knob["default"]) == (0, 2, 0.9)
        assert any(each["name"] == "rule.top_p" for each in hello["controls"])
        assert {"name": "tiny-shakespeare", "kind": "published"} in hello["rooms"][0]["models"]
        page.say(do="play.open", checkpoint=toy)
        model = page.until("model")
        assert model["text"]
        assert model["formats"] == [".txt"]


def test_a_text_streams_with_its_surprise_and_what_else_was_likely(running, toy):
    with running.page() as page:
        page.say(do="play.start", run=3, checkpoint=toy, prompt="ANNA", length=50, seed=7, values={"temperature": 0.8})
        assert page.until("start")["prompt"] == "ANNA"
        sample = page.until("sample")
        assert page.until("over")["run"] == 3
        tokens = [token for event in page.heard if event["event"] == "tokens" for token in event["tokens"]]
        assert len(tokens) == sample["tokens"] == 50
        for _, surprise, likely in tokens:
            assert surprise >= 0
            chances = [chance for _, chance in likely]
            assert len(likely) == 5
            assert chances == sorted(chances, reverse=True)
            assert 0 < sum(chances) <= 1.001
        status, headers, body = running.get(f"/play/sample/{sample['number']}.txt")
        assert status == 200
        assert sample["take"] in headers["content-disposition"]
        assert body.decode("utf-8", "replace") == "ANNA" + "".join(text for text, *_ in tokens)
        page.say(do="play.start", checkpoint=toy, prompt="ANNA", length=50, seed="7", values={"temperature": 0.8})
        again = page.until("sample")
        assert running.get(f"/play/sample/{again['number']}.txt")[2] == body
        assert running.get(f"/play/sample/{sample['number']}.mid")[0] == 404
        assert running.get("/play/sample/99.txt")[0] == 404


def test_a_seed_keeps_all_its_digits(running, toy):
    with running.page() as page:
        page.say(do="play.start", checkpoint=toy, length=5, seed=str(2**64 - 1))
        sample = page.until("sample")
        assert sample["seed"] == str(2**64 - 1)  # as a number a page would make 2^64 of it
        with Takes(write=False) as takes:
            assert takes.find(sample["take"]).beginning.seed == 2**64 - 1
        for odd, said in (("1.5", "expected a whole number"), ("1e3", "expected a whole number"), ("-1", "expected 0")):
            page.say(do="play.start", checkpoint=toy, length=5, seed=odd)
            assert said in page.until("error")["message"]


def test_an_endless_text_is_steered_paused_and_stopped(running, toy):
    with running.page() as page:
        page.say(do="play.start", checkpoint=toy, length="inf")
        page.until("tokens")
        page.say(temperature=0.0)
        assert page.until("control")["temperature"] == 0
        page.say(**{"rule.top_p": "0.5"})
        assert page.until("control")["rules"] == {"top_p": "0.5"}
        page.say(pause=True)
        page.until("control")
        page.say(resume=True)
        page.until("tokens")
        page.say(do="play.stop")
        sample = page.until("sample")
        assert sample["finished"] == "stop"
        body = running.get(f"/play/sample/{sample['number']}.txt")[2].decode("utf-8", "replace")  # from its take
        shown = "".join(token[0] for event in page.heard if event["event"] == "tokens" for token in event["tokens"])
        assert shown
        assert body.startswith(shown)  # bytes of an unfinished character at the end are not shown


def test_one_sample_runs_at_a_time(running, toy):
    with running.page() as one, running.page() as other:
        one.say(do="play.start", checkpoint=toy, length="inf")
        one.until("tokens")
        other.say(do="play.start", checkpoint=toy, length=5)
        assert "one sample runs at a time" in other.until("error")["message"]
        one.say(do="play.start", checkpoint=toy, length=5)  # its own ends before
        assert one.until("sample")["finished"] == "stop"
        assert one.until("sample")["tokens"] == 5
        one.until("over")
        other.say(do="play.start", checkpoint=toy, length=5)
        assert other.until("sample")["tokens"] == 5


def test_what_a_page_leaves_behind_ends_and_is_a_take(running, toy):
    with running.page() as page:
        page.say(do="play.start", checkpoint=toy, length="inf")
        page.until("tokens")
    end = time.monotonic() + 10
    while running.studio.hall.rooms["play"]._running and time.monotonic() < end:
        time.sleep(0.02)
    with Takes(write=False) as takes:
        assert takes.find("last").ending.finished == "stop"
    with running.page() as page:
        page.say(do="play.start", checkpoint=toy, length=5)
        page.until("sample")


def test_a_slow_page_holds_the_sample_up(running, toy):
    """What it has not taken yet stays bounded."""
    with running.page(max_queue=1) as page:
        page.say(do="play.start", checkpoint=toy, length="inf")
        time.sleep(1.5)
        (visitor,) = running.studio.hall.visitors
        assert len(visitor._waiting) <= 66


def test_music_plays_live_under_its_controls_and_is_a_take(running):
    with running.page() as page:
        page.say(do="play.live", run=2, checkpoint="bach-chorales", seed=3, values={"tempo": 200})
        assert page.until("live")["tempo"] == 200
        for _ in range(8):
            note = page.until("note")
        assert note["run"] == 2
        assert 0 <= note["pitch"] < 128
        page.say(temperature=1.1, density=4)
        assert page.until("control")["density"] == 4
        page.say(do="play.stop")
        sample = page.until("sample")
        assert sample["tokens"] >= 8
        page.until("over")
        assert running.get(f"/play/sample/{sample['number']}.mid")[2].startswith(b"MThd")
        page.say(do="play.live", checkpoint="tiny-shakespeare")
        assert "cannot be played live" in page.until("error")["message"]


def test_music_comes_note_by_note_and_is_the_file_in_the_end(running):
    with running.page() as page:
        page.say(do="play.start", checkpoint="bach-chorales", seed=3, length=400)
        drawn = page.until("sample")["sheet"]
        came = [tuple(row) for event in page.heard if event["event"] == "notes" for row in event["notes"]]
        assert len(drawn["notes"]) - 1 <= len(came) <= len(drawn["notes"])  # the last one may lack its end
        assert {(row[2], round(row[0], 2)) for row in came} <= {(row[2], round(row[0], 2)) for row in drawn["notes"]}
        assert drawn["bars"] == sorted(drawn["bars"])
        assert set(drawn["names"]) == {"Soprano", "Alto", "Tenor", "Bass"}


def test_music_goes_on_from_a_take_and_text_does_not(running, toy):
    with running.page() as page:
        page.say(do="play.start", checkpoint="bach-chorales", seed=3, length=200)
        first = page.until("sample")
        page.until("over")
        page.say(do="play.start", checkpoint="bach-chorales", seed=4, length=100, take=first["take"])
        assert len(page.until("start")["notes"]) >= len(first["sheet"]["notes"]) - 4
        more = page.until("sample")["sheet"]["notes"]
        assert len(more) > len(first["sheet"]["notes"])
        page.until("over")
        page.say(do="play.start", checkpoint=toy, take=first["take"])
        assert "goes on with no music" in page.until("error")["message"]
        page.say(do="play.start", checkpoint="bach-chorales", take="nothing")
        assert "no take is called" in page.until("error")["message"]


def prime(running, data, name="tune.mid", headers=()):
    """Status and answer of a piece that is brought in to go on from."""
    return running.post("/play/primer", data, headers, name=name)


def test_music_goes_on_from_a_piece_that_was_brought_in(running, toy):
    tune = chorale(3)
    status, primer = prime(running, tune)
    assert status == 200
    assert primer == {"primer": 1, "name": "tune.mid", "seconds": 12.0, "notes": len(read_score(tune))}
    with running.page() as page:
        page.say(do="play.start", checkpoint="bach-chorales", seed=4, length=100, primer=1)
        sample = page.until("sample")
        page.until("over")
        old, new = (
            [(round(float(each), 2), int(pitch)) for each, pitch in zip(score.seconds(score.onset), score.pitch)]
            for score in (read_score(tune), read_score(running.get(f"/play/sample/{sample['number']}.mid")[2]))
        )
        assert {each for each in new if each[0] < 11} == {each for each in old if each[0] < 11}
        assert max(new)[0] > 12
        for asked, said in (
            ({"primer": 99}, "not at hand any more"),
            ({"primer": "1"}, "primer is '1', expected a whole number"),
            ({"primer": 1, "checkpoint": toy}, "goes on with no music"),
        ):
            page.say(do="play.start", **{"checkpoint": "bach-chorales", **asked})
            assert said in page.until("error")["message"]
        page.say(do="play.start", checkpoint=toy, length=3)  # nothing is in its way
        assert page.until("sample")["tokens"] == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no music", "no "),
        (b"", "no "),
        (b"MThd" + bytes(20), ""),
        (write_score(Score.from_notes(24, np.zeros((0, 5), np.int64))), "holds no note"),
        (bytes(MOST_BYTES + 10), "is larger than 4 MB"),
    ],
)
def test_what_is_no_piece_to_go_on_from_is_one_sentence(running, data, said):
    status, answer = prime(running, data, "../../tune.mid")
    assert status == 422
    assert said in answer["message"]
    assert ".." not in answer["message"]
    assert "Traceback" not in answer["message"]
    assert prime(running, chorale(1), headers={"Origin": "http://evil.example"})[0] == 403


def test_a_checkpoint_that_was_trained_anew_is_loaded_anew(running, toy):
    play = running.studio.hall.rooms["play"]
    first = play.model(toy)
    assert play.model(toy) is first
    _materials.checkpoint(seed=1).save(toy)
    assert play.model(toy).digest != first.digest


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs the signals of a Unix")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_studio_clean_and_what_ran_is_a_take(toy, tmp_path, name):
    if signal.getsignal(getattr(signal, name)) == signal.SIG_IGN:
        pytest.skip("under nohup, SIGHUP ends nothing")
    command = [sys.executable, "-P", "-m", "seqgen", "studio", toy, "--no-browser", "--token", "0123456789abcdef"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        port = int(address.partition("127.0.0.1:")[2].partition("/")[0])
        origin = f"http://127.0.0.1:{port}"
        with connect(f"ws://127.0.0.1:{port}/talk?token=0123456789abcdef", origin=origin, close_timeout=1) as socket:
            page = Page(socket)
            page.say(do="play.start", checkpoint=toy, length="inf")
            page.until("tokens")
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "")
    with Takes(write=False) as takes:
        assert takes.find("last").ending.finished == "stop"
