"""Files that an exported model of music goes on from: read as in Python, chosen or dropped, refused in words."""

import base64
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from export_browser import RUN, address_of, opened
from export_fixtures import saved
from midi_files import control, events, meta, midi, notes, off, on, program, simple, tempo

import seqgen
from seqgen import registry
from seqgen.errors import DataError
from seqgen.jobs.export import ExportJob, export
from seqgen.music.read import read_score

PRIME = """async ([address, files]) => {
  const { load } = await import(address), { codec } = await load();
  return files.map((text) => {
    const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    try {
      return codec.primer(data);
    } catch (error) {
      return [error.constructor.name, error.message];
    }
  });
}"""


def pieces() -> Iterator[bytes]:
    """Files with all that a reader looks at: parts and names, pedals, ports, meters, drums by GS, XG and GM2."""
    name, meter = (lambda text: meta(3, text)), (lambda over, power: meta(0x58, bytes([over, power, 24, 8])))
    voices = [
        events((0, name(called)), (0, program(48, at)), *tune(random.Random(at), at, 24 + 12 * at), end=20_000)
        for at, called in enumerate((b"Bass", "Tenör".encode(), b"Alto & <b>", b"Sop\x01rano \xff"))
    ]
    yield midi(events((0, tempo(600_000)), (0, meter(3, 2)), (960, meter(4, 2)), (9000, tempo(431_234))), *voices)
    yield midi(*voices[:2], form=2)
    yield midi(*voices, division=b"\xe7\x28")
    yield midi(*voices, division=b"\xe3\x50")
    odd = [
        (at, meter(*found))
        for at, found in ((0, (5, 3)), (700, (7, 5)), (1111, (64, 6)), (2000, (13, 0)), (9001, (3, 1)))
    ]
    yield midi(events(*odd), *voices)
    yield midi(
        events((0, tempo(1)), (0, tempo(400_000)), (40, tempo(16_777_215)), (90, meta(0x51, b"\0\0\0"))), voices[0]
    )
    many = [(120 * at, on(60 + at % 5, 40 + at, at % 16)) for at in range(64)]
    ports = [(0, meta(0x21, bytes([at]))) for at in (1,)]
    parts = [
        events(*ports, (0, program(at, at)), *[(0 + 30 * at, on(50 + at, 90, at)), (900, off(50 + at, at))])
        for at in range(16)
    ]
    yield midi(*parts, events(*many, (9000, control(123, 0, 3)), (9100, control(120, 0, 4)), end=30_000))
    held = [(0, control(64, 127)), (10, on(60)), (40, off(60)), (50, on(60)), (90, off(60)), (500, control(64, 0))]
    yield simple(
        *held, (600, control(64, 64)), (700, on(61)), (710, off(61)), (720, control(120, 0)), (800, on(62)), end=2000
    )
    yield midi(
        events((0, on(60)), (480, on(60)), (481, on(64)), end=900),
        events((240, off(60)), (700, off(64)), (710, off(71))),
    )
    for said in (
        b"\xf0\x0aA\x10\x42\x12\x40\x1a\x15\x01\0\xf7",
        b"\xf0\x08C\x10L\x08\x02\x07\x01\xf7",
        b"\xf0\x05~\x7f\x09\x01\xf7",
    ):
        rows = [(0, said), (0, control(0, 120, 2)), (0, program(8, 2)), (0, control(0, 127, 5)), (1, program(3, 5))]
        yield simple(
            *rows, *[(9 + at, on(36 + at, 80, at)) for at in range(12)], *[(99, off(36 + at, at)) for at in range(12)]
        )
    yield simple((0, on(60)), (24 * 480 * 40, off(60)), (24 * 480 * 60, on(64)), (24 * 480 * 60 + 1, off(64)))
    yield b"RIFF" + bytes(4) + b"RMIDdata" + len(midi(*voices)).to_bytes(4, "little") + midi(*voices)
    yield b"junk" * 9 + midi(*voices)
    yield from (b"", b"not music", midi(), midi(events((0, name(b"silence")))), simple((0, off(60)))[:18])


def tune(draw: random.Random, channel: int, lowest: int) -> Iterator[tuple[int, bytes]]:
    """Notes off and on the grid, some struck again while they sound."""
    tick = 0
    for _ in range(40):
        pitch, length = lowest + draw.randint(0, 14), draw.choice((60, 80, 117, 120, 240, 480, 2000))
        yield tick, on(pitch, draw.randint(1, 127), channel)
        if draw.random() < 0.15:
            yield tick, on(pitch, 99, channel)
        tick += draw.choice((20, length, length))
        yield tick, off(pitch, channel)


def damaged(draw: random.Random, data: bytes) -> bytes:
    """A file with a few bytes changed, left out or put in."""
    found, kind = bytearray(data), draw.random()
    at = draw.randrange(14, max(len(found), 15))
    if kind < 0.2:
        return bytes(found[:at])
    if kind < 0.4:
        del found[at : at + draw.randint(1, 5)]
        return bytes(found)
    if kind < 0.5:
        found[at:at] = draw.randbytes(draw.randint(1, 8))
    for _ in range(draw.choice((1, 3, 20))):
        if len(found) > 15:
            found[draw.randrange(14, len(found))] = draw.choice(
                (draw.randrange(256), 0xFF, 0xF0, 0xF7, 0xF2, 0xC1, 0x40)
            )
    return bytes(found)


