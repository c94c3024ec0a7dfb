"""Exports of takes as a forger changes them: fields, sources, tokens, order, text; often with ids that fit again."""

import copy
import json
import re
from random import Random
from typing import Any

from seqgen.codecs.char import Char, CharOptions
from seqgen.selftest._mutations import mutated
from seqgen.takes.record import Beginning, Ending, TakeSource, pack
from seqgen.tokenizer import Spec, Tokenizer

RAW = "raw:"  # before text that stands in the JSON as it is, without its quotes
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 65_536, 70_000, 2**31, 2**32, 2**63, 2**64, 0.5, -0.5, 1e300, "", "x", "last", "1",
    "open-1", "0" * 12, "f" * 64, "\x1b]0;owned\x07", "a\nb", "\u202e", "\ud800", "x" * 100_000, [], {}, [[]],
    {"a": {}}, RAW + "NaN", RAW + "Infinity", RAW + "-Infinity", RAW + "1e999", RAW + "9" * 5000, RAW + "-0",
    RAW + "[" * 40 + "]" * 40,
    RAW + "[" * 5000 + "]" * 5000, RAW + '{"a":1,"a":2}', "2026-01-01", "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+23:59", "interrupted", "stop", "../../x", "midi", "char", "subword",
)  # fmt: skip
_RAWS = re.compile(rf'"{RAW}(?:[^"\\]|\\.)*"')
Line = dict[str, Any]  # forged at will
Lines = list[Line]


def forged(random: Random, exports: list[Lines]) -> bytes:
    """One of some exports, with one to four changes, of which some need another."""
    lines = copy.deepcopy(random.choice(exports))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(CHANGES)(random, lines, copy.deepcopy(random.choice(exports)))
    if random.random() < 0.8:
        lines = resealed(lines)
    data = b"".join(map(text_of, lines))
    if random.random() < 0.15:
        return mutated(random, data)
    return data[: random.randrange(len(data))] if random.random() < 0.05 else data


def poisoned(random: Random, exports: list[Lines]) -> bytes:
    """One of some exports in which all fits, but its tokenizers are others, or a token is outside its vocabulary."""
    lines = copy.deepcopy(random.choice(exports))
    if random.random() < 0.7:
        lines = [line | ({"tokenizer": _wide()} if line["kind"] == "source" else {}) for line in lines]
    else:
        random.choice([line for line in lines if line["kind"] == "tokens"])["ids"].append(random.choice((400, 70_000)))
    return b"".join(map(text_of, resealed(lines)))


def resealed(lines: Lines) -> Lines:
    """The same, where it can be done with ids, counts and an end that are right: nothing stops a forger from that."""
    for at, line in enumerate(lines):
        if line.get("kind") == "take":
            _seal(line, _following(lines[at + 1 :]))
    if lines and lines[-1].get("kind") == "end":
        lines[-1]["takes"] = sum(line.get("kind") == "take" for line in lines)
    return lines


def _wide() -> Spec:
    """A tokenizer that has a letter for each token of any other here."""
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 800)))
    return Tokenizer(Char.fit([letters.encode()], CharOptions()), "char").spec()


def _seal(take: Line, tokens: list[Any]) -> None:
    try:
        source = TakeSource(take["source"], "", "", {})
        beginning = Beginning(source, take["sample"], take["seed"], take["settings"], {})
        take["tokens"] = len(tokens) - take["prompt_tokens"]
        ending = Ending(take["finished"], take["prompt_tokens"], take["tokens"], take["excess"], 0.0)
        take["id"] = beginning.fingerprint().extended(pack(tokens)).id(ending)
    except (ValueError, TypeError, KeyError, OverflowError):
        return


def _following(lines: Lines) -> list[Any]:
    tokens: list[Any] = []
    for line in lines:
        if line.get("kind") != "tokens" or not isinstance(line.get("ids"), list):
            break
        tokens += line["ids"]
    return tokens


