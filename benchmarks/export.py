"""Claims: an exported model says what seqgen says, in a page little larger than its weights, fast enough to read along.

    python benchmarks/export.py [text|music|primers|forms|speed …]

Without names all parts are measured, with text:sqlite-c the part text of one model; each writes its numbers into
results/export.json beside those of the others, and when it did so, at what load. The browser is Debian's Chromium,
headless, driven by Playwright.

text     the models of text in float32, with their counts, and tiny-shakespeare without: 1,000 greedy tokens, and 1,000
         of each of three seeds at temperatures 0.8 and 1.2, labels, grammar and rules as usual, beside the numpy
         engine's; the largest difference of a drawn token's log-probability; bytes of the page in float16 over those of
         the checkpoint; microseconds a token of the network, and of mixing the counts in, the two in turns
music    bach-chorales and folk-tunes: tokens and notes of three seeds beside those of Python's sampler; the tokens of
         twenty samples at temperature 2, of which Python's decoder drops none
primers  the pieces of both corpora of music as MIDI files: of how many page and Python make the same ids to go on from
forms    tiny-shakespeare in float32, float16 and int8: bytes of the page over those of weights and counts, logits
         beside those of float32, and nats a token on 16,000 characters that were held out, in 16 streams of 1,000
speed    tokens a second of a 2×512 LSTM on one core, to which Chromium is kept, with WebAssembly and without: by the
         wall, and by the processor time of the page's process; milliseconds from opening the file until the model is
         ready, and from the click to the first token
"""

import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import seqgen
from seqgen import catalogue
from seqgen.checkpoint import published
from seqgen.export.packing import packed_size, rounded
from seqgen.generation import load as load_engine
from seqgen.jobs.export import ExportJob, export
from seqgen.music.read import read_score
from seqgen.music.write import write_score
from seqgen.report import Report

from _report import RESULTS, print_table, write_json  # isort: skip

TEXTS = ("tiny-shakespeare", "shakespeare", "sqlite-c")
TEXT, SONGS = "tiny-shakespeare", ("bach-chorales", "folk-tunes")
FORMS = ("float32", "float16", "int8")
SEEDS, TEMPERATURES, TOKENS = (1, 2, 3), (0.8, 1.2), 1000
STREAMS, HELD, LOOKED_AT = 16, 1000, 100
SPEED_TOKENS = {"WebAssembly": 4000, "plain JavaScript": 1500}
OPEN = "async (address) => { window.m = await import(address); window.model = await m.load(); }"
DRAW = """(options) => {
  const tokens = [...m.stream(model, options)];
  return { ids: tokens.filter(({ id }) => id >= 0).map(({ id }) => id),
           surprise: tokens.map(({ surprise }) => surprise),
           notes: m.notes(model, tokens) };
}"""
PRIMED = """(texts) => texts.map((text) => {
  return window.model.codec.primer(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
})"""
TIMED = """async ({ plain, length }) => {
  const model = await m.load({ plain });
  for (const token of m.stream(model, { seed: 1, length: 200 }));
  const begin = performance.now();
  for (const token of m.stream(model, { seed: 2, length }));
  return [model.network.fast, performance.now() - begin];
}"""


COST = """(length) => {
  const { network: mixed } = window.model, { network } = mixed;
  const spent = { network: 0, counts: 0 };
  const timed = (object, add) => {
    const step = object.step.bind(object);
    object.step = (token) => {
      const begin = performance.now(), logits = step(token);
      add(performance.now() - begin);
      return logits;
    };
  };
  timed(network, (time) => { spent.network += time; spent.counts -= time; });
  timed(mixed, (time) => { spent.counts += time; });
  for (const token of m.stream(window.model, { seed: 2, length }));
  return { network: Math.round(1000 * spent.network / length), counts: Math.round(1000 * spent.counts / length) };
}"""


@contextmanager
def browser(one_core: bool = False) -> Iterator[Any]:
    """A page of a browser that is kept to one core where that is asked for."""
    from playwright.sync_api import sync_playwright

    known = ("/usr/bin/chromium", "/usr/bin/chromium-headless-shell", "/usr/bin/google-chrome")
    path = next(each for each in known if Path(each).exists())
    cores = os.sched_getaffinity(0)
    if one_core:
        os.sched_setaffinity(0, {min(cores)})  # which the browser inherits
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        page = made.new_page()
        page.set_default_timeout(600_000)
        yield page
        made.close()
    os.sched_setaffinity(0, cores)


def module(name: str, folder: str, precision: str = "float32", memory: bool = True) -> str:
    """The address of an exported module."""
    path = Path(folder, f"{name}.js")
    export(ExportJob(name, str(path), precision, memory=memory))  # type: ignore[arg-type]
    return "data:text/javascript;base64," + base64.b64encode(path.read_bytes()).decode()


