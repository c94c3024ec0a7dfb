"""Mutated MIDI files: nothing but MidiError comes out, quickly, and what is read holds its promises."""

import random
import time

import numpy as np
from midi_files import control, events, meta, midi, off, on, program, simple, tempo
from test_midi_performance import CODEC, PEDAL, busy

from seqgen.codecs import Ids
from seqgen.codecs.midi import Midi
from seqgen.errors import MidiError
from seqgen.report import Report

PIECES = (
    b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0", b"MTrk\0\0\0\5", b"\xff\x2f\0", b"\xf0\x7f", b"\xff\x51\3",
    b"\xf8", b"\x90", b"\xc0",
)  # fmt: skip


def seeds() -> list[bytes]:
    timed = [(0, program(3)), (0, tempo(300_000)), (0, meta(1, b"la")), (0, control(64, 100)), (0, b"\xf0\x02\x01\xf7")]
    small = simple(*timed, (0, on(60)), (9, off(60)), (9, on(62)), (20, control(64, 0)), (30, off(62)))
    riff = b"RIFF" + (len(small) + 12).to_bytes(4, "little") + b"RMIDdata" + len(small).to_bytes(4, "little") + small
    two = midi(events((0, on(60)), (5, off(60))), events((0, on(61)), (5, off(61))), form=2)
    return [small, riff, two, simple(*timed, division=b"\xe7\x28"), busy(0, 40), busy(1, 200)]


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randrange(1, 9)]
        elif kind == 2:
            changed[at:at] = rng.choice(PIECES)
        elif kind == 3:
            changed[at : at + 4] = rng.choice(PIECES)
        else:
            changed[at:at] = changed[at // 2 : at]
    # The other formats have readers, and tests, of their own.
    return bytes(changed) if changed[:4] in (b"MThd", b"RIFF") else data[:4] + bytes(changed[4:])


def encoded(codec: Midi, data: bytes, report: Report | None) -> Ids | str:
    """Ids, or the message of the one error there may be."""
    try:
        return codec.encode(data, report)
    except MidiError as error:
        return error.message


def test_mutations():
    rng = random.Random(7)
    sources = seeds()
    read = refused = 0
    for round in range(3000):
        data = mutated(rng, rng.choice(sources))
        codec = (CODEC, PEDAL)[round % 2]
        began = time.perf_counter()
        for report in (Report(), None):
            ids = encoded(codec, data, report)
            if isinstance(ids, str):
                refused += 1
                assert ids.startswith(("byte ", "music is too long"))
                continue
            read += 1
            assert len(ids) <= 8 * len(data) + 1000
            if round % 20 == 0:
                assert np.array_equal(codec.encode(codec.decode(ids)), ids)
        assert time.perf_counter() - began < 2
    assert read > 1000
    assert refused > 1000


def test_documents_of_mutations():
    rng = random.Random(8)
    source = seeds()[2]
    for _ in range(500):
        for part in CODEC.documents(mutated(rng, source)):
            assert isinstance(part, bytes)
