"""Claim: `seqgen studio` is small, there at once, answers its sliders, keeps its frames, and loses nothing.

    python benchmarks/studio.py [--parts size start sliders text roll memory sessions] [--minutes M] [--sessions N]

In headless Chromium (`apt install chromium`, `pip install playwright`), with the published models. Each part adds its
row to results/studio.json and leaves the others', so that parts may be measured apart; each row has the load of the
machine.

    size      what `pip install 'seqgen-art[studio]'` adds to what seqgen needs anyway
    start     from the command to the page that answers, by the clock and in processor time of the server
    sliders   from a slider to sound: loudness; and the key of music that plays live at 400 quarter notes a minute
    text      frames while 1,000 tokens a second come in, each with what else was likely
    roll      frames while a piece of 20,000 notes scrolls, near and from far away
    memory    of server and page while a text without end streams for --minutes; the page keeps its latest 5,000 tokens
              instead of 60,000, so that on a slow machine, too, the first third of the time fills what it keeps
    sessions  random use of all rooms: errors in the console, tracebacks, takes with a star that are what they were
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from _report import RESULTS, hardware, print_table, write_json  # isort: skip
from _studio_page import KEY, LOUDNESS, ROLL, ROOT, TEXT, browser, opened, studio  # isort: skip
from _studio_sessions import sessions  # noqa: F401 (by its name)  # isort: skip

PARTS = ("size", "start", "sliders", "text", "roll", "memory", "sessions")
TEXT_MODEL, MUSIC_MODEL = "tiny-shakespeare", "bach-chorales"
LOOKS = 24  # at memory
ENDLESS = """() => {
  document.querySelector('seq-text').most = 5000;
  document.querySelector('seq-asking').asked = () => ({checkpoint: 'tiny-shakespeare', length: 'inf', values: {}});
}"""
STOP = "seq-room-play button:text-is('Stop')"


def size(asked: argparse.Namespace) -> dict[str, Any]:
    """What the extra adds."""
    wanted = metadata.requires("seqgen-art") if _installed() else _declared()
    extra = [re.split(r"\s*;", line)[0] for line in wanted or () if "studio" in line]
    base = {
        name.split("==")[0] for name in (ROOT / "requirements/run.txt").read_text("utf-8").splitlines() if "==" in name
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-P",
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            folder,
            "-c",
            str(ROOT / "constraints.txt"),
        ]
        subprocess.run([*command, *extra], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = {}
        for each in metadata.distributions(path=[folder]):
            name = each.metadata["Name"].lower().replace("_", "-")
            if name not in base:
                files = [Path(str(file.locate())) for file in each.files or ()]
                found[name] = sum(file.stat().st_size for file in files if file.is_file())
    return {"packages": len(found), "megabytes": round(sum(found.values()) / 1e6, 2), "names": sorted(found)}


def _installed() -> bool:
    try:
        return any("studio" in line for line in metadata.requires("seqgen-art") or ())
    except metadata.PackageNotFoundError:
        return False


def _declared() -> list[str]:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [f"{line}; studio" for line in project["optional-dependencies"]["studio"]]


def start(asked: argparse.Namespace) -> dict[str, Any]:
    """From the command to the page."""
    walls, used = [], []
    for _ in range(asked.starts):
        with studio(MUSIC_MODEL) as made:
            walls.append(made.answered)
            used.append(made.close()[0])
    return {
        "median_s": round(float(np.median(walls)), 3), "least_s": round(min(walls), 3), "most_s": round(max(walls), 3),
        "processor_s": round(float(np.median(used)), 3), "starts": asked.starts,
    }  # fmt: skip


def sliders(asked: argparse.Namespace) -> dict[str, Any]:
    """From a slider to sound."""
    with studio(MUSIC_MODEL) as made, browser() as driver:
        page, errors = opened(driver, made.address)
        page.fill("input[type=number] >> nth=0", "2000")
        page.click("button.main")
        page.wait_for_selector("text=Download")
        page.click("seq-deck button:text-is('Loop')")
        page.click("seq-deck button:text-is('Play')")
        page.wait_for_timeout(1000)
        loud = [each for _ in range(asked.turns) if (each := page.evaluate(LOUDNESS)) is not None]
        page.click("seq-deck button:text-is('Pause')")
        page.click("summary:text-is('More controls')")
        _set(page, "tempo", 400)
        page.click("button:text-is('Live')")
        page.wait_for_timeout(2500)
        keys = []
        for turn in range(asked.turns):
            keys.append(page.evaluate(KEY, ("F#", "C")[turn % 2]))
            page.wait_for_timeout(700)
        page.click(STOP)
        page.wait_for_selector("text=Download")
        changed = [each["changed"] for each in keys if each is not None]
    return {
        "loudness": _milliseconds(loud),
        "key": _milliseconds(changed),
        "unheard": len(keys) - len(changed),
        "errors": errors,
    }


def _set(page: Any, name: str, value: float) -> None:
    script = """([name, value]) => {
        const slider = [...document.querySelectorAll('seq-slider')].find((each) => each.row.name === name);
        const field = slider.querySelector('input');
        field.value = value;
        field.dispatchEvent(new Event('input', {bubbles: true}));
    }"""
    page.evaluate(script, [name, value])


def _milliseconds(values: list[float]) -> dict[str, float]:
    found = np.quantile(np.array(values), [0.5, 0.9, 1.0])
    return {
        **{name: round(float(each), 1) for name, each in zip(("median_ms", "p90_ms", "max_ms"), found)},
        "turns": len(values),
    }


def text(asked: argparse.Namespace) -> dict[str, Any]:
    """Frames while a text streams."""
    with studio(TEXT_MODEL) as made, browser() as driver:
        page, errors = opened(driver, made.address)
        found = page.evaluate(TEXT, asked.seconds)
        page.fill("input[type=number] >> nth=0", "3000")
        page.click("button.main")
        page.wait_for_selector("text=Download")
        sampled = page.locator(".told.soft").last.text_content()
    return {**_rounded(found), "sampled": sampled.split(", seed")[0], "errors": errors}


def roll(asked: argparse.Namespace) -> dict[str, Any]:
    """Frames while a long piece scrolls."""
    with studio(MUSIC_MODEL) as made, browser() as driver:
        page, errors = opened(driver, made.address)
        found = page.evaluate(ROLL, asked.seconds)
    return {**{name: _rounded(each) for name, each in found.items()}, "errors": errors}


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in found.items()}


def memory(asked: argparse.Namespace) -> dict[str, Any]:
    """Megabytes over the time: of the server, of the page's scripts, and its nodes."""
    with studio(TEXT_MODEL) as made, browser() as driver:
        page, errors = opened(driver, made.address)
        client = page.context.new_cdp_session(page)
        client.send("Performance.enable")
        page.evaluate(ENDLESS)
        page.click("button.main")
        page.wait_for_selector(f"{STOP}:not([disabled])")
        rows = []
        for look in range(LOOKS):
            end = time.monotonic() + 60 * asked.minutes / LOOKS
            while time.monotonic() < end:
                page.wait_for_timeout(500)
                if page.locator(STOP).is_disabled():  # a document ends now and then
                    page.click("button.main")
                    page.wait_for_selector(f"{STOP}:not([disabled])")
            client.send("HeapProfiler.collectGarbage")
            found = {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}
            rows.append((made.megabytes, found["JSHeapUsedSize"] / 1e6, found["Nodes"]))
            print(look, [round(each, 1) for each in rows[-1]], file=sys.stderr, flush=True)
    found = {"minutes": asked.minutes, "errors": errors}
    for name, column in zip(("server_mb", "page_mb", "nodes"), zip(*rows)):
        middle, last = np.median(column[LOOKS // 3 : 2 * LOOKS // 3]), np.median(column[2 * LOOKS // 3 :])
        found[name] = {"middle": round(float(middle), 1), "last": round(float(last), 1)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    path = RESULTS / "studio.json"
    results = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {}
    for name in asked.parts:
        results[name] = {**globals()[name](asked), "load": hardware().get("load"), "niceness": os.nice(0)}
        print_table(("", name), [(key, str(value)) for key, value in results[name].items()])
        write_json("studio", results)


if __name__ == "__main__":
    main()
