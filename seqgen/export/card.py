"""The card of a model on the Hub: README.md with the Hub's YAML before it, made of the checkpoint alone.

The YAML (https://huggingface.co/docs/hub/model-cards) has `library_name`, `license`, `tags`, `datasets`, `base_model`
and `model-index` with the nats per token on what was held out. A checkpoint may come from a stranger: each value is
looked at, and only letters that a page can show go out. The last line holds a checksum of all before it, by which a
later push sees whether somebody has written into the card.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from seqgen import hub
from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError

Value: TypeAlias = "str | float | list[Value] | dict[str, Value]"
LIBRARY = "library_name: seqgen"
UNKNOWN = "unknown"
SIMPLE = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")  # a licence as the Hub calls it: mit, cc-by-4.0
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
SWITCHES = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")  # what YAML takes for something else
LONGEST = 200  # letters of a value


@dataclass(frozen=True)
class About:
    """What a card says besides what is in the checkpoint.

    Attributes:
        repo: `user/name`.
        bytes: Of the checkpoint file.
        licence: That of the corpus, in the Hub's word for it or in words.
    """

    repo: str
    bytes: int
    licence: str = UNKNOWN


def card(checkpoint: Checkpoint, about: About) -> str:
    """The text of README.md."""
    front = "\n".join(_yaml(_front(checkpoint, about)))
    return _marked(f"---\n{front}\n---\n\n{_page(checkpoint, about)}")


def is_ours(text: str) -> bool:
    """Whether a card is that of a seqgen model, whoever has written into it since."""
    lines = text.replace("\r\n", "\n").split("\n---", 1)[0].split("\n")
    return lines[0] == "---" and LIBRARY in lines


def is_untouched(text: str) -> bool:
    """Whether a card is as it was made, to the letter."""
    body, found, _ = text.rpartition("<!-- seqgen ")
    return bool(found) and text == _marked(body)


def sources(checkpoint: Checkpoint) -> list[str]:
    """The datasets of the Hub that a checkpoint learned from, each with its commit."""
    listed = checkpoint.provenance.get("sources")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return [name for name in names if hub.is_dataset(name) and hub.origin(name) == name]


def _marked(body: str) -> str:
    return f"{body}<!-- seqgen {hashlib.sha256(body.encode()).hexdigest()} -->\n"


def _front(checkpoint: Checkpoint, about: About) -> dict[str, Value]:
    """The YAML as plain data."""
    tokenizer = checkpoint.tokenizer
    medium = tokenizer.medium.name
    tags: list[Value] = list(dict.fromkeys(("seqgen", "rnn", checkpoint.model, tokenizer.codec_name, medium)))
    found: dict[str, Value] = {"library_name": "seqgen", **_licence(about.licence), "tags": tags}
    if tokenizer.is_text:
        found["pipeline_tag"] = "text-generation"
    repositories = [hub.parse(name).repo for name in sources(checkpoint)]
    if repositories:
        found["datasets"] = list(dict.fromkeys(repositories))
    if parent := _parent(checkpoint):
        found["base_model"] = parent
    if found_out := list(measured(checkpoint)):
        corpus = _clean(checkpoint.provenance.get("corpus", ""))[:12]
        metrics: list[Value] = [{"type": kind, "name": name, "value": value} for kind, name, value in found_out]
        result: dict[str, Value] = {
            "task": {"type": "text-generation" if tokenizer.is_text else "other", "name": f"{medium}, next token"},
            "dataset": {
                "type": repositories[0] if repositories else f"corpus-{corpus}",
                "name": f"what was held out of {repositories[0] if repositories else f'the corpus {corpus}'}",
            },
            "metrics": metrics,
        }
        found["model-index"] = [{"name": about.repo.partition("/")[2], "results": [result]}]
    return found


def _page(checkpoint: Checkpoint, about: About) -> str:
    """What people read."""
    name, shape, tokenizer = about.repo.partition("/")[2], checkpoint.settings, checkpoint.tokenizer
    output = "" if tokenizer.is_text else f" -o new{tokenizer.codec.suffix}"
    rows = "\n".join(f"| {key} | {_cell(value)} |" for key, value in story(checkpoint, about))
    table = "\n".join(f"| {title} | {value:.4f} |" for _, title, value in measured(checkpoint))
    nats = f"On the documents held out:\n\n| measured | value |\n|---|---|\n{table}\n\n" if table else ""
    return f"""# {name}

