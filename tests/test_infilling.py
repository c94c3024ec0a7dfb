"""Holes while training: the tokens that tell of them, where documents are cut, what a run reads."""

import numpy as np
import pytest
import torch
from fill_fixtures import TEXT, C, c_checkpoint, chorale, chorales, text_checkpoint

from seqgen import clock
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.filling import made_bars
from seqgen.codecs.midi_bar.parting import Apart, in_parts
from seqgen.container import read_header
from seqgen.errors import CheckpointError
from seqgen.infilling import NO_CUT, Reach, Signs, arranged, drawn, opened
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import IGNORED, Epoch, Spans, gather, wanted_of
from seqgen.training.infilling import Infilled

SIGNS = Signs(900, 901, 902)


def test_infilling_tokens_stand_behind_the_labels():
    plain = Tokenizer(Byte(), "byte", ("a", "b"))
    holed = plain.with_holes()
    assert (plain.vocab_size, holed.vocab_size, holed.infilling) == (259, 262, Signs(259, 260, 261))
    assert holed.vocabulary()[256:] == ["<document>", "<label a>", "<label b>", "<suffix>", "<prefix>", "<end>"]
    assert holed.measured_size == 256
    assert len(holed.token_bytes()) == len(holed.clock()) == 262
    again = Tokenizer.from_spec(holed.spec())
    assert again.infilling == holed.infilling
    assert Tokenizer.from_spec(plain.spec()).infilling is None
    assert "signs" not in plain.spec()
    assert holed.decode(np.array([65, 259, 66, 261, 260])) == b"AB"


def test_places_begin_anew_behind_an_infilling_token_and_matches_go_on():
    rows = Tokenizer(Byte(), "byte").with_holes().clock()[256:]
    assert rows[:, clock.BARS].tolist() == [clock.DOCUMENT] + [clock.DOCUMENT - 1] * 3


def test_a_checkpoint_with_holes_has_a_version_of_its_own_and_one_without_keeps_its_own(tmp_path):
    for holes, version in ((True, "3"), (False, "1")):
        text_checkpoint(holes=holes).save(tmp_path / "model.safetensors")
        assert read_header(tmp_path / "model.safetensors", CheckpointError).metadata["version"] == version
        assert (Checkpoint.load(tmp_path / "model.safetensors").tokenizer.infilling is not None) == holes


def test_a_piece_with_a_hole_is_read_suffix_first():
    ids = np.arange(10)
    made = arranged(ids, (4, 6), 2, 3, SIGNS)
    assert made.tolist() == [0, 1, 900, 6, 7, 8, 901, 2, 3, 4, 5, 902, 6, 7, 8, 9]


def test_a_hole_lies_between_two_places_of_one_level_with_none_lower_between():
    level = np.full((1, 9), NO_CUT)
    level[0, [0, 2, 4, 6, 8]] = 0, 1, 0, 1, 0
    reach = Reach(4, 8, 4)
    for begin in np.linspace(0, 0.99, 20):
        for length in np.linspace(0, 0.99, 20):
            first, last = drawn(level, (0, begin, length), reach, 0, 8)
            assert level[0, first] == level[0, last] == 0
    assert opened(level, 4, reach) == 0
    assert drawn(np.full((2, 6), NO_CUT), (0.9, 0.5, 0.5), reach, 0, 5)[0] == 2  # anywhere, where there is no cut


def test_text_is_cut_beside_words_and_at_lines():
    codec = Byte()
    words, lines = codec.cuts(np.frombuffer(b"to be\nor", np.uint8).astype(np.uint16))
    assert np.flatnonzero(words == 0).tolist() == [0, 2, 3, 5, 6, 8]
    assert np.flatnonzero(lines == 0).tolist() == [0, 6, 8]


def test_c_is_cut_at_statements_of_one_depth():
    codec = c_checkpoint().tokenizer.codec
    text = b"int f()\n{\n  a = 1; /* ;\n ; */\n  if (b) {\n    c('}');\n  } else {\n    d;\n  }\n}\n"
    statements = codec.cuts(codec.encode(text))[0]
    cut = {text[at : at + 4].decode(): int(statements[at]) for at in np.flatnonzero(statements != NO_CUT).tolist()}
    assert cut == {
        "int ": 0, "  a ": 1, "  if": 1, "    ": 2, "  } ": 2, " els": 1, "  }\n": 2, "\n}\n": 1,
        "}\n": 1, "\n": 0, "": 0,
    }  # fmt: skip


