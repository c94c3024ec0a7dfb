"""The facts about a file as rows for people: a key, and what stands behind it."""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seqgen.evaluation.syntax import INSTALL
from seqgen.files import size
from seqgen.jobs.describe.code import CodeFacts
from seqgen.jobs.describe.facts import CheckpointFacts, CorpusFacts, Facts, StreamFacts
from seqgen.jobs.describe.music import FolderFacts, MusicFacts
from seqgen.jobs.describe.tables import TableFacts
from seqgen.report import LeftOutRecord, ReportRecord

Rows = Iterator[tuple[str, str]]

ROOM = 177  # characters of a vocabulary that are shown
_BYTE = re.compile("<[0-9A-F]{2}>")
SHOWN = 5  # of the files left out
FIELDS = 12  # of tables that are shown
READER = "pip install 'seqgen-art[tables]'"


def titled(found: Facts) -> tuple[str, Rows]:
    """(what it is, the rows)."""
    title, rows = TABLES[found["kind"]]
    return title, rows(found)


def _stream(found: StreamFacts) -> Rows:
    yield "codec", _with(found["codec"], found["options"])
    yield "tokens", f"{found['tokens']:,} in {_many(found['documents'], 'document')}"
    yield "vocabulary", f"{found['vocab_size']:,} tokens, {found['used']:,} of them used"
    shares = [(_visible(each["token"]), 100 * each["count"] / found["tokens"]) for each in found["most_common"]]
    yield "most common", ",  ".join(f"{name} {share:.1f} %" for name, share in shares)
    yield from _counts("labels", found["labels"])
    yield "made from", f"{_many(found['sources'], 'file')}, {size(found['source_bytes'])}"
    yield from (("dataset", origin) for origin in found["origins"])
    yield "size", size(found["bytes"])
    yield from _report(found["report"])


def _checkpoint(found: CheckpointFacts) -> Rows:
    yield "model", _with(found["model"], found["settings"])
    yield "parameters", f"{found['parameters']:,}"
    yield "codec", f"{found['codec']}, {found['vocab_size']:,} tokens"
    readable = [_visible(name) for name in found["vocabulary"] if not _BYTE.fullmatch(name)]
    yield "vocabulary", textwrap.shorten(" ".join(readable), ROOM, placeholder=" …")
    yield from _counts("labels", found["labels"])
    if found["unseen"] is not None:
        yield "never seen", f"{_many(found['unseen'], 'token')}, which are not drawn"
    if (counts := found["counts"]) is not None:
        yield "counts", f"{counts['n_grams']:,} n-grams up to {counts['order']} tokens, {size(counts['bytes'])}"
    bounds = found["bounds"].items()
    yield from _counts("at most", {name.replace("_", " "): most for name, most in bounds if name.startswith("notes")})
    yield from _counts("parts", [name for name, _ in bounds if name.startswith("part ")])
    yield "size", size(found["bytes"])
    for name, value in {**found["metrics"], **found["provenance"]}.items():
        text = _with("", value) if isinstance(value, Mapping) else str(value) if name == "seed" else _plain(value)
        yield name.replace("_", " "), text


def _music(found: MusicFacts) -> Rows:
    if found["title"]:
        yield "title", found["title"]
    minutes, seconds = divmod(round(found["seconds"]), 60)
    yield "format", found["format"]
    yield "length", f"{minutes}:{seconds:02d} minutes, {found['notes']:,} notes, {found['tokens']:,} tokens"
    yield from _counts("instruments", found["instruments"])
    slow, fast = found["tempo"]["slowest"], found["tempo"]["fastest"]
    yield "tempo", f"{slow:g} beats a minute" if slow == fast else f"{slow:g} to {fast:g} beats a minute"
    yield "meters", ", ".join(found["meters"])
    if found["pitches"]:
        yield "pitches", f"{found['pitches']['lowest']} to {found['pitches']['highest']}"
    yield from _report(found["report"])
    yield from _codecs(found)


def _codecs(found: MusicFacts | FolderFacts) -> Rows:
    """What each codec of music would make of it."""
    for name, made in found["codecs"].items():
        if not isinstance(refused := made.get("refused", 0), int):
            yield f"as {name}", f"refused: {refused}"
            continue
        said = [f"{made['tokens']:,} tokens", f"{made['notes']:,} of {found['notes']:,} notes"]
        said += [f"{_many(refused, 'piece')} refused"] if refused else []
        said += [f"onsets moved by {made['onset_ms']:g} ms at most"] if "onset_ms" in made else []
        said += [f"onsets moved by {made['onset_quarters']:g} quarters at most"] if "onset_quarters" in made else []
        said += [
            f"{kind} {count:,} × {what}"
            for kind, counts in (("dropped", made.get("dropped")), ("repaired", made.get("repaired")))
            for what, count in (counts or {}).items()
        ]
        yield f"as {name}", ",  ".join(said)


