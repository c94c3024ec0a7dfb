"""The room Fill of the studio without a browser: files in and out, holes, parts, variations, odd messages."""

import re

import fill_fixtures
import pytest
from studio_server import Running

from seqgen.errors import UsageError
from seqgen.music.read import read_score
from seqgen.selftest import _materials
from seqgen.studio.pieces import MOST_BYTES, MOST_PIECES, Piece, Pieces, named
from seqgen.studio.wording import on_page, worded
from seqgen.takes.store import Takes

pytestmark = pytest.mark.sockets
TEXT = fill_fixtures.TEXT[:400]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    fill_fixtures.text_checkpoint().save(folder / "plays.safetensors")
    fill_fixtures.chorales().save(folder / "chorales.safetensors")
    fill_fixtures.chorales(holes=False).save(folder / "without.safetensors")
    _materials.checkpoint().save(folder / "plain.safetensors")
    return {path.stem: str(path) for path in folder.iterdir()}


@pytest.fixture
def running():
    made = Running()
    yield made
    made.close()


def bring(running, data, name="a.txt", heard=False, headers=()):
    """Status and answer of a file that is brought in."""
    return running.post("/fill/piece", data, headers, name=name, heard=int(heard))


def made_of(page):
    """What was made until it was over."""
    page.until("fill.over")
    return [each for each in page.heard if each["event"] == "fill.made"]


def test_a_span_of_a_text_is_made_anew_and_all_else_stays(running, models):
    before, was, after = TEXT[:40], TEXT[40:70], TEXT[70:]
    status, piece = bring(running, TEXT.encode())
    assert (status, piece["text"], piece["name"]) == (200, TEXT, "a.txt")
    with running.page() as page:
        page.say(do="fill.open", checkpoint=models["plays"])
        assert page.until("fill.model")["missing"] is None
        given = {"checkpoint": models["plays"], "piece": piece["piece"], "at": [40, 70], "count": 3, "seed": 5}
        page.say(do="fill.start", run=7, **given)
        variations = made_of(page)
        assert [each["index"] for each in variations] == [0, 1, 2]
        assert {each["run"] for each in variations} == {7}
        texts = [each["text"] for each in variations]
        assert all(text.startswith(before) and text.endswith(after) for text in texts)
        assert len(set(texts)) == 3
        assert all(was not in text[40 : len(text) - len(after)] for text in texts)
        page.heard.clear()
        page.say(do="fill.start", **given)
        assert [each["text"] for each in made_of(page)] == texts  # the same seed
        status, headers, body = running.get(f"/fill/file/{variations[1]['piece']}.txt")
        assert (status, body.decode()) == (200, texts[1])
        assert "attachment" in headers["content-disposition"]
    with Takes(write=False) as takes:
        assert all("hole" in takes.find(each["take"]).beginning.settings for each in variations)


def test_a_model_without_holes_says_so_and_fills_from_the_left_side_alone(running, models):
    _, piece = bring(running, b"ANNA: Good day")
    with running.page() as page:
        page.say(do="fill.open", checkpoint=models["plain"])
        assert "was trained without holes" in page.until("fill.model")["missing"]["message"]
        given = {"checkpoint": models["plain"], "piece": piece["piece"], "at": [6, 10]}
        page.say(do="fill.start", **given)
        assert "was trained without holes" in page.until("error")["message"]
        page.until("fill.over")
        page.say(do="fill.start", alone=True, **given)
        (made,) = made_of(page)
        assert made["text"].startswith("ANNA: ")
        assert made["text"].endswith(" day")


def test_seconds_bars_and_parts_of_a_piece(running, models):
    tune = fill_fixtures.chorale(3)
    status, piece = bring(running, tune, "tune.mid", heard=True)
    assert status == 200
    assert piece["sheet"]["names"] == list(fill_fixtures.NAMES)
    with running.page() as page:
        page.say(do="fill.open", checkpoint=models["chorales"])
        assert set(fill_fixtures.NAMES) <= set(page.until("fill.model")["parts"])
        for where, kept in (({"seconds": [2.0, 4.0]}, 2.0), ({"bars": [2, 3], "parts": ["Alto"]}, 2.0)):
            page.heard.clear()
            page.say(do="fill.start", checkpoint=models["chorales"], piece=piece["piece"], count=2, **where)
            for made in made_of(page):
                first = [each for each in made["sheet"]["notes"] if each[0] + each[1] <= kept]
                assert first == [each for each in piece["sheet"]["notes"] if each[0] + each[1] <= kept]
                data = running.get(f"/fill/file/{made['piece']}.mid")[2]
                assert len(read_score(data)) == len(made["sheet"]["notes"])
        assert running.get(f"/fill/file/{made['piece']}.wav")[2].startswith(b"RIFF")


