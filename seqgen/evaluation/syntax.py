"""Whether a program is in order, as tree-sitter (an extra) judges, which shares nothing with seqgen's own grammars.

tree-sitter reads any text and marks what does not fit: an ERROR node for what it had to pass over, a MISSING node for
what it had to assume. A text is in order where there is neither. It does not run the preprocessor, so that C which
compiles may be marked too, where macros stand for what the grammar of C wants: of SQLite's functions about half are.
A grammar is named by module and function, as in `tree_sitter_c:language`; see `Codec.tree_sitter`.
"""

import contextlib
import importlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import TypedDict

from seqgen.errors import UsageError

INSTALL = "pip install 'seqgen-art[code]'"
SECONDS = 10.0  # for one text; a file of 10 MB takes one
PROGRAM = Path(__file__).with_name("_syntax_process.py")


@dataclass(frozen=True)
class Fault:
    """What does not parse: its kind, and where it begins.

    Attributes:
        kind: "error", or "missing" and what is.
        byte: The offset, from 0.
        line: From 1.
    """

    kind: str
    byte: int
    line: int


@dataclass(frozen=True)
class Syntax:
    """What the parser found in one text.

    Attributes:
        functions: Function definitions, methods among them.
        sound: Those of them in which everything parses.
        faults: The outermost ERROR and MISSING nodes, in order.
        given_up: Why there is no answer, or "".
    """

    functions: int
    sound: int
    faults: tuple[Fault, ...]
    given_up: str = ""


class SyntaxRecord(TypedDict):
    """A tally as plain data."""

    files: int
    in_order: int
    functions: int
    sound: int
    first_faults: dict[str, str]


@dataclass
class Tally:
    """What the parser found in several texts."""

    files: int = 0
    in_order: int = 0
    functions: int = 0
    sound: int = 0
    first_faults: dict[str, str] = field(default_factory=dict)

    def count(self, name: str, found: Syntax) -> None:
        """Add what was found in a text."""
        self.files += 1
        self.in_order += not (found.faults or found.given_up)
        self.functions += found.functions
        self.sound += found.sound
        if found.given_up:
            self.first_faults[name] = found.given_up
        elif found.faults:
            first = found.faults[0]
            self.first_faults[name] = f"line {first.line:,}: {first.kind}"

    def add(self, other: "Tally") -> None:
        """Add what another counted, of other texts."""
        self.files += other.files
        self.in_order += other.in_order
        self.functions += other.functions
        self.sound += other.sound
        self.first_faults |= other.first_faults

    def to_json(self) -> SyntaxRecord:
        return {
            "files": self.files,
            "in_order": self.in_order,
            "functions": self.functions,
            "sound": self.sound,
            "first_faults": self.first_faults,
        }


class Parser:
    """The parser in a process of its own, which is ended where it takes too long, and begun again.

    Args:
        grammar: Its name.
        seconds: How long it may take for one text.

    Raises:
        UsageError: The extra is not installed.
    """

    def __init__(self, grammar: str, seconds: float = SECONDS) -> None:
        _require(grammar)
        self._grammar, self._seconds = grammar, seconds
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-P", str(PROGRAM), self._grammar]
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def parse(self, data: bytes) -> Syntax:
        """What the parser says of a text, or that it gave no answer in time."""
        if self._process.poll() is not None:
            self.end()
            self._process = self._begin()
        process, late = self._process, Timer(self._seconds, self._process.kill)
        assert process.stdin is not None
        assert process.stdout is not None
        late.start()
        try:
            process.stdin.write(len(data).to_bytes(8, "little") + data)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:  # it has ended
            answer = b""
        finally:
            in_time = late.is_alive()
            late.cancel()
        if not answer:
            process.kill()
            process.wait()
            return Syntax(0, 0, (), "the parser broke down" if in_time else f"not parsed within {self._seconds:g} s")
        found = json.loads(answer)
        return Syntax(found["functions"], found["sound"], tuple(Fault(*fault) for fault in found["faults"]))

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        with contextlib.suppress(OSError), self._process:  # a text may still be on its way
            pass


@contextlib.contextmanager
def parser(grammar: str, seconds: float = SECONDS) -> Iterator[Parser]:
    """A `Parser` for several texts."""
    made = Parser(grammar, seconds)
    try:
        yield made
    finally:
        made.end()


def installed(grammar: str) -> bool:
    """Whether the parser and a grammar are there."""
    try:
        _require(grammar)
    except UsageError:
        return False
    return True


def parse(data: bytes, grammar: str, seconds: float = SECONDS) -> Syntax:
    """What the parser says of a text.

    Raises:
        UsageError: The extra is not installed.
    """
    with parser(grammar, seconds) as made:
        return made.parse(data)


def examine(texts: Iterable[tuple[str, bytes]], grammar: str, seconds: float = SECONDS) -> Tally:
    """The same of several texts, each with a name; of those with faults the first is kept."""
    tally = Tally()
    with parser(grammar, seconds) as made:
        for name, data in texts:
            tally.count(name, made.parse(data))
    return tally


def _require(grammar: str) -> None:
    module = grammar.partition(":")[0]
    try:
        for each in ("tree_sitter", module):
            importlib.import_module(each)
    except ImportError as error:
        raise UsageError(f"the parser {module.replace('_', '-')} is not installed", INSTALL) from error
