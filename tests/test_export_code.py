"""Exported models of code keep the grammar of their language, and repeat themselves as rarely, as in Python."""

import base64
import random
from pathlib import Path

import numpy as np
import pytest
from export_browser import address_of, compared, opened
from export_fixtures import CODE, MUSIC, TEXTS, saved

import seqgen
from seqgen import registry
from seqgen.jobs.export import ExportJob, export

SOURCES = Path(__file__).parent / "data" / "code"
STATIC = Path(seqgen.__file__).parent / "studio" / "static"
SIGNS = "(){}[]<>;:,.'\"`\\/*#-+=!?$@~^&|% \t\n\r\x00\x0b\x7f\x80\xffaRr0x1e"
LINES = (
    "#if 0\n",
    "#if ",
    "#ifdef A\n",
    "#else\n",
    "#elif 1\n",
    "#endif\n",
    "#define X \\\n",
    "#region a\n",
    "#\n",
    "# if\n",
)
PIECES = (
    "x",
    "1.5",
    "=>",
    "->",
    "==",
    "!=",
    "++",
    "--",
    "/=",
    "${",
    'u8R"(',
    ')"',
    "'a",
    "b'x'",
    "    ",
    "\n\n\n",
    "@d\n",
    ":\n",
)
MASKS = """async ([address, texts]) => {
  const { load } = await import(address), { form, codec } = await load();
  return texts.map((text) => {
    const grammar = codec.grammar(form), seen = [];
    for (const letter of text) {
      const allowed = grammar.allowed(), bits = new Uint8Array(Math.ceil(allowed.length / 8));
      allowed.forEach((may, token) => (bits[token >> 3] |= may << (token & 7)));
      seen.push(String.fromCharCode(...bits));
      grammar.read(letter.charCodeAt(0));
    }
    return btoa(seen.join(""));
  });
}"""


def sources(codec: str) -> list[bytes]:
    """Files of a language, damaged ones, and its words and signs in any order."""
    draw = random.Random(7)
    path, language = SOURCES / f"{codec}.txt", registry.load("codecs", codec).language
    sound = path.read_bytes() if path.is_file() else (SOURCES / "cpp.txt").read_bytes()
    found = [sound]
    for _ in range(4):
        data, at = bytearray(sound), 0
        while (at := at + draw.randint(1, 60)) < len(data):
            put = "".join(draw.choices(SIGNS, k=draw.randint(0, 3))).encode("latin-1")
            data[at : at + draw.randint(0, 4)] = put
        found.append(bytes(data))
    words = {*language.goes_on, *language.heads, *language.leads, *language.values, *language.functions}
    words |= {*language.declares, *language.blocks, *language.blocks.values(), *language.braces}
    words |= {sign for region in language.regions for sign in (region.opens, region.closes)}
    several = [*sorted(words), *SIGNS, *LINES, *PIECES]
    found += ["".join(draw.choices(several, k=300)).encode("latin-1") for _ in range(20)]
    found.append(b"#if 1\n" * 40 + b"#if 0\n" * 40 + b"#endif\n" * 90)
    found.append(b"{([" * 30 + b"/*" * 80 + b"*/" * 80 + b")]}" * 40)
    return found


@pytest.mark.parametrize("codec", CODE)
def test_the_same_tokens_may_follow(chromium, tmp_path, codec):
    """And a document may end at the same places: its token is one of them."""
    path, texts = saved(tmp_path, codec_name=codec, hidden=4, layers=1), sources(codec)
    grammar, page = seqgen.load(path).tokenizer.within({}), chromium.page()
    given = [address_of(tmp_path, path), [text.decode("latin-1") for text in texts]]
    for text, found in zip(texts, page.evaluate(MASKS, given)):
        state, own = grammar.start(), []
        for token in text:
            own.append(np.packbits(grammar.allowed(state), bitorder="little"))
            state = grammar.step(state, token)
        bits = np.frombuffer(base64.b64decode(found), np.uint8).reshape(len(text), -1)
        differs = np.flatnonzero((bits != np.stack(own)).any(axis=1))
        assert not len(differs), text[max(int(differs[0]) - 80, 0) : int(differs[0])]
    assert page.problems == []


@pytest.mark.parametrize("codec", CODE)
def test_code_keeps_its_grammar_as_in_python_unless_it_need_not(chromium, tmp_path, codec):
    path = saved(tmp_path, codec_name=codec, memory="lookback", seen=lambda share: share > 0.1)
    for seed, prompt in enumerate(("", "x = f(1, [", 'né { "a')):
        how = {"seed": seed, "temperature": 1.3, "prompt": prompt, "length": 600}
        _, kept = compared(chromium, tmp_path, path, **how)
        _, free = compared(chromium, tmp_path, path, grammar=False, **how)
        assert free.ids.tolist() != kept.ids.tolist()


@pytest.mark.parametrize("temperature", [0.8, 1.2])
def test_the_published_model_of_c_writes_what_it_writes_in_python(chromium, tmp_path, temperature):
    """With counts, grammar and `dry`, as usual."""
    for seed in (1, 2, 3):
        compared(chromium, tmp_path, "sqlite-c", seed=seed, temperature=temperature, length=1000)


@pytest.mark.parametrize("codec", [*TEXTS, *MUSIC])
def test_what_goes_on_with_a_repetition_costs_as_in_python(chromium, tmp_path, codec):
    path = saved(tmp_path, codec_name=codec, hidden=6)
    changed = 0
    for seed in range(3):
        how = {"seed": seed, "temperature": 0.2, "length": 500}
        _, bare = compared(chromium, tmp_path, path, **how)
        for value in (0.05, 1.0):
            _, dry = compared(chromium, tmp_path, path, rules=[["dry", value], ["top-p", 0.95]], **how)
            changed += dry.ids.tolist() != bare.ids.tolist()
    assert changed >= 3


def test_what_is_usual_for_a_model_stays_beside_rules_that_are_given(chromium, tmp_path):
    path = saved(tmp_path, codec_name="rust", memory="lookback", hidden=6)
    how = {"temperature": 0.05, "length": 500}
    found = {}
    for rules in ([], [["top_k", 9]], [["dry", 0]], [["dry", 0.1], ["repetition", 1.1]]):
        _, sample = compared(chromium, tmp_path, path, rules=rules, **how)
        found[str(rules)] = sample.ids.tolist()
    assert found["[]"] != found["[['dry', 0]]"]


def test_a_page_of_code_keeps_the_grammar_unless_it_is_turned_off(chromium, tmp_path):
    path = saved(tmp_path, codec_name="go", memory="lookback")
    export(ExportJob(str(path), str(tmp_path / "page.html"), "float32", seed=9))
    page = opened(chromium, tmp_path / "page.html", accept_downloads=True, width=390)
    page.fill("#ask-length", "400")
    page.get_by_text("More ways to draw").click()
    switch = page.get_by_label("Keep brackets, strings and comments whole")
    for run, kept in enumerate((True, False)):
        switch.set_checked(kept)
        page.get_by_role("button", name="Generate").click()
        page.wait_for_selector(f'html[data-done="{run + 1}"]')
        with page.expect_download() as download:
            page.get_by_role("button", name="Download .go").click()
        sample = seqgen.load(path).sample(seed=9, length=400, grammar=kept)
        assert download.value.path().read_bytes().decode() == sample.bytes.decode("utf-8", "replace")
    page.get_by_text("About this model").click()
    assert "Left out" not in page.inner_text("details.card")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (page.problems, page.requests) == ([], [])
