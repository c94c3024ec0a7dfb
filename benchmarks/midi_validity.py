"""Whatever the logits, music decodes: samples from noise through the grammar, read back; MidiTok on noise beside it.

    python benchmarks/midi_validity.py [--samples 10000] [--codecs midi midi_bar midi_388] [--miditok PYTHON]

Each sample is drawn from random logits, some flat and some sharp, through the codec's grammar, decoded to a MIDI file
and read again by the strict reader. It fails where any step raises, where a token is dropped, where what is read are
not the notes that were drawn, or (`midi`) where a note lasts longer than 20 s. With PYTHON, an
interpreter that has miditok, ids drawn at random from its REMI vocabulary are decoded by it and read by the same
reader; what it drops on the way cannot be counted from outside, so only errors and empty files are.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.codecs.midi import Midi
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.errors import SeqgenError
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.report import Report
from seqgen.settings import parse

from _report import print_table, write_json  # isort: skip

LENGTH = 100
METER = "METER_OTHER"
MIDITOK = """
import sys, random, miditok
tokenizer = miditok.REMI()
random.seed(1)
for number in range(int(sys.argv[2])):
    ids = [random.randrange(len(tokenizer)) for _ in range(int(sys.argv[3]))]
    try:
        tokenizer.decode([ids]).dump_midi(f"{sys.argv[1]}/{number}.mid")
    except Exception as error:
        print(type(error).__name__)
"""


def sample(codec: Codec, rng: np.random.Generator, length: int = LENGTH) -> list[int]:
    """Ids from random logits, which hold for forty tokens, through the grammar."""
    grammar = codec.grammar()
    assert grammar is not None
    state, ids = grammar.start(), list[int]()
    spread = float(rng.choice([0.0, 1.0, 3.0, 8.0]))
    taste = np.zeros(codec.vocab_size)
    while len(ids) < length:
        if len(ids) % 40 == 0:
            taste = spread * rng.normal(size=codec.vocab_size)
        mask = grammar.allowed(state)
        if grammar.may_end(state) and (not mask.any() or rng.random() < 0.2):
            break
        ids.append(int(np.where(mask, taste + rng.gumbel(size=codec.vocab_size), -np.inf).argmax()))
        state = grammar.step(state, ids[-1])
    return ids


def fault(codec: ScoreCodec, ids: list[int]) -> str | None:
    """What is wrong with the file of a sample; None: nothing."""
    report = Report()
    try:
        meant = codec.score(np.array(ids, np.uint16), report)
        score = read_score(codec.decode(np.array(ids, np.uint16)))
    except SeqgenError as error:
        return error.message
    names = codec.vocabulary()
    cut = int(unfinished([names[id] for id in ids[-2:]]))
    if report.dropped.total() > cut:
        return f"dropped: {', '.join(report.dropped)}"
    if said(score) != said(meant):
        return "other notes or parts are read than were drawn"
    if isinstance(codec, Midi) and len(score) != sum(names[id].startswith(("PITCH", "DRUM")) for id in ids) - cut:
        return "a note was lost"
    lasting = score.seconds(score.onset + score.duration) - score.seconds(score.onset)
    return "a stuck note" if isinstance(codec, Midi) and float(lasting.max(initial=0)) > 20.001 else None


def said(score: Score) -> list[tuple[tuple[int, int, int, int, int], int]]:
    """The notes in their order, each with its part, parts numbered as they come."""
    columns = (score.onset, score.duration, score.pitch, score.velocity, score.program)
    rows = list(zip(*(column.tolist() for column in columns)))
    order = np.lexsort((score.part, *(np.asarray(column) for column in columns[::-1])))
    return [(rows[at], int(score.part[at])) for at in order.tolist()]


def unfinished(last: list[str]) -> bool:
    """Whether the sample's length ended what was not finished: a note before its duration, a tie before its note, or a
    meter before its two numbers."""
    return last[-1:] != [] and (last[-1].startswith(("PITCH", "TIE", METER)) or METER in last)


def miditok(python: str, samples: int) -> dict[str, int]:
    """Failures of MidiTok's REMI on ids drawn at random."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-c", MIDITOK, folder, str(samples), str(LENGTH)]
        raised = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        unreadable = empty = 0
        for path in Path(folder).iterdir():
            try:
                empty += len(read_score(path.read_bytes(), Report())) == 0
            except SeqgenError:
                unreadable += 1
    return {"samples": samples, "raised": len(raised), "unreadable": unreadable, "empty": empty}


def measure(name: str, samples: int) -> dict[str, Any]:
    """All samples of one codec."""
    kind = registry.load("codecs", name)
    codec = kind.fit([], parse(kind.Options, {}))
    began, faults, tokens = time.perf_counter(), dict[str, int](), 0
    for seed in range(samples):
        ids = sample(codec, np.random.default_rng(seed))
        tokens += len(ids)
        if (found := fault(codec, ids)) is not None:
            faults[found] = faults.get(found, 0) + 1
    seconds = round(time.perf_counter() - began, 1)
    return {"samples": samples, "tokens": tokens, "failures": faults, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--codecs", nargs="+", default=["midi"])
    parser.add_argument("--miditok", metavar="PYTHON")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    results = {name: measure(name, given.samples) for name in given.codecs}
    rows = [(name, one["samples"], one["tokens"], sum(one["failures"].values())) for name, one in results.items()]
    if given.miditok:
        results["miditok"] = peer = miditok(given.miditok, min(given.samples, 1000))
        rows.append(("MidiTok REMI: raised or without a note", peer["samples"], "", sum(list(peer.values())[1:])))
    print_table(("codec", "samples", "tokens", "failures"), rows)
    for name in given.codecs:
        if failures := results[name]["failures"]:
            print(name, failures)
    if not given.no_json:
        print(f"\nwritten: {write_json('midi_validity', results)}")


if __name__ == "__main__":
    main()