def text(only: str = "") -> dict[str, Any]:
    """The same tokens, in a page of what size, at what cost; of one model, if it is named."""
    found: dict[str, Any] = {}
    for name, memory in ((TEXT, False), *((each, True) for each in TEXTS)):
        if only not in ("", name):
            continue
        model, path = seqgen.load(name), published()[name]
        with tempfile.TemporaryDirectory() as folder, browser() as page:
            page.evaluate(OPEN, module(name, folder, memory=memory))
            rows: dict[str, Any] = {}
            for seed, temperature in ((0, 0), *product(SEEDS, TEMPERATURES)):
                how = {"seed": seed, "temperature": temperature, "length": TOKENS}
                own, theirs = model.sample(memory=memory, **how), page.evaluate(DRAW, how)  # type: ignore[arg-type]
                worst = float(np.abs(np.array(theirs["surprise"]) + own.log_probabilities).max())
                same = theirs["ids"] == own.ids.tolist()
                rows[f"seed {seed} at {temperature}" if temperature else "greedy"] = {
                    "tokens": len(own.ids), "same": same, "nats_apart": worst,
                }  # fmt: skip
            size = export(ExportJob(name, str(Path(folder, "page.html")), memory=memory))
            rows["page_bytes"], rows["page_over_checkpoint"] = size, round(size / path.stat().st_size, 3)
            if memory:
                rows["microseconds"] = page.evaluate(COST, 3000)
        found[f"{name}{' with counts' if memory else ''}"] = rows
        print(name, memory, rows)
    return found


def notes_of(sample: Any) -> list[tuple[float, ...]]:
    """The notes of one of Python's samples."""
    score = sample.tokenizer.codec.score(sample.tokenizer.own(sample.ids))
    begin, end = score.seconds(score.onset), score.seconds(score.onset + score.duration)
    rows = zip(begin, end - begin, score.pitch, score.velocity, score.part)
    return [tuple(round(float(value), 6) for value in row) for row in rows]


def music() -> dict[str, Any]:
    """The same notes, and valid ones."""
    found: dict[str, Any] = {}
    for name in SONGS:
        model = seqgen.load(name)
        with tempfile.TemporaryDirectory() as folder, browser() as page:
            page.evaluate(OPEN, module(name, folder))
            same, total = 0, 0
            for seed in SEEDS:
                own = model.sample(memory=False, seed=seed)
                theirs = page.evaluate(DRAW, {"seed": seed})
                keys = ("start", "duration", "pitch", "velocity", "part")
                notes = [tuple(round(float(note[key]), 6) for key in keys) for note in theirs["notes"]]
                same += theirs["ids"] == own.ids.tolist() and notes == notes_of(own)
                total += len(notes)
            dropped, made = 0, 0
            for seed in range(100, 120):
                report = Report()
                drawn = page.evaluate(DRAW, {"seed": seed, "temperature": 2, "length": 3000})
                ids = np.array(drawn["ids"], np.int64)
                model.tokenizer.codec.score(model.tokenizer.own(ids), report)
                dropped += sum(report.dropped.values())
                made += len(drawn["notes"])
        valid = {"samples": 20, "notes": made, "dropped": dropped}
        found[name] = {"samples": len(SEEDS), "same": same, "notes": total, "at_temperature_2": valid}
        print(name, found[name])
    return found


def primers() -> dict[str, Any]:
    """The same ids of files to go on from."""
    found: dict[str, Any] = {}
    for name in SONGS:
        codec, files = seqgen.load(name).tokenizer.codec, list[bytes]()
        for path in sorted(Path(catalogue.get(name)).rglob("*.*")):
            if path.suffix in (".mxl", ".abc"):
                pieces = codec.documents(path.read_bytes())[:1]
                files += [write_score(read_score(piece, Report())) for piece in pieces]
        with tempfile.TemporaryDirectory() as folder, browser() as page:
            page.evaluate(OPEN, module(name, folder))
            texts = [base64.b64encode(data).decode() for data in files]
            begin = time.perf_counter()
            theirs = page.evaluate(PRIMED, texts)
            seconds = time.perf_counter() - begin
        own = [codec.encode_prompt(data).tolist() for data in files]
        found[name] = {
            "files": len(files), "same": sum(a == b for a, b in zip(own, theirs)),
            "tokens": sum(map(len, own)), "milliseconds_a_file": round(1000 * seconds / len(files), 1),
        }  # fmt: skip
        print(name, found[name])
    return found


