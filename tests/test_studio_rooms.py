"""The rooms beside Play in a real browser: what is clicked, what is shown, that nothing is thrown or becomes markup."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import time

import fill_fixtures
import pytest
from browser import _started, chromium
from studio_server import running

from seqgen.selftest import _materials
from seqgen.takes.store import Takes

pytestmark = pytest.mark.sockets
PHONE = 390  # CSS pixels
ODD = "<img src=x onerror=document.title=1>"  # in names and texts, where none may become markup


@pytest.fixture
def toy(tmp_path):
    path, made = tmp_path / f"{ODD}.safetensors", _materials.checkpoint()
    made.weights["output.bias"][made.tokenizer.document_id] = -50  # so that a text goes on as long as it may
    made.save(path)
    return str(path)


@pytest.fixture
def visit(chromium, running):
    """Opens the studio in pages whose consoles must stay without errors."""
    pages = []

    def visit(**options):
        pages.append(chromium.page(accept_downloads=True, **options))
        pages[-1].goto(running.address)
        pages[-1].wait_for_selector("body[data-ready]")
        return pages[-1]

    yield visit
    assert [page.problems for page in pages] == [[] for _ in pages]


def soon(page, holds, seconds=120):
    """Wait until something holds; the page's policy lets no text be run in it that would wait there."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def takes_of(running, toy, *seeds):
    with running.page() as page:
        for seed in seeds:
            page.say(do="play.start", checkpoint=toy, prompt="ANNA", length=40, seed=seed)
            page.until("over")


def test_takes_are_listed_opened_compared_starred_and_gone_on_from(visit, running, toy):
    takes_of(running, toy, 1, 2)
    page = visit()
    page.click("nav button:has-text('Takes')")
    rows = page.locator(".takes .list li")
    rows.nth(1).wait_for()
    assert rows.count() == 2
    assert ODD in rows.nth(0).inner_text()
    rows.nth(0).locator(".open").click()
    shown = page.locator("seq-take:not([hidden]) .written")
    shown.wait_for()
    assert shown.inner_text().startswith("ANNA")
    rows.nth(1).locator(".beside").click()
    page.wait_for_selector(".pair.two")
    assert "They differ in label, seed; the first 4 characters are the same" in (
        page.locator(".takes .stage [role=status]").inner_text()
    )
    assert page.locator("seq-take tr.other").count() == 4
    rows.nth(1).locator(".star").click()
    rows.nth(1).locator(".star[aria-pressed=true]").wait_for()
    signs = rows.locator(".star").evaluate_all("(all) => all.map((each) => getComputedStyle(each, '::before').content)")
    assert signs == ['"☆"', '"★"']  # told by more than their colour
    with Takes(write=False) as takes:
        assert [each.starred for each in takes.list()] == [False, True]
    page.check("text=Starred only")
    soon(page, lambda: rows.count() == 1)
    with page.expect_download() as download:
        page.click("text=Export starred")
    assert download.value.suggested_filename == "seqgen-takes.jsonl"
    page.locator("seq-take").nth(0).get_by_text("Go on in Play").click()
    page.wait_for_selector("seq-room-play:not([hidden])")
    assert page.locator("seq-room-play textarea").input_value().startswith("ANNA")
    assert page.title() == "seqgen studio"
    assert page.locator("img").count() == 0


def test_no_room_is_wider_than_a_phone(visit, running, toy):
    takes_of(running, toy, 1, 2)
    page = visit(width=PHONE)
    for title in page.locator("nav button").all_inner_texts():
        page.click(f"nav button:has-text('{title}')")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, title


def test_a_sentence_of_one_room_is_not_shown_in_another(visit, running, monkeypatch):
    monkeypatch.setenv("SEQGEN_TAKES", "off")
    page = visit()
    page.click("nav button:has-text('Takes')")
    page.locator("seq-room-takes .error", has_text="takes are turned off").wait_for()
    assert page.locator("seq-room-play .error").is_hidden()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    fill_fixtures.text_checkpoint().save(folder / "plays.safetensors")
    fill_fixtures.chorales().save(folder / "chorales.safetensors")
    return {path.stem: str(path) for path in folder.iterdir()}


def choose(page, room, model):
    page.click(f"nav button:has-text('{room.title()}')")
    page.select_option(f"seq-room-{room} seq-choice select", "other")
    page.fill(f"seq-room-{room} seq-choice input", model)
    page.keyboard.press("Tab")


def mark(page, first, last):
    page.evaluate(
        "([first, last]) => document.querySelector('seq-room-fill textarea').setSelectionRange(first, last)",
        [first, last],
    )


