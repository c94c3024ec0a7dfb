"""What a model generates never commands a terminal: controls and bidi marks are spelled out; pipes get them raw."""

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from random import Random

from seqgen.selftest import Tally
from seqgen.terminal import sinks
from seqgen.terminal.text import harmless

TITLE = "controls and bidi marks reach no terminal raw"
QUICK, LONG = 300, 10_000
EVIL = (
    "\x1b[2J", "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x07", "\x9b31m", "\x90q\x9c",
    "\x07", "\x08", "\r", "\x7f", "\x00",
    "\u202e", "\u2066", "\u200f", "\u2028", "\u2029", "\ufeff", "\U000e0041", "\u200b", "text", "é", "😀", "\n", "\t",
)  # fmt: skip
SAFE = set("\n\t")


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Through a pseudo-terminal where the system has one, and through a pipe."""
    for _ in range(count):
        text = "".join(random.choices(EVIL, k=random.randrange(1, 12)))
        bad = [letter for letter in harmless(text) if _commands(letter)]
        tally.case(not bad, f"{text!r} shows {bad!r}")
        data = text.encode()
        cuts = sorted(random.choices(range(len(data) + 1), k=3))
        pieces = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)])]
        tally.case(_through_a_pipe(pieces) == data, f"a pipe changed {text!r}")
    for _ in range(min(count, 50)):
        text = "".join(random.choices(EVIL, k=8))
        shown = _through_a_terminal(text.encode())
        bad = [letter for letter in shown if _commands(letter)]
        tally.case(not bad, f"a terminal got {bad!r} of {text!r}")
    evil = text.encode() + b"\xff\x9b\xc2\x9b31m"
    tally.case(not any(map(_commands, _through_a_terminal(evil))), "bytes that are no UTF-8 reached a terminal")


def _commands(letter: str) -> bool:
    """Whether a terminal might obey the letter: written apart from `harmless`, which has its own list."""
    code = ord(letter)
    control = (code < 32 or 127 <= code < 160) and letter not in SAFE
    bidi = code in (0x61C, 0xFEFF) or 0x200B <= code <= 0x200F or 0x2028 <= code <= 0x202E or 0x2060 <= code <= 0x206F
    return control or bidi or 0xE0000 <= code <= 0xE007F


def _through_a_pipe(pieces: list[bytes]) -> bytes:
    out = io.BytesIO()
    pipe = sinks.Pipe(out)
    for piece in pieces:
        pipe.write(piece)
    pipe.finish()
    return out.getvalue()


def _through_a_terminal(data: bytes) -> str:
    """What the other end of a pseudo-terminal reads; the line ends that the terminal itself makes are taken back."""
    if sys.platform == "win32":
        return harmless(data.decode("utf-8", "replace"))
    import pty

    reader, writer = pty.openpty()
    with open(writer, "w", encoding="utf-8") as out, redirect_stdout(out), sinks.standard_output() as sink:  # noqa: PTH123
        for begin in range(0, len(data), 3):
            sink.write(data[begin : begin + 3])
        sink.write(b"END\n")
        out.flush()
        shown = b""
        while not shown.endswith(b"END\r\n"):
            shown += os.read(reader, 10_000)
    os.close(reader)
    return shown.replace(b"\r\n", b"\n").decode("utf-8", "replace")
