"""Voices that are made keep the order of the corpus's, and no fifths or octaves in a row, unless they may."""

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from fill_fixtures import NAMES, chorale, chorales

from seqgen.api.model import Model
from seqgen.cli import run
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.learned import APART, CROSSED, SELDOM, Learned, learned_of
from seqgen.codecs.midi_bar.singing import sung_before
from seqgen.codecs.midi_bar.voices import NOTHING, Note, Voices, crossing, sung
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score

PAIRS = frozenset({(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)})
MADE = ["alto", "tenor", "bass"]


@pytest.fixture(scope="module")
def model():
    return Model(chorales())


def grid(data):
    """(4, steps) the pitch of each voice by its name; 0 where it rests."""
    score = read_score(data)
    found = np.zeros((4, score.length), np.int64)
    for onset, lasts, pitch, part in zip(score.onset, score.duration, score.pitch, score.part):
        found[NAMES.index(score.names[part]), onset : onset + lasts] = pitch
    return found


def parallels(grid):
    """Fifths and octaves in a row between two voices that both move."""
    found = 0
    for upper, lower in combinations(grid, 2):
        gap = (upper - lower) % 12
        moved = (np.diff(upper) != 0) & (np.diff(lower) != 0)
        found += int((moved & (gap[1:] == gap[:-1]) & np.isin(gap[1:], (0, 7))).sum())
    return found


def close(seed):
    """Voices whose ranges overlap widely: a tune that moves low, so that the others are in its way."""
    random, rows = np.random.default_rng(seed), []
    for beat in range(24):
        rows.append((24 * beat, 24, 60 + int(random.integers(4)), 68, 52))
    return write_score(Score.from_notes(24, rows, part=np.zeros(24, np.int64), names=("Soprano",)))


def wide():
    """A model of chorales in which any voice may sing much of what any other does, without crossing it."""
    documents = []
    for seed in range(6):
        random, rows, parts = np.random.default_rng(seed), [], []
        for beat in range(24):
            pitches = np.sort(random.choice(np.arange(42, 75), 4, replace=False))[::-1]
            rows += [(24 * beat, 24, int(pitch), 68, 52) for pitch in pitches]
            parts += range(4)
        documents.append(write_score(Score.from_notes(24, rows, part=np.array(parts), names=NAMES)))
    from fill_fixtures import checkpoint

    from seqgen.codecs.midi_bar import MidiBar
    from seqgen.codecs.midi_bar.codec import MidiBarOptions
    from seqgen.tokenizer import Tokenizer

    return Model(checkpoint(Tokenizer(MidiBar.fit(documents, MidiBarOptions()), "midi_bar"), documents, span=1024))


def test_voices_of_the_corpus_are_known_to_keep_their_order():
    found = wide().seen.bounds
    assert learned_of(found).above == PAIRS
    assert all(found[CROSSED.format(lower, upper)] == 1 for upper, lower in PAIRS)


def test_made_voices_do_not_cross_nor_go_in_parallels_unless_they_may():
    model, crossed, found, bars = wide(), [0, 0], [0, 0], 0
    for seed in range(4):
        tune = close(seed)
        for free in (False, True):
            made = grid(model.accompany(tune, MADE, free=free, seed=seed, temperature=1.0).bytes)
            assert (made[:, : 24 * 24] > 0).all()
            crossed[free] += int((np.diff(made, axis=0) > 0).any(axis=0).sum())
            found[free] += parallels(made)
        bars += 6
    assert crossed[0] == 0
    assert crossed[1] > 100
    assert found[0] < found[1] / 4


@pytest.mark.parametrize("parts", [["alto"], ["soprano", "bass"], ["tenor"]])
def test_given_voices_are_minded_above_and_below(parts):
    model = wide()
    for seed in range(3):
        piece = chorale(seed)
        made = grid(model.accompany(piece, parts, seed=seed, temperature=1.0).bytes)
        theirs = grid(piece)
        own = [NAMES.index(part.capitalize()) for part in parts]
        for upper, lower in pairwise(range(4)):
            if upper in own or lower in own:  # what is given may cross of itself
                assert (made[lower] <= made[upper]).mean() > 0.98
        assert all((made[each] == theirs[each]).all() for each in range(4) if each not in own)


@pytest.mark.parametrize("bars", [(1, 2), (3, 4), (6, 6)])
def test_voices_of_bars_that_are_made_keep_to_the_same(bars):
    model, begin, end = wide(), 96 * (bars[0] - 1), 96 * bars[1]
    crossed, found = [0, 0], [0, 0]
    for seed in range(4):
        for free in (False, True):
            made = grid(model.fill(chorale(seed), bars=bars, free=free, seed=seed, temperature=1.0).bytes)
            own = made[:, begin:end]
            assert (own > 0).all()
            crossed[free] += int((np.diff(own, axis=0) > 0).any(axis=0).sum())
            found[free] += parallels(made[:, max(begin - 1, 0) : end])  # what stood before it is minded
    assert crossed[0] == 0
    assert crossed[1] > 50
    assert found[0] <= found[1] / 4


def test_voices_go_on_from_what_was_sung_before_a_bar():
    piece = Model(chorales()).tokenizer.codec.score_hole(chorale(1), (3, 3), None, {}).piece
    before = sung_before(piece.apart, np.arange(0, 7 * 96, 96), 2)
    sounding = grid(chorale(1))[:, 2 * 96 - 1]
    for part in range(4):
        note = before.lately[part][1]
        assert note.pitch == sounding[part]
        assert note.begin < 0 <= note.end
        assert before.ends[part] == note.end


