"""The room Train of the studio without a browser: files in, a run in a process of its own, stop, resume, odd asks."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from studio_server import Running

from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError
from seqgen.jobs.train.apart import Apart
from seqgen.jobs.train.settings import TrainJob
from seqgen.studio import uploads
from seqgen.studio.uploads import Uploads, inside

pytestmark = pytest.mark.sockets
TEXT = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghij") * 4
PATIENCE = 300  # seconds: machines that test have other work, too


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "a.txt").write_text(TEXT)
    made = Running()
    yield made
    made.close()


def bring(running, files):
    made = running.post("/train/set")[1]["set"]
    for name, data in files.items():
        assert running.post("/train/file", data, set=made, name=name) == (200, {"bytes": len(data)})
    return made


def events(page, name):
    return [each for each in page.heard if each["event"] == f"train.{name}"]


def test_files_are_brought_in_trained_on_stopped_and_gone_on_with(running):
    made = bring(running, {"plays/a.txt": TEXT.encode(), "plays/more/b.txt": TEXT.encode()})
    with running.page() as page, running.page() as other:
        page.say(do="train.begin", name="mine", set=made, preset="tiny", minutes=30, seed=1)
        assert page.until("train.state")["state"]["running"]
        page.until("train.stepped", PATIENCE)
        guidance = " ".join(each["message"] for each in events(page, "note"))
        assert "Corpus:" in guidance
        assert "Model: lstm" in guidance
        other.say(do="train.begin", name="second", source="plays", steps=1)
        error = other.until("error")
        assert error["message"] == "the training of mine is running, and one training runs at a time"
        assert error["room"] == "train"
        page.say(do="train.stop")
        ended = page.until("train.trained", PATIENCE)
        assert ended["stopped"]
        assert ended["steps"] > 0
        with running.page() as late:  # who comes later is told the story
            (room,) = [each for each in late.until("hello")["rooms"] if each["name"] == "train"]
            assert room["runs"] == ["mine"]
            assert room["state"]["ended"]["steps"] == ended["steps"]
            assert room["state"]["notes"]
        page.heard.clear()
        page.say(do="train.resume", name="mine", steps=ended["steps"] + 3)
        again = page.until("train.trained", PATIENCE)
        assert (again["stopped"], again["steps"]) == (False, ended["steps"] + 3)
        assert events(page, "checked")
        assert events(page, "sampled")[-1]["text"]
    assert Checkpoint.load(Path("checkpoints/mine")).metrics["nats_per_token"] > 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "expected something to train on"),
        ({"source": "plays", "set": "0" * 16}, "expected one thing to train on"),
        ({"set": "0" * 16}, "these files are not at hand any more"),
        ({"source": "plays", "name": "../out"}, "the run's name is '../out'"),
        ({"source": "plays", "name": ""}, "the run's name is ''"),
        ({"source": "plays", "minutes": "long"}, "minutes is 'long', expected a number"),
        ({"source": "plays", "minutes": -1}, "minutes is -1.0"),
        ({"source": "plays", "minutes": 10**400}, "expected fewer"),
        ({"source": "plays", "steps": 1.5}, "steps is 1.5, expected a whole number"),
        ({"source": "plays", "seed": -1}, "seed is -1"),
        ({"source": ["plays"]}, "source is ['plays'], expected text"),
    ],
)
def test_odd_messages_are_one_sentence_and_begin_nothing(running, asked, said):
    with running.page() as page:
        page.say(do="train.begin", **{"name": "odd", **asked})
        error = page.until("error")
        assert said in error["message"]
        assert error["room"] == "train"
        page.say(do="train.nothing")
        assert "Train does not know" in page.until("error")["message"]
    assert not Path("checkpoints").exists()
    running.studio.hall.begin("training", "nothing that is in the way")


def test_what_the_command_line_refuses_is_refused_in_the_same_sentence(running):
    with running.page() as page:
        for asked, said in (
            ({"name": "a", "source": "nowhere"}, "nowhere"),
            ({"name": "a", "source": "plays", "preset": "huge"}, "no preset is called 'huge'"),
        ):
            page.say(do="train.begin", **asked)
            error = page.until("train.error", PATIENCE)
            assert said in error["message"]
            assert "Traceback" not in error["message"]
        page.say(do="train.resume", name="nothing")
        assert "holds no run to go on with" in page.until("train.error", PATIENCE)["message"]


def guided(page, **asked):
    """What comes of a question for guidance, up to its last word."""
    page.say(do="train.guide", run=7, **{"name": "mine", **asked})
    while page.until("train.guide", PATIENCE)["kind"] not in ("guided", "error"):
        pass
    return {each["kind"]: each for each in page.heard if each["event"] == "train.guide" and each["run"] == 7}


def test_guidance_comes_before_a_run_and_leaves_nothing(running):
    with running.page() as page:
        found = guided(page, source="plays", model="gru", codec="byte", minutes=2, settings={"hidden": "24"})
        rows = dict(found["described"]["rows"])
        assert rows["files"] == f"1 file, {len(TEXT) / 1000:.1f} kB"
        assert found["guided"]["codec"] == "byte"
        (said,) = found["guided"]["said"]
        assert said.startswith(f"Corpus: {len(TEXT) + 1:,} tokens in 1 document, codec byte")
        assert "Model: gru 1×24" in said
        assert "it stops after 2 minutes" in said
        assert "Ctrl-C" not in said
    assert not Path("checkpoints").exists()


def test_guidance_refuses_in_the_sentences_of_the_command_line(running):
    Path("checkpoints/old").mkdir(parents=True)
    Path("checkpoints/old/model.safetensors").write_bytes(b"")
    made = bring(running, {"c/a.txt": TEXT.encode()})
    cases = [
        ({"source": "nowhere"}, "nowhere: there is no such file, folder or corpus"),
        ({"source": "plays", "settings": {"hiden": "24"}}, "no setting is called 'hiden'"),
        ({"source": "plays", "settings": {"dropout": "2"}}, "dropout is 2.0, expected at least 0 and below 1"),
        ({"set": made, "codec": "huge"}, "no codec is called 'huge'"),
        ({"source": "plays", "name": "old"}, "checkpoints/old: another run lies there already, and is left as it is"),
    ]
    with running.page() as page:
        for asked, said in cases:
            page.heard.clear()
            assert guided(page, **asked)["error"]["message"] == said


def test_odd_questions_for_guidance_are_answered_at_once(running):
    with running.page() as page:
        for asked, said in (
            ({}, "expected something to train on"),
            ({"source": "plays", "name": ""}, "the run's name is ''"),
            ({"source": "plays", "settings": {"hidden": 3}}, "the setting 'hidden' is 3, expected a short text"),
            ({"source": "plays", "settings": {"x" * 300: "3"}}, "expected a short text"),
            ({"source": "plays", "settings": {str(n): "" for n in range(200)}}, "200 settings were given"),
            ({"source": "plays", "settings": [1]}, "settings is [1], expected an object"),
        ):
            page.heard.clear()
            assert said in guided(page, **asked)["error"]["message"]


def test_of_several_questions_the_newest_is_answered(running):
    with running.page() as page:
        for run in range(1, 4):
            page.say(do="train.guide", run=run, name="mine", source="nowhere" if run % 2 else "plays")
        page.say(do="train.guide", run=7, name="mine", source="plays", preset="tiny")
        while page.until("train.guide", PATIENCE)["kind"] != "guided":
            pass
        last = [each["run"] for each in page.heard if each.get("kind") in ("guided", "error")]
        assert last[-1] == 7
        assert 2 not in last


def test_settings_of_a_run_are_those_of_the_form(running):
    with running.page() as page:
        page.say(do="train.form", model="gru", codec="word")
        groups = {group["title"]: group["fields"] for group in page.until("train.form")["groups"]}
        assert list(groups) == ["Model", "Training", "Codec word"]  # a gru has no settings of its own
        rows = {row["name"]: row for row in groups["Training"]}
        assert rows["validation"] == {
            "name": "validation", "help": "share of the corpus held out", "default": "0.1",
            "expected": "above 0 and below 1", "choices": [],
        }  # fmt: skip
        assert rows["learning_rate"]["default"] == "auto"
        assert rows["schedule"]["choices"] == ["cosine", "wsd", "constant"]
        page.say(do="train.form")
        assert page.until("train.form")["groups"][0]["title"] == "Cell lstm"
        page.say(do="train.form", model="huge")
        assert "no cell is called 'huge'" in page.until("error")["message"]
        asked = {"model": "gru", "codec": "word", "settings": {"vocab_size": "300", "hidden": "16"}, "steps": 2}
        page.say(do="train.begin", name="mine", source="plays", seed=1, **asked)
        page.until("train.trained", PATIENCE)
    made = Checkpoint.load(Path("checkpoints/mine"))
    assert (made.model, made.settings.hidden, made.tokenizer.codec_name) == ("gru", 16, "word")
    assert made.tokenizer.vocab_size <= 302


def test_a_process_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    heard = []
    (tmp_path / "a.txt").write_text(TEXT)
    run = Apart(TrainJob(("a.txt",), Path("run"), preset="tiny", steps=10**6), heard.append)
    os.kill(run._process.pid, signal.SIGKILL)
    run._thread.join(60)
    assert "the run's process died" in heard[-1]["message"]
    assert heard[-1]["hint"]
    assert run.stop()  # there is nothing to stop any more


def test_the_run_is_saved_when_the_studio_closes(running, monkeypatch):
    with running.page() as page:
        page.say(do="train.begin", name="mine", source="plays", preset="tiny", minutes=30, seed=1)
        page.until("train.stepped", PATIENCE)
        training = running.studio.hall.rooms["train"]._training
    running.studio.stop()
    end = time.monotonic() + PATIENCE
    while training.state["running"] and time.monotonic() < end:
        time.sleep(0.05)
    assert training.state["ended"]["stopped"]
    assert Path("checkpoints/mine/training.json").exists()


@pytest.mark.parametrize(
    "name", ["", "..", "../a", "/etc/passwd", "a/../../b", "a//b", "a/./b", "x" * 200, "/".join("abcdefghij")]
)
def test_a_name_that_leads_out_is_no_name(running, name):
    made = running.post("/train/set")[1]["set"]
    status, answer = running.post("/train/file", b"text", set=made, name=name)
    assert status == 422
    assert "is no name of a file" in answer["message"]
    with pytest.raises(UsageError):
        inside(name)


def test_too_much_is_refused_and_leaves_nothing(running, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    made = bring(running, {"a.txt": b"x" * 900})
    folder = running.studio.hall.rooms["train"].uploads.folder(made)
    status, answer = running.post("/train/file", b"x" * 200, set=made, name="b.txt")
    assert status == 422
    assert "were brought in" in answer["message"]
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert running.post("/train/file", b"x", set=made, name="b.txt")[0] == 200
    assert "more than 2 files" in running.post("/train/file", b"x", set=made, name="c.txt")[1]["message"]
    assert running.post("/train/file", b"x", set="nothing", name="c.txt")[0] == 422


def test_a_foreign_origin_brings_nothing_in(running):
    assert running.post("/train/set", headers={"Origin": "http://evil.example"})[0] == 403


def test_files_are_gone_when_the_studio_closes():
    sets = Uploads()
    folder = sets.folder(sets.new())
    folder.mkdir()
    sets.close()
    assert not folder.exists()
    with pytest.raises(UsageError):
        sets.folder(folder.name)


def test_files_that_come_at_once_are_bounded_together(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)

    async def pieces(count):
        for _ in range(count):
            yield bytes(100)
            await asyncio.sleep(0)

    async def brought(held):
        name = held.new()
        sizes = await asyncio.gather(*(held.take(name, f"{n}.txt", pieces(6)) for n in "ab"), return_exceptions=True)
        later = await held.take(name, "c.txt", pieces(4))  # what was refused takes no room
        return sizes, later, sorted(path.name for path in held.folder(name).iterdir())

    held = Uploads()
    try:
        with ThreadPoolExecutor(1) as apart:  # in this thread a browser's tests may have a loop of their own
            sizes, later, names = apart.submit(asyncio.run, brought(held)).result()
    finally:
        held.close()
    assert [type(each) for each in sizes].count(UsageError) == 1
    assert 600 in sizes
    assert later == 400
    assert len(names) == 2