@pytest.mark.parametrize("codec", ["midi_bar", "midi", "midi pedal", "midi_388", "midi_grid", "midi_grid hold"])
def test_files_to_go_on_from_have_the_ids_that_python_gives_them(chromium, tmp_path, codec):
    """Sound ones and, each in ten ways, damaged ones; what Python refuses is refused in a sentence."""
    name, _, option = codec.partition(" ")
    path = saved(tmp_path, codec_name=name, options={option: True} if option else {}, hidden=4, layers=1)
    made, draw = seqgen.load(path).tokenizer.codec, random.Random(5)
    files = list(pieces())
    files += [damaged(draw, data) for data in files[:-5] for _ in range(10)]
    page, refused = chromium.page(), 0
    texts = [base64.b64encode(data).decode() for data in files]
    for data, ids in zip(files, page.evaluate(PRIME, [address_of(tmp_path, path), texts])):
        try:
            wanted = made.encode_prompt(data).tolist()
        except DataError:
            refused += 1
            assert ids[0] == "MidiError", data
            assert ids[1].endswith("."), ids
        else:
            assert ids == wanted, data
    assert refused >= 3
    assert page.problems == []


@pytest.mark.parametrize(
    ("codec", "strangers"),
    [("midi_bar", False), ("midi_bar", True), ("midi", True), ("midi pedal", False), ("midi_388", False),
     ("midi_grid hold", False)],
)  # fmt: skip
def test_music_goes_on_from_a_file_as_in_python(chromium, tmp_path, codec, strangers):
    """It keeps to the instruments and the loudness of the file; of drums alone, too."""
    name, _, option = codec.partition(" ")
    seen = (lambda share: share > 0.5) if strangers else None
    path = saved(
        tmp_path, codec_name=name, memory="lookback", options={option: True} if option else {}, seen=seen, hidden=12
    )
    model, page, address = seqgen.load(path), chromium.page(), address_of(tmp_path, path)
    drums = simple(*[(240 * at, on(36 + at % 3, 70 + at, 9)) for at in range(12)], (3000, off(36, 9)))
    piano = simple(*[row for at in range(9) for row in ((200 * at, on(60 + at, 64)), (200 * at + 150, off(60 + at)))])
    files = [*list(pieces())[:7], piano, *([drums] if name in ("midi", "midi_bar") else [])]  # others have none
    for seed, primer in enumerate(files):
        how = {"seed": seed, "length": 150, "temperature": 1.5}
        wanted = model.sample(primer, memory=False, **how)
        found = page.evaluate(RUN, [address, {**how, "primer": list(primer)}, False])
        assert [token[0] for token in found["tokens"]] == wanted.ids.tolist(), seed
    assert page.problems == []


DROP = """([text, name]) => {
  const data = new DataTransfer(), bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_a_page_goes_on_from_a_file_that_is_chosen_or_dropped(chromium, tmp_path):
    """The file that is downloaded begins with it; what is no music is told and takes nothing away."""
    from playwright.sync_api import expect  # there, where a browser is

    path, primer = saved(tmp_path, codec_name="midi_bar"), next(pieces())
    export(ExportJob(str(path), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html", accept_downloads=True, width=390, height=844, dark=True)
    (tmp_path / "tune.mid").write_bytes(primer)
    page.set_input_files("#ask-primer", str(tmp_path / "tune.mid"))
    expect(page.locator(".primer")).to_contain_text("tune.mid: ")
    assert page.get_by_role("button", name="Download .mid").is_disabled()
    page.fill("#ask-length", "120")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector('html[data-done="1"]')
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .mid").click()
    codec = seqgen.load(path).tokenizer.codec
    given = [row[0:3] for row in notes(codec.score(codec.encode(primer)))]
    found = [row[0:3] for row in notes(read_score(download.value.path().read_bytes()))]
    assert len(found) > len(given) > 100
    assert found[:80] == given[:80]
    page.evaluate(DROP, [base64.b64encode(b"no music").decode(), "<b>.txt"])
    expect(page.locator(".error")).to_have_text("<b>.txt: This is no MIDI file: it does not begin with MThd.")
    expect(page.locator(".primer")).to_contain_text("tune.mid: ")
    page.evaluate(DROP, [base64.b64encode(simple((0, on(60)), (480, off(60)))).decode(), "one.mid"])
    expect(page.locator(".primer")).to_contain_text("one.mid: 1 note.")
    page.get_by_role("button", name="Leave it out").click()
    expect(page.locator(".primer")).to_contain_text("Nothing: a new piece.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (page.problems, page.requests) == ([], [])


def test_a_codec_that_cannot_says_so(chromium, tmp_path, monkeypatch):
    """As one of a package may."""
    kind = registry.load("codecs", "midi_grid")
    form = kind.page_form
    monkeypatch.setattr(kind, "page_form", lambda self, grammar: replace(form(self, grammar), primer=False))
    export(ExportJob(str(saved(tmp_path, codec_name="midi_grid")), str(tmp_path / "page.html")))
    page = opened(chromium, tmp_path / "page.html")
    assert "does not go on from a file in a page" in page.inner_text(".ask")
    page.get_by_text("About this model").click()
    assert "files to go on from" in page.inner_text("details.card")
    assert page.problems == []
