"""The studio's page in a real browser: it is used as a person uses it, by pointer and by keys."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import itertools

import pytest
from browser import _started, chromium
from fill_fixtures import chorale
from studio_server import Running, tab, toy, until

from seqgen.checkpoint import published
from seqgen.music.read import read_score
from seqgen.selftest import _materials
from seqgen.takes.store import Takes

pytestmark = pytest.mark.sockets
READY = "button.main:not([disabled])"


@pytest.fixture
def studio(toy):
    made = Running(checkpoint=toy)
    yield made
    made.close()


@pytest.fixture
def play(studio, tab):
    """The room Play, its model there."""
    tab.goto(studio.address)
    tab.wait_for_selector(READY)
    return tab


def generate(page, tokens=60, prompt=""):
    page.fill("textarea", prompt)
    page.fill("input[type=number] >> nth=0", str(tokens))
    page.click("button.main")
    page.wait_for_selector("text=Download")


def shown(page):
    return "".join(page.locator("seq-text .chunk span:not(.prompt)").all_text_contents())


def test_a_text_streams_branches_and_is_saved(play, tmp_path):
    generate(play, 60, "ANNA:")
    text = shown(play)
    assert play.locator("seq-text .prompt").text_content() == "ANNA:"
    play.hover("seq-text .chunk span:not(.prompt):not(:empty) >> nth=20")
    card = play.locator(".likely")
    card.wait_for()
    assert card.locator("button").count() == 5
    assert "had a chance of" in card.text_content()
    play.click("text=☆ Star")
    play.wait_for_selector("text=★ Starred")
    with Takes(write=False) as takes:
        assert [take.id for take in takes.list(starred=True)] == [takes.find("last").id]
    with play.expect_download() as saved:
        play.click("button:text-is('.txt')")
    assert saved.value.suggested_filename.endswith(".txt")
    written = saved.value.path().read_bytes().decode("utf-8", "replace")
    assert written.startswith("ANNA:")
    first = play.locator("seq-text .chunk span:not(.prompt)").all_text_contents()
    place = next(at for at in range(30, 60) if first[at].strip())  # a token may be half a character, and show nothing
    play.click(f"seq-text .chunk span[data-index='{place + 1}']")
    until(play, "() => (document.querySelector('seq-text .prompt')?.textContent.length ?? 0) > 5")
    assert play.locator("seq-text .prompt").text_content() == "ANNA:" + "".join(first[:place])
    play.wait_for_selector("text=Download")
    assert shown(play) != text


def test_one_of_the_likeliest_is_chosen_by_keys(play):
    generate(play, 40)
    page = play.locator("seq-text .page")
    page.focus()
    for _ in range(12):
        page.press("ArrowRight")
    assert play.locator("seq-text .here").get_attribute("data-index") == "11"
    tokens = play.locator("seq-text .chunk span").all_text_contents()
    choice = play.locator(".likely button >> nth=1")
    wanted = choice.locator("span").first.text_content().replace("␣", " ").replace("⏎", "\n")
    choice.focus()
    choice.press("Enter")
    play.wait_for_selector("seq-text .prompt")
    prompt = play.locator("seq-text .prompt").text_content()
    assert prompt == "".join(tokens[:11]) + wanted


def test_pause_go_on_stop_and_a_slider_while_it_runs(play):
    play.fill("input[type=number] >> nth=0", "100000")
    play.click("button.main")
    until(play, "document.querySelectorAll('seq-text .chunk span').length > 50")
    play.click("button:text-is('Pause'):not([disabled]):visible")
    play.wait_for_timeout(300)
    before = play.locator("seq-text .chunk span").count()
    play.wait_for_timeout(300)
    assert play.locator("seq-text .chunk span").count() == before
    slider = play.locator("seq-slider input[type=range]").first
    slider.fill("0")
    play.click("button:text-is('Go on')")
    until(play, f"document.querySelectorAll('seq-text .chunk span').length > {before + 200}")
    play.click("button:text-is('Stop')")
    play.wait_for_selector("text=ended by stop")
    late = play.locator("seq-text .chunk span").all_text_contents()[-100:]
    again = late[-1]
    assert late.count(again) > 0
    surprises = play.evaluate(
        "[...document.querySelectorAll('seq-text .chunk span')].slice(-100).map(s => s.className)"
    )
    assert set(surprises) == {surprises[0]}  # greedy on random weights: one token for ever


def test_music_is_drawn_played_looped_and_saved(studio, tab, tmp_path):
    tab.goto(studio.address)
    tab.wait_for_selector(READY)
    tab.select_option("select", "bach-chorales")
    tab.wait_for_selector("text=midi_bar")
    tab.fill("input[type=number] >> nth=0", "250")
    tab.fill("input[type=number] >> nth=1", "5")
    tab.click("button.main")
    tab.wait_for_selector("text=Download")
    notes = tab.evaluate("document.querySelector('seq-roll').notes.length")
    with tab.expect_download() as saved:
        tab.click("button:text-is('.mid')")
    assert len(read_score(saved.value.path().read_bytes())) == notes > 20
    assert tab.locator("seq-roll .parts li").count() >= 3
    assert tab.evaluate("document.querySelector('seq-roll').bars.length") >= 2
    tab.click("seq-deck button:text-is('Play')")
    until(tab, "document.querySelector('seq-roll').playhead > 0.5")
    tab.click("seq-deck button:text-is('Pause')")
    at = tab.evaluate("document.querySelector('seq-roll').playhead")
    tab.wait_for_timeout(200)
    assert tab.evaluate("document.querySelector('seq-roll').playhead") == at
    tab.evaluate("document.querySelector('seq-roll').box = {from: 1, to: 1.6, low: 0, high: 127}")
    tab.click("button:text-is('Loop')")
    tab.click("seq-deck button:text-is('Play')")
    places = [
        tab.evaluate("document.querySelector('seq-roll').playhead") for _ in range(12) if not tab.wait_for_timeout(150)
    ]
    assert max(places) < 2
    assert any(later < earlier for earlier, later in itertools.pairwise(places))
    tab.click("text=Go on from it")
    tab.wait_for_selector("text=goes on from take")
    tab.click("text=begin anew")
    assert tab.locator("text=goes on from").is_hidden()
    (tmp_path / "tune.mid").write_bytes(chorale(3))
    tab.get_by_label("Go on from a piece").set_input_files(tmp_path / "tune.mid")
    tab.wait_for_selector("text=goes on from tune.mid")
    tab.fill("input[type=number] >> nth=0", "20")
    tab.click("button.main")
    until(tab, "(least) => document.querySelector('seq-roll').notes.length >= least", len(read_score(chorale(3))))
    tab.wait_for_selector("text=Download")
    (tmp_path / "tune.mid").write_bytes(b"no music")
    tab.get_by_label("Go on from a piece").set_input_files(tmp_path / "tune.mid")
    tab.wait_for_selector("seq-room-play > .error:not([hidden])")
    tab.problems[:] = [each for each in tab.problems if "422" not in each]  # that the file was refused
    for suffix in (".musicxml", ".abc", ".wav"):
        with tab.expect_download() as saved:
            tab.click(f"button:text-is('{suffix}')")
        assert saved.value.path().stat().st_size > 500


def test_music_plays_live_and_its_controls_work_at_once(studio, tab):
    tab.goto(studio.address)
    tab.select_option("select", "bach-chorales")
    tab.wait_for_selector("text=midi_bar")
    tab.click("button:text-is('Live')")
    until(tab, "document.querySelector('seq-roll').notes.length > 8")
    assert tab.evaluate("document.querySelector('seq-deck').player.context.state") == "running"
    tab.click("button:text-is('mutate')")
    tab.locator("seq-slider input[type=range]").first.fill("1.2")
    until(tab, "document.querySelector('seq-roll').notes.length > 20")
    tab.click("button:text-is('Stop')")
    tab.wait_for_selector("text=Download")
    assert "take" in tab.locator(".told.soft").last.text_content()


def test_a_wrong_model_is_a_sentence_and_the_next_one_works(play):
    play.select_option("select", "other")
    play.fill("input[placeholder^=runs]", "<script>alert(1)</script>")
    play.press("input[placeholder^=runs]", "Enter")
    play.wait_for_selector(".error:visible")
    said = play.locator("seq-room-play > .error").text_content()
    assert "<script>alert(1)</script>: there is no such checkpoint" in said
    assert play.locator(".error script").count() == 0
    play.select_option("select", next(iter(published())))
    play.wait_for_selector(READY)
    assert play.locator("seq-room-play > .error").is_hidden()


def test_script_in_every_field_stays_text(tmp_path, tab):
    """Labels, names of parts, tokens and file names that look like markup."""
    bad = "<script>window.broken=1</script><img src=x onerror=window.broken=1>"
    made = _materials.checkpoint()
    object.__setattr__(made.tokenizer, "labels", (bad, "b"))
    folder = tmp_path / "<img src=x onerror=window.broken=1>"
    folder.mkdir()
    made.save(folder / "model.safetensors")
    running = Running(checkpoint=str(folder))
    try:
        tab.goto(running.address)
        tab.wait_for_selector(READY)
        generate(tab, 30, bad)
        tab.evaluate("""bad => {
            const roll = document.querySelector('seq-roll');
            roll.notes = [{start: 0, duration: 1, pitch: 60, velocity: 90, program: 0, part: 0, drum: false}];
            roll.names = [bad];
            document.querySelector('seq-text').add({text: bad, surprise: 1, likely: [[bad, 0.5]]});
        }""", bad)  # fmt: skip
        tab.wait_for_timeout(300)
        assert tab.evaluate("window.broken") is None
        assert tab.locator("main script, main img").count() == 0
        assert bad in tab.locator("select >> nth=1").text_content()
    finally:
        running.close()


def test_the_page_comes_back_after_a_break_and_a_reload(play, studio):
    generate(play, 30)
    play.reload()
    play.wait_for_selector(READY)
    generate(play, 30)
    for visitor in list(studio.studio.hall.visitors):
        visitor.leave()  # the writer ends, the page does not know
    play.context.set_offline(True)
    play.context.set_offline(False)
    play.reload()
    play.wait_for_selector(READY)
    generate(play, 20)


def test_phone_width_has_no_sideways_scroll(play):
    play.set_viewport_size({"width": 390, "height": 844})
    generate(play, 200)
    assert play.evaluate("document.documentElement.scrollWidth") <= 390
    play.select_option("select", "bach-chorales")
    play.wait_for_selector("text=midi_bar")
    play.click("button.main")
    play.wait_for_selector("text=Download")
    assert play.evaluate("document.documentElement.scrollWidth") <= 390


COVERED = """() => {
    const card = document.querySelector('.likely').getBoundingClientRect();
    const needed = [...document.querySelectorAll('seq-text .here, .stage > .told, .stage .bar button, .go button')];
    return needed.filter((each) => each.checkVisibility()).filter((each) => {
        const own = each.getBoundingClientRect();
        return own.bottom > card.top && own.top < card.bottom && own.right > card.left && own.left < card.right;
    }).map((each) => each.outerHTML);
}"""


def test_on_a_phone_what_else_was_likely_covers_nothing_that_is_needed(play):
    play.set_viewport_size({"width": 390, "height": 844})
    generate(play, 300)
    card = play.locator(".likely")
    printed = play.evaluate("""() => [...document.querySelectorAll('seq-text [data-index]')]
        .filter((each) => each.textContent.trim()).map((each) => each.dataset.index)""")
    for index in (printed[2], printed[len(printed) // 2], printed[-1]):
        play.keyboard.press("Escape")
        play.hover(f"seq-text .chunk span[data-index='{index}']")
        until(play, "(index) => document.querySelector('seq-text .here')?.dataset.index === index", index)
        box = card.bounding_box()
        assert box["y"] >= 0, index
        assert box["y"] + box["height"] <= 844, index
        assert 0 <= box["x"] <= 390 - box["width"], index
        assert play.evaluate(COVERED) == [], index
    box = card.bounding_box()
    text = play.locator("seq-text .page").bounding_box()
    assert box["y"] >= text["y"] + text["height"]  # under the text, where the page has room for it
    card.locator("button").nth(1).click()
    play.wait_for_selector("seq-text .prompt")


def test_everything_that_can_be_used_has_a_name(play):
    """As a screen reader would say it."""
    nameless = play.evaluate("""() => [...document.querySelectorAll('button, input, select, textarea, [tabindex="0"]')]
        .filter(each => each.checkVisibility() && !(each.labels?.length || each.textContent.trim() || each.ariaLabel))
        .map(each => each.outerHTML)""")
    assert nameless == []
