"""What is told of a bar is read at the place where one is, in scores."""

import numpy as np
from fill_fixtures import chorale, chorales

from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.parting import Apart, interleaved
from seqgen.memories import lookback
from seqgen.memories._places import CARRIED, WAYS
from seqgen.memories._registers import AHEAD, BACK, KEPT, LAGS_OF_GIVEN, STANDS
from seqgen.memories.lookahead import advanced, aligned


def test_each_bar_that_is_made_sees_what_is_given_of_it():
    tokenizer = chorales().tokenizer
    apart, signs, clock = Apart.of(tokenizer.encode(chorale(5))), tokenizer.infilling, tokenizer.clock()
    tune = apart.highest()
    others = [part for part in apart.parts if part != tune]
    ids = np.concatenate([tokenizer.frame(), interleaved(apart.given([tune]), apart.made(others), signs)]).astype(int)
    latest, keys, runs, carried = np.zeros(600), np.zeros(600), np.zeros(600), np.zeros(CARRIED + WAYS)
    register, bar, place, seen = np.zeros(KEPT + AHEAD), -1, 0, 0
    rows = apart.rows
    for token in ids.tolist():
        lookback.looked(token, tuple(clock[token].tolist()), latest, keys, runs, carried)
        advanced(token, token == tokenizer.document_id, register, signs)
        lag = LAGS_OF_GIVEN.get(int(register[STANDS]))
        if token == signs.made:
            bar += 1
        if lag is None or not v.POS <= token < v.PART:
            continue
        place = token - v.POS
        own = np.flatnonzero((rows.part == tune) & (rows.bar == bar) & (rows.inside <= place))
        if not len(own):
            continue
        before = [int(one) - 1 for one in aligned(latest, keys, carried, lag)[:BACK]]
        sung = [one - v.PITCH for one in before if v.PITCH <= one < v.DRUM]
        assert sung[-1:] == rows.pitch[own[-1:]].tolist()
        seen += 1
    assert bar == len(apart.heads) - 1
    assert seen > 2 * bar
