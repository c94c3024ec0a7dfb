"""Exported models in a real browser: they sample what the Python engine samples, and pages are safe and alone."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from browser import PATIENCE
from export_browser import address_of, compared, in_browser, opened
from export_fixtures import CELLS, MEMORIES, MUSIC, checkpoint, saved

import seqgen
from seqgen.documents import Documents
from seqgen.jobs.export import ExportJob, export
from seqgen.music.read import read_score
from seqgen.report import Report


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_and_memory_samples_what_python_does(chromium, tmp_path, cell, memory):
    path = saved(tmp_path, cell=cell, memory=memory)
    found, _ = compared(chromium, tmp_path, path, prompt="ANNA:\nGood dæy, A, how is the a? 水 né\n\nANNA:\nGood")
    assert found["fast"]


@pytest.mark.parametrize("shape", [{"tied": False, "embedding": 7}, {"embedding": 10}, {"layers": 1, "hidden": 13}])
def test_every_shape(chromium, tmp_path, shape):
    compared(chromium, tmp_path, saved(tmp_path, **shape), prompt="ANNA")


def test_without_webassembly(chromium, tmp_path):
    found, _ = compared(chromium, tmp_path, saved(tmp_path, memory="attention"), plain=True, prompt="né\n")
    assert not found["fast"]


@pytest.mark.parametrize("codec", ["byte", "char", "word", "subword", "c_source"])
def test_text_that_is_utf8_stays_so(chromium, tmp_path, codec):
    """Strangers are not drawn, characters come whole, and the text is the same."""
    path = saved(tmp_path, codec_name=codec, seen=lambda share: share > 0.3, labels=("one", "two"))
    how = {"temperature": 1.5, "label": "two", "prompt": "A né 水, Good dæy: nothing's like its 12 words"}
    found, sample = compared(chromium, tmp_path, path, **how)
    made = "".join(token[2] for token in found["tokens"])
    assert made == sample.bytes[len(how["prompt"].encode()) :].decode("utf-8", "replace")
    assert "\ufffd" not in made


@pytest.mark.parametrize("codec", ["byte", "char", "subword", "c_source"])
def test_text_need_not_keep_its_grammar(chromium, tmp_path, codec):
    """Nor characters whole; what training never saw is not drawn all the same."""
    path = saved(tmp_path, codec_name=codec, seen=lambda share: share > 0.3)
    how = {"temperature": 1.5, "prompt": "A né ("}
    _, kept = compared(chromium, tmp_path, path, **how)
    _, free = compared(chromium, tmp_path, path, grammar=False, **how)
    assert free.ids.tolist() != kept.ids.tolist()


LABELS = """async ([address, asked]) => {
  const { load, stream } = await import(address), model = await load(), { form, network } = model;
  const step = network.step.bind(network);
  return asked.map(([seed, number]) => {
    let last = null; // token of the prompt
    network.step = (token) => step((last ??= token));
    stream(model, { seed, stream: number, length: 1 }).next();
    return form.labels[last - form.document - 1];
  });
}"""


def test_a_document_has_any_label_where_none_is_asked_for(chromium, tmp_path):
    """The one that Python draws of the seed."""
    path = saved(tmp_path, labels=[f"label {number}" for number in range(7)])
    model, drawn = seqgen.load(path), set()
    for seed in (0, 1, 7, 2**32 - 1, 2**32, 2**64 - 1):
        drawn.add(model.label(None, seed))
        compared(chromium, tmp_path, path, seed=seed)
    assert len(drawn) > 2
    address, pages = address_of(tmp_path, path), chromium.page()
    found = pages.evaluate(LABELS, [address, [[str(seed), stream] for seed in range(20) for stream in range(5)]])
    assert found == [model.label(None, seed, stream) for seed in range(20) for stream in range(5)]


@pytest.mark.parametrize(
    "rules", [[["top_k", 4]], [["top_p", 0.7]], [["min_p", 0.3]], [["repetition", 3.0], ["top-p", 0.9]]]
)
@pytest.mark.parametrize("temperature", [0, 0.005, 0.7])
def test_every_rule(chromium, tmp_path, rules, temperature):
    compared(chromium, tmp_path, saved(tmp_path, memory="lookback"), temperature=temperature, rules=rules, length=60)


@pytest.mark.parametrize(
    "cut", [Documents("line"), Documents("blank"), Documents("marker", "%%"), Documents("marker", "aé", True)]
)
def test_items_of_a_list_stay_whole(chromium, tmp_path, cut):
    """Many short ones: each ends by itself, and none holds what parts two."""
    path = saved(tmp_path, documents=cut, hidden=6)
    model = seqgen.load(path)
    model.checkpoint.weights["output.bias"][[10, 37, 97, model.tokenizer.document_id]] = 4  # line ends, marks, and ends
    model.checkpoint.save(path)
    for seed in range(3):
        sample = seqgen.load(path).sample(seed=seed, temperature=1.0, memory=False)
        found = in_browser(chromium, tmp_path, path, {"seed": seed, "temperature": 1.0})
        assert [token[0] for token in found["tokens"]] == sample.ids.tolist()


@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("codec", [*MUSIC, "midi pedal", "midi_grid hold"])
def test_music_is_valid_and_the_same_notes(chromium, tmp_path, codec, strangers):
    name, _, option = codec.partition(" ")
    seen = (lambda share: share > 0.5) if strangers else None
    path = saved(tmp_path, codec_name=name, seen=seen, options={option: True} if option else {}, memory="lookback")
    found, sample = compared(chromium, tmp_path, path, temperature=2.0, length=1500)
    assert [rounded(note) for note in found["notes"]] == [rounded(note) for note in notes_of(sample)]
    assert len(found["notes"]) > 50
    report = Report()
    ids = sample.tokenizer.own(sample.ids)
    sample.tokenizer.codec.score(ids, report)
    assert sum(report.dropped.values()) <= 1  # what the length has cut off


def rounded(note):
    """A note whose times are those of some floating-point sums."""
    return {**note, "start": round(note["start"], 6), "duration": round(note["duration"], 6)}


def notes_of(sample):
    """Python's own notes, as the page tells them."""
    score = sample.tokenizer.codec.score(sample.tokenizer.own(sample.ids))
    begin, end = score.seconds(score.onset), score.seconds(score.onset + score.duration)
    rows = zip(begin, end, score.pitch, score.velocity, score.program, score.part)
    return [
        {
            "start": float(start), "duration": float(stop - start), "pitch": int(pitch), "velocity": int(velocity),
            "program": score.kit if program == 128 else int(program), "part": int(part), "drum": bool(program == 128),
        }
        for start, stop, pitch, velocity, program, part in rows
    ]  # fmt: skip


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_other_precisions_come_close(chromium, tmp_path, precision):
    path = saved(tmp_path)
    sample = seqgen.load(path).sample("ANNA", seed=3, length=40, temperature=0, memory=False)
    found = in_browser(chromium, tmp_path, path, {"prompt": "ANNA", "length": 1, "temperature": 0}, precision=precision)
    bound = {"float16": 1e-2, "int8": 0.15}[precision]
    assert found["tokens"][0][1] == pytest.approx(-float(sample.log_probabilities[0]), abs=bound)


