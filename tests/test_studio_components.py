"""Components of the front end alone, in a real browser: the roll, sound, a text without end."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import http.server
import threading

import pytest
from browser import _started, chromium
from studio_server import tab

from seqgen.studio.app import STATIC

pytestmark = pytest.mark.sockets
BLANK = "<!doctype html><link rel=stylesheet href=/theme.css><link rel=icon href=data:,><body>"


@pytest.fixture(scope="module")
def files():
    """The components alone, by HTTP: modules do not load from files."""
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: handler(*given, directory=STATIC))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def bare(files, tab):
    """An empty page of the same origin as the components, with their looks."""
    tab.route("**/blank", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
    tab.goto(f"{files}/blank")
    return tab


def test_the_roll_selects_by_keys_and_pointer(bare):
    bare.evaluate("""async () => {
        await import('/roll.js');
        const roll = document.createElement('seq-roll');
        document.body.append(roll);
        const plain = {duration: 0.5, velocity: 80, program: 0, drum: false};
        const note = (start, pitch, part) => ({...plain, start, pitch, part});
        roll.notes = [note(0, 60, 0), note(1, 64, 1), note(2, 67, 0), note(3, 72, 1)];
        roll.bars = [0, 1, 2, 3, 4];
        window.told = [];
        roll.addEventListener('box', ({detail}) => told.push(detail && [detail.from, detail.to, detail.notes.length]));
        roll.addEventListener('seek', ({detail}) => told.push(roll.playhead = detail.seconds));
    }""")  # fmt: skip
    scroll = bare.locator("seq-roll .scroll")
    scroll.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Escape", "Home"):
        scroll.press(key)
    assert bare.evaluate("told") == [1, [1, 2, 1], [1, 3, 2], None, 0]
    box = scroll.bounding_box()
    bare.mouse.move(box["x"] + 40, box["y"] + 25)
    bare.mouse.down()
    bare.mouse.move(box["x"] + 34 + 150, box["y"] + box["height"] - 5, steps=4)
    bare.mouse.up()
    begin, end, notes = bare.evaluate("told.at(-1)")
    assert (round(begin, 1), round(end, 1), notes) == (0.1, 2.5, 2)
    assert bare.locator("seq-roll .parts li").count() == 2


def test_sound_is_made_of_every_family_and_drum(bare):
    """Offline: each program sounds at its time, ends, and louder notes are louder."""
    heard = bare.evaluate("""async () => {
        const { Player } = await import('/sound.js');
        const measure = async (note) => {
            const context = new OfflineAudioContext(1, 44100 * 2, 44100);
            new Player(context).play([{start: 0.5, duration: 0.4, velocity: 90, ...note}]);
            const data = (await context.startRendering()).getChannelData(0);
            const rms = (from, to) => {
                const part = data.slice(from * 44100, to * 44100);
                return Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / part.length);
            };
            return [rms(0, 0.48), rms(0.5, 0.9), rms(1.9, 2)];
        };
        const found = {};
        for (let program = 0; program < 128; program += 8) found[program] = await measure({pitch: 60, program});
        for (const pitch of [36, 38, 42, 46, 49, 60]) {
            found[`drum ${pitch}`] = await measure({pitch, program: 0, drum: true});
        }
        found.soft = await measure({pitch: 60, program: 0, velocity: 40});
        return found;
    }""")
    for name, (before, sounding, after) in heard.items():
        assert before < 1e-5, name
        assert sounding > 2e-3, name
        assert after < sounding / 5, name
    assert heard["soft"][1] < heard["0"][1]


def test_an_endless_text_takes_bounded_memory(bare):
    kept = bare.evaluate("""async () => {
        await import('/text.js');
        const text = document.createElement('seq-text');
        document.body.append(text);
        for (let part = 0; part < 10; part += 1) {
            for (let each = 0; each < 10000; each += 1) {
                text.add({text: each % 40 ? 'word ' : '\\n', surprise: each % 6});
            }
            text.flush();
        }
        const spans = text.querySelectorAll('span[data-index]');
        return [spans.length, text.length, Number([...spans].at(-1).dataset.index)];
    }""")
    assert kept[0] <= 65_000
    assert kept[1:] == [100_000, 99_999]
