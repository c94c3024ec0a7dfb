"""The worst inputs of each grammar: a structure repeated and nested, at 1, 2, 4 and 8 times the size.

A shape is drawn from a grammar's fragments: one to three bodies, each a few fragments again and again, or opened many
times and closed as often. Whatever the shape, eight times the input may take sixteen times as long at most (and what
takes no time at all is not measured), a second in all, and memory that does not grow beyond the check's limit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from seqgen import registry
from seqgen.api.control import parse_control
from seqgen.codecs.c_source import CSource, balanced_grammar, c_grammar
from seqgen.errors import SeqgenError
from seqgen.evaluation import syntax
from seqgen.jobs.describe.music import describe
from seqgen.music.controls import instruments, tonality
from seqgen.report import Report
from seqgen.rules import parse
from seqgen.selftest import MEMORY, Tally, _grammars, fuzz, peak_memory
from seqgen.selftest._grammars import Grammar
from seqgen.tokenization import restoring
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

TITLE = "the worst inputs of each grammar: linear time, 1 s, 300 MB"
QUICK, LONG = 300, 20_000
SIZES = 1, 2, 4, 8
BYTES = 500, 4_000, 16_000  # of the smallest; the largest is 128 kB, which the slowest reader takes half a second for
KNOWN_BYTES = 4_000
SECONDS = 1.0  # of processor time for one input
FACTOR = 16  # eight times the input may take so many times as long,
FLOOR = 0.1  # and so many seconds more
TRIES = 3  # of a measurement that seems to fail
TREE_SITTER = CSource.tree_sitter(".c")  # the others are held in the same way
HELD = 0.5  # seconds that the parser of C may be held for one text
Target = Callable[[bytes], object]


@dataclass(frozen=True)
class Shape:
    """An input of any size.

    Attributes:
        grammar: What it is made of.
        head: Its beginning.
        bodies: For each body what is repeated, what is then repeated as often (to close), and the body's share.
        cut: Whether what opens is never closed.
    """

    grammar: Grammar
    head: bytes
    bodies: tuple[tuple[bytes, bytes, float], ...]
    cut: bool

    def made(self, size: int) -> bytes:
        """About `size` bytes, before they are wrapped."""
        bodies = []
        for place, (opening, closing, share) in enumerate(self.bodies):
            count = max(1, round(size * share / len(opening + closing)))
            numbered = b"{i}" in opening
            body = b"".join(opening.replace(b"{i}", b"%d" % at) for at in range(count)) if numbered else opening * count
            body += b"" if self.cut else closing.replace(b"{i}", b"1") * count
            bodies.append(self.head + body if place == 0 else body)
        return self.grammar.wrap(bodies)


def _known(grammar: Grammar, head: bytes, *bodies: tuple[bytes, float]) -> Shape:
    return Shape(grammar, head, tuple((body, b"", share) for body, share in bodies), True)


PARTS, MEASURES = (b"</measure></part><part id='{i}'><measure>", 0.3), (b"</measure><measure>", 0.7)
KNOWN = (  # what once took the square of its size in time or memory; chance alone seldom comes upon it
    ("abc", _known(_grammars.ABC, b"X:1\nM:4", (b" ", 0.95), (b"x", 0.05))),
    ("abc", _known(_grammars.ABC, b"X:1\nL:1/8\nK:C\nc", (b"{g}", 1.0))),
    ("abc", _known(_grammars.ABC, b"M:3/4\nX:1\nK:C\n", (b"V:{i}\n", 0.01), (b"c", 0.99))),
    ("abc", _known(_grammars.ABC, b"", (b"M:3/4\n", 0.1), (b"X:1\n", 0.9))),
    ("musicxml", _known(_grammars.XML, b"", MEASURES, PARTS)),
    ("mxl", _known(_grammars.MXL, b"", (b"<rootfile a ", 1.0))),
    ("schedule", _known(_grammars.SCHEDULE, b"", (b".", 0.99), (b"=", 0.01))),
    ("schedule", _known(_grammars.SCHEDULE, b"", (b"1..", 1.0))),
    ("recipe", _known(_grammars.TOML, b"", (b"a.", 1.0))),
    ("names", _known(_grammars.TEXT, b"", (b"a", 1.0))),
    ("names", _known(_grammars.TEXT, b"", (b"a ", 1.0))),
)


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """All readers in turn; each shape is four inputs."""
    found = list(readers(folder).items())
    for name, shape in KNOWN:
        grows(tally, name, dict(found)[name][0], shape, KNOWN_BYTES)
    for index in range(max(1, count // len(SIZES))):
        name, (target, grammars) = found[index % len(found)]
        shape = drawn(random, random.choice(grammars))
        grows(tally, name, target, shape, random.choice(BYTES))
    if syntax.installed(TREE_SITTER):
        held(tally, random, max(1, count // 2_000))
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")


def drawn(random: Random, grammar: Grammar) -> Shape:
    """A shape at random."""
    bodies = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        if grammar.pairs and random.random() < 0.25:
            opening, closing = random.choice(grammar.pairs)
            bodies.append((opening, closing, random.random()))
        else:
            some = b"".join(random.choice(grammar.fragments) for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))))
            bodies.append((some, b"", random.random()))
    total = sum(share for *_, share in bodies)
    shares = tuple((opening, closing, share / total) for opening, closing, share in bodies)
    return Shape(grammar, random.choice(grammar.heads), shares, random.random() < 0.3)


def grows(tally: Tally, name: str, target: Target, shape: Shape, size: int) -> None:
    """One shape at all sizes."""
    before = peak_memory()
    seconds = [measured(tally, name, target, shape.made(size * times)) for times in SIZES]
    for _ in range(TRIES - 1):
        if max(seconds) <= SECONDS and seconds[-1] <= FACTOR * seconds[0] + FLOOR:
            break
        for at, times in enumerate(SIZES):  # what else the machine does only ever adds
            seconds[at] = min(seconds[at], measured(Tally(), name, target, shape.made(size * times)))
    tally.most("slowest_s", max(seconds))
    for times, took in zip(SIZES, seconds):
        what = f"{name}: {took:.2f} s for {size * times:,} bytes of {shape.head!r} {shape.bodies!r}"
        tally.case(took <= SECONDS, what)
    if seconds[-1] > FACTOR * seconds[0] + FLOOR:
        tally.case(False, f"{name}: {seconds[0]:.3f} s, then {seconds[-1]:.3f} s for 8 times as much ({what})")
    if before <= MEMORY < peak_memory():
        tally.case(False, f"{name}: memory passes the limit with {what}")


def measured(tally: Tally, name: str, target: Target, data: bytes) -> float:
    """Seconds of processor time that one input takes."""
    began = time.process_time()
    try:
        target(data)
        tally.count("read")
    except SeqgenError:
        tally.count("refused")
    except Exception as error:
        tally.case(False, f"{name}: {type(error).__name__}: {error} for {data[:200]!r}")
    return time.process_time() - began


def held(tally: Tally, random: Random, count: int) -> None:
    """Texts that hold the parser of C, which is slower than linear: it is given up in time, and the next is read."""
    with syntax.parser(TREE_SITTER, HELD) as parser:
        for _ in range(count):
            data = random.choice((b"x " + b"*/ " * 20_000 + b"x\n", drawn(random, _grammars.C).made(64_000)))
            began = time.monotonic()
            parser.parse(data)
            tally.case(time.monotonic() - began < HELD + 5, f"the parser of C is held by {data[:100]!r}")
            tally.case(parser.parse(b"int f(void) { return 1; }").sound == 1, "the parser of C does not come back")


def readers(folder: Path) -> dict[str, tuple[Target, list[Grammar]]]:
    """What reads strangers' bytes, and the grammars of these."""
    others = fuzz.targets(folder)
    scores = [
        _grammars.ABC,
        _grammars.XML,
        _grammars.XML_MEASURES,
        _grammars.MXL,
        _grammars.MIDI,
        _grammars.MIDI_CHUNKS,
    ]
    found: dict[str, tuple[Target, list[Grammar]]] = {
        "abc": (music("midi"), [_grammars.ABC]),
        "musicxml": (music("midi"), [_grammars.XML, _grammars.XML_MEASURES]),
        "mxl": (music("midi"), [_grammars.MXL]),
        "midi": (music("midi"), [_grammars.MIDI, _grammars.MIDI_CHUNKS]),
        "inspect music": (describe, scores),
    }
    for name in ("midi_bar", "midi_388", "midi_grid"):
        found[name] = (music(name), scores)
    for name in registry.own("codecs"):
        if name not in found:
            found[name] = (others[f"encode {name}"][0], [_grammars.TEXT, _grammars.C])
    for name in ("c_source", "char"):
        found[f"fit {name}"] = (_fitted(name), [_grammars.TEXT, _grammars.C])
    found |= {
        "c grammar": (_stepped(False), [_grammars.C]),
        "c grammar, tidy": (_stepped(True), [_grammars.C]),
        "recipe": (others["recipe"][0], [_grammars.TOML]),
        "settings": (others["settings"][0], [_grammars.SCHEDULE, _grammars.TEXT]),
        "schedule": (_ruled, [_grammars.SCHEDULE]),
        "key and instruments": (_keyed, [_grammars.SCHEDULE, _grammars.TEXT]),
        "control": (parse_control, [_grammars.JSON]),
        "takes": (others["takes"][0], [_grammars.JSON]),
        "names": (_named(folder), [_grammars.TEXT, _grammars.SCHEDULE]),
    }
    return found