A recurrent network ({checkpoint.model} {shape.layers}×{shape.hidden}, {checkpoint.parameters:,} parameters) that makes
{tokenizer.medium.name}, token by token (codec {tokenizer.codec_name}). One file of weights, codec and settings; no
pickle in it.

    pip install 'seqgen-art[hub]'
    seqgen generate hf://{about.repo}{output}

In Python: `seqgen.load("hf://{about.repo}").sample(seed=7)`

| | |
|---|---|
{rows}

{nats}A model may repeat what it was trained on.
"""


def story(checkpoint: Checkpoint, about: About) -> Iterator[tuple[str, str]]:
    """(what, in words) of the model's story, as far as it is known."""
    told: Mapping[str, object] = {**checkpoint.provenance}  # a stranger's may hold anything
    metrics: Mapping[str, object] = {**checkpoint.metrics}
    shown = sources(checkpoint)
    yield "licence of the corpus", about.licence
    yield "corpus", ", ".join(shown) or f"fingerprint {_clean(told.get('corpus', UNKNOWN))}"
    if labels := checkpoint.tokenizer.labels:
        yield "labels", ", ".join(map(str, labels))
    counts = [(told, "train_tokens", "tokens learned from"), (told, "validation_tokens", "tokens held out")]
    counts += [(metrics, "steps", "steps"), (metrics, "tokens", "tokens trained on"), (metrics, "seconds", "seconds")]
    for place, key, title in counts:
        if (value := _number(place, key)) is not None:
            yield title, f"{value:,.0f}"
    for key, title in (("device", "trained on"), ("precision", "precision"), ("seed", "seed")):
        if key in told:
            yield title, _clean(told[key])
    if isinstance(parent := told.get("parent"), dict):
        yield "went on from", f"{_clean(parent.get('name', ''))}, SHA-256 {_clean(parent.get('sha256', ''))}"
    if isinstance(versions := told.get("versions"), dict):
        yield "versions", ", ".join(f"{_clean(key)} {_clean(value)}" for key, value in sorted(versions.items()))
    yield "file", f"{about.bytes:,} bytes"


def measured(checkpoint: Checkpoint) -> Iterator[tuple[str, str, float]]:
    """(kind, in words, value) of what was measured at the end of training."""
    metrics, order = checkpoint.metrics, _number(checkpoint.metrics, "ngram_order")
    baseline = "n-gram baseline" if order is None else f"n-gram baseline of order {order:.0f}"
    titles = {
        "nats_per_token": "nats per token",
        "bits_per_token": "bits per token",
        "ngram_nats": f"nats per token, {baseline}",
    }
    for key, title in titles.items():
        if (value := _number(metrics, key)) is not None:
            yield key, title, value


def _parent(checkpoint: Checkpoint) -> str:
    """The repository of the model that this one went on from, where it came from the Hub."""
    parent = checkpoint.provenance.get("parent")
    try:
        return hub.parse(str(parent.get("name"))).repo if isinstance(parent, dict) else ""
    except UsageError:
        return ""


def _licence(text: str) -> dict[str, Value]:
    """The Hub's own word for a licence, or `other` with a name."""
    short = text.lower().strip().rstrip(".")
    if SIMPLE.fullmatch(short):
        return {"license": short}
    name = "-".join(re.findall(r"[a-z0-9]+", short)[:6])
    return {"license": "other", "license_name": name or "see-below"}


def _number(place: Mapping[str, object], key: str) -> float | None:
    """A finite number, if that is what stands there."""
    value = place.get(key)
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if known and math.isfinite(value) else None  # type: ignore[arg-type]


def _clean(value: object) -> str:
    """A text of one line that a page can show."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value)[:LONGEST])


def _cell(text: str) -> str:
    """A text in a table of Markdown, none of whose letters mean anything there."""
    return re.sub(r"([\\|`*\[\]!])", r"\\\1", _clean(text)).replace("&", "&amp;").replace("<", "&lt;")


def _yaml(value: Value) -> Iterator[str]:
    """The lines of a value in block style; a text that could be taken for something else is quoted as in JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield f"{key}:"
                yield from (f"{'  ' if isinstance(inner, dict) else ''}{line}" for line in _yaml(inner))
            else:
                yield f"{key}: {_scalar(inner)}"
    elif isinstance(value, list):
        for inner in value:
            first, *others = _yaml(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in others)
    else:
        yield _scalar(value)


def _scalar(value: str | float) -> str:
    if not isinstance(value, str):
        return f"{value:.6f}"
    plain = PLAIN.fullmatch(value) and value.lower() not in SWITCHES
    return value if plain else json.dumps(_clean(value), ensure_ascii=False)
