"""A model as one file: an HTML page that anyone opens, or an ES module for pages of one's own.

The page reaches for nothing outside: its policy (`POLICY`) lets no request through, and runs the scripts and the style
that were written into it, by their hashes, and WebAssembly, but nothing else. What comes from the checkpoint (names,
labels, tokens, its card) stands in it escaped, or as JSON in a block that is never run.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from seqgen.export.bundle import bundled
from seqgen.export.form import STATIC, Form, script_json
from seqgen.export.packing import Packed
from seqgen.render.escaping import visible, visible_attribute

POLICY = (
    "default-src 'none'; script-src '{script}' 'wasm-unsafe-eval'; style-src '{style}'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'"
)
STYLES = ("theme.css", "exported.css")


@dataclass(frozen=True)
class About:
    """What a page says of its model.

    Attributes:
        title: What it is called.
        line: What it is, in a line.
        card: (what, in words) of its story; the licence of the corpus among them.
        missing: What `seqgen generate` has and the page has not.
    """

    title: str
    line: str
    card: Sequence[tuple[str, str]]
    missing: Sequence[str]


def page_html(form: Form, packed: Packed, about: About) -> bytes:
    """The page."""
    script = _script(form)
    style = "".join((STATIC / name).read_text("utf-8") for name in STYLES)
    policy = POLICY.format(script=_hash(script), style=_hash(style))
    data = script_json(_data(form, packed))
    rows = "\n".join(
        f"<tr><th scope=row>{visible(key)}</th><td>{visible(value)}</td></tr>" for key, value in about.card
    )
    missing = "".join(f"<li>{visible(each)}</li>" for each in about.missing)
    left_out = f"<p>Left out of this page:</p><ul>{missing}</ul>" if missing else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{visible_attribute(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{visible(about.title)}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<h1>{visible(about.title)}</h1>
<p class="soft">{visible(about.line)}</p>
</header>
<div id="app"><noscript>This page needs JavaScript.</noscript></div>
<details class="card">
<summary>About this model</summary>
<table>
{rows}
</table>
{left_out}
<p class="soft">A model may repeat what it was trained on. Made with seqgen; nothing leaves this page.</p>
</details>
</main>
<script type="application/json" id="form">{data}</script>
<script type="text/plain" id="weights">{base64.b64encode(packed.data).decode("ascii")}</script>
<script>{script}</script>
</body>
</html>
""".encode()


def module_js(form: Form, packed: Packed, about: About) -> bytes:
    """The ES module."""
    entry = f"""{_imports(form)}import {{ functionsOf }} from "./sampler/module.js";
export const functions = functionsOf(FORM, WEIGHTS, {{ {_names(form)} }});
"""
    lines = [about.title, about.line, *(f"{key}: {value}" for key, value in about.card)]
    lines += [f"Left out: {each}" for each in about.missing]
    head = "".join(f"// {_plain(line)}\n" for line in lines)
    return f"""{head}// Made with seqgen: load(), stream(model, options), notes(model, tokens).

const FORM = {script_json(_data(form, packed))};
const WEIGHTS = "{base64.b64encode(packed.data).decode("ascii")}";
const {{ load, stream, notes }} = {bundled(entry, _read)}.functions;
export {{ load, stream, notes }};
""".encode()


def _script(form: Form) -> str:
    """What the page runs."""
    worker = f"""{_imports(form)}import {{ serve }} from "./sampler/worker.js";
serve({{ {_names(form)} }});
"""
    view = "music" if form.data["heard"] else "text"
    entry = f"""import {{ show }} from "./exported.js";
import {{ View }} from "./exported_{view}.js";
show(View, WORKER);
"""
    made = f"const WORKER = {script_json(bundled(worker, _read))};\n{bundled(entry, _read)};\n"
    if "</script" in made.lower() or "<!--" in made:
        raise ValueError("a module holds what would end the script that it is put into")
    return made


def _imports(form: Form) -> str:
    return "".join(f'import {{ {kind} }} from "./{path}";\n' for kind, path in form.parts.files().items())


def _names(form: Form) -> str:
    return ", ".join(form.parts.files())


def _read(path: str) -> str:
    return (STATIC / path).read_text("utf-8")


def _data(form: Form, packed: Packed) -> dict[str, object]:
    data = {**form.data, "tensors": packed.tensors}
    return {**data, "experts": {**data["experts"], "tensors": packed.counts}} if packed.counts else data


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _plain(line: str) -> str:
    """A line of a comment, whatever is in it."""
    return "".join(letter if letter.isprintable() else " " for letter in line)
