"""Claim: `decode∘encode` is idempotent on every file of these corpora, and no note is lost.

    python benchmarks/midi_round_trip.py bach-chorales maestro-10 folk-tunes freedoom openmsx [--most 500]

For every document and every codec of music: ids → file → ids must be the same ids, and the file must be the same
again. Counted besides: notes before and after, and for `midi` and `midi_bar` the largest error of an onset: in seconds,
and in 24ths of a quarter note, where documents all of whose onsets lie on that grid stand apart.

Lengths are counted in documents where several parts have one program, such as two violins: how many notes (drums have
no length), how many are gone as their key is struck twice at once, and how many last another time by more than a step:
a 24th of a quarter note for `midi_bar`; for `midi`, whose tokens know no parts, the next of its 64 lengths.
"""

import argparse
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.codecs.midi import vocabulary as seconds
from seqgen.codecs.midi_bar.bars import on_grid
from seqgen.errors import SeqgenError
from seqgen.music.read import documents, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report
from seqgen.tokenization.sources import resolve

from _report import print_table, write_json  # isort: skip

CODECS = ("midi", "midi_bar", "midi_388", "midi_grid")
LOSSLESS = ("midi", "midi_bar")
KEYS = (
    "documents", "refused", "tokens", "changed", "notes", "lost", "onset", "on_grid", "onset_on_grid",
    "notes_with_length", "gone", "other_length",
)  # fmt: skip


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
    whole = not any("rest" in kind for kind in report.repaired)
    if name in LOSSLESS and whole and shares_programs(before):
        for key, count in zip(KEYS[-3:], other_lengths(name, before, after)):
            found[key] += count
    if name in LOSSLESS and len(before) == len(after) and whole:
        error = np.sort(after.seconds(after.onset)) - np.sort(before.seconds(before.onset))
        quarters = np.sort(after.onset) / after.ticks_per_quarter - np.sort(before.onset) / before.ticks_per_quarter
        worst = float(np.abs(error).max(initial=0)) if name == "midi" else float(np.abs(quarters).max(initial=0)) * 24
        found["onset"] = max(found["onset"], worst)
        if name == "midi_bar" and not np.any(before.onset * 24 % before.ticks_per_quarter):
            found["on_grid"] += 1
            found["onset_on_grid"] = max(found["onset_on_grid"], worst)


def shares_programs(score: Score) -> bool:
    """Whether two parts have one program."""
    parts = dict(zip(score.part.tolist(), score.program.tolist()))
    return max(Counter(parts.values()).values(), default=0) > 1


def lasting(name: str, score: Score) -> dict[tuple[int, int, int], list[int]]:
    """Program, pitch and step → the lengths of what begins there: steps; for `midi`, numbers of their tokens."""
    if name == "midi_bar":
        begin, end = (on_grid(at, score.ticks_per_quarter) for at in (score.onset, score.onset + score.duration))
        length = np.maximum(end - begin, 1)
    else:
        times = score.seconds(score.onset), score.seconds(score.onset + score.duration)
        begin, end = (np.rint(at * seconds.SECOND).astype(np.int64) for at in times)
        length = seconds.duration_index(np.maximum(end - begin, 1))
    found = defaultdict[tuple[int, int, int], list[int]](list)
    for *key, steps in zip(score.program.tolist(), score.pitch.tolist(), begin.tolist(), length.tolist()):
        if key[0] != DRUMS:
            found[tuple(key)].append(steps)
    return found


def other_lengths(name: str, before: Score, after: Score) -> tuple[int, int, int]:
    """How many notes have a length, how many of them are gone, and how many last another time by more than a step."""
    meant, made = lasting(name, before), lasting(name, after)
    gone = changed = 0
    for key, lengths in meant.items():
        left = sorted(made.get(key, []), reverse=True)  # of notes that are struck at once the longest stay
        gone += max(len(lengths) - len(left), 0)
        changed += sum(abs(one - other) > 1 for one, other in zip(sorted(lengths, reverse=True), left))
    return sum(map(len, meant.values())), gone, changed


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
        "in shared programs",
        "gone",
        "other length",
    )
    print_table(header, [[name, *found.values()] for name, found in results.items()])
    if not asked.no_json:
        print(write_json("midi_round_trip", results))


if __name__ == "__main__":
    main()
