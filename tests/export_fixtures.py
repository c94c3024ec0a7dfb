"""Small models of random weights, of every cell, memory and codec that a page knows."""

from dataclasses import replace

import numpy as np

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.documents import WHOLE
from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.gate import EXPERTS, FEATURES, OF_CORPUS, Gate, first_weights
from seqgen.experts.mixing import Experts
from seqgen.memories import CLOCK, PREFIX, SIGNS
from seqgen.models import ModelSettings, weight_shapes
from seqgen.seen import Seen
from seqgen.tokenizer import Tokenizer

PLAY = "".join(f"ANNA:\nGood dæy, {name}, how is the {thing}? 水 né\n\n" for name in "ABCDEF" for thing in "abcdefgh")
TEXTS = ("byte", "char", "word", "subword")
CODE = ("c_source", "cpp", "csharp", "go", "java", "javascript", "lua", "python", "rust")
MUSIC = ("midi", "midi_388", "midi_bar", "midi_grid")
CELLS = {
    "lstm": {},
    "gru": {},
    "rnn": {},
    "rnn relu": {"nonlinearity": "relu"},
    "mingru": {},
    "minlstm": {},
    "rg_lru": {},
}
MEMORIES = (None, "lookback", "attention", "lookahead")


def fitted(name, **options):
    """A codec, fitted to a small text where it learns from one."""
    kind = registry.load("codecs", name)
    codec = kind.fit([PLAY.encode()] if name in (*TEXTS, *CODE) else [], kind.Options(**options))
    if name == "midi_bar":
        codec = type(codec)(codec.options, Roster(("Soprano", "Alto & <b>", "flute")))
    return codec


def checkpoint(
    codec_name="char", cell="lstm", memory=None, labels=(), documents=WHOLE, seen=None, seed=0, options=None,
    tokenizer=None, **shape
):  # fmt: skip
    """One of random weights, large enough to make up its mind; see `ModelSettings` for `shape`.

    `cell` is a name of CELLS; `seen` a function from (V,) random numbers of [0, 1) to (V,) counts, or None.
    """
    random = np.random.default_rng(seed)
    name = cell.split()[0]
    made = registry.load("cells", name)(**CELLS[cell])
    settings = ModelSettings(**{"hidden": 24, "layers": 2, "memory": memory, "memory_length": 24, **shape})
    tokenizer = tokenizer or Tokenizer(fitted(codec_name, **(options or {})), codec_name, tuple(labels), documents)
    tokenizer = tokenizer.with_holes() if memory == "lookahead" else tokenizer
    shapes = weight_shapes(made, settings, tokenizer.vocab_size)
    weights = {key: random.normal(0, 0.25, wanted).astype(np.float32) for key, wanted in shapes.items()}
    if cell == "rnn relu":  # whose states would grow without end
        weights |= {key: weight / 4 for key, weight in weights.items() if "_hh_" in key}
    weights["output.bias"][tokenizer.document_id] = -8  # samples are long
    if memory is not None:
        weights[PREFIX + CLOCK] = tokenizer.clock().astype(np.float32)
    if memory == "lookahead":
        weights[PREFIX + SIGNS] = np.array([*tokenizer.infilling, *[-1] * 5][:5], np.float32)
    if seen is not None:
        counts = np.zeros(tokenizer.vocab_size, np.int64)
        counts[: tokenizer.document_id] = seen(random.random(tokenizer.document_id))
        seen = Seen(counts, {"utf8": 1} if tokenizer.is_text else {"notes_together": 6, "notes_of_a_part_together": 2})
    return Checkpoint(name, made, settings, tokenizer, weights, seen=seen)


def counted(found, seed=0):
    """A checkpoint of text with counts of PLAY, which are heard by random weights."""
    random, tokenizer = np.random.default_rng(seed), found.tokenizer
    ids = np.asarray(tokenizer.codec.encode(PLAY.encode()), np.int64)
    counts = CorpusCounts.fit(ids, np.zeros(1, np.int64), tokenizer.document_id, 4000, 5)
    gates = [first_weights() / 2 + random.normal(0, 0.02, (EXPERTS, FEATURES)).astype(np.float32) for _ in range(2)]
    gates[0][:, OF_CORPUS:] = 0
    for weights in gates:
        weights[:, 0] = 0.4
    return replace(found, experts=Experts(counts, Gate(*gates, 0.4, 0.9), tokenizer.document_id, tokenizer.lines()))


def saved(folder, **what):
    """The same in a file."""
    path = folder / "model.safetensors"
    checkpoint(**what).save(path)
    return path
