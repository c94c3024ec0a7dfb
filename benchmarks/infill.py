"""How much both sides of a hole tell of what is in it, and whether fillings of music keep what they promise.

    python benchmarks/infill.py RUN [-n 100] [--quick] [--bound] [--save]

RUN is the folder of a run that was trained with holes; what it held out is measured. Of 4 N random holes, as training
draws them: nats per token of what was in it, given both sides, and given the left side alone, in plain order, by the
same model (`_infill_nats.py`); with --bound what both sides can tell at most (`_infill_bayes.py`). Of scores besides:
nats per note of parts that are made, those given being known one bar ahead, and in plain order; bars made anew (does
the filling end at the bar line, is all else as it was?), and the highest part harmonised by the others (on a grid of
sixteenths: how many voices sound, are they crossed, how many parallel fifths and octaves a bar, beside the piece's
own).
"""

import argparse
import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from seqgen.api.model import Model, load
from seqgen.errors import UsageError
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.training.recorded import recorded

from _infill_bayes import bounds  # isort: skip
from _infill_nats import holes, parts  # isort: skip
from _report import print_table, write_json  # isort: skip

QUICK, GRID = 8, 4  # documents; steps of a quarter note
VOICES = ["Alto", "Bass", "Soprano", "Tenor"]


def notes(score: Score, begin: int, end: int) -> list[tuple[Any, ...]]:
    """Notes that begin outside a stretch of ticks."""
    out = (score.onset < begin) | (score.onset >= end)
    names = [score.names[part] for part in score.part[out].tolist()]
    columns = (score.onset, score.duration, score.pitch, score.velocity, score.program)
    return sorted(zip(*(column[out].tolist() for column in columns), names))