def test_scores_are_cut_at_bar_lines_and_behind_what_the_first_bar_says():
    codec = chorales().tokenizer.codec
    ids = codec.encode(chorale(3))
    places = np.flatnonzero(codec.cuts(ids)[0] == 0)
    assert len(places) == 7  # six bars, and the end
    assert [int(ids[at]) for at in places[1:-1]] == [v.BAR] * 5
    assert v.TEMPO <= ids[places[0] - 1] < v.POS


@pytest.fixture
def infilled():
    tokenizer = text_checkpoint().tokenizer
    document = tokenizer.encode(TEXT.encode())
    ids = np.concatenate([np.append(tokenizer.document_id, part) for part in (document, document[:700], document[:9])])
    starts = np.cumsum([0, len(document) + 1, 701, 10])
    spans = Spans(starts[[0, 2]], starts[[1, 3]])  # the second is held out
    return Infilled(ids.astype(np.uint16), spans, tokenizer, 0.5, 64, 7)


def restored(ids, signs, reach):
    """The documents that were rearranged, as they were: what stands behind <suffix> comes again behind <end>."""
    ids, found = ids.tolist(), []
    while signs.suffix in ids:
        suffix, prefix, end = (ids.index(sign) for sign in (signs.suffix, signs.prefix, signs.end))
        assert ids[end + 1 :][: prefix - suffix - 1] == ids[suffix + 1 : prefix]
        found += ids[:suffix] + ids[prefix + 1 : end]
        ids = ids[end + 1 :]
    return found + ids


def test_an_epoch_reads_every_token_once_besides_its_signs(infilled):
    for number in range(3):
        view, spans = infilled.epoch(number)
        for span, begin, end in zip(range(2), spans.begin.tolist(), spans.end.tolist()):
            read = view[begin:end]
            plain = infilled.ids[infilled.spans.begin[span] : infilled.spans.end[span]]
            assert len(read) == end - begin
            assert restored(read, infilled.signs, infilled.reach) == plain.tolist()
    holes = (infilled.epoch(0)[0][0:10_000] == infilled.signs.suffix).sum()
    assert 0.3 < holes / len(infilled.blocks.begin) < 0.7


def test_slices_of_an_epoch_are_those_of_the_whole_and_epochs_differ(infilled):
    view, _ = infilled.epoch(1)
    whole = view[0:100_000]
    for begin in range(0, len(whole), 37):
        assert view[begin : begin + 90].tolist() == whole[begin : begin + 90].tolist()
    assert infilled.epoch(1)[0][0:100_000].tolist() == whole.tolist()
    assert infilled.epoch(2)[0][0:100_000].tolist() != whole.tolist()


def test_windows_of_an_epoch_end_with_what_follows_in_it(infilled):
    view, spans = infilled.epoch(0)
    epoch = Epoch(spans, 2, 16, 1, 0, ids=view)
    for step in range(epoch.steps):
        begin, length, _ = epoch.windows(step)
        inputs, targets = gather(view, begin, length, 16, 256)
        for row, (at, count) in enumerate(zip(begin.tolist(), length.tolist())):
            both, told = view.read(at, at + count + 1)
            assert inputs[row, :count].tolist() == both[:count].tolist()
            assert targets[row, : len(both) - 1].tolist() == np.where(told, IGNORED, both.astype(np.int64))[1:].tolist()
        assert wanted_of(view, begin, length) == (targets != IGNORED).sum()


def test_a_document_in_parts_has_the_same_notes():
    tokenizer = chorales().tokenizer
    ids, signs = tokenizer.encode(chorale(5)), tokenizer.infilling
    apart = Apart.of(ids)
    assert np.concatenate(apart.given(apart.parts)).tolist() == ids.tolist()
    for draw in (0.1, 0.5, 0.7, 0.99):
        made = in_parts(ids, (draw, 0.6, 0.3), signs).astype(np.int64)
        order = [sign for sign in made.tolist() if sign >= tokenizer.document_id]
        given, new = signs.given, signs.made
        assert order == [given, given, new, given, new, given, new, given, new, given, new, new]
        own = made_bars(made, signs)
        rest = made[(made < v.SIZE)]
        notes = int(((rest >= v.PITCH) & (rest < v.DUR)).sum())
        assert notes == int(((ids >= v.PITCH) & (ids < v.DUR)).sum())
        parts = sorted({int(part) for part in Apart.of(own).rows.part})
        assert np.concatenate(apart.made(parts)).tolist() == own.tolist()


