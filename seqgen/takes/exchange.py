"""Takes as lines of JSON, for another machine. Each line is an object; they come in this order:

    {"kind": "seqgen takes", "version": 1}
    {"kind": "source", "hash", "name", "corpus", "tokenizer"}       a checkpoint, before its takes
    {"kind": "take", "id", "created", "source", "sample", "seed", "settings", "circumstances", "versions",
                     "starred", "finished", "prompt_tokens", "tokens", "excess", "seconds"}
    {"kind": "tokens", "ids"}                                       the take's tokens, in as many lines as it takes
    …
    {"kind": "end", "takes"}                                        how many there were: a cut file shows

A take comes from the latest source above it that has its hash. What is exported was replayed before. A file that comes
in is read to its end into a list of its own and every take of it is replayed there; only then are its takes copied, all
of them or none. A take that is there already is passed over.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from seqgen.errors import MALFORMED, SeqgenError, TakeError
from seqgen.takes._checking import Fault, plain_object, require_keys, require_name, source_of, take_of
from seqgen.takes.record import Fingerprint, Take, TakeSource, is_id, pack, unpack
from seqgen.takes.replay import replay
from seqgen.takes.store import TakePart, Takes
from seqgen.tokenizer import Tokenizer

Line = dict[str, object]  # of an export, as it was read
KIND = "seqgen takes"
VERSION = 1
MAX_LINE = 1 << 22  # bytes: a tokenizer of many thousand pieces, or a part of a take
PART = 1 << 16  # tokens a line
NAMESAKES = 16  # takes of one file that have the same digits, but not the same tokens
SOURCE = {"kind", "hash", "name", "corpus", "tokenizer"}
TAKE = {
    "kind", "id", "created", "source", "sample", "seed", "settings", "circumstances", "versions", "starred",
    "finished", "prompt_tokens", "tokens", "excess", "seconds",
}  # fmt: skip


def export(
    takes: Takes, chosen: Iterable[Take], left_out: Callable[[TakeError], None] | None = None
) -> Iterator[bytes]:
    """The lines of some takes.

    Args:
        takes: Where they are.
        chosen: Which.
        left_out: Is told of each that is damaged; None: the first of them is raised.

    Raises:
        TakeError: One of them is damaged.
    """
    yield _line(kind=KIND, version=VERSION)
    told: dict[str, TakeSource] = {}
    count = 0
    for take in chosen:
        try:
            replayed(takes, take)
        except TakeError as error:
            if left_out is None:
                raise
            left_out(error)
            continue
        source = take.beginning.source
        if told.get(source.hash) != source:
            told[source.hash] = source
            about = {"hash": source.hash, "name": source.name, "corpus": source.corpus}
            yield _line(kind="source", **about, tokenizer=source.tokenizer)
        yield _line(kind="take", **facts(take))
        for part in takes.parts(take):
            ids = unpack(part.data)
            for begin in range(0, len(ids), PART):
                yield _line(kind="tokens", ids=ids[begin : begin + PART].tolist())
        count += 1
    yield _line(kind="end", takes=count)


def facts(take: Take) -> dict[str, object]:
    """A take as plain JSON data, without its tokens and its tokenizer."""
    beginning, ending = take.beginning, take.ending
    return {
        "id": take.id,
        "created": take.created,
        "source": beginning.source.hash,
        "sample": beginning.sample,
        "seed": beginning.seed,
        "settings": beginning.settings,
        "circumstances": beginning.circumstances,
        "versions": take.versions,
        "starred": take.starred,
        "finished": ending.finished,
        "prompt_tokens": ending.prompt_tokens,
        "tokens": ending.tokens,
        "excess": ending.excess,
        "seconds": round(ending.seconds, 3),
    }


def replayed(takes: Takes, take: Take) -> None:
    """Replay a take for nobody.

    Raises:
        TakeError: It is damaged.
    """
    for _ in replay(takes, take):
        pass


@contextlib.contextmanager
def brought(file: IO[bytes], name: str) -> Iterator["Brought"]:
    """The takes of an export, looked through to the last byte before anything else is opened.

    Raises:
        TakeError: The file is no export, is damaged or cut short.
    """
    with Takes.temporary() as apart:
        found = Brought(apart)
        with apart.transaction():
            _Reading(found, file, name).run()
        yield found


def bring_in(takes: Takes, file: IO[bytes], name: str) -> tuple[int, int]:
    """How many takes of an export were taken in, and how many were there already: all of them, or none on an error.

    Raises:
        TakeError: The file is no export, is damaged or cut short.
    """
    with brought(file, name) as found:
        return found.into(takes)


class Brought:
    """What came in, in a list of its own: the keys of its takes, and how many takes came a second time."""

    def __init__(self, apart: Takes) -> None:
        self.apart = apart
        self.keys: list[int] = []
        self.doubles = 0

    def into(self, takes: Takes) -> tuple[int, int]:
        """How many were copied into the list `takes`, and how many were there already.

        Raises:
            TakeError: The list cannot be written; it is as it was.
        """
        known = self.doubles
        with takes.transaction():
            latest = takes.latest()
            for key in self.keys:
                take = self.apart.load(key)
                if self._is_there(takes, take, latest):
                    known += 1
                else:
                    self._copy(takes, take)
        return len(self.keys) + self.doubles - known, known

    def _is_there(self, takes: Takes, take: Take, latest: int) -> bool:
        alike = list(takes.alike(take, latest))
        if not alike:
            return False
        whole = _whole(self.apart, take)
        return any(_whole(takes, other) == whole for other in alike)

    def _copy(self, takes: Takes, take: Take) -> None:
        key = takes.begin(take.beginning, take.created, take.versions, imported=True)
        for part in self.apart.parts(take):
            takes.append(key, part, take.ending)
        takes.finish(key, take.base, take.ending)
        takes.set_star(key, take.starred)


class _Reading:
    """One file on its way in. Its faults name a line of it, never the list that it is to go into."""

    def __init__(self, found: Brought, file: IO[bytes], name: str) -> None:
        self.found, self.file, self.name = found, file, name
        self.number = 0
        self.sources: dict[str, TakeSource] = {}
        self.seen: dict[str, set[str]] = {}  # base → what tells takes with that base apart

    def run(self) -> None:
        """Read every line."""
        try:
            self._first(self._next())
            line, count = self._next(), 0
            while line.get("kind") in ("source", "take"):
                if line["kind"] == "source":
                    line = self._source(line)
                else:
                    line, count = self._take(line), count + 1
            if line.get("kind") != "end" or repr(line.get("takes")) != str(count):
                raise Fault("it is cut short")
            require_keys(line, {"kind", "takes"})
            if self.file.read(1):
                raise Fault("it goes on after its end")
        except MALFORMED as error:
            fault = str(error) if isinstance(error, Fault) else f"it makes no sense ({type(error).__name__})"
            hint = "export it again; nothing was taken in"
            raise TakeError(f"{self.name}: is damaged: line {self.number}: {fault}", hint) from error

    def _first(self, line: Line) -> None:
        if line.get("kind") != KIND:
            raise self._none()
        if line.get("version") != VERSION:
            raise TakeError(f"{self.name}: was written by a newer seqgen", "install a newer seqgen")
        require_keys(line, {"kind", "version"})

    def _next(self) -> Line:
        """The next line, read only as far as a line may go; {} after the last."""
        line = self.file.readline(MAX_LINE + 1)
        self.number += 1
        if len(line) > MAX_LINE:
            raise Fault("it is too long")
        try:
            return plain_object(line) if line else {}
        except Fault:
            if self.number == 1:
                raise self._none() from None
            raise

    def _none(self) -> TakeError:
        return TakeError(f"{self.name}: is no export of takes", "make one with: seqgen takes export")

    def _source(self, line: Line) -> Line:
        require_keys(line, SOURCE)
        source = source_of(line)
        try:
            Tokenizer.from_spec(source.tokenizer)
        except SeqgenError as error:
            raise Fault(error.message) from error
        self.sources[source.hash] = source
        return self._next()

    def _take(self, line: Line) -> Line:
        require_keys(line, TAKE)
        require_name(line["id"])
        if not isinstance(line["source"], str) or line["source"] not in self.sources:
            raise Fault("a take of a source that is not above it")
        take = take_of(str(line["id"]), line, self.sources[line["source"]])
        apart, begun = self.found.apart, self.number
        try:
            key = apart.begin(take.beginning, take.created, take.versions)
        except TakeError as error:
            raise Fault(error.message) from error
        fingerprint, following = self._tokens(key, take)
        base = fingerprint.id(take.ending)
        if is_id(take.id) and take.base != base:
            raise Fault(f"the tokens of take {take.id!r} do not match its id")
        if self._is_new(base, f"{take.beginning.source.digest} {fingerprint.whole(take.ending)}"):
            apart.finish(key, base, take.ending)
            apart.set_star(key, take.starred)
            self._look(key, begun)
            self.found.keys.append(key)
        return following

    def _tokens(self, key: int, take: Take) -> tuple[Fingerprint, Line]:
        """The tokens of a take go to its key; their fingerprint, and the line after them."""
        fingerprint, place, left = take.beginning.fingerprint(), 0, take.ending.prompt_tokens + take.ending.tokens
        following = self._next()
        while following.get("kind") == "tokens":
            require_keys(following, {"kind", "ids"})
            ids = _ids(following["ids"])
            data = pack(ids)
            left -= len(ids)
            fingerprint = fingerprint.extended(data)
            self.found.apart.append(key, TakePart(place, data), take.ending)
            place, following = place + 1, self._next()
        if left:
            raise Fault("the tokens of a take are more or fewer than it says, so they do not match its id")
        return fingerprint, following

    def _look(self, key: int, begun: int) -> None:
        """Replay what was read."""
        try:
            replayed(self.found.apart, self.found.apart.load(key))
        except SeqgenError as error:
            self.number = begun
            raise Fault(error.message) from error

    def _is_new(self, base: str, whole: str) -> bool:
        """Whether the file did not have a take before; it is remembered then."""
        seen = self.seen.setdefault(base, set())
        if whole in seen:
            self.found.doubles += 1
            return False
        if len(seen) == NAMESAKES:
            raise Fault(f"more than {NAMESAKES} takes are called {base}")
        seen.add(whole)
        return True


def _whole(takes: Takes, take: Take) -> str:
    """All that tells a take from others with its digits, read from its tokens."""
    fingerprint = take.beginning.fingerprint()
    for part in takes.parts(take):
        fingerprint = fingerprint.extended(part.data)
    return fingerprint.whole(take.ending)


def _ids(values: object) -> list[int]:
    if not isinstance(values, list) or not 0 < len(values) <= PART:
        raise Fault(f"tokens that are no list of 1 to {PART:,} numbers")
    if not all(type(value) is int and 0 <= value < 1 << 32 for value in values):
        raise Fault("tokens that are no whole numbers")
    return values


def _line(**values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"
