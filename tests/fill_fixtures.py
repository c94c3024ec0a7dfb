"""Little models with infilling tokens, of random weights, and pieces for them."""

import dataclasses
import json

import numpy as np

from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.c_source import CSource
from seqgen.codecs.c_source.codec import CSourceOptions
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi_bar import MidiBar
from seqgen.codecs.midi_bar.codec import MidiBarOptions
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.seen import Seen
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=16)
NAMES = ("Soprano", "Alto", "Tenor", "Bass")
TEXT = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghij")
C = "int f(int a)\n{\n    int b = a;\n    if (a > 1) {\n        b = g(a, 2);\n    }\n    return b;\n}\n" * 4


def checkpoint(tokenizer, documents, span=256, holes=True, seed=0):
    """Of random weights, whose training saw these documents."""
    tokenizer = tokenizer.with_holes() if holes else tokenizer
    random = np.random.default_rng(seed)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.5 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    ids = [np.append(tokenizer.document_id, tokenizer.encode(each)).astype(np.int64) for each in documents]
    counts = np.bincount(np.concatenate(ids), minlength=tokenizer.vocab_size)
    seen = Seen(counts, tokenizer.codec.bounds(np.concatenate(ids)))
    training = {"train": {"infill": 0.3, "infill_span": span}}
    return Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights, training, seen=seen)


def text_checkpoint(**more):
    """Of a play."""
    return checkpoint(Tokenizer(Char.fit([TEXT.encode()], CharOptions()), "char"), [TEXT.encode()], **more)


def c_checkpoint(**more):
    """Of C."""
    return checkpoint(Tokenizer(CSource.fit([C.encode()], CSourceOptions()), "c_source"), [C.encode()], **more)


def chorale(seed=0, bars=6, names=NAMES, ticks=24, meter=(4, 4)):
    """A MIDI file of four voices that sound all the time, each in its range, in halves, quarters and eighths."""
    random = np.random.default_rng(seed)
    rows, parts, length = [], [], 4 * ticks * meter[0] // meter[1]
    for part, low in enumerate((65, 58, 53, 43)[: len(names)]):
        at = 0
        while at < bars * length:
            lasts = int(random.choice([ticks // 2, ticks, 2 * ticks]))
            lasts = min(lasts, bars * length - at)
            rows.append((at, lasts, low + int(random.integers(8)), 68, 52))
            parts.append(part)
            at += lasts
    score = Score.from_notes(
        ticks, rows, part=np.array(parts), names=names, meter_tick=np.array([0]), meter=np.array([meter])
    )
    return write_score(score)


def performances(pedal=False, **more):
    """A model of the same as they are played: it counts seconds."""
    documents = [chorale(seed, ticks=480) for seed in range(8)]
    codec = Midi.fit(documents, MidiOptions(pedal))
    return checkpoint(Tokenizer(codec, "midi"), documents, span=more.pop("span", 1024), **more)


def chorales(**more):
    """A model of chorales."""
    documents = [chorale(seed) for seed in range(8)]
    codec = MidiBar.fit(documents, MidiBarOptions())
    return checkpoint(Tokenizer(codec, "midi_bar"), documents, span=more.pop("span", 1024), **more)


def run_folder(folder, text, codec="char", name="corpus.txt"):
    """A run folder as training with holes leaves it, whose corpus is known, with a model of random weights."""
    from seqgen.tokenization.building import tokenize
    from seqgen.tokenization.settings import TokenizeSettings
    from seqgen.tokenization.sources import resolve
    from seqgen.training.recorded import TRAINING_FILE, recorded

    folder.mkdir()
    (folder / name).write_text(text)
    stream = tokenize(resolve([str(folder / name)], print), TokenizeSettings(codec), folder / "a.tokens")
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    about = {
        "stream": str(stream.path), "fingerprint": stream.fingerprint, "head": 1, "validation": 0.1, "held_out": None,
        "plan": {"seed": 1},
    }  # fmt: skip
    (folder / TRAINING_FILE).write_text(json.dumps(about))
    made = checkpoint(tokenizer, [text.encode()])
    provenance = {"corpus": stream.fingerprint, "train_tokens": recorded(folder).train.tokens}
    dataclasses.replace(made, provenance=provenance).save(folder / "model.safetensors")
    return folder
