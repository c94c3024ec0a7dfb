"""Odd values for every parameter of every command: on the command line, in the environment, in a `--config` file.

What click knows of the commands says what there is to try, so that a new option is tried too.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from seqgen.cli import leaves
from seqgen.errors import FAULT
from seqgen.selftest import Tally, _materials
from seqgen.selftest._calls import MADE, USUAL, Words, needed, prepare

TITLE = "odd options, environments, configurations: one sentence"
QUICK, LONG = 150, 6_000
SLOW = 20.0  # seconds of one case; most take a hundredth
MOST_SAID = 10_000  # characters
KEPT = ("play.txt", "play.tokens", "song.mid", "toy.model", "takes.jsonl", "corpus/comedies/0.txt")

# What each command gets beside the odd value, arguments and options: small, and of an end.
BASES: dict[Words, tuple[Words, Words]] = {
    ("corpus", "get"): (("nothing",), ()),
    ("corpus", "info"): (("shakespeare",), ()),
    ("decode",): (("play.tokens",), ("-o", "out.txt")),
    ("demo",): ((), ("--device", "nothing", "-o", "made")),
    ("evaluate",): (("toy.model",), ("--text", "ANNA")),
    ("generate",): (("toy.model",), ("-l", "5", "--seed", "1", "-o", "out.txt")),
    ("inspect",): (("play.tokens",), ()),
    ("lesson",): (("step",), ("-o", "out.txt")),
    ("look",): (("toy.model", "play.txt"), ("-o", "out.txt", "--cells-only", "--format", "json")),
    ("probe",): (("toy.model", "play.txt"), ("-o", "out.txt")),
    ("render",): (("song.mid",), ("-o", "out.wav", "--rate", "8000")),
    ("selftest",): ((), ("--only", "nothing")),
    ("takes", "delete"): (("nothing",), ()),
    ("takes", "import"): (("takes.jsonl",), ()),
    ("takes", "replay"): (("last",), ("-o", "out.txt")),
    ("takes", "show"): (("last",), ()),
    ("takes", "star"): (("last",), ()),
    ("tokenize",): (("play.txt",), ("-c", "char", "-o", "out.tokens")),
    ("train",): (("play.txt",), ("-o", "made", "--steps", "1", *_materials.TINY)),
}
NINES = "9" * 5_000
ODD = (
    NINES, f"-{NINES}", f"0.{NINES}", "9" * 400, "9" * 25, "18446744073709551616", "9223372036854775808", "1e999", "-1",
    "nan", "-inf", "1e308", "1e-999", "0", "", " ", "1_0", "\u0663", "\u00b2", "+5", "0x10", "1.5", "\udcff",
    "x" * 100_000,
    "\x1b[2J", "\u202ea", "a=b", "=", "1..2", "1~2/0", f"1~2/{NINES}", "0..1/999999999999", f"{NINES}..1", "nan..1",
    "[", "{}", "null", "none", "true", "a:0..1", f"play:{NINES}", f"{NINES}bars", "0bars", ",", ",".join("1" * 5_000),
    "%s%n", "*", "[!", "~nobody", "\n", "\r\n", "C#####", "help",
)  # fmt: skip
PAIRED = {"rules": "top_p", "settings": "hidden"}
LONE = ("workers", "device", "only")  # parameters without which the base would take long, or start processes
TOML = (
    NINES, f"-{NINES}", f"0x{'F' * 5_000}", "0xFFFFFFFFFFFFFFFFF", "1e999", "inf", "-inf", "nan", "-1", "0", "1.5",
    "true", "false", '""', '"x"', '"\\u0000"', '"a\\u0000b"', '"\\u001b[2J"', f'"{NINES}"', "1979-05-27",
    "1979-05-27T07:32:00Z",
    "07:32:00", "[]", "[1]", "[[1]]", '["a", 1]', '[["top_p", 0.9, 1]]', "[[[]]]", "{}", "{a = 1}", "{a = {b = 1}}",
    "[{a = 1}]", "{hidden = [8]}", "{top_p = [0.9]}", "{hidden = true}", "{hidden = 1979-05-27}", "{a = []}",
    f"{{hidden = {'9' * 4_000}}}", f"{{hidden = 0x{'F' * 5_000}}}", "{" + "a.b" + " = 1}", "[" * 500 + "]" * 500,
    "{a=" * 300 + "1" + "}" * 300, '"""\n"""', "'", "[", "=", "\ud800", "\ufeff1",
)  # fmt: skip
FILES = (
    b"", b"\xef\xbb\xbf# nothing\n", b"\xff\xfe\x00", b"\x00" * 100, b"=" * 100_000, b"a." * 5_000 + b"a = 1",
    b"[a]\n" * 3,
    b"x" * 40_000, b"[[settings]]\n", b"[rules]\ntop_p = 0.9\n", b"[settings.hidden]\na = 1\n", "ключ = 1".encode(),
    b"\"\\ud800\" = 1\n", b"[" * 5_000, b"config = 'again.toml'\n", b"source = 'play.txt'\nsteps = true\n",
)  # fmt: skip


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """One odd value a case; nothing but a sentence may come of it, and no file that was there may change."""
    prepare(folder)
    before, every = _digests(), list(_cases())
    tally.facts["possible cases"] = len(every)
    for case in random.sample(every, min(count, len(every))):
        _judge(tally, case, before)


@dataclass(frozen=True)
class Case:
    """One command line, what the environment holds besides, and what the file of --config holds."""

    line: Words
    environment: dict[str, str] = field(default_factory=dict)
    config: bytes = b""

    def __str__(self) -> str:
        line = " ".join(word if len(word) < 80 else f"{word[:60]}… ({len(word)})" for word in self.line)
        return f"{line!r} {str(self.environment)[:100]} {self.config[:100]!r}"


def _cases() -> Iterator[Case]:
    """Every odd value for every parameter, wherever it may stand."""
    for words, command in leaves():
        arguments, options = BASES.get(words, (needed(command, USUAL), ()))
        base, configured = (*words, *arguments, *options), {each.name for each in command.params} & {"config"}
        for parameter in command.params:
            if parameter.name in LONE:
                continue
            flags = [flag for flag in parameter.opts if flag.startswith("-")]
            for value in ODD:
                odd = _words(parameter, value)
                yield Case((*base, flags[0], *odd) if flags else (*words, *odd, *options))
                if words[0] != "takes":  # SEQGEN_TAKES is the place of the list itself
                    name = "_".join(("SEQGEN", *words, str(parameter.name))).upper().replace("-", "_")
                    yield Case(base, {name: " ".join(odd)})
            for value in TOML if configured else ():
                if (parameter.name, value) != ("length", "inf"):  # which has no end
                    data = f"{parameter.name} = {value}\n".encode("utf-8", "surrogatepass")
                    yield Case((*base, "--config", "odd.toml"), config=data)
        yield from (Case((*base, "--config", "odd.toml"), config=data) for data in (FILES if configured else ()))


def _words(parameter: Any, value: str) -> Words:
    """A value as the words that an option takes: none, itself, or behind the name of a rule or a setting."""
    if getattr(parameter, "is_flag", False):
        return ()
    return (str(PAIRED.get(parameter.name, value)), value) if parameter.nargs == 2 else (value,)


def _judge(tally: Tally, case: Case, before: dict[str, str]) -> None:
    Path("odd.toml").write_bytes(case.config)
    began = time.process_time()
    os.environ.update(case.environment)
    try:
        code, said = _materials.call(*case.line)
    except BaseException as error:
        tally.case(False, f"{type(error).__name__}: {str(error)[:200]}: {case}")
        return
    finally:
        for name in case.environment:
            del os.environ[name]
        for name in MADE:
            shutil.rmtree(name, ignore_errors=True)
            Path(name).unlink(missing_ok=True)
    seconds = time.process_time() - began
    tally.most("slowest_s", seconds)
    tally.count(f"exit code {code}")
    tally.case(seconds < SLOW, f"{seconds:.1f} s: {case}")
    tally.case(code in (0, 1, 2) and FAULT not in said, f"exit code {code}, {said[-300:]!r}: {case}")
    tally.case(len(said) < MOST_SAID, f"{len(said):,} characters: {case}")
    after = _digests()
    tally.case(after == before, f"another {[name for name in before if before[name] != after.get(name)]}: {case}")


def _digests() -> dict[str, str]:
    found = (Path(name) for name in KEPT)
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found if path.is_file()}
