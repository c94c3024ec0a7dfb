"""The rooms beside Play in a real browser: what is clicked, what is shown, that nothing is thrown or becomes markup."""

import pytest
from browser import _started, chromium  # noqa: F401 (fixtures)
from studio_server import Running

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
def running(toy):
    made = Running(checkpoint=toy)
    yield made
    made.close()


@pytest.fixture
def visit(chromium, running):  # noqa: F811
    """Opens the studio in pages whose consoles must stay without errors."""
    pages = []

    def visit(**options):
        pages.append(chromium.page(accept_downloads=True, **options))
        pages[-1].goto(running.address)
        pages[-1].wait_for_selector("body[data-ready]")
        return pages[-1]

    yield visit
    assert [page.problems for page in pages] == [[] for _ in pages]


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
    with Takes(write=False) as takes:
        assert [each.starred for each in takes.list()] == [False, True]
    page.check("text=Starred only")
    page.wait_for_function("document.querySelectorAll('.takes .list li').length === 1")
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
