"""Tokens are in the classes that a person would put them in."""

import numpy as np

from seqgen.codecs.byte import Byte
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.token_classes import token_classes
from seqgen.tokenizer import Tokenizer


def test_texts_are_classed_by_their_first_character() -> None:
    pieces = {"letter": ["a", "Ä", " the", "x1"], "digit": ["7", " 1a"], "space": [" ", "\t ", "\u3000"],
              "newline": ["\n", "}\n", "\r\n"], "punctuation": [".", "—", " (", "+"]}  # fmt: skip
    named = [(name, piece.encode()) for name, texts in pieces.items() for piece in texts]
    spelled = [piece for _, piece in named] + [b"", b"\xc3", b"\x00"]
    classes = token_classes([""] * len(spelled), spelled)
    assert set(classes) == set(pieces)
    for name, mask in classes.items():
        assert mask.tolist() == [each == name for each, _ in named] + [False] * 3


def test_bytes_have_classes_and_framing_has_none() -> None:
    tokenizer = Tokenizer(Byte(), "byte", ("bach",))
    classes = tokenizer.classes()
    assert {name: int(mask.sum()) for name, mask in classes.items()} == {
        "newline": 1, "space": 9, "punctuation": 32, "digit": 10, "letter": 52,
    }  # fmt: skip
    assert np.sum(list(classes.values()), axis=0).max() == 1
    assert all(mask.shape == (258,) and not mask[256:].any() for mask in classes.values())


def test_music_has_the_classes_of_its_events() -> None:
    tokenizer = Tokenizer(Midi(MidiOptions()), "midi")
    classes = tokenizer.classes()
    assert {"pitch", "time", "duration", "velocity", "program", "drum"} <= set(classes)
    assert classes["pitch"].sum() == 128
    assert np.flatnonzero(classes["pitch"]).tolist() == [
        token for token, name in enumerate(tokenizer.vocabulary()) if name.startswith("PITCH_")
    ]
    assert np.sum(list(classes.values()), axis=0)[: tokenizer.document_id].tolist() == [1] * tokenizer.document_id