def _corpus(found: CorpusFacts) -> Rows:
    read = found["read"]
    yield "files", f"{_many(found['files'], 'file')}, {size(found['bytes'])}"
    yield "read", f"{_many(read['files'], 'file')}, {size(read['bytes'])}"
    yield from _left_out(found["left_out"], read["bytes"])
    yield from _strange(found["strange"])
    yield "codec", f"{found['codec']}, {found['codec_reason'] or 'guessed from the files'}"
    yield from _counts("suffixes", found["suffixes"])
    yield from _counts("labels", found["labels"])
    yield "largest", ",  ".join(f"{each['name']} ({size(each['bytes'])})" for each in found["largest"])
    for name, reason in list(found["passed_over"].items())[:SHOWN]:
        yield "passed over", f"{name} {reason}"
    if "music" in found:
        yield from _songs(found["music"])
    if "syntax" in found:
        yield from _syntax(found["syntax"])
    if "tables" in found:
        yield from _tables(found["tables"])


def _songs(found: FolderFacts) -> Rows:
    """What a folder of music holds."""
    yield "looked into", f"{_many(found['files'], 'file')}: {_many(found['pieces'], 'piece')}, {found['notes']:,} notes"
    yield "length", f"{found['seconds'] / 3600:.1f} hours"
    yield from _counts("instruments", found["instruments"])
    for name, reason in list(found["refused"].items())[:SHOWN]:
        yield "refused", f"{name}: {reason}"
    yield from _report(found["report"])
    yield from _codecs(found)


def _syntax(found: CodeFacts) -> Rows:
    """How much of each language parses."""
    for language, each in found["languages"].items():
        if each is None:
            yield "syntax", f"{language} not looked at: {INSTALL} brings a parser"
            continue
        files = f"{each['in_order']:,} of {_many(each['files'], 'file')} parsed without an error"
        yield "syntax", f"{language}: {files},  {each['sound']:,} of {_many(each['functions'], 'function')}"
        for name, fault in list(each["first_faults"].items())[:SHOWN]:
            yield "", f"{name}, {fault}"


def _tables(found: TableFacts) -> Rows:
    """The fields of tables, and what to do with them."""
    if found["unread"]:
        yield "tables", f"{_many(found['unread'], 'Parquet file')} not looked into: {READER} brings a reader"
    if names := list(found["fields"]):
        yield "tables", _many(found["files"], "file")
        yield "fields", ",  ".join(names[:FIELDS]) + f",  and {len(names) - FIELDS} more" * (len(names) > FIELDS)
        yield "", "--field NAME takes the text of each record from one,  --label-field NAME its label from another"


TABLES: dict[str, tuple[str, Callable[[Any], Rows]]] = {
    "stream": ("a token stream", _stream),
    "checkpoint": ("a checkpoint", _checkpoint),
    "midi": ("music", _music),
    "corpus": ("a corpus", _corpus),
}


def _report(report: ReportRecord) -> Rows:
    """What became of the files: nothing is said where nothing happened."""
    if report["skipped"]:
        yield "skipped", f"{_many(len(report['skipped']), 'file')} of {len(report['skipped']) + report['read']:,}"
    for name, reason in list(report["skipped"].items())[:SHOWN]:
        yield "", f"{name}: {reason}"
    yield from _counts("dropped", report["dropped"])
    yield from _counts("repaired", report["repaired"])
    yield from _left_out(report.get("left_out", {}), report.get("bytes", 0))
    yield from _strange(report.get("strange", {}))


def _strange(found: Mapping[str, int]) -> Rows:
    """Bytes of text that are no UTF-8."""
    if found:
        yield "no UTF-8", ",  ".join(f"{many:,} bytes, likely {name}" for name, many in found.items())


def _left_out(reasons: Mapping[str, LeftOutRecord], read: int) -> Rows:
    """What of a corpus was left out, by reason; how large a part that is stands first."""
    total = sum(left["bytes"] for left in reasons.values())
    if reasons:
        yield "left out", f"{size(total)} of {size(total + read)},  {100 * total / max(1, total + read):.0f} %"
    for reason, left in sorted(reasons.items(), key=lambda each: -each[1]["bytes"]):
        yield "", f"{size(left['bytes'])},  {reason},  {_many(left['files'], 'file')}: {', '.join(left['names'])}"


def _counts(key: str, counts: Any) -> Rows:
    """A line of names and counts, or of names, where there are any."""
    if isinstance(counts, Mapping):
        counts = [f"{name} {count:,}" for name, count in counts.items()]
    if counts:
        yield key, ",  ".join(counts)


def _with(name: str, settings: Mapping[str, object]) -> str:
    """A name and its settings."""
    return ",  ".join([*([name] if name else []), *(f"{key} {_plain(value)}" for key, value in settings.items())])


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return ",  ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _visible(token: str) -> str:
    return token.replace(" ", "␣")
