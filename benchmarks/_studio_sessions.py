"""Random sessions in the studio, of benchmarks/studio.py: what people do in its rooms, and what happens to a page."""

import argparse
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqgen.takes.record import Take
from seqgen.takes.replay import replay
from seqgen.takes.store import Takes

from _studio_page import browser, opened, studio  # isort: skip

TEXT_MODEL, MUSIC_MODEL = "tiny-shakespeare", "bach-chorales"
MODELS = (TEXT_MODEL, MUSIC_MODEL, "folk-tunes")
ODD = ("", "ROMEO:", "<script>", "\u202e\u0000 x" * 50, "a line\r\nand another\r\n")
SOON = 800  # ms that something may take to be there
PATIENCE = 5_000
WALK = 0.3  # share of acts before which another room is entered
STAR_EVERY = 4  # sessions
READY = "body[data-ready]"
Acts = list[Callable[[], object]]


def sessions(asked: argparse.Namespace) -> dict[str, Any]:
    """Random use."""
    rng, errors, tried, done = random.Random(asked.seed), list[str](), 0, Counter[str]()
    stars: dict[str, str] = {}
    with studio(TEXT_MODEL) as made, browser() as driver:
        file = made.folder / "takes.sqlite"
        _corpus(made.folder)
        for number in range(asked.sessions):
            page, found = opened(driver, made.address, rng.choice([390, 1280]), rng.random() < 0.3)
            for _ in range(rng.randrange(2, 7)):
                if rng.random() < WALK:
                    page.locator("nav button").nth(rng.randrange(5)).click(timeout=PATIENCE)
                tried += 1
                done.update(_act(page, rng, made.folder))
            page.context.close()
            errors += [each for each in found if not _refused(each)]
            if file.exists():
                with Takes(file) as takes:
                    if number % STAR_EVERY == 0 and (take := takes.find("last")).whole:
                        takes.star(take)
                    stars |= {
                        each.id: _digest(takes, each) for each in takes.list(starred=True) if each.id not in stars
                    }
            print(f"{number + 1} of {asked.sessions}", end="\r", file=sys.stderr, flush=True)
        _, said = made.close()
        with Takes(file, write=False) as takes:
            kept = {each.id: _digest(takes, each) for each in takes.list()}
    faults = [line for line in said if "Traceback" in line or "fault" in line]
    return {
        "sessions": asked.sessions, "acts": done.total(), "by_room": dict(sorted(done.items())),
        "not_there": tried - done.total(), "console_errors": len(errors), "tracebacks": len(faults),
        "starred": len(stars), "starred_lost": len({*stars.items()} - {*kept.items()}),
        "said": [*errors[:3], *faults[:3]],
    }  # fmt: skip


def _corpus(folder: Path) -> None:
    """What is trained on, and pieces that are brought in."""
    (folder / "plays").mkdir()
    (folder / "plays" / "a.txt").write_text("ANNA:\nGood day, B, how is the c?\n\n" * 300, "utf-8")
    (folder / "odd.txt").write_bytes(b"a text\r\nof lines\r\n" * 20)
    (folder / "odd.mid").write_bytes(b"no music")


def _refused(said: str) -> bool:
    """Whether the browser only tells that an answer was a refusal, which the page shows as a sentence."""
    return "Failed to load resource" in said and any(f"status of {code}" in said for code in (404, 413, 422))


def _digest(takes: Takes, take: Take) -> str:
    """Of what a take replays to."""
    return hashlib.sha256(b"".join(replay(takes, take))).hexdigest()


def _act(page: Any, rng: random.Random, folder: Path) -> list[str]:
    """One thing that a person does, or that happens to a page; the room, or nothing where it was not there to do."""
    from playwright.sync_api import Error
    from playwright.sync_api import TimeoutError as Late

    page.wait_for_selector(f"{READY} nav [aria-current]")  # something may have loaded it anew
    name = page.evaluate("document.querySelector('nav [aria-current]').textContent").lower()
    room = page.locator(f"seq-room-{name}")
    acts = [*_anywhere(page, rng), *ROOMS[name](page, room, rng, folder)]
    try:
        rng.choice(acts)()
    except Late:
        return []
    except Error as error:
        if "not visible" in str(error) or "detached" in str(error) or "no option" in str(error):
            return []
        raise
    page.wait_for_timeout(rng.choice([0, 50, 300]))
    return [name]


def _anywhere(page: Any, rng: random.Random) -> Acts:
    keys = ["Tab", "Enter", " ", "ArrowRight", "Shift+ArrowRight", "Escape", "+", "Control+z", "Control+y"]
    return [
        lambda: page.mouse.click(rng.randrange(380), rng.randrange(800)),
        lambda: _drag(page, rng),
        lambda: page.keyboard.press(rng.choice(keys)),
        lambda: (page.reload(), page.wait_for_selector(READY)),
        lambda: (page.goto("about:blank"), page.go_back(), page.wait_for_selector(READY)),
    ]


def _shared(room: Any, rng: random.Random) -> Acts:
    """What several rooms have: the button that begins, the one that ends, a text, a deck."""
    return [
        lambda: room.locator("button.main:visible:not([disabled])").first.click(timeout=PATIENCE),
        lambda: room.locator("button.main:visible:not([disabled])").first.click(timeout=PATIENCE),
        lambda: room.get_by_role("button", name="Stop", exact=True).click(timeout=SOON),
        lambda: room.locator("textarea:visible").first.fill(rng.choice(ODD), timeout=SOON),
        lambda: room.locator("seq-deck:visible button").first.click(timeout=SOON),
    ]