@pytest.fixture
def play(tmp_path):
    return saved(tmp_path, labels=("comedies", "tragedies"))


def made(page, run=1):
    """Generate, to the end."""
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector(f'html[data-done="{run}"]')


def settled(page):
    """The text once no frame changes it any more: those of a busy machine come late."""
    text = None
    while text != (text := page.inner_text("seq-text")):
        page.wait_for_timeout(300)
    return text


def test_a_page_of_text_opens_from_the_disk_and_makes_the_text_of_its_seed(chromium, tmp_path, play):
    export(ExportJob(str(play), str(tmp_path / "page.html"), "float32", seed=12))
    page = opened(chromium, tmp_path / "page.html", accept_downloads=True)
    page.fill("#ask-prompt", "Good né ")
    page.select_option("#ask-label", "tragedies")
    page.fill("#ask-length", "200")
    made(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .txt").click()
    sample = seqgen.load(play).sample("Good né ", label="tragedies", seed=12, length=200, memory=False)
    assert download.value.suggested_filename == "seqgen-12-0.txt"
    assert download.value.path().read_bytes().decode() == sample.bytes.decode("utf-8", "replace")
    assert page.inner_text("seq-text").startswith("Good né")
    assert (page.problems, page.requests) == ([], [])


def test_a_click_goes_on_otherwise_from_there(chromium, tmp_path, play):
    from playwright.sync_api import expect  # there, where a browser is

    export(ExportJob(str(play), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html")
    page.fill("#ask-prompt", "ANNA:")
    page.fill("#ask-length", "60")
    made(page)
    shown = page.locator("seq-text span[data-index]")
    expect(shown).to_have_count(61, timeout=PATIENCE)  # the prompt and its tokens; frames of a busy machine come late
    first = shown.all_inner_texts()
    page.locator('seq-text span[data-index="21"]').click()
    page.wait_for_selector('html[data-done="2"]')
    expect(shown).to_have_count(61, timeout=PATIENCE)
    second = shown.all_inner_texts()
    assert second[:21] == first[:21]
    assert second != first
    assert len(second) == len(first)
    assert page.problems == []


def test_it_can_be_stopped_and_tells_of_a_wrong_seed(chromium, tmp_path, play):
    export(ExportJob(str(play), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html", width=390, height=844, dark=True)
    page.fill("#ask-length", "10000000")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector("seq-text span[data-index]")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector('html[data-done="1"]')
    assert page.inner_text(".status").startswith("Stopped.")
    page.fill("#ask-seed", "seven")
    page.get_by_role("button", name="Generate").click()
    assert "The seed is seven, expected a whole number" in page.inner_text(".error")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []


def test_a_long_prompt_is_read_in_sight_and_can_be_left(chromium, tmp_path):
    from playwright.sync_api import expect  # there, where a browser is

    export(ExportJob(str(saved(tmp_path, hidden=96, layers=3)), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html", width=390, height=844)
    page.evaluate("(text) => { document.querySelector('#ask-prompt').value = text; }", "To be, or not\n" * 7_000)
    page.get_by_role("button", name="Generate").click()
    said = re.compile(r"Reading what it goes on from: \d+ of 98001 tokens\.")
    expect(page.locator(".status")).to_have_text(said, timeout=PATIENCE)
    page.get_by_role("button", name="Stop").click()
    assert page.inner_text(".status").startswith("Stopped. 0 tokens")
    page.fill("#ask-prompt", "To be")
    page.fill("#ask-length", "1")
    made(page, 2)
    assert page.inner_text(".status").startswith("It has its full length. 1 token, ")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []


def test_what_makes_no_sense_is_told_and_takes_nothing_away(chromium, tmp_path, play):
    export(ExportJob(str(play), str(tmp_path / "page.html"), seed=2**64 - 1))
    page = opened(chromium, tmp_path / "page.html", accept_downloads=True)
    page.fill("#ask-length", "30")
    made(page)
    first = settled(page)
    for length in ("", "0", "-5", "1.5", "10000001"):
        page.fill("#ask-length", length)
        page.get_by_role("button", name="Generate").click()
        assert "expected a whole number from 1 to 10000000" in page.inner_text(".error")
    page.fill("#ask-length", "30")
    page.fill("#ask-seed", "../x")
    page.locator("seq-text span[data-index]").filter(has_text=re.compile(r"\w")).last.click()
    assert "The seed is ../x, expected a whole number" in page.inner_text(".error")
    assert page.inner_text("seq-text") == first
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .txt").click()
    assert download.value.suggested_filename == "seqgen-18446744073709551615-0.txt"  # of the seed that made it
    assert page.problems == []


def test_a_page_of_music_makes_the_file_of_its_seed(chromium, tmp_path):
    path = saved(tmp_path, codec_name="midi_bar", memory="lookback", seen=lambda share: share > 0.5)
    export(ExportJob(str(path), str(tmp_path / "page.html"), "float32", seed=5))
    page = opened(chromium, tmp_path / "page.html", accept_downloads=True)
    page.fill("#ask-length", "800")
    made(page)
    assert page.get_by_role("button", name="Pause").is_visible()  # it sounds
    page.get_by_role("button", name="Pause").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .mid").click()
    sample = seqgen.load(path).sample(seed=5, length=800, memory=False)
    found, wanted = read_score(download.value.path().read_bytes()), read_score(sample.bytes)
    assert rows_of(found) == rows_of(wanted)
    for name in ("tempo", "tempo_tick", "meter", "meter_tick"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
    assert len(found) > 50
    assert (page.problems, page.requests) == ([], [])


def rows_of(score):
    """The notes of a score, in an order that parts do not change."""
    columns = (score.onset, score.duration, score.pitch, score.velocity, score.program)
    return sorted(zip(*(column.tolist() for column in columns)))


HOSTILE = "</script><script>window.taken = 1</script><img src=x onerror=window.taken=1>\u2028'\"`${1}"


@pytest.mark.parametrize("codec", ["char", "midi_bar"])
def test_a_page_full_of_markup_in_every_field_runs_none_of_it(chromium, tmp_path, codec):
    found = checkpoint(codec_name=codec, labels=(HOSTILE, "plain"), memory="lookback")
    about = {"corpus": HOSTILE, "device": HOSTILE, "seed": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    found.provenance.update({**about, "parent": {"name": HOSTILE, "sha256": HOSTILE}})
    found.metrics["nats_per_token"] = HOSTILE
    path = tmp_path / "a<script>.safetensors"
    found.save(path)
    out = tmp_path / "page.html"
    export(ExportJob(str(path), str(out), licence=HOSTILE, title=HOSTILE))
    page = opened(chromium, out, width=390, height=844)
    page.fill("#ask-length", "300")
    if codec == "char":
        page.fill("#ask-prompt", HOSTILE)
    made(page)
    page.get_by_text("About this model").click()
    assert page.evaluate("window.taken") is None
    assert "onerror=window.taken" in page.inner_text("h1")
    assert "onerror=window.taken" in page.inner_text("details table")
    assert page.locator("img").count() == 0
    page.select_option("#ask-label", HOSTILE)
    made(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.taken") is None
    assert page.locator("#ask-label option").nth(1).get_attribute("value") == HOSTILE
    assert (page.problems, page.requests) == ([], [])
    export(ExportJob(str(path), str(tmp_path / "model.js"), licence=HOSTILE, title=HOSTILE))
    assert json.dumps(HOSTILE)[:9] not in (tmp_path / "model.js").read_text("utf-8")


def test_a_page_cannot_reach_out(chromium, tmp_path, play):
    """Its policy lets no script, picture, request or frame of anybody else through."""
    export(ExportJob(str(play), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html")
    tries = {
        "script": "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); return Boolean(window.ran); })()",
        "fetch": "fetch('https://example.org/').then(() => true, () => false)",
        "socket": "(() => { try { new WebSocket('wss://example.org/'); return false; } catch { return false; } })()",
        "image": "new Promise((told) => { const i = new Image(); i.onload = () => told(true); i.onerror = () =>"
        " told(false); i.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='; })",
    }
    assert {name: page.evaluate(code) for name, code in tries.items()} == dict.fromkeys(tries, False)
    assert page.requests == []


def test_the_example_sketch_runs(chromium, tmp_path):
    sketch = Path(__file__).parent.parent / "examples" / "exported" / "sketch.html"
    export(ExportJob(str(saved(tmp_path)), str(tmp_path / "model.js")))
    page = chromium.page()
    page.route("**/sketch.html", lambda route: route.fulfill(path=sketch, content_type="text/html"))
    page.route("**/model.js", lambda route: route.fulfill(path=tmp_path / "model.js", content_type="text/javascript"))
    page.goto("http://sketch.test/sketch.html")
    page.wait_for_function("Number.parseInt(document.title) > 20")
    assert page.problems == []