def test_a_span_is_marked_made_anew_used_undone_and_redone(visit, models):
    page, text = visit(), f"{ODD}\nANNA:\nGood day.\n"
    choose(page, "fill", models["plays"])
    page.wait_for_selector(".fill .go .main:not([disabled])")
    area = page.locator("seq-room-fill textarea")
    area.fill("ANNA:\nGood day, A, how is the a?\n\nBERT:\n")
    before = area.input_value()
    mark(page, 6, 15)
    page.click(".fill .go .main")
    cards = page.locator("seq-variation")
    cards.nth(2).wait_for()
    assert cards.nth(0).locator("mark").count() == 1
    cards.nth(1).get_by_text("Use this one").click()
    used = area.input_value()
    assert used != before
    assert used.startswith("ANNA:\n")
    assert used.endswith(before[15:])
    page.click("text=Undo")
    assert area.input_value() == before
    page.click("text=Redo")
    assert area.input_value() == used
    area.fill(text)  # what is typed is a version, too
    page.click("text=Undo")
    assert area.input_value() == used
    page.click("text=Redo")
    assert area.input_value() == text
    assert page.locator("img").count() == 0
    with page.expect_download() as download:
        page.locator(".fill .stage").get_by_text(".txt", exact=True).click()
    assert download.value.path().read_text() == text


def test_lines_that_end_in_cr_lf_stay_so(visit, models, tmp_path):
    before = b"ANNA:\r\nGood day, A, how is the a?\r\n\r\nBERT:\r\n"
    (tmp_path / "a.txt").write_bytes(before)
    page = visit()
    choose(page, "fill", models["plays"])
    page.wait_for_selector(".fill .go .main:not([disabled])")
    page.set_input_files("seq-room-fill input[type=file]", tmp_path / "a.txt")
    area = page.locator("seq-room-fill textarea")
    soon(page, lambda: area.input_value() == before.decode().replace("\r\n", "\n"))

    def saved():
        with page.expect_download() as download:
            page.locator(".fill .stage").get_by_text(".txt", exact=True).click()
        return download.value.path().read_bytes()

    assert saved() == before
    assert "version 1 of 1" in page.locator(".fill .stage").inner_text()
    mark(page, 6, 14)  # "Good day" behind the first line
    page.click(".fill .go .main")
    page.locator("seq-variation").nth(2).wait_for()
    page.locator("seq-variation").nth(0).get_by_text("Use this one").click()
    made = saved()
    assert made.startswith(before[:7])
    assert made.endswith(before[15:])
    assert made != before
    assert made.count(b"\n") == made.count(b"\r\n")
    area.press("Control+End")
    area.press_sequentially("Well.")
    area.press("Enter")
    assert saved() == made + b"Well.\r\n"


def test_a_box_on_the_roll_is_made_anew_and_texts_wait_meanwhile(visit, models, tmp_path):
    page = visit()
    choose(page, "fill", models["plays"])
    page.wait_for_selector(".fill .go .main:not([disabled])")
    page.fill("seq-room-fill textarea", "ANNA: a text that waits")
    choose(page, "fill", models["chorales"])
    page.wait_for_selector("seq-room-fill seq-deck:not([hidden])")
    (tmp_path / "tune.mid").write_bytes(fill_fixtures.chorale(3))
    page.set_input_files("seq-room-fill input[type=file]", tmp_path / "tune.mid")
    page.wait_for_selector(".fill .go .main:not([disabled])")
    canvas = page.locator("seq-room-fill seq-roll canvas").bounding_box()
    page.mouse.move(canvas["x"] + 160, canvas["y"] + 40)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 260, canvas["y"] + 200, steps=4)
    page.mouse.up()
    assert page.input_value("seq-fill-form input[type=number] >> nth=0") == "2"
    assert "seconds are marked" in page.locator(".fill .stage [role=status]").inner_text()
    page.click(".fill .go .main")
    page.locator("seq-variation").nth(2).wait_for()
    page.locator("seq-variation").nth(0).get_by_text("Use this one").click()
    assert "version 2 of 2" in page.locator(".fill .stage").inner_text()
    choose(page, "fill", models["plays"])
    page.wait_for_selector("seq-room-fill textarea:not([hidden])")
    soon(page, lambda: page.input_value("seq-room-fill textarea") == "ANNA: a text that waits")


def test_a_take_goes_to_fill(visit, running, toy):
    takes_of(running, toy, 1)
    page = visit()
    page.click("nav button:has-text('Takes')")
    page.locator(".takes .list .open").click()
    page.get_by_text("Work on it in Fill").click()
    soon(page, lambda: page.input_value("seq-room-fill textarea").startswith("ANNA"))
    assert "was trained without holes" in page.locator("seq-room-fill .controls .error").inner_text()
    assert page.is_checked("seq-fill-form input[type=checkbox]")


