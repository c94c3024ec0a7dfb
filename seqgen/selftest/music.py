"""Mutated music: read or refused within a second, in little memory, and never more tokens than the bytes allow."""

import time
from pathlib import Path
from random import Random

from seqgen import registry
from seqgen.errors import SeqgenError
from seqgen.report import Report
from seqgen.selftest import MEMORY, Tally, _materials, peak_memory
from seqgen.selftest._mutations import mutated

TITLE = "mutated MIDI, MusicXML, ABC: a second and 300 MB at most"
QUICK, LONG = 1_500, 1_000_000
SECONDS = 1.0  # of processor time; what others do on the machine does not count
TOKENS = 8, 1_000  # a file of n bytes becomes 8 n + 1,000 tokens at most


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Eight in ten are MIDI."""
    kind = registry.load("codecs", "midi")
    codec = kind.fit([], kind.Options())
    seeds = [_materials.midi(random, size) for size in (1, 3, 10, 20, 40, 60, 90, 120)]
    seeds += [_materials.MUSICXML, _materials.abc(random)]
    for index in range(count):
        data = mutated(random, seeds[index % len(seeds)])
        began = time.process_time()
        try:
            ids = codec.encode(data, Report())
            midi = data[:4] == b"MThd"
            tally.case(
                not midi or len(ids) <= TOKENS[0] * len(data) + TOKENS[1], f"{len(ids)} tokens of {data[:200]!r}"
            )
            tally.count("read")
        except SeqgenError:
            tally.count("refused")
            tally.case(True, "")
        except Exception as error:
            tally.case(False, f"{type(error).__name__}: {error} for {data!r}")
        seconds = time.process_time() - began
        tally.most("slowest_s", seconds)
        if seconds > SECONDS:
            tally.case(False, f"{seconds:.1f} s for {data!r}")
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")
