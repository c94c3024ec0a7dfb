"""Whatever the logits, music decodes: samples from noise through the grammar, read back; MidiTok on noise beside it.

    python benchmarks/midi_validity.py [--samples 10000] [--miditok PYTHON]

Each sample is drawn from random logits, some flat and some sharp, through the codec's grammar, decoded to a MIDI file
and read again by the strict reader. It fails where any step raises, where there is no note, where a token would be
dropped, where a note lasts longer than 20 s, or where what is read are not the notes that were drawn. With PYTHON, an
interpreter that has miditok, ids drawn at random from its REMI vocabulary are decoded by it and read by the same
reader; what it drops on the way cannot be counted from outside, so only errors and empty files are.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.codecs.midi.read import read_score
from seqgen.errors import SeqgenError
from seqgen.report import Report
from seqgen.settings import parse

LENGTH = 100
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


def fault(codec: Codec, ids: list[int]) -> str | None:
    """What is wrong with the file of a sample; None: nothing."""
    try:
        score = read_score(codec.decode(np.array(ids, np.uint16)))
    except SeqgenError as error:
        return error.message
    names = codec.vocabulary()
    drawn = sum(names[token].startswith(("PITCH", "DRUM")) for token in ids)
    drawn -= names[ids[-1]].startswith("PITCH")  # cut before its duration: that note was never finished
    if len(score) == 0 and drawn:
        return "no note"
    if float((score.seconds(score.onset + score.duration) - score.seconds(score.onset)).max(initial=0)) > 20.001:
        return "a stuck note"
    return None if len(score) == drawn else f"{drawn} notes drawn, {len(score)} read"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--codec", default="midi")
    parser.add_argument("--miditok")
    given = parser.parse_args()
    kind = registry.load("codecs", given.codec)
    codec = kind.fit([], parse(kind.Options, {}))
    began, faults, notes = time.perf_counter(), dict[str, int](), 0
    for seed in range(given.samples):
        ids = sample(codec, np.random.default_rng(seed))
        notes += len(ids)
        if (found := fault(codec, ids)) is not None:
            faults[found] = faults.get(found, 0) + 1
    seconds = round(time.perf_counter() - began, 1)
    result = {"codec": given.codec, "samples": given.samples, "tokens": notes, "failures": faults, "seconds": seconds}
    if given.miditok:
        result["miditok"] = miditok(given.miditok, min(given.samples, 1000))
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