@pytest.mark.parametrize("command", [["fill", "--bars", "2:5"], ["vary", "--amount", "0.9"]])
def test_bars_let_voices_go_where_they_may(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    wide().checkpoint.save(tmp_path / "wide")
    (tmp_path / "piece.mid").write_bytes(chorale(2))
    call = [command[0], "wide", "piece.mid", *command[1:], "--seed", "1", "-t", "1", "-o"]
    assert run([*call, "kept.mid"]) == 0
    assert run([*call, "free.mid", "--free-voices"]) == 0
    kept, free = (grid(Path(name).read_bytes()) for name in ("kept.mid", "free.mid"))
    assert int((np.diff(kept, axis=0) > 0).any(axis=0).sum()) < int((np.diff(free, axis=0) > 0).any(axis=0).sum())


def test_the_command_line_lets_voices_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wide().checkpoint.save(tmp_path / "wide")
    (tmp_path / "tune.mid").write_bytes(close(1))
    call = ["accompany", "wide", "tune.mid", "--parts", "alto,tenor,bass", "--seed", "1", "-t", "1", "-o"]
    assert run([*call, "kept.mid"]) == 0
    assert run([*call, "free.mid", "--free-voices"]) == 0
    kept, free = (grid(Path(name).read_bytes()) for name in ("kept.mid", "free.mid"))
    assert not (np.diff(kept, axis=0) > 0).any()
    assert (np.diff(free, axis=0) > 0).any()


VOICES = Voices(PAIRS, {0: np.repeat([72, 67, 64], 24), 3: np.repeat([48, 43, 48], 24)})


def pitches(part, step, lately=NOTHING, start=None):
    mask = np.ones(v.SIZE, np.bool_) if start is None else start
    VOICES.keep(mask, part, step, lately)
    return np.flatnonzero(mask[v.PITCH : v.DRUM]).tolist()


def test_a_note_lies_between_the_voices_above_and_below():
    assert pitches(1, 0) == list(range(48, 73))
    alto = sung(NOTHING, 1, Note(0, 24, 60))
    assert pitches(2, 0, alto) == list(range(48, 61))
    assert pitches(2, 30, sung(NOTHING, 1, Note(24, 48, 60))) == list(range(43, 61))
    assert pitches(0, 0) == list(range(48, 128)), "what is made is not bounded by itself alone"


def test_a_note_ends_before_a_given_voice_crosses_it():
    assert VOICES.room(1, 70, 0) == 24
    assert VOICES.room(1, 65, 0) == 48
    assert VOICES.room(1, 60, 0) > 1000
    assert VOICES.room(1, 46, 24) == 48
    assert VOICES.room(1, 70, 30) > 1000, "it is crossed already"


def test_fifths_and_octaves_in_a_row_are_passed_over():
    alto = sung(NOTHING, 1, Note(0, 24, 60))  # an octave below the soprano, and above the bass
    assert 55 not in pitches(1, 24, alto)
    assert 60 in pitches(1, 24, alto), "a voice that stays makes none"
    fifth = sung(NOTHING, 1, Note(0, 24, 65))
    assert 60 not in pitches(1, 24, fifth)
    assert {58, 59, 61} <= set(pitches(1, 24, fifth))


def test_nothing_takes_the_last_pitch():
    only = np.zeros(v.SIZE, np.bool_)
    only[v.PITCH + 90] = True
    assert pitches(1, 0, start=only.copy()) == [90]
    only[v.PITCH + 90], only[v.PITCH + 55] = False, True
    alto = sung(NOTHING, 1, Note(0, 24, 60))
    assert pitches(1, 24, alto, only) == [55]


def test_a_tied_note_is_one_note():
    lately = sung(sung(NOTHING, 1, Note(0, 24, 60)), 1, Note(24, 30, 62))
    lately = sung(lately, 1, Note(24, 48, 62))
    assert lately[1] == (Note(0, 24, 60), Note(24, 48, 62))


def test_crossing_is_counted_over_bar_lines_and_meters(model):
    rows = [(0, 96, 60, 68, 52), (96, 72, 60, 68, 52), (0, 84, 50, 68, 52), (84, 42, 70, 68, 52), (126, 42, 50, 68, 52)]
    meters = {"meter_tick": np.array([0, 96]), "meter": np.array([[4, 4], [3, 4]])}
    piece = Score.from_notes(24, rows, part=np.array([0, 0, 1, 1, 1]), names=NAMES[:2], **meters)
    ids = model.tokenizer.codec.encode(write_score(piece))
    assert crossing([ids], [0, 1]) == {(0, 1): 1000 * 42 // 168}
    assert crossing([ids], [0]) == {}
    assert crossing([], [0, 1]) == {}


def test_voices_that_cross_often_are_free():
    bounds = dict(wide().seen.bounds)
    bounds[CROSSED.format(1, 0)] = SELDOM + 2
    assert learned_of(bounds).above == PAIRS - {(0, 1)}
    del bounds[CROSSED.format(1, 0)]
    assert (0, 1) not in learned_of(bounds).above
    older = {name: most for name, most in chorales().seen.bounds.items() if " below " not in name}
    assert learned_of(older).above == PAIRS, f"their middles are {APART} semitones apart"
    assert Learned.of({}, 1).above == frozenset()
