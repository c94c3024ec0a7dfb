"""Claim: every written bar line of scores and tunes is where `midi_bar` says a bar begins.

    python benchmarks/bar_lines.py folk-tunes bach-chorales classical-styles [--most 500]

Of each document the bar lines that the tokens say are compared with those that are written, both as they are played,
in quarter notes from the beginning. What is written is counted apart from seqgen's readers: of MusicXML by adding up
the durations between the measure tags of each part with Python's own XML parser, for documents without repeats and with
measures of whole 32nd notes; of ABC and of other MusicXML by the lengths of the reader's bars, in the order in which
they are played. How many documents were counted apart is printed, and each that has a bar line in no place, or one too
many (`more`: a bar longer than eight quarter notes, which the vocabulary cannot say, is several).
"""

import argparse
import io
import zipfile
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import numpy as np

from seqgen import registry
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.bars import Bars, read_bars
from seqgen.music.faults import Faults
from seqgen.music.notation import bars
from seqgen.music.notation.abc import read as abc
from seqgen.music.notation.jumps import followed
from seqgen.music.notation.musicxml import read as musicxml
from seqgen.music.notation.musicxml.archive import unpack
from seqgen.music.notation.musicxml.parse import parse
from seqgen.music.read import documents, is_musicxml, read_score
from seqgen.music.score import Score
from seqgen.report import Report
from seqgen.tokenization.sources import resolve

from _report import print_table, write_json  # isort: skip

GRID = 24  # steps of a quarter note: what bar lines are compared on


def said(ids: Any) -> list[int]:
    """The step at which each bar of a token stream begins: bars one after the other, as long as their meters."""
    found, at, steps = [], 0, v.bar_steps(4, 4)
    values = ids.tolist()
    for place, token in enumerate(values):
        if token == v.BAR:
            following = values[place + 1] if place + 1 < len(values) else -1
            if v.METER <= following < v.METER + v.OTHER:
                steps = v.bar_steps(*v.METERS[following - v.METER])
            elif following == v.METER + v.OTHER:
                over, power = (each - v.POS for each in values[place + 2 : place + 4])
                steps = v.bar_steps(over, 1 << power)
            found.append(at)
            at += steps
    return found


def plain_count(data: bytes) -> list[Fraction] | None:
    """Quarter notes at which measures begin, from the durations in the XML; None where there are repeats."""
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        data = archive.read(
            next(name for name in archive.namelist() if name.endswith("xml") and not name.startswith("META-INF"))
        )
    root = ElementTree.fromstring(data)
    if root.find(".//repeat") is not None or root.find(".//ending") is not None:
        return None
    lengths: dict[int, Fraction] = {}
    for part in root.findall("part"):
        divisions = 1
        for number, measure in enumerate(part.findall("measure")):
            at = furthest = Fraction(0)
            for item in measure:
                divisions = int(item.findtext("divisions") or divisions) if item.tag == "attributes" else divisions
                step = Fraction(item.findtext("duration") or 0) / divisions
                whole = item.find("rest") is not None and item.find("rest").get("measure") == "yes"  # type: ignore[union-attr]
                if item.tag == "note" and item.find("chord") is None and item.find("grace") is None:
                    at += step
                    furthest = furthest if whole else max(furthest, at)
                elif item.tag in ("backup", "forward"):
                    at += step if item.tag == "forward" else -step  # lengthens no measure
            lengths[number] = max(lengths.get(number, Fraction(0)), furthest)
    if not all(lengths.values()) or any(length * 8 % 1 for length in lengths.values()):
        return None  # a measure of rests alone lasts by its meter, and slips are mended: neither is counted here
    total, found = Fraction(0), []
    for number in sorted(lengths):
        found.append(total)
        total += lengths[number]
    return found


def by_reader(data: bytes) -> list[Fraction]:
    """Quarter notes at which the bars of the reader begin, as they are played."""
    if is_musicxml(data):
        faults = Faults(Report())
        made, ticks = musicxml.written_bars(parse(unpack(data, faults) if data[:2] == b"PK" else data, faults), faults)
    else:
        made, ticks = abc.written_bars(data)
    order = followed(bars.play_order(made), made, Faults(Report()))
    found, at, joined = [], 0, False
    for index in order:
        bar = made[index]
        count = max(bar.count, 1)
        for each in range(count if bar.length else 0):
            if not (joined and each == 0):
                found.append(Fraction(at + each * bar.length // count, ticks))
        at += bar.length
        joined = bar.open
    return found


def measure(data: bytes, codec: Any) -> dict[str, int]:
    """The bar lines of one document: how many are written, and how many of these the tokens have in their place."""
    score = read_score(data, Report())
    last = float((score.onset / score.ticks_per_quarter).max()) * GRID
    apart = plain_count(data) if is_musicxml(data) else None
    lines = by_reader(data) if apart is None else apart
    written = [round(line * GRID) for line in lines if line * GRID <= last + 1e-9]
    tokens = set(_lines(score, codec))
    right = sum(line in tokens for line in written)
    more = len(tokens - set(written))
    return {"written": len(written), "right": right, "more": more, "apart": int(apart is not None)}


def _lines(score: Score, codec: Any) -> list[int]:
    """The bar lines of the tokens; of a piece whose long rests are cut, those before they are."""
    report = Report()
    ids = codec.of_score(score, Faults(report))
    if not any(kind.startswith("rest longer") for kind in report.repaired):
        return said(ids)
    onset = np.asarray(score.onset) * GRID // score.ticks_per_quarter
    made: Bars = read_bars(score, int(onset.max()), Faults(Report()))
    count = int(made.place(onset)[0].max()) + 1
    return [int(step) for step in made.step(np.arange(count))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+")
    parser.add_argument("--most", type=int, default=10**9, help="documents of each corpus")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    asked = parser.parse_args()
    kind = registry.load("codecs", "midi_bar")
    codec = kind(kind.Options())
    results: dict[str, Any] = {}
    for corpus in asked.corpora:
        found = {"documents": 0, "written": 0, "right": 0, "more": 0, "apart": 0, "documents_right": 0}
        pieces = [
            piece for source in resolve([corpus], lambda text: None) for piece in documents(source.path.read_bytes())
        ]
        for number, data in enumerate(pieces[: asked.most]):
            one = measure(data, codec)
            good = one["right"] == one["written"] and not one["more"]
            found = {key: found[key] + one.get(key, 0) for key in found}
            found["documents"] += 1
            found["documents_right"] += int(good)
            if not good:
                print(f"{corpus}, document {number}: {one}")
        results[corpus] = found | {"share": round(found["right"] / max(found["written"], 1), 6)}
    header = ("corpus", "documents", "bar lines written", "in their place", "more", "counted apart", "right", "share")
    print_table(header, [[name, *found.values()] for name, found in results.items()])
    if not asked.no_json:
        print(write_json("bar_lines", results))


if __name__ == "__main__":
    main()
