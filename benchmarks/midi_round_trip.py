"""Claim: `decode∘encode` is idempotent on every file of these corpora, and no note is lost.

    python benchmarks/midi_round_trip.py bach-chorales maestro-10 folk-tunes freedoom openmsx [--most 500]

For every document and every codec of music: ids → file → ids must be the same ids, and the file must be the same
again. Counted besides: notes before and after, and for `midi` and `midi_bar` the largest error of an onset: in seconds,
and in 24ths of a quarter note, where documents all of whose onsets lie on that grid stand apart.
"""

import argparse
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.codecs.midi.codec import documents
from seqgen.codecs.midi.read import read_score
from seqgen.codecs.midi.score import Score
from seqgen.errors import SeqgenError
from seqgen.report import Report
from seqgen.tokenization.sources import resolve

from _report import print_table, write_json  # isort: skip

CODECS = ("midi", "midi_bar", "midi_388", "midi_grid")
LOSSLESS = ("midi", "midi_bar")
KEYS = ("documents", "refused", "tokens", "changed", "notes", "lost", "onset", "on_grid", "onset_on_grid")


def measure(name: str, data: bytes, before: Score, found: dict[str, Any]) -> None:
    """One document, and what is read from it, through one codec."""
    kind = registry.load("codecs", name)
    codec = kind(kind.Options())
    report = Report()
    ids = codec.encode(data, report)
    once = codec.decode(ids)
    again = codec.encode(once)
    found["documents"] += 1
    found["tokens"] += len(ids)
    found["changed"] += int(not np.array_equal(ids, again) or codec.decode(again) != once)
    after = read_score(once)
    found["notes"] += len(before)
    found["lost"] += len(before) - len(after)
    if name in LOSSLESS and len(before) == len(after) and not any("rest" in kind for kind in report.repaired):
        error = np.sort(after.seconds(after.onset)) - np.sort(before.seconds(before.onset))
        quarters = np.sort(after.onset) / after.ticks_per_quarter - np.sort(before.onset) / before.ticks_per_quarter
        worst = float(np.abs(error).max(initial=0)) if name == "midi" else float(np.abs(quarters).max(initial=0)) * 24
        found["onset"] = max(found["onset"], worst)
        if name == "midi_bar" and not np.any(before.onset * 24 % before.ticks_per_quarter):
            found["on_grid"] += 1
            found["onset_on_grid"] = max(found["onset_on_grid"], worst)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+")
    parser.add_argument("--most", type=int, default=10**9, help="documents of each corpus")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    for corpus in asked.corpora:
        pieces = []
        for source in resolve([corpus], lambda text: None):
            if len(pieces) >= asked.most:
                break
            pieces += documents(source.path.read_bytes())
        for name in CODECS:
            results[f"{corpus}, {name}"] = dict.fromkeys(KEYS, 0)
        for data in pieces[: asked.most]:
            before = read_score(data, Report())
            for name in CODECS:
                found = results[f"{corpus}, {name}"]
                try:
                    measure(name, data, before, found)
                except SeqgenError as error:
                    found["refused"] += 1
                    print(f"{corpus}, {name}: {error.message}")
    header = (
        "corpus, codec",
        "documents",
        "refused",
        "tokens",
        "changed",
        "notes",
        "lost",
        "onset s or 24ths",
        "on grid",
        "onset",
    )
    print_table(header, [[name, *found.values()] for name, found in results.items()])
    if not asked.no_json:
        print(write_json("midi_round_trip", results))


if __name__ == "__main__":
    main()
