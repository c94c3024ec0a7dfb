"""Every command with closed, full and unread standard streams, and in encodings that lack letters.

A command whose result goes to a stream that takes nothing must fail, in one sentence; any other does what it does.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from seqgen.cli import leaves
from seqgen.selftest import Tally
from seqgen.selftest._calls import MADE, SLOW, Words, lines, prepare

TITLE = "closed, full, odd standard streams: a sentence, the exit code"
QUICK, LONG = 16, 100_000
EVERYTHING = 10_000  # cases: more than there are
SECONDS = 120
BYTES = {"generate", "decode", "tokenize", "replay"}  # what they write is data: the same bytes in every encoding
WHOLE = ("--help", "--version", "--nothing")


@dataclass(frozen=True)
class State:
    """What a command finds.

    Attributes:
        redirected: As the shell writes it.
        mute: Whether standard output takes nothing.
        environment: Besides that of this process.
        encoding: Of what is printed.
    """

    redirected: str = ""
    mute: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Ended:
    """What became of one command line."""

    code: int
    out: bytes
    err: bytes
    made: dict[str, bytes]


def _in(encoding: str) -> State:
    return State(environment={"PYTHONIOENCODING": encoding}, encoding=encoding)


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
STATES = {
    "output closed": State(">&-", mute=True),
    "errors closed": State("2>&-"),
    "input closed": State("<&-"),
    "both outputs closed": State(">&- 2>&-", mute=True),
    "all closed": State("<&- >&- 2>&-", mute=True),
    "output full": State(">/dev/full", mute=True),
    "errors full": State("2>/dev/full"),
    "unread": State("| true"),
    "latin-1": _in("latin-1"),
    "cp437": _in("cp437"),
    "cp1252": _in("cp1252"),
    "ascii": _in("ascii"),
    "C locale": State(environment=C_LOCALE, encoding="ascii"),
}


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """All command lines in all states, or `count` of them; the short form leaves slow commands to their help."""
    if sys.platform == "win32":
        tally.case(True, "")  # no shell that closes streams
        return
    environment = prepare(folder)
    lines = list(_lines(tally, slow=count >= EVERYTHING))
    cases = [(line, name) for line in lines for name in STATES if Path("/dev/full").exists() or "full" not in name]
    usual: dict[Words, Ended] = {}
    for line, name in cases if count >= len(cases) else random.sample(cases, count):
        if line not in usual:
            usual[line] = _run(line, State(), environment)
        _judge(tally, line, name, usual[line], _run(line, STATES[name], environment))
    tally.facts["command lines"], tally.facts["states"] = len(lines), len(STATES)


def _lines(tally: Tally, slow: bool) -> Iterator[Words]:
    """Every command's own lines, and its help."""
    yield from ((word,) for word in WHOLE)
    for words, command in leaves():
        known = lines(words, command)
        tally.case(bool(known), f"no call of {' '.join(words)} is known, see CALLS and USUAL in selftest/_calls.py")
        if slow or words[0] not in SLOW:
            yield from ((*words, *line) for line in known)
        yield (*words, "--help")


def _run(line: Words, state: State, environment: dict[str, str]) -> Ended:
    for name in MADE:
        shutil.rmtree(name, ignore_errors=True)
        Path(name).unlink(missing_ok=True)
    script = f'"$@" {state.redirected}' if state.redirected != "| true" else '{ "$@"; echo $? >code; } | true'
    command = ["sh", "-c", script, "sh", sys.executable, "-P", "-m", "seqgen", *line]
    more = {"PYTHONIOENCODING": "utf-8"} | state.environment
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False, env=environment | more
    )
    code = int(Path("code").read_text("ascii")) if state.redirected == "| true" else ran.returncode
    made = {name: Path(name).read_bytes() for name in MADE if Path(name).is_file()}
    return Ended(code, ran.stdout, ran.stderr, made)


def _judge(tally: Tally, line: Words, name: str, usual: Ended, found: Ended) -> None:
    state, said = STATES[name], f"{' '.join(line)}, {name}: "
    wanted = 1 if state.mute and usual.out and not usual.code else usual.code
    tally.case(found.code == wanted, f"{said}exit code {found.code} instead of {wanted}: {found.err[-300:]!r}")
    sentence = (
        b"Traceback" not in found.err and b"Exception ignored" not in found.err and b"fault of its" not in found.err
    )
    tally.case(sentence, f"{said}{found.err[-300:]!r}")
    reported = wanted == usual.code or "2>&-" in state.redirected or b"Error: standard output: cannot be" in found.err
    tally.case(reported, f"{said}nobody was told: {found.err[-300:]!r}")
    tally.case(found.made == usual.made, f"{said}other files: {sorted(found.made)} instead of {sorted(usual.made)}")
    data = bool(BYTES & set(line)) and "--help" not in line
    try:
        (found.err if data else found.out + found.err).decode(state.encoding)
    except UnicodeDecodeError as error:
        tally.case(False, f"{said}{error}")
    if data and not state.mute and state.redirected != "| true" and "--json" not in line and "--events" not in line:
        tally.case(found.out == usual.out, f"{said}other bytes")