def test_a_run_is_trained_from_files_and_its_story_is_there_after_a_reload(visit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plays.txt").write_text(fill_fixtures.TEXT * 4)
    page = visit()
    page.click("nav button:has-text('Train')")
    room = page.locator("seq-room-train")
    room.locator(".go .main").click()
    room.locator(".error", has_text="expected something to train on").wait_for()
    room.locator("input[type=file]").nth(0).set_input_files(tmp_path / "plays.txt")
    room.get_by_text("1 files, 0.0 MB").wait_for()
    room.get_by_label("Size").select_option("tiny")
    room.get_by_label("Minutes", exact=True).fill("30")
    room.locator(".go .main").click()
    room.locator("h2", has_text="plays").wait_for()
    room.locator(".notes", has_text="Corpus:").wait_for()
    room.get_by_text("of the budget").wait_for()
    room.locator("seq-curve polyline").nth(0).wait_for(state="attached")
    room.get_by_text("Stop", exact=True).click()
    room.get_by_text("everything is saved").first.wait_for()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    room.locator(".notes", has_text="Corpus:").wait_for()
    room.get_by_text("Play with it").click()
    page.wait_for_selector("seq-room-play:not([hidden])")


def test_what_a_run_would_be_is_said_before_it_is_begun(visit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / f"{ODD.replace('/', '')}.txt").write_text(fill_fixtures.TEXT * 4)
    page = visit()
    page.click("nav button:has-text('Train')")
    room, guidance = page.locator("seq-room-train"), page.locator("seq-guidance")
    assert guidance.is_hidden()
    room.get_by_label("Learn from").fill("plays")
    room.get_by_label("Learn from").press("Tab")
    guidance.locator("p", has_text="Model: lstm 1×").wait_for()
    assert guidance.locator("dt", has_text="files").count() == 1
    assert page.locator("img").count() == 0
    room.get_by_text("All settings").click()
    room.get_by_text("Codec char", exact=True).click()  # that the guidance found
    room.get_by_text("Model", exact=True).click()
    hidden = room.get_by_label("hidden", exact=True)
    assert hidden.get_attribute("placeholder") == "auto"
    told = hidden.get_attribute("aria-describedby")
    assert page.locator(f"#{told}").inner_text() == "units in each recurrent layer; 1 to 16384"
    hidden.fill("0")
    hidden.press("Tab")
    guidance.get_by_text("hidden is 0, expected 1 to 16384").wait_for()
    hidden.fill("20")
    room.get_by_label("Codec").select_option("byte")
    guidance.locator("p", has_text="codec byte").wait_for()
    assert "Model: lstm 1×20" in guidance.inner_text()
    assert hidden.input_value() == "20"
    room.get_by_label("Minutes", exact=True).fill("30")
    room.locator(".go .main").click()
    room.locator(".notes", has_text="Model: lstm 1×20").wait_for()
    assert guidance.is_hidden()
    room.get_by_text("of the budget").wait_for()
    room.get_by_text("Stop", exact=True).click()
    room.get_by_text("everything is saved").first.wait_for()


def test_the_pictures_of_a_take_come_in_a_frame_that_reaches_nothing(visit, running, toy):
    takes_of(running, toy, 1)
    page = visit()
    page.click("nav button:has-text('Takes')")
    page.locator(".takes .list .open").click()
    page.get_by_text("Look inside").click()
    frame = page.frame_locator("seq-room-inside iframe")
    frame.get_by_role("heading", name="Cells over the text").wait_for()
    assert page.get_attribute("seq-room-inside iframe", "sandbox") == "allow-scripts"
    assert page.frames[1].evaluate("self.origin") == "null"  # it can read nothing of the studio
    with page.expect_download() as download:
        page.get_by_text("Save the page").click()
    assert download.value.suggested_filename == "seqgen-inside.html"
    page.get_by_label("Gradients, saliency and errors").check()
    page.locator("seq-room-inside button.main").click()
    page.locator("seq-room-inside").get_by_text("Stop", exact=True).click()
    page.locator("seq-room-inside [role=status]", has_text="Stopped.").wait_for()
    page.get_by_text("Over a text").click()
    page.locator("seq-room-inside button.main").click()
    page.locator("seq-room-inside .error", has_text="there is nothing to look at").wait_for()
    assert page.locator("seq-room-play .error").is_hidden()
