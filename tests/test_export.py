"""`seqgen export` without a browser: bundling, weights, what is refused and what is told."""

import base64
import hashlib
import html
import json
import re

import numpy as np
import pytest
from export_fixtures import checkpoint, counted, saved

from seqgen import registry
from seqgen.checkpoint import published
from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.export.bundle import BundleError, bundled
from seqgen.export.form import STATIC, script_json
from seqgen.export.packing import packed, packed_size, rounded
from seqgen.jobs import export as exporting
from seqgen.jobs.export import ExportJob, export
from seqgen.jobs.observer import Observer

FILES = {
    "a.js": "/** What it is. */\nimport { two as zwei } from './b.js';\n".replace("'", '"')
    + "// a remark\nexport function one() {\n  return zwei + 1; // kept\n}\n",
    "b.js": 'import "./c/d.js";\nexport const two = 2;\nconst inner = 3;\nexport { inner as three };\n',
    "c/d.js": 'import { five } from "../e.js";\nglobalThis.seen = five;\n',
    "e.js": "export const five = 5;\nexport class Six {}\nexport async function seven() {}\n",
}


class Heard(Observer):
    """Keeps remarks."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def test_modules_become_one_script_in_the_order_in_which_they_are_needed():
    text = bundled('import { one } from "./a.js";\nexport const all = one();\n', FILES.__getitem__)
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    assert text.index("globalThis.seen = five") < text.index("const two = 2") < text.index("function one()")
    assert "What it is" not in text
    assert "a remark" not in text
    assert "// kept" in text
    assert "const { two: zwei } = " in text
    assert "three: inner" in text


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('import { four } from "./a.js";\n', "imports four, which a.js does not export"),
        ('import all from "./a.js";\n', "is no import or export that can be bundled"),
        ('export * from "./a.js";\n', "is no import or export that can be bundled"),
        ("export default 1;\n", "is no import or export that can be bundled"),
        ('const later = import("./a.js");\n', "is no import or export that can be bundled"),
        ('import "../a.js";\n', "leads out of the folder"),
        ('import "./circle.js";\n', "import each other in a circle"),
    ],
)
def test_what_cannot_be_bundled_is_named(entry, said):
    files = {**FILES, "circle.js": 'import "./back.js";\n', "back.js": 'import "./circle.js";\n'}
    with pytest.raises(BundleError, match=re.escape(said)):
        bundled(entry, files.__getitem__)


def test_every_module_of_the_sampler_can_be_bundled():
    for path in sorted((STATIC / "sampler").rglob("*.js")):
        name = path.relative_to(STATIC).as_posix()
        assert bundled(f'import "./{name}";\n', lambda each: (STATIC / each).read_text("utf-8")).startswith("(() =>")
        assert len(path.read_text("utf-8").splitlines()) <= 320, name


def unpacked(found):
    """Weights as `studio/static/sampler/weights.js` reads them."""
    out = {}
    for tensor in found.tensors:
        shape, begin = tensor["shape"], tensor["at"]
        size = int(np.prod(shape))
        assert begin % 4 == 0
        kind = {"f4": "<f4", "f2": "<f2", "i1": "i1"}[tensor["form"]]
        values = np.frombuffer(found.data, kind, size, begin).astype(np.float32).reshape(shape)
        if tensor["form"] == "i1":
            scale = np.frombuffer(found.data, "<f4", shape[0], begin + -(-size // 4) * 4)
            values = values * scale.reshape(-1, *[1] * (len(shape) - 1))
        out[tensor["name"]] = values
    return out


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_weights_come_back_as_they_are_said_to(precision):
    weights = checkpoint(memory="lookback", hidden=7).weights
    found = packed(weights, precision)
    assert len(found.data) == packed_size(weights, precision)
    back = unpacked(found)
    assert list(back) == list(weights)
    for name, weight in rounded(weights, precision).items():
        np.testing.assert_array_equal(back[name], weight, name)
        if name == "memory.clock" or precision == "float32" or weight.ndim == 1:
            np.testing.assert_array_equal(weight, weights[name], name)
        elif precision == "int8":
            rows = np.abs(weights[name]).max(axis=1, keepdims=True)
            assert (np.abs(weight - weights[name]) <= rows / 254 * 1.0001).all(), name
        else:
            np.testing.assert_allclose(weight, weights[name], rtol=1e-3, atol=1e-7)


def test_what_makes_logits_stays_exact_in_halves_where_it_is_small():
    def forms(weights):
        return {tensor["name"]: tensor["form"] for tensor in packed(weights, "float16").tensors}

    small, large = checkpoint(hidden=128, embedding=8).weights, checkpoint(hidden=16).weights
    assert forms(small)["embedding.weight"] == forms(small)["projection.weight"] == "f4"
    assert forms(large)["embedding.weight"] == forms(small)["layers.0.weight_hh_l0"] == "f2"
    halves = {name: weight.astype(np.float16).astype(np.float32) for name, weight in small.items()}
    assert set(forms(halves).values()) == {"f2"}


def test_json_in_a_script_cannot_end_it():
    text = script_json(["</script><!--", "&\u2028"])
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == ["</script><!--", "&\u2028"]


def scripts(page):
    return re.findall(r"<script>(.*?)</script>", page, re.DOTALL)


def test_the_policy_of_a_page_names_its_own_script_and_style_and_no_address(tmp_path):
    export(ExportJob(str(saved(tmp_path)), str(tmp_path / "page.html")))
    page = (tmp_path / "page.html").read_text("utf-8")
    (script,), (style,) = scripts(page), re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    for text in (script, style):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    assert not re.search(
        r"(src|href)\s*=|https?://|@import|url\(", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    )
    assert not re.search(r"\beval\(|new Function", script)


def test_a_file_that_is_neither_page_nor_module_is_refused(tmp_path, capsys):
    path = saved(tmp_path)
    assert run(["export", str(path), "-o", str(tmp_path / "model.exe")]) == 2
    said = capsys.readouterr().err
    assert "model.exe: cannot tell what to write, expected a name that ends in .html or .js" in said
    assert "-o model.html" in said


def test_two_precisions_at_once_are_refused(tmp_path, capsys):
    assert run(["export", str(saved(tmp_path)), "-o", str(tmp_path / "a.html"), "--int8", "--float32"]) == 2
    assert "both --float32 and --int8 were given" in capsys.readouterr().err


def test_a_model_too_large_for_a_page_is_told_with_its_size_and_a_way_out(tmp_path, monkeypatch):
    path = saved(tmp_path)
    wanted = packed_size(checkpoint().weights, "float16") * 4 // 3
    monkeypatch.setattr(exporting, "MOST", wanted - 1)
    with pytest.raises(UsageError, match=r"page\.html would have .* kB for .* parameters in float16") as caught:
        export(ExportJob(str(path), str(tmp_path / "page.html")))
    assert caught.value.hint.startswith("--int8 makes it ")
    monkeypatch.setattr(exporting, "MOST", 1)
    with pytest.raises(UsageError) as caught:
        export(ExportJob(str(path), str(tmp_path / "page.html"), "int8"))
    assert caught.value.hint == "train a smaller model: -P hidden, -P layers"
    assert not (tmp_path / "page.html").exists()
    counted(checkpoint()).save(path)
    monkeypatch.setattr(exporting, "MOST", wanted)
    with pytest.raises(UsageError) as caught:
        export(ExportJob(str(path), str(tmp_path / "page.html")))
    assert caught.value.hint.startswith("--no-memory leaves its counts out and makes it ")


def test_what_a_page_cannot_run_is_refused_by_name(tmp_path, monkeypatch):
    path = saved(tmp_path)
    monkeypatch.setattr(registry.load("codecs", "char"), "page_form", lambda self, grammar: None)
    with pytest.raises(UsageError, match="a page cannot run the codec 'char'") as caught:
        export(ExportJob(str(path), str(tmp_path / "page.html")))
    assert "midi_bar" in caught.value.hint


@pytest.mark.parametrize("name", ["cell", "memory"])
def test_a_cell_or_memory_without_a_form_is_refused_by_name(tmp_path, monkeypatch, name):
    from seqgen.export import form

    monkeypatch.setattr(
        form.Parts,
        "files",
        lambda self: (
            {"Cell": "nowhere.js", "Memory": "sampler/memories/none.js", "Codec": "sampler/codecs/text.js"}
            if name == "cell"
            else {"Cell": "sampler/cells/lstm.js", "Memory": "nowhere.js", "Codec": "sampler/codecs/text.js"}
        ),
    )
    with pytest.raises(UsageError, match=f"a page cannot run the {name} ") as caught:
        export(ExportJob(str(saved(tmp_path)), str(tmp_path / "page.html")))
    assert {"cell": "gru, lstm, mingru", "memory": "attention, lookahead, lookback, none"}[name] in caught.value.hint


def test_counts_come_along_or_are_told_to_be_left_out(tmp_path):
    heard, page = Heard(), tmp_path / "page.html"
    export(ExportJob("tiny-shakespeare", str(page), "float16"), heard)
    assert not any(note.startswith("Left out") for note in heard.notes)
    assert len(page.read_bytes()) <= 1.4 * published()["tiny-shakespeare"].stat().st_size
    text = page.read_text("utf-8")
    assert "<td>of corpus and document</td>" in text
    assert "Public domain." in text
    export(ExportJob("tiny-shakespeare", str(page), "int8", memory=False), heard)
    assert any(note.startswith("Left out: counts of the corpus") for note in heard.notes)
    text = page.read_text("utf-8")
    assert "counts of the corpus and of the document" in text
    assert "class Corpus" not in text
    assert len(text) <= 1.4 * packed_size(checkpoint_weights("tiny-shakespeare"), "int8")


def test_counts_stand_behind_the_weights_as_they_are():
    weights, counts = checkpoint().weights, counted(checkpoint()).experts.counts.arrays
    counts = {**counts, "wide": np.array([1, 70_000], np.uint32)}
    found = packed(weights, "int8", counts)
    assert found.data.startswith(packed(weights, "int8").data)
    assert len(found.data) == packed_size(weights, "int8", counts)
    assert [tensor["name"] for tensor in found.counts] == list(counts)
    for tensor in found.counts:
        kind = {"u1": "u1", "u2": "<u2", "u4": "<u4"}[tensor["form"]]
        assert tensor["at"] % 4 == 0
        values = np.frombuffer(found.data, kind, tensor["shape"][0], tensor["at"])
        np.testing.assert_array_equal(values, counts[tensor["name"]])


def checkpoint_weights(name):
    from seqgen.checkpoint import Checkpoint

    return Checkpoint.load(published()[name]).weights


def test_the_licence_is_asked_for_where_it_is_not_known(tmp_path):
    heard, path = Heard(), saved(tmp_path)
    export(ExportJob(str(path), str(tmp_path / "page.html")), heard)
    assert any("licence of the corpus is not known" in note for note in heard.notes)
    heard = Heard()
    export(ExportJob(str(path), str(tmp_path / "page.html"), licence="cc0-1.0"), heard)
    assert not any("is not known" in note for note in heard.notes)
    assert "cc0-1.0" in (tmp_path / "page.html").read_text("utf-8")


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path):
    path = saved(tmp_path)
    made = []
    for name in ("one", "two"):
        export(ExportJob(str(path), str(tmp_path / f"{name}.js")))
        made.append((tmp_path / f"{name}.js").read_bytes())
    assert made[0] == made[1]
