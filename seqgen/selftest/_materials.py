"""Small files of every kind that the checks break, all made here. Knows nothing of what is done to them."""

import contextlib
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.char import Char, CharOptions
from seqgen.errors import SeqgenError
from seqgen.jobs import tokenize as tokenizing
from seqgen.jobs.observer import Observer
from seqgen.models import ModelSettings, weight_shapes
from seqgen.stream import TokenStream
from seqgen.takes import exchange
from seqgen.takes.record import Beginning, TakeSource
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

PLAY = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
SMALL = {"hidden": 8, "batch": 4, "window": 16, "patience": 0}  # settings of a model that trains in a moment
TINY = (*(word for key, value in SMALL.items() for word in ("-P", key, str(value))), "--device", "cpu")


def play(folder: Path) -> Path:
    """A text of 3 kB."""
    path = folder / "play.txt"
    path.write_text(PLAY, "utf-8")
    return path


def corpus(folder: Path) -> Path:
    """A folder of texts with labels."""
    for label in ("comedies", "tragedies"):
        (folder / "corpus" / label).mkdir(parents=True)
        for number in range(3):
            text = f"{label} {number}: " + PLAY[40 * number : 40 * number + 300]
            (folder / "corpus" / label / f"{number}.txt").write_text(text, "utf-8")
    return folder / "corpus"


def stream(folder: Path) -> TokenStream:
    """A stream of six labelled texts."""
    return tokenize(resolve([corpus(folder)]), TokenizeSettings("char"), folder / "corpus.tokens")


def checkpoint(seed: int = 0) -> Checkpoint:
    """A little LSTM over characters, of random weights."""
    codec = Char.fit([PLAY.encode()], CharOptions())
    tokenizer = Tokenizer(codec, "char", ("comedies", "tragedies"))
    cell, shape = registry.load("cells", "lstm")(), ModelSettings(hidden=8, layers=1)
    random = np.random.default_rng(seed)
    shapes = weight_shapes(cell, shape, tokenizer.vocab_size)
    weights = {name: random.normal(0, 0.3, wanted).astype(np.float32) for name, wanted in shapes.items()}
    return Checkpoint(
        "lstm", cell, shape, tokenizer, weights, {"seed": seed}, {"validation_nats": 1.5}, {"corpus": "none"}
    )


def exported(folder: Path) -> bytes:
    """Two takes as lines of JSON."""
    tokenizer = checkpoint().tokenizer
    with Takes(folder / "out.sqlite") as takes:
        source = TakeSource("0" * 64, "toy", "toy", tokenizer.spec())
        for seed in (1, 2):
            recorder = Recorder(lambda: takes, Beginning(source, 1, seed, {"temperature": 0.8}, {}), lambda words: None)
            recorder.begin([tokenizer.document_id, 1, 2])
            recorder.extend([3, 4, 5])
            recorder.finish("length")
        return b"".join(exchange.export(takes, takes.list()))


def midi(random: Random, notes: int = 30) -> bytes:
    """A MIDI file of one track with program, tempo, pedal and text events."""
    body = bytearray(b"\0\xc0\x05" + b"\0\xff\x51\x03\x07\xa1\x20" + b"\0\xff\x01\x02la" + b"\0\xb0\x40\x64")
    for _ in range(notes):
        pitch = random.randrange(30, 90)
        body += bytes([random.randrange(60), 0x90, pitch, random.randrange(1, 128), random.randrange(100), pitch, 0])
    body += b"\x05\xb0\x40\0" + b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


def abc(random: Random) -> bytes:
    """An ABC tune with chords, a tuplet, a repeat and a broken rhythm."""
    notes = " ".join(
        random.choice(["A2", "c>d", "[CEG]", "(3abc", "^F/2", "z4", "|:", ":|", "B,,", "|"]) for _ in "x" * 20
    )
    return f"X:1\nT:Tune\nM:6/8\nL:1/8\nQ:1/4=120\nK:Dmix\n{notes}|]\n".encode()


MUSICXML = b"""<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>4</divisions><time><beats>3</beats><beat-type>4</beat-type>
</time></attributes><direction><sound tempo="96"/></direction>
<note><pitch><step>C</step><alter>1</alter><octave>5</octave></pitch><duration>4</duration><voice>1</voice></note>
<note><chord/><pitch><step>E</step><octave>5</octave></pitch><duration>4</duration></note>
<backup><duration>4</duration></backup><forward><duration>2</duration></forward>
<note><rest/><duration>2</duration></note></measure>
<measure number="2"><barline location="left"><repeat direction="forward"/></barline>
<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>
<note><pitch><step>B</step><octave>3</octave></pitch><duration>12</duration><tie type="start"/></note>
<barline location="right"><repeat direction="backward" times="2"/></barline></measure></part></score-partwise>
"""


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Standard output is dropped; standard error is kept in what this gives."""
    err = io.StringIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")), contextlib.redirect_stderr(err):
        yield err


def call(*arguments: object) -> tuple[int, str]:
    """Run one command line in this process: its exit code and what it says on stderr."""
    from seqgen.cli import run

    with quiet() as err:
        code = run([str(argument) for argument in arguments])
    return code, err.getvalue()


class Heard(Observer):
    """Keeps the remarks of a job."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        """One more."""
        self.notes.append(message)


def attempt(work: Callable[[Observer], object]) -> tuple[int, str]:
    """Do a job: the exit code that its command would end with, and what it says."""
    heard = Heard()
    try:
        work(heard)
    except SeqgenError as error:
        return error.exit_code, "\n".join([*heard.notes, f"Error: {error}"])
    return 0, "\n".join(heard.notes)


def tokenized(source: Path, output: Path, codec: str, follow_links: bool = False) -> tuple[int, str]:
    """Tokenize, as `attempt`."""
    job = tokenizing.TokenizeJob((str(source),), output, codec=codec, follow_links=follow_links)
    return attempt(lambda observer: tokenizing.tokenize(job, observer))
