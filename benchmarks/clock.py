"""Claim: music is tokenized by the right clock, `midi_bar` for what was written, `midi` for what was played.

    python benchmarks/clock.py [CORPUS=KIND …]

KIND is written or played; CORPUS a catalogued one or a folder. Without them the catalogue's corpora are taken, whose
kinds are known. For each corpus: what `seqgen tokenize` chooses, and whether that is right; for each of its pieces, as
a MIDI file (ABC and MusicXML are written as one first), what it would choose for that alone; and the same for each
minute of each piece in which 20 notes begin or more. The results name the pieces for which it is wrong, with their
share of onsets on beats: some game music was played into a sequencer, and has a tenth to a seventh, as recordings have.
"""

import argparse
from typing import Any

import numpy as np

from seqgen.errors import SeqgenError
from seqgen.music.metric import WRITTEN, on_beats
from seqgen.music.read import documents, read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.report import Report
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.sources import resolve

from _report import print_table, write_json  # isort: skip

KINDS = {
    "bach-chorales": "written",
    "classical-styles": "written",
    "folk-tunes": "written",
    "freedoom": "written",
    "openmsx": "written",
    "maestro-10": "played",
}
CODECS = {"written": "midi_bar", "played": "midi"}
MINUTE, FEWEST = 60, 20  # seconds, and notes that begin in them


def shares(score: Score) -> tuple[float, list[float]]:
    """(the share of onsets on the beats of a piece, that of each of its minutes)."""
    minute = (score.seconds(score.onset) // MINUTE).astype(int)
    parts = [minute == number for number in np.unique(minute).tolist() if (minute == number).sum() >= FEWEST]
    rows = np.stack((score.onset, score.duration, score.pitch, score.velocity, score.program), 1)
    return on_beats(score), [on_beats(Score.from_notes(score.ticks_per_quarter, rows[part])) for part in parts]


def measure(corpus: str, kind: str) -> dict[str, Any]:
    """One corpus."""
    sources = resolve([corpus], lambda text: None)
    chosen, reason = guess_codec(sources)
    pieces, minutes, unread = list[float](), list[float](), 0
    wrong = dict[str, float]()
    for source in sources:
        for data in documents(source.path.read_bytes()):
            try:
                piece, parts = shares(read_score(write_score(read_score(data, Report())), Report()))
            except SeqgenError:
                unread += 1
                continue
            pieces.append(piece)
            if not right([piece], kind):
                wrong[source.name] = round(piece, 3)
            minutes += parts
    return {
        "kind": kind,
        "chosen": chosen,
        "reason": reason,
        "right": chosen == CODECS[kind],
        "pieces": len(pieces),
        "pieces_right": right(pieces, kind),
        "minutes": len(minutes),
        "minutes_right": right(minutes, kind),
        "on_beats": {str(share): round(float(np.quantile(pieces, share)), 4) for share in (0.0, 0.05, 0.5, 0.95, 1.0)},
        "unread": unread,
        "wrong": wrong,
    }


def right(found: list[float], kind: str) -> int:
    """For how many the choice is right."""
    return sum((share > WRITTEN) == (kind == "written") for share in found)


def row(name: str, one: dict[str, Any]) -> tuple[object, ...]:
    """A line of the table."""
    pieces, minutes = (f"{one[f'{what}_right']:,} of {one[what]:,}" for what in ("pieces", "minutes"))
    spread = " ".join(f"{value:.2f}" for value in one["on_beats"].values())
    return name, one["kind"], one["chosen"], "yes" if one["right"] else "no", pieces, minutes, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", metavar="CORPUS=KIND")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    asked = dict(each.rsplit("=", 1) for each in given.corpora) or KINDS
    results = {name: measure(name, kind) for name, kind in asked.items()}
    header = ("corpus", "kind", "chosen", "right", "pieces right", "minutes right", "on beats: 0 .05 .5 .95 1")
    print_table(header, [row(name, one) for name, one in results.items()])
    for kind in CODECS:
        own = [one for one in results.values() if one["kind"] == kind]
        pieces, total = sum(one["pieces_right"] for one in own), sum(one["pieces"] for one in own)
        if total:
            print(f"{kind}: {pieces:,} of {total:,} pieces right, {pieces / total:.2%}")
    if not given.no_json:
        print(f"\nwritten: {write_json('clock', results)}")


if __name__ == "__main__":
    main()
