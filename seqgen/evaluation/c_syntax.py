"""Whether C is in order, as a parser judges that shares nothing with seqgen's own grammar: tree-sitter-c, an extra.

tree-sitter reads any text and marks what does not fit: an ERROR node for what it had to pass over, a MISSING node for
what it had to assume. A text is in order where there is neither. It does not run the preprocessor, so that C which
compiles may be marked too, where macros stand for what the grammar of C wants: of SQLite's functions about half are.
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

INSTALL = "pip install 'seqgen-art[c]'"
SECONDS = 10.0  # for one text; a file of 10 MB takes one
PROGRAM = Path(__file__).with_name("_c_parser.py")


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
        functions: Function definitions outside everything.
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
        seconds: How long it may take for one text.

    Raises:
        UsageError: The extra is not installed.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        _require()
        self._seconds = seconds
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-P", str(PROGRAM)]
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
def parser(seconds: float = SECONDS) -> Iterator[Parser]:
    """A `Parser` for several texts."""
    made = Parser(seconds)
    try:
        yield made
    finally:
        made.end()


def installed() -> bool:
    """Whether the extra is there."""
    try:
        _require()
    except UsageError:
        return False
    return True


def parse(data: bytes, seconds: float = SECONDS) -> Syntax:
    """What the parser says of a text.

    Raises:
        UsageError: The extra is not installed.
    """
    with parser(seconds) as made:
        return made.parse(data)


def examine(texts: Iterable[tuple[str, bytes]], seconds: float = SECONDS) -> Tally:
    """The same of several texts, each with a name; of those with faults the first is kept."""
    tally = Tally()
    with parser(seconds) as made:
        for name, data in texts:
            found = made.parse(data)
            tally.files += 1
            tally.in_order += not (found.faults or found.given_up)
            tally.functions += found.functions
            tally.sound += found.sound
            if found.given_up:
                tally.first_faults[name] = found.given_up
            elif found.faults:
                first = found.faults[0]
                tally.first_faults[name] = f"line {first.line:,}: {first.kind}"
    return tally


def _require() -> None:
    try:
        for module in ("tree_sitter", "tree_sitter_c"):
            importlib.import_module(module)
    except ImportError as error:
        raise UsageError("the parser tree-sitter-c is not installed", INSTALL) from error
