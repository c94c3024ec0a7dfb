"""Takes as lines of JSON, for another machine. Each line is an object; they come in this order:

    {"kind": "seqgen takes", "version": 1}
    {"kind": "source", "hash", "name", "corpus", "tokenizer"}       once for each checkpoint, before its takes
    {"kind": "take", "id", "created", "source", "sample", "seed", "settings", "circumstances", "versions",
                     "starred", "finished", "prompt_tokens", "tokens", "excess", "seconds"}
    {"kind": "tokens", "ids"}                                       the take's tokens, in as many lines as it takes
    …
    {"kind": "end", "takes"}                                        how many there were: a cut file shows

Ids are checked against the tokens on the way in. A take that is there already is passed over.
"""

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

from seqgen.errors import TakeError
from seqgen.takes.record import Beginning, Ending, Source, Take, pack, unpack
from seqgen.takes.replay import checked, tokenizer_of
from seqgen.takes.store import Part, Takes
from seqgen.tokenizer import Tokenizer

KIND = "seqgen takes"
VERSION = 1
MAX_LINE = 1 << 27  # bytes: a tokenizer of many thousand pieces, or a part of a take
PART = 1 << 16  # tokens a line


def export(takes: Takes, chosen: Iterable[Take]) -> Iterator[bytes]:
    """The lines of some takes.

    Raises:
        TakeError: One of them is damaged.
    """
    yield _line(kind=KIND, version=VERSION)
    told: set[str] = set()
    count = 0
    for take in chosen:
        source = take.beginning.source
        if source.hash not in told:
            told.add(source.hash)
            about = {"hash": source.hash, "name": source.name, "corpus": source.corpus}
            yield _line(kind="source", **about, tokenizer=source.tokenizer)
        yield _line(kind="take", **facts(take))
        for part in checked(takes, take, tokenizer_of(take).vocab_size):
            ids = unpack(part.data)
            for begin in range(0, len(ids), PART):
                yield _line(kind="tokens", ids=ids[begin : begin + PART].tolist())
        count += 1
    yield _line(kind="end", takes=count)


def facts(take: Take) -> dict[str, Any]:
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


def bring_in(takes: Takes, file: IO[bytes], name: str) -> tuple[int, int]:
    """How many takes of an export were taken in, and how many were there already: all of them, or none on an error.

    Raises:
        TakeError: The file is no export, is damaged or cut short.
    """
    try:
        with takes.transaction():
            return _Import(takes, name).run(_objects(file, name))
    except TakeError as error:
        if isinstance(error.__cause__, KeyError | TypeError | ValueError):
            raise _refusal(name, f"its lines make no sense ({error.__cause__})") from error
        raise


class _Import:
    """One file on its way in."""

    def __init__(self, takes: Takes, name: str) -> None:
        self.takes, self.name = takes, name
        self.sources: dict[str, Source] = {}
        self.new = self.known = 0

    def run(self, lines: Iterator[dict[str, Any]]) -> tuple[int, int]:
        """Take in every line."""
        first = next(lines, {})
        if first.get("kind") != KIND:
            raise TakeError(f"{self.name}: is no export of takes", "make one with: seqgen takes export")
        if first.get("version") != VERSION:
            raise TakeError(f"{self.name}: was written by a newer seqgen", "install a newer seqgen")
        line = next(lines, {})
        while line.get("kind") in ("source", "take"):
            line = self._source(line, lines) if line["kind"] == "source" else self._take(line, lines)
        if line.get("kind") != "end" or line.get("takes") != self.new + self.known:
            raise _refusal(self.name, "it is cut short")
        return self.new, self.known

    def _source(self, line: dict[str, Any], lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
        Tokenizer.from_spec(line["tokenizer"])
        self.sources[line["hash"]] = Source(
            str(line["hash"]), str(line["name"]), str(line["corpus"]), line["tokenizer"]
        )
        return next(lines, {})

    def _take(self, line: dict[str, Any], lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
        source = self.sources[line["source"]]
        beginning = Beginning(
            source, int(line["sample"]), int(line["seed"]), dict(line["settings"]), dict(line["circumstances"])
        )
        prompt_tokens, tokens, excess = (int(line[key]) for key in ("prompt_tokens", "tokens", "excess"))
        ending = Ending(str(line["finished"]), prompt_tokens, tokens, excess, float(line["seconds"]))
        key = self.takes.begin(beginning, str(line["created"]), dict(line["versions"]))
        fingerprint, count, place = beginning.fingerprint(), 0, 0
        following = next(lines, {})
        while following.get("kind") == "tokens":
            data = pack(_ids(following["ids"]))
            fingerprint, count = fingerprint.extended(data), count + len(following["ids"])
            self.takes.append(key, Part(place, data), ending)
            place, following = place + 1, next(lines, {})
        self._settle(line, key, fingerprint.id(ending), ending, count)
        return following

    def _settle(self, line: dict[str, Any], key: int, base: str, ending: Ending, count: int) -> None:
        """Name the take, or let it go again where it is known."""
        id = str(line["id"])
        unnamed = id.startswith("open-")
        if count != ending.prompt_tokens + ending.tokens or not (unnamed or base == id.split("-")[0]):
            raise _refusal(self.name, f"the tokens of take {id[:40]!r} do not match its id")
        if self.takes.knows(base):
            self.takes.drop(key)
            self.known += 1
            return
        self.new += 1
        self.takes.finish(key, base, ending)
        self.takes.set_star(key, bool(line["starred"]))


def _objects(file: IO[bytes], name: str) -> Iterator[dict[str, Any]]:
    """The lines of a file, each read only as far as a line may go."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise _refusal(name, "a line is too long")
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise TakeError(f"{name}: is no export of takes", "make one with: seqgen takes export") from None
        if not isinstance(value, dict):
            raise TakeError(f"{name}: is no export of takes", "make one with: seqgen takes export")
        yield value


def _ids(values: Any) -> list[int]:
    if not isinstance(values, list) or not all(type(value) is int and 0 <= value < 1 << 32 for value in values):
        raise ValueError("tokens that are no list of numbers")
    return values


def _line(**values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _refusal(name: str, fault: str) -> TakeError:
    return TakeError(f"{name}: is damaged: {fault}", "export it again; nothing was taken in")