def _play(page: Any, room: Any, rng: random.Random, folder: Path) -> Acts:
    spans = room.locator("seq-text .chunk span:not(:empty)")
    return [
        *_shared(room, rng),
        lambda: room.locator("button:text-is('Pause'):visible, button:text-is('Go on')").last.click(timeout=SOON),
        lambda: room.get_by_role("button", name="Live", exact=True).click(timeout=SOON),
        lambda: room.locator("seq-deck button:text-is('Loop')").click(timeout=SOON),
        lambda: room.get_by_label("Model").first.select_option(rng.choice(MODELS), timeout=SOON),
        lambda: room.locator("seq-slider input[type=range]:visible").first.fill(str(rng.random()), timeout=SOON),
        lambda: room.get_by_label("Tokens at most").fill(str(rng.choice([0, 50, 400, 100000])), timeout=SOON),
        lambda: spans.nth(rng.randrange(1, 60)).hover(timeout=SOON),
        lambda: spans.nth(rng.randrange(1, 60)).click(timeout=SOON),
        lambda: room.locator(".likely button").nth(rng.randrange(5)).click(timeout=SOON),
        lambda: room.locator("button:text-is('☆ Star')").first.click(timeout=SOON),
        lambda: room.get_by_text("Go on from it").click(timeout=SOON),
        lambda: room.get_by_label("Go on from a piece").set_input_files(folder / "odd.mid", timeout=SOON),
    ]  # fmt: skip


def _takes(page: Any, room: Any, rng: random.Random, folder: Path) -> Acts:
    rows = room.locator(".list li .open")
    near = rng.randrange(6)
    return [
        lambda: rows.nth(near).click(timeout=SOON),
        lambda: rows.nth(near).click(timeout=SOON),
        lambda: room.locator(".beside").nth(near).click(timeout=SOON),
        lambda: room.locator(".list .star").nth(near).click(timeout=SOON),
        lambda: room.get_by_text("Starred only").click(timeout=SOON),
        lambda: room.get_by_text("Export starred").click(timeout=SOON),
        lambda: room.locator("seq-take button:visible").nth(rng.randrange(8)).click(timeout=SOON),
        lambda: room.locator("seq-deck:visible button").first.click(timeout=SOON),
    ]


def _fill(page: Any, room: Any, rng: random.Random, folder: Path) -> Acts:
    area = room.locator("textarea:visible")
    return [
        *_shared(room, rng),
        lambda: room.get_by_label("Model").first.select_option(rng.choice(MODELS), timeout=SOON),
        lambda: room.get_by_label("A file").set_input_files(folder / rng.choice(["odd.txt", "odd.mid"]), timeout=SOON),
        lambda: (area.press("Control+Home", timeout=SOON), [area.press("Shift+ArrowRight") for _ in range(9)]),
        lambda: room.get_by_label("What is made anew").select_option(rng.choice(["fill", "vary"]), timeout=SOON),
        lambda: room.get_by_label("Read what stands before it alone").click(timeout=SOON),
        lambda: room.get_by_text("Use this one").first.click(timeout=PATIENCE),
        lambda: room.get_by_text("Undo", exact=True).click(timeout=SOON),
        lambda: room.get_by_text("Redo", exact=True).click(timeout=SOON),
        lambda: room.locator(".stage .bar .bar button").first.click(timeout=SOON),
    ]


def _train(page: Any, room: Any, rng: random.Random, folder: Path) -> Acts:
    source = room.get_by_label("Learn from")
    return [
        *_shared(room, rng),
        lambda: (source.fill(rng.choice(["plays", "nowhere", ""]), timeout=SOON), source.press("Tab")),
        lambda: (source.fill("plays", timeout=SOON), source.press("Tab")),
        lambda: room.get_by_label("Name of the run").fill(f"run-{rng.randrange(1000)}", timeout=SOON),
        lambda: room.get_by_label("Size").select_option("tiny", timeout=SOON),
        lambda: room.get_by_label("Minutes", exact=True).fill(rng.choice(["0.05", "-1", ""]), timeout=SOON),
        lambda: room.get_by_label("Codec").select_option(rng.choice(["", "byte", "midi"]), timeout=SOON),
        lambda: room.get_by_text("All settings").click(timeout=SOON),
        lambda: room.locator("seq-settings summary:visible").first.click(timeout=SOON),
        lambda: room.locator("seq-settings input:visible").first.fill(rng.choice(["2", "x"]), timeout=SOON),
        lambda: room.locator("input[type=file]").first.set_input_files(folder / "odd.txt", timeout=SOON),
        lambda: room.locator(".stage .bar button:visible").first.click(timeout=SOON),
    ]


def _inside(page: Any, room: Any, rng: random.Random, folder: Path) -> Acts:
    return [
        *_shared(room, rng),
        lambda: room.locator("textarea").fill("ROMEO: Good day, and who are you? ", timeout=SOON),
        lambda: room.get_by_label("Model").first.select_option(rng.choice(MODELS), timeout=SOON),
        lambda: room.get_by_text("Save the page").click(timeout=SOON),
        lambda: room.get_by_text("Over a text").click(timeout=SOON),
    ]


ROOMS: dict[str, Callable[[Any, Any, random.Random, Path], Acts]] = {
    "play": _play, "takes": _takes, "fill": _fill, "train": _train, "inside": _inside,
}  # fmt: skip


def _drag(page: Any, rng: random.Random) -> None:
    page.mouse.move(rng.randrange(380), rng.randrange(800))
    page.mouse.down()
    page.mouse.move(rng.randrange(380), rng.randrange(800), steps=3)
    page.mouse.up()