def bars(model: Model, pieces: list[bytes], seed: int) -> dict[str, float]:
    """Of pieces bars 3 and 4 are made anew: how many end at the bar line, and are else as they were; their voices."""
    ended, same, tried, refused, sums = 0, 0, 0, 0, Counter[str]()
    for number, piece in enumerate(pieces):
        before = read_score(piece)
        hole = model.tokenizer.codec.score_hole(piece, None, None, {}).piece
        if hole.count < 7:
            continue
        line = [int(hole.when.bars.step(hole.when.kept[bar : bar + 1])[0]) for bar in (2, 4)]
        begin, end = (step * before.ticks_per_quarter // 24 for step in line)
        try:
            after = read_score(model.fill(piece, bars=(3, 4), seed=seed + number, temperature=0.8).bytes)
        except UsageError:  # more tokens than the model's span
            refused += 1
            continue
        new = (after.onset >= begin) & (after.onset < end)
        ended += bool(((after.onset + after.duration)[new] <= end).all())
        same += notes(before, begin, end) == notes(after, begin, end)
        tried += 1
        if sorted(before.names) == VOICES:
            own, made = (voices(score)[:, line[0] * GRID // 24 : line[1] * GRID // 24 + 1] for score in (before, after))
            sums += heard(own, made)
    shares = {"pieces": tried, "too_long": refused, "end_at_the_bar": ended / tried, "unchanged": same / tried}
    return shares | told(sums)


def voices(score: Score) -> Any:
    """(parts, steps) the pitch that each part sings on a grid of sixteenths, the highest first; 0 where it rests."""
    step = score.ticks_per_quarter // GRID
    grid = np.zeros((len(score.names), score.length // step + 1), np.int64)
    for onset, lasts, pitch, part in zip(score.onset, score.duration, score.pitch, score.part):
        grid[part, onset // step : max((onset + lasts) // step, onset // step + 1)] = pitch
    order = np.argsort([-row[row > 0].mean() if (row > 0).any() else 0 for row in grid])
    return grid[order]


def parallels(grid: Any) -> int:
    """Fifths and octaves in a row between two voices that both move."""
    found = 0
    for upper in range(len(grid)):
        for lower in range(upper + 1, len(grid)):
            a, b = grid[upper], grid[lower]
            moved = (a[1:] != a[:-1]) & (b[1:] != b[:-1]) & (np.minimum(a, b)[1:] > 0) & (np.minimum(a, b)[:-1] > 0)
            same = ((a - b)[1:] % 12 == (a - b)[:-1] % 12) & np.isin((a - b)[1:] % 12, (0, 7))
            found += int((moved & same).sum())
    return found


def heard(own: Any, new: Any) -> Counter[str]:
    """Counts of what four voices (4, steps) do, and theirs that they stand for."""
    length = min(own.shape[1], new.shape[1])
    wanted, sounding = (own[:, :length] > 0).all(axis=0), (new > 0).all(axis=0)
    return Counter(
        own=int(wanted.sum()),
        four=int((wanted & (new[:, :length] > 0).all(axis=0)).sum()),
        steps=int(sounding.sum()),
        uncrossed=int((np.diff(new[:, sounding], axis=0) <= 0).all(axis=0).sum()),
        bars=max(1, new.shape[1] // (4 * GRID)),
        parallels=parallels(new),
        parallels_own=parallels(own),
    )


def told(sums: Counter[str]) -> dict[str, float]:
    """Shares of these."""
    return {
        "four_voices": sums["four"] / max(1, sums["own"]),
        "uncrossed": sums["uncrossed"] / max(1, sums["steps"]),
        "parallels_a_bar": sums["parallels"] / max(1, sums["bars"]),
        "parallels_a_bar_own": sums["parallels_own"] / max(1, sums["bars"]),
    }


def harmonised(model: Model, pieces: list[bytes], seed: int) -> dict[str, float]:
    """What becomes of the highest part of pieces of four parts."""
    sums, unchanged, tried = Counter[str](), 0, 0
    for number, piece in enumerate(pieces):
        score = read_score(piece)
        if sorted(score.names) != VOICES:
            continue
        kept = score.part == score.names.index("Soprano")
        every = ("onset", "duration", "pitch", "velocity", "program", "part")
        tune = write_score(dataclasses.replace(score, **{name: getattr(score, name)[kept] for name in every}))
        made = read_score(model.accompany(tune, ["Alto", "Tenor", "Bass"], seed=seed + number, temperature=0.8).bytes)
        again = [note for note in notes(made, 0, 0) if note[-1] == "Soprano"]
        unchanged += again == notes(read_score(tune), 0, 0)
        sums += heard(voices(score), voices(made))
        tried += 1
    return {"pieces": tried, "given_unchanged": unchanged / tried, **told(sums)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--bound", action="store_true", help="What both sides can tell at most, too (minutes).")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    model, about = load(options.run), recorded(options.run)
    tokenizer, count = model.tokenizer, QUICK if options.quick else options.n
    spans = zip(about.held.begin[:count].tolist(), about.held.end[:count].tolist())
    documents = [tokenizer.own(np.asarray(about.held_stream.ids[begin:end])) for begin, end in spans]
    own = holes(model, about.held_stream.ids, about.held, 4 * count, options.seed)
    print_table(
        list(own[0]), [[each if isinstance(each, str) else f"{each:.4g}" for each in row.values()] for row in own]
    )
    found: dict[str, Any] = {"holes": own}
    if options.bound:
        most = bounds(model, about.held_stream.ids, about.held, options.n, options.seed)
        found["bound"] = most
        print_table(
            list(most[0]), [[each if isinstance(each, str) else f"{each:.4g}" for each in row.values()] for row in most]
        )
    if tokenizer.infilling is not None and tokenizer.infilling.made >= 0:
        found["parts"] = parts(model, documents, options.seed)
        pieces = [tokenizer.decode(own) for own in documents]
        found["bars"] = bars(model, pieces, options.seed)
        found["harmonised"] = harmonised(model, pieces, options.seed)
    tables = {kind: values for kind, values in found.items() if isinstance(values, dict)}
    rows = [[kind, name, f"{value:.4g}"] for kind, values in tables.items() for name, value in values.items()]
    print_table(["of", "what", "value"], rows)
    if options.save:
        write_json(
            f"infill_{tokenizer.codec_name}",
            {"codec": tokenizer.codec_name, "metrics": model.checkpoint.metrics, **found},
        )


if __name__ == "__main__":
    main()