def _field(random: Random, lines: Lines, other: Lines) -> None:
    line = random.choice(lines)
    key = random.choice([*line, "odd"])
    if random.random() < 0.2:
        line.pop(key, None)
    else:
        line[key] = random.choice(ODD)


def _deep(random: Random, lines: Lines, other: Lines) -> None:
    """A setting, an option, a state, a version."""
    place: Any = random.choice(lines)
    while True:
        inside = [key for key, value in place.items() if isinstance(value, dict) and value]
        if not inside or random.random() < 0.2:
            break
        place = place[random.choice(inside)]
    keys = [*place, "no_prompt", "timing"]
    timing = {"ticks": random.choice(ODD), "tempo": [[0, random.choice(ODD)]], "meter": [[0, 4, 4]]}
    place[random.choice(keys)] = random.choice((*ODD, timing))


def _swap(random: Random, lines: Lines, other: Lines) -> None:
    """The same field of two lines of one kind."""
    line = random.choice(lines)
    theirs = random.choice([each for each in (*lines, *other) if each.get("kind") == line.get("kind")] or [line])
    key = random.choice(list(line) or ["kind"])
    if key in theirs and key in line:
        line[key], theirs[key] = copy.deepcopy(theirs[key]), copy.deepcopy(line[key])


def _source(random: Random, lines: Lines, other: Lines) -> None:
    """A known checkpoint with the tokenizer, the name or the hash of another."""
    sources = [line for line in lines if line.get("kind") == "source"]
    theirs = [line for line in (*other, *lines) if line.get("kind") == "source"]
    if not sources or not theirs:
        return
    line, key = random.choice(sources), random.choice(("hash", "tokenizer", "name", "corpus"))
    if key in random.choice(theirs):
        before, line[key] = line.get(key), copy.deepcopy(random.choice(theirs).get(key))
        for take in lines:
            if key == "hash" and take.get("source") == before:
                take["source"] = line[key]
    if random.random() < 0.3:
        lines.insert(random.randrange(len(lines)), copy.deepcopy(random.choice(theirs)))


def _tokens(random: Random, lines: Lines, other: Lines) -> None:
    tokens = [line for line in lines if line.get("kind") == "tokens" and isinstance(line.get("ids"), list)]
    if not tokens:
        return
    ids = random.choice(tokens)["ids"]
    at = random.randrange(len(ids) + 1)
    kind = random.randrange(4)
    if kind == 0:
        ids[at:at] = [random.choice((0, 1, 2, 3, 50, 300, 70_000, 2**32 - 1, random.choice(ODD)))]
    elif kind == 1:
        del ids[at:]
    elif kind == 2:
        ids[at:at] = ids[:at]
    else:
        random.shuffle(ids)


def _order(random: Random, lines: Lines, other: Lines) -> None:
    """A line is lost, doubled, moved, or comes from elsewhere."""
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0 and len(lines) > 1:
        del lines[at]
    elif kind == 1:
        lines.insert(to, copy.deepcopy(lines[at]))
    elif kind == 2:
        lines.insert(to, lines.pop(at))
    else:
        lines.insert(to, copy.deepcopy(random.choice(other)))


def _counts(random: Random, lines: Lines, other: Lines) -> None:
    takes = [line for line in lines if line.get("kind") == "take"]
    if takes:
        key = random.choice(("prompt_tokens", "tokens", "excess", "finished", "seconds", "created", "starred", "id"))
        random.choice(takes)[key] = random.choice((0, 1, 3, 5, 200, "stop", "end", "open-7", 1e9, True, -1))


def text_of(line: Line) -> bytes:
    """A line of JSON."""
    text = json.dumps(line, separators=(",", ":"))
    return _RAWS.sub(lambda found: json.loads(found[0]).removeprefix(RAW), text).encode("ascii") + b"\n"


CHANGES = (_field, _deep, _deep, _swap, _source, _source, _source, _tokens, _tokens, _order, _counts)