def test_music_is_filled_from_what_stands_before_alone(running, models):
    _, piece = bring(running, fill_fixtures.chorale(3), "tune.mid", heard=True)
    with running.page() as page:
        given = {"checkpoint": models["without"], "piece": piece["piece"], "seconds": [2.0, 4.0]}
        page.say(do="fill.start", **given)
        error = page.until("error")
        assert "was trained without holes" in error["message"]
        assert error["hint"] == (
            "train with “So that it can fill holes, too”, or tick “Read what stands before it alone”"
        )
        page.until("fill.over")
        page.say(do="fill.start", alone=True, **given)
        (made,) = made_of(page)
        outside = [[each for each in notes if not 2.0 <= each[0] < 4.0] for notes in
                   (made["sheet"]["notes"], piece["sheet"]["notes"])]  # fmt: skip
        assert [each[0] for each in outside[0]] == [each[0] for each in outside[1]]
        assert made["sheet"]["notes"] != piece["sheet"]["notes"]


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ({"checkpoint": "CHORALES"}, "has no hole", "mark a box on the roll, or say from which bar to which"),
        ({"checkpoint": "PLAYS"}, "has no hole", "mark what is to be made anew"),
        ({"checkpoint": "CHORALES", "parts": []}, "parts names no part", "tick some of them"),
        ({"checkpoint": "CHORALES", "seconds": [1, 2], "parts": ["Bass"]}, "parts goes with bars, not with seconds",
         "say from which bar to which"),
        ({"checkpoint": "CHORALES", "seconds": [2, 1]}, "seconds is '2.0000:1.0000', expected", "second is not"),
        ({"checkpoint": "CHORALES", "bars": [1, 2], "parts": ["Bass"], "alone": True},
         "parts are not made from what stands before them alone", "untick the parts"),
        ({"checkpoint": "PERFORMANCES", "bars": [1, 2]}, "counts no bars", "mark a box for “What is marked”"),
        ({"checkpoint": "PERFORMANCES", "seconds": [900, 901]}, "nothing is struck at 900 s", "Play goes on behind"),
        ({"checkpoint": "LITTLE", "bars": [1, 6]}, "learned to fill within 64", "train with a longer infill_span"),
    ],
)  # fmt: skip
def test_hints_are_in_terms_of_the_page(running, models, tmp_path, asked, message, hint):
    fill_fixtures.performances().save(tmp_path / "performances.safetensors")
    fill_fixtures.chorales(span=64).save(tmp_path / "little.safetensors")
    known = {**models, **{path.stem: str(path) for path in tmp_path.glob("*.safetensors")}}
    heard = asked["checkpoint"] != "PLAYS"
    data = fill_fixtures.chorale(3, ticks=480) if heard else TEXT.encode()
    _, piece = bring(running, data, "a.mid" if heard else "a.txt", heard=heard)
    with running.page() as page:
        page.say(
            do="fill.start", **{**asked, "checkpoint": known[asked["checkpoint"].lower()], "piece": piece["piece"]}
        )
        error = page.until("error")
    assert message in error["message"]
    assert hint in error["hint"]
    assert not re.search(r"(?<![\w-])--?[a-zA-Z]", error["message"] + " " + error["hint"])


def test_what_nobody_put_in_words_has_no_flags_either():
    said = on_page(UsageError("--watch-me tells of 3 - 1 cells, not of -5", "give it with --events"))
    assert (said.message, said.hint) == ("watch me tells of 3 - 1 cells, not of -5", "")
    assert worded("Label a; --label chooses.") == "Label a."


def test_parts_are_written_to_a_tune(running, models):
    _, piece = bring(running, fill_fixtures.chorale(3, bars=2, names=("Soprano",)), "tune.mid", heard=True)
    with running.page() as page:
        given = {"checkpoint": models["chorales"], "piece": piece["piece"]}
        page.say(do="fill.start", how="accompany", parts=["Bass"], **given)
        (made,) = made_of(page)
        tune = [each[:3] for each in piece["sheet"]["notes"]]
        assert [note for note in tune if note in [each[:3] for each in made["sheet"]["notes"]]] == tune
        page.say(do="fill.start", how="accompany", parts=["Kazoo"], **given)
        assert "no part is called 'Kazoo'" in page.until("error")["message"]


def test_a_share_is_varied_and_a_take_is_worked_on(running, models):
    _, piece = bring(running, TEXT.encode())
    with running.page() as page:
        page.say(do="fill.start", how="vary", amount=0.2, checkpoint=models["plays"], piece=piece["piece"], count=2)
        made = made_of(page)
        assert [each["index"] for each in made] == [0, 1]
        assert made[0]["text"] != made[1]["text"] != TEXT
        page.say(do="fill.take", take=made[0]["take"])
        assert page.until("fill.piece")["text"] == made[0]["text"]