def test_music_is_read_with_holes_and_in_parts():
    tokenizer = chorales().tokenizer
    ids = [np.append(tokenizer.document_id, tokenizer.encode(chorale(seed))) for seed in range(20)]
    starts = np.cumsum([0, *map(len, ids)])
    infilled = Infilled(np.concatenate(ids).astype(np.uint16), Spans(starts[:-1], starts[1:]), tokenizer, 0.8, 512, 1)
    view, spans = infilled.epoch(0)
    read = [view[begin:end] for begin, end in zip(spans.begin.tolist(), spans.end.tolist())]
    kinds = [
        "parts" if (each == infilled.signs.made).any() else "hole" if (each == infilled.signs.end).any() else "plain"
        for each in read
    ]
    assert set(kinds) == {"parts", "hole", "plain"}
    assert all(each[0] == tokenizer.document_id for each in read)


def trained(tmp_path, name, *more, steps=8):
    tiny = ["-P", "hidden", "16", "-P", "batch", "4", "-P", "window", "16", "-P", "validations", "1", "--seed", "3"]
    (tmp_path / "play.txt").write_text(TEXT)
    holes = ["-P", "infill", "0.5", "-P", "infill_span", "64", "-P", "memory", "none", "-P", "schedule", "constant"]
    holes += ["-P", "warmup", "0"]
    corpus = [] if "--resume" in more else [str(tmp_path / "play.txt")]
    assert run(["train", *corpus, "-o", str(tmp_path / name), "--steps", str(steps), *tiny, *holes, *more]) == 0
    return Checkpoint.load(tmp_path / name)


def test_a_run_with_holes_goes_on_to_the_same_bits(tmp_path):
    whole = trained(tmp_path, "whole")
    trained(tmp_path, "parts", steps=3)
    again = trained(tmp_path, "parts", "--resume")
    assert whole.tokenizer.infilling is not None
    for name, weight in whole.weights.items():
        assert np.array_equal(weight, again.weights[name]), name
    stream = TokenStream.load(next((tmp_path / "cache").rglob("*.tokens")))
    assert "signs" not in stream.codec_spec


def test_a_model_with_holes_goes_on_with_them(tmp_path, capsys):
    trained(tmp_path, "first", steps=2)
    (tmp_path / "new.txt").write_text(TEXT.replace("day", "dáy"))
    more = ["--steps", "2", "-P", "batch", "4", "-P", "window", "16", "--from", str(tmp_path / "first")]
    assert run(["train", str(tmp_path / "new.txt"), "-o", str(tmp_path / "second"), *more]) == 0
    second = Checkpoint.load(tmp_path / "second")
    assert second.tokenizer.signs == ("suffix", "prefix", "end")
    assert second.training["train"]["infill"] == 0.5
    capsys.readouterr()
    assert run(["train", str(tmp_path / "new.txt"), "-o", str(tmp_path / "third"), *more, "-P", "infill", "0"]) == 2
    assert "was trained with holes" in capsys.readouterr().err


@pytest.mark.parametrize("memory", [None, "lookback", "attention"])
def test_a_model_that_goes_on_with_holes_for_the_first_time_looks_ahead_and_keeps_what_it_knew(tmp_path, memory):
    (tmp_path / "play.txt").write_text(TEXT)
    tiny = ["--steps", "2", "-P", "batch", "4", "-P", "window", "16"]
    how = [*tiny, "-P", "hidden", "16", "-P", "memory", "none" if memory is None else memory, "--seed", "3"]
    assert run(["train", str(tmp_path / "play.txt"), "-o", str(tmp_path / "first"), *how]) == 0
    more = ["-P", "infill", "0.5", "-P", "infill_span", "64", "-P", "learning_rate", "1e-12", "-P", "weight_decay", "0"]
    more = [*tiny, *more, "--from", str(tmp_path / "first")]
    assert run(["train", str(tmp_path / "play.txt"), "-o", str(tmp_path / "second"), *more]) == 0
    first, second = Checkpoint.load(tmp_path / "first"), Checkpoint.load(tmp_path / "second")
    assert second.settings.memory == ("attention" if memory == "attention" else "lookahead")
    ids = torch.from_numpy(first.tokenizer.encode(TEXT.encode())[None, :40].astype(np.int64))
    found = [each.network() for each in (first, second)]
    with torch.no_grad():
        before, after = (network(ids, network.initial_state(1))[0] for network in found)
    known = first.tokenizer.vocab_size
    np.testing.assert_allclose(after[..., :known], before, atol=1e-5)


def test_old_files_of_c_and_text_have_the_ids_that_they_had():
    assert text_checkpoint(holes=False).tokenizer.encode(C.encode()).tolist() == list(C.encode())