def music(name: str) -> Target:
    """Every piece in a file, read and encoded."""
    kind = registry.load("codecs", name)
    codec = kind.fit([], kind.Options())

    def read(data: bytes) -> None:
        for piece in codec.documents(data):
            codec.encode(piece, Report())

    return read


def _fitted(name: str) -> Target:
    kind = registry.load("codecs", name)
    options = kind.Options(strip_licence=True) if name == "c_source" else kind.Options()

    def read(data: bytes) -> None:
        codec = kind.fit([data], options)
        for piece in codec.documents(data):
            codec.encode(piece)

    return read


def _stepped(tidy: bool) -> Target:
    """A prompt of C, token by token, and what would close it."""
    tokens = [bytes([value]) for value in range(256)]

    def read(data: bytes) -> None:
        grammar = balanced_grammar(tokens, 100, 100).inner if tidy else c_grammar(tokens)
        state = grammar.start()
        for token in data[: len(data) // 4]:  # a prompt costs more than a file
            state = grammar.step(state, token)
        grammar.closing(state)

    return read


def _ruled(data: bytes) -> None:
    parse("temperature", data.decode("latin-1"))


def _keyed(data: bytes) -> None:
    text = data.decode("latin-1")
    for read in (lambda: tonality(text, None), lambda: tonality("C", text), lambda: instruments(text)):
        try:
            read()
        except SeqgenError:
            continue


def _named(folder: Path) -> Target:
    """The files of a stream of many documents: the names of its sources are the input's words, many alike."""
    (folder / "one.txt").write_text("x", "utf-8")
    stream = tokenize(resolve([folder / "one.txt"]), TokenizeSettings("byte"), folder / "one.tokens")
    tokenizer = Tokenizer.from_spec(stream.codec_spec)

    def read(data: bytes) -> None:
        words = data.decode("latin-1").split() or ["a"]
        named = [word for word in words for _ in range(1 + len(data) // (8 * len(words)))]
        for _ in restoring.names(tokenizer, named):
            pass

    return read