def held_out() -> np.ndarray:
    """(HELD + 1, STREAMS) ids of text from the last tenth of the corpus, which the model did not see."""
    (path,) = Path(catalogue.get(TEXT)).rglob("*.txt")
    data = path.read_bytes()
    ids = seqgen.load(TEXT).tokenizer.encode(data[len(data) - len(data) // 10 :]).astype(np.int64)
    return ids[: STREAMS * (HELD + 1)].reshape(STREAMS, HELD + 1).T


def measured(model: Any, weights: Any, ids: np.ndarray) -> tuple[np.ndarray, float]:
    """((LOOKED_AT, STREAMS, V) the first logits, nats a token) of the numpy engine with some weights."""
    checkpoint = model.checkpoint
    engine = load_engine("numpy", checkpoint.cell, checkpoint.settings, weights)
    state, nats, kept = engine.start(STREAMS), 0.0, []
    for place in range(len(ids) - 1):
        logits, state = engine.step(ids[place], state)
        if place < LOOKED_AT:
            kept.append(logits.copy())
        shifted = logits - logits.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(STREAMS), ids[place + 1]] - np.log(np.exp(shifted).sum(axis=1))
        nats -= float(chosen.sum())
    return np.stack(kept), nats / ((len(ids) - 1) * STREAMS)


def forms() -> dict[str, Any]:
    """What each form costs in bytes and in nats."""
    model, ids = seqgen.load(TEXT), held_out()
    weights, counts = model.checkpoint.weights, model.checkpoint.experts.counts.arrays
    exact, best = measured(model, weights, ids)
    found = {}
    for form in FORMS:
        with tempfile.TemporaryDirectory() as folder:
            page = export(ExportJob(TEXT, str(Path(folder, "page.html")), form))  # type: ignore[arg-type]
        size = packed_size(weights, form, counts)  # type: ignore[arg-type]
        same = form == "float32"  # as they are
        logits, nats = (exact, best) if same else measured(model, rounded(weights, form), ids)  # type: ignore[arg-type]
        found[form] = {
            "page_bytes": page,
            "weight_bytes": size,
            "page_over_weights": round(page / size, 3),
            "logits_apart": float(np.abs(logits - exact).max()),
            "nats_per_token": round(nats, 5),
            "nats_more": round(nats - best, 5),
        }
    # Published weights are halves already; what halving does to others is told by these, a little larger.
    moved = {name: weight * np.float32(1.0003) for name, weight in weights.items() if name != "memory.clock"}
    moved["memory.clock"] = weights["memory.clock"]
    few = ids[: LOOKED_AT + 1]
    apart = np.abs(measured(model, rounded(moved, "float16"), few)[0] - measured(model, moved, few)[0]).max()
    found["float16"]["logits_apart_of_other_weights"] = float(apart)
    print_table(("form", *found["int8"]), [(form, *list(row.values())[:6]) for form, row in found.items()])
    return found


def used(page: Any) -> float:
    """Seconds of processor time of all processes of the browser that render pages."""
    processes = psutil.Process().children(recursive=True)
    rendering = [each for each in processes if "--type=renderer" in " ".join(each.cmdline())]
    return sum(sum(each.cpu_times()[:2]) for each in rendering)


def speed() -> dict[str, Any]:
    """Tokens a second, and how soon there is one."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, browser(one_core=True) as page:
        page.evaluate(OPEN, module(TEXT, folder, "float16"))
        for name, length in SPEED_TOKENS.items():
            before = used(page)
            fast, milliseconds = page.evaluate(TIMED, {"plain": name != "WebAssembly", "length": length})
            seconds = used(page) - before
            assert fast == (name == "WebAssembly")
            found[name] = {
                "tokens": length,
                "per_second": round(1000 * length / milliseconds),
                "per_processor_second": round((length + 200) / seconds),
            }
            print(name, found[name])
        path = Path(folder, "page.html")
        export(ExportJob(TEXT, str(path)))
        begin = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        found["ready_ms"] = round(1000 * (time.perf_counter() - begin))
        page.fill("#ask-length", "200")
        page.get_by_role("button", name="Generate").click()
        page.wait_for_selector("html[data-done]", state="attached")
        found["first_token_ms"] = round(float(page.evaluate("document.documentElement.dataset.first")))
    print(found)
    return found


PARTS = {"text": text, "music": music, "primers": primers, "forms": forms, "speed": speed}


def main() -> None:
    """Measure the parts that are named, and keep the others."""
    path = RESULTS / "export.json"
    for name in sys.argv[1:] or list(PARTS):
        part, _, only = name.partition(":")
        found = text(only) if only else PARTS[part]()
        written = json.loads(path.read_text("utf-8")) if path.exists() else {}
        when = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "load": round(os.getloadavg()[0], 2)}
        results = written.get("results", {})
        results = {**results, part: {**results.get(part, {}), **found} if only else found}
        stamps = {**written.get("settings", {}).get("measured", {}), name: when}
        kept = {part: results[part] for part in PARTS if part in results}
        measured = {each: stamps[each] for part in kept for each in sorted(stamps) if each.partition(":")[0] == part}
        write_json("export", kept, {"measured": measured})


if __name__ == "__main__":
    main()
