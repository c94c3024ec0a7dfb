"""What benchmarks/studio.py does in the page: scripts, the browser, and a studio as a process of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage")
READY = "button.main:not([disabled])"

# Everything that goes to the loudspeakers goes to an analyser, too.
TAP = """(() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      const tap = this.context.createAnalyser();
      tap.fftSize = 256;
      connect.call(this, tap);
      window.tap = tap;
    }
    return connect.call(this, to, ...rest);
  };
  window.loudest = () => {
    const data = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(data);
    return data.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  };
  window.rafs = async (seconds, act) => {
    const times = [];
    const end = performance.now() + 1000 * seconds;
    for (let now = performance.now(); now < end;) {
      now = await new Promise(requestAnimationFrame);
      times.push(now);
      act?.(now);
    }
    const gaps = times.slice(1).map((each, at) => each - times[at]).sort((a, b) => a - b);
    const at = (share) => gaps[Math.floor(share * (gaps.length - 1))];
    return {fps: 1000 * gaps.length / (times.at(-1) - times[0]), median_ms: at(0.5), p99_ms: at(0.99)};
  };
})()"""

TEXT = """async (seconds) => {
  const text = document.createElement('seq-text');
  document.querySelector('main').prepend(text);
  const likely = [['e', 0.5], ['a', 0.2], [' ', 0.1], ['o', 0.05], ['\\n', 0.01]];
  let given = 0;
  const begin = performance.now();
  const found = await rafs(seconds, (now) => {
    for (const due = now - begin; given < due; given += 1) {
      text.add({text: given % 43 === 42 ? '\\n' : 'etaoin '[given % 7], surprise: (given * 7 % 60) / 10, likely});
    }
  });
  const shown = text.querySelectorAll('span[data-index]').length;
  text.remove();
  return {...found, tokens_per_second: given / seconds, tokens_shown: shown};
}"""

ROLL = """async (seconds) => {
  const roll = document.createElement('seq-roll');
  document.querySelector('main').prepend(roll);
  const notes = [];
  for (let at = 0; at < 20000; at += 1) {
    notes.push({
      start: at / 20, duration: 0.1 + (at * 7 % 10) / 10, pitch: 36 + at * 13 % 60, velocity: 30 + at * 29 % 97,
      program: 0, part: at % 6, drum: at % 6 === 5,
    });
  }
  roll.notes = notes;
  roll.bars = Array.from({length: 500}, (_, bar) => 2 * bar);
  roll.follow = false;
  const scroll = roll.querySelector('.scroll');
  const found = {};
  for (const [name, scale] of [['near', 60], ['far', 6]]) {
    roll.scale = scale;
    scroll.scrollLeft = 0;
    const before = roll.frames;
    const measured = await rafs(seconds / 2, () => { scroll.scrollLeft += 25; });
    found[name] = {...measured, drawn_per_second: (roll.frames - before) / (seconds / 2)};
  }
  roll.remove();
  return found;
}"""

# From a slider's event to sound: the loudness goes from nothing to all while music sounds.
LOUDNESS = """async () => {
  const slider = [...document.querySelectorAll('seq-slider')].find((each) => each.row.name === 'velocity');
  const field = slider.querySelector('input');
  const turn = (value) => { field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})); };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  turn(0);
  for (let tries = 0; tries < 400 && loudest() > 1e-4; tries += 1) await wait(10);
  if (loudest() > 1e-4) return null;
  await wait(137 * Math.random());
  const begin = performance.now();
  turn(1);
  while (loudest() < 1e-3 && performance.now() - begin < 2000) await wait(1);
  return performance.now() - begin + 1000 * (tap.context.outputLatency || 0);
}"""

# From a control that changes what is drawn to the first note that was drawn under it, of music that plays live.
KEY = """async (key) => {
  const scales = {C: [0, 2, 4, 5, 7, 9, 11], 'F#': [6, 8, 10, 11, 1, 3, 5]};
  const own = scales[key].filter((tone) => !scales[key === 'C' ? 'F#' : 'C'].includes(tone));
  const roll = document.querySelector('seq-roll');
  const slider = [...document.querySelectorAll('seq-slider')].find((each) => each.row.name === 'key');
  const field = slider.querySelector('input');
  const known = new Set(roll.notes);
  const begin = performance.now();
  field.value = key;
  field.dispatchEvent(new Event('change', {bubbles: true}));
  const any = [];
  while (performance.now() - begin < 3000) {
    await new Promise((done) => setTimeout(done, 1));
    for (const note of roll.notes) {
      if (known.has(note)) continue;
      known.add(note);
      any.push(performance.now() - begin);
      if (own.includes(note.pitch % 12)) return {changed: performance.now() - begin, notes: any.length};
    }
  }
  return null;
}"""


class Process:
    """`seqgen studio` as people start it, with takes of its own.

    Attributes:
        address: Of its page.
        answered: Seconds from the start to the page.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        environment = {
            **os.environ,
            "SEQGEN_TAKES": str(folder / "takes.sqlite"),
            "SEQGEN_CACHE": str(folder / "cache"),
        }
        begin = time.monotonic()
        command = [sys.executable, "-P", "-m", "seqgen", "studio", "--no-browser", *words]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        self._said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        while not answers(self.address):
            time.sleep(0.005)
        self.answered = time.monotonic() - begin

    @property
    def megabytes(self) -> float:
        """Memory that it has."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def close(self) -> tuple[float, list[str]]:
        """Seconds of processor time, and what it said on standard error."""
        self._process.terminate()
        _, _, used = os.wait4(self._process.pid, 0)
        self._process.returncode = 0
        return used.ru_utime + used.ru_stime, self._said

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._said += list(self._process.stderr)


def answers(address: str) -> bool:
    """Whether the page is there."""
    import http.client
    from urllib.parse import parse_qs, urlsplit

    parts = urlsplit(address)
    token = parse_qs(parts.query)["token"][0]
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Cookie": f"seqgen-{parts.port}={token}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def studio(*words: str) -> Iterator[Process]:
    """A studio, and its end."""
    folder = Path(tempfile.mkdtemp())
    made = Process(folder, *words)
    made.folder = folder  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        with contextlib.suppress(ChildProcessError):
            made.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield made
        made.close()


def opened(made: Any, address: str, width: int = 1280, dark: bool = False) -> tuple[Any, list[str]]:
    """A page that is ready, and a list that gets the errors of its console."""
    context = made.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    context.set_default_timeout(120_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.add_init_script(TAP)
    page.goto(address)
    page.wait_for_selector(READY)
    return page, errors
