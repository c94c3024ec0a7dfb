"""examples/live: each recipe names what seqgen sends and takes; Pure Data, where it is installed, runs its own."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from seqgen.live import controls
from seqgen.live.dialects import DIALECTS
from seqgen.live.output import Out

ROOT = Path(__file__).parent.parent
LIVE = ROOT / "examples" / "live"
NOTE = Out(10.0, 0.25, 2, 64, 100, 24, 4.0, 0.5)


def addresses(name):
    """The addresses of what a program is told."""
    dialect = DIALECTS[name]
    return {data.split(b"\0")[0].decode() for data in dialect.note(NOTE, 0.0)}


def read(name):
    return (LIVE / name).read_text("utf-8")


def test_the_list_of_programs_has_each_with_its_port():
    text = read("README.md")
    for name, dialect in DIALECTS.items():
        if name != "seqgen":
            assert f"--osc-to {name}`" in text, name
            assert str(dialect.port) in text, name


def test_recipes_listen_for_what_is_sent():
    (address,) = addresses("sonic-pi")
    assert f'sync "/osc*{address}"' in read("sonic_pi.rb")
    told = {OscMessage(data).params[0] for data in DIALECTS["tidal"].note(NOTE, 0.0)}
    assert {"seqgen_note"} <= set(re.findall(r'"(seqgen_\w+)"', read("tidal.hs"))) <= told
    assert f"netreceive -u -b {DIALECTS['pd'].port}" in read("seqgen.pd")
    assert "'/dirt/play'" in read("supercollider.scd")
    assert "#X obj 20 110 route seqgen;\n#X obj 20 140 route note line beat;" in read("seqgen.pd")


def test_pages_send_controls_and_read_events_that_there_are():
    for name in ("page.html", "sketch.js"):
        text = read(name)
        sent = set(re.findall(r"(?:send|stringify)\(\{ ?(\w+):", text)) | set(
            re.findall(r'"(panic|resume|mutate)"', text)
        )
        assert sent
        assert sent <= set(controls.BY_NAME)
        used = set(re.findall(r"\bnote\.(\w+)", text)) - {"born"}
        assert used <= {"pitch", "velocity", "seconds", "channel", "program", "beat"}
        assert "http" not in re.sub(r"https://preview\.p5js\.org", "", text)  # nothing is fetched


def test_the_controls_are_told_as_the_code_has_them():
    text = (ROOT / "docs" / "controls.md").read_text("utf-8")
    for name, _, _, cc, about in controls.table():
        assert f"| `{name}` |" in text
        assert about in text
        assert not cc or f"| {cc} |" in text


def played(tmp_path, command, ready, program, **rest):
    """What a program prints while a session plays to it, and how many notes that had."""
    from seqgen.jobs.jam import job as work
    from seqgen.jobs.jam.settings import JamJob

    out = tmp_path / "out"
    with out.open("wb") as file:
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, **rest)
    try:
        for _ in range(300):
            time.sleep(0.1)
            if ready in out.read_text(errors="replace"):
                break
        time.sleep(0.5)
        values = {"tempo": 200}
        job = JamJob(checkpoint="folk-tunes", osc_to=(program,), log=None, take=False, values=values, seconds=2, seed=1)
        done = work.jam(job)
        time.sleep(1.0)
    finally:
        started.kill()
        started.wait()
    return out.read_text(errors="replace"), done.notes


@pytest.mark.sockets
@pytest.mark.skipif(shutil.which("pd") is None, reason="Pure Data is not installed")
def test_pure_data_hears_every_note(tmp_path):
    command = ["pd", "-nogui", "-noaudio", "-stderr", "-open", str(LIVE / "seqgen.pd")]
    out, notes = played(tmp_path, command, "", "pd")
    heard = re.findall(r"^note: (\d+) (\d+) ([\d.]+) (\d+)$", out, re.MULTILINE)
    assert len(heard) == notes > 0


@pytest.mark.sockets
@pytest.mark.skipif(shutil.which("sclang") is None, reason="SuperCollider is not installed")
def test_supercollider_hears_every_note(tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    environment["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # its help browser, which root may not start otherwise
    command = ["sclang", "-D", str(LIVE / "supercollider.scd")]
    out, notes = played(tmp_path, command, "seqgen may play", "superdirt", env=environment)
    heard = re.findall(r"^note: superpiano ([\d.]+) ([\d.]+)$", out, re.MULTILINE)
    assert notes > 0
    assert notes <= len(heard) <= notes + 2  # what was told ahead of the end