def test_it_is_stopped_and_one_sample_runs_at_a_time(running, models):
    _, piece = bring(running, TEXT.encode())
    with running.page() as page, running.page() as other:
        given = {"checkpoint": models["plays"], "piece": piece["piece"]}
        page.say(do="fill.start", how="vary", amount=1.0, count=8, **given)
        page.until("fill.begun")
        other.say(do="fill.start", at=[0, 4], **given)
        assert "one sample runs at a time" in other.until("error")["message"]
        page.say(do="fill.stop")
        assert len(made_of(page)) < 8
        other.say(do="fill.start", at=[0, 4], **given)
        assert len(made_of(other)) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "this version is not at hand any more"),
        ({"piece": "1"}, "piece is '1', expected a whole number"),
        ({"piece": 1, "checkpoint": ""}, "no model was chosen"),
        ({"piece": 1, "checkpoint": "nothing"}, "there is no such checkpoint"),
        ({"piece": 1, "how": "burn"}, "how is 'burn'"),
        ({"piece": 1, "count": 9}, "count is 9, expected 1 to 8 variations"),
        ({"piece": 1, "at": [3]}, "at is [3], expected where it begins and where it ends"),
        ({"piece": 1, "at": [True, 4]}, "expected where it begins"),
        ({"piece": 1, "at": [9, 4]}, "so there is no hole from 9 to 4"),
        ({"piece": 1, "at": [0, 10**9]}, "so there is no hole from 0"),
        ({"piece": 1, "how": "vary", "amount": "all"}, "amount is 'all', expected a number"),
        ({"piece": 1, "how": "vary", "amount": 2}, "amount is 2"),
        ({"piece": 1, "seconds": [1, 2]}, "music"),
        ({"piece": 1}, "has no hole"),
        ({"piece": 1, "checkpoint": "CHORALES"}, "makes music, and a.txt is a text"),
    ],
)
def test_odd_messages_are_one_sentence_of_the_room(running, models, asked, said):
    assert bring(running, TEXT.encode())[1]["piece"] == 1
    with running.page() as page:
        asked = {"checkpoint": "plays", **asked}
        asked["checkpoint"] = models.get(asked["checkpoint"].lower(), asked["checkpoint"])
        page.say(do="fill.start", **asked)
        error = page.until("error")
        assert said in error["message"]
        assert error["room"] == "fill"
        page.say(do="fill.start", checkpoint=models["plays"], piece=1, at=[0, 4])
        assert page.until("fill.made")["index"] == 0


@pytest.mark.parametrize(
    ("data", "name", "heard", "said"),
    [
        (b"\xff\xfe", "a.txt", False, "a.txt: byte 0: is no UTF-8 text"),
        (b"MThd", "a.mid", True, "no MIDI header"),
        (b"no music", "<b>.mid", True, "no "),
        (b"a" * 300_000, "a.txt", False, "has 300,000 characters, expected 200,000 at most"),
        (b"a" * (MOST_BYTES + 1), "a.txt", False, "is larger than 4 MB"),
    ],
)
def test_a_file_that_cannot_be_worked_on_is_one_sentence(running, data, name, heard, said):
    status, answer = bring(running, data, name, heard)
    assert status in (413, 422)
    assert said in answer["message"]
    assert "Traceback" not in answer["message"]
    assert bring(running, b"fine")[0] == 200


def test_a_foreign_origin_brings_nothing_in(running):
    assert bring(running, b"text", headers={"Origin": "http://evil.example"})[0] == 403
    assert running.get("/fill/file/1.txt")[0] == 404


def test_the_oldest_pieces_fall_off():
    pieces = Pieces()
    numbers = [pieces.put(Piece("a.txt", b"x", False)) for _ in range(MOST_PIECES + 1)]
    assert pieces.get(numbers[1]).data == b"x"
    with pytest.raises(Exception, match="not at hand any more"):
        pieces.get(numbers[0])
    large = [pieces.put(Piece("a.txt", bytes(MOST_BYTES), False)) for _ in range(20)]
    assert pieces._bytes <= 64_000_000
    assert len(pieces.get(large[-1]).data) == MOST_BYTES


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.mid", "b.mid"),
        ('"\n<x>', "___x_"),
        ("", "text.txt"),
        ("..", "text.txt"),
    ],
)
def test_names_are_for_people_and_hold_no_folders(given, name):
    assert named(given, False) == name
