"""The rule against loops."""

import numpy as np
import pytest

from seqgen.errors import SettingError
from seqgen.rules import parse
from seqgen.rules.loop import Loop


def refused(n: int, past: list[int], size: int = 50) -> list[int]:
    history = np.full((1, 1024), -1, np.int64)
    history[0, 1024 - len(past) :] = past
    return np.flatnonzero(np.isneginf(Loop(n)(np.zeros((1, size), np.float32), history))[0]).tolist()


@pytest.mark.parametrize("period", [8, 9, 31, 200])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_token_that_closes_one_round_too_many_is_refused(period, n):
    passage = np.random.default_rng(period).integers(0, 50, period).tolist()
    rounds = passage * (n + 1)
    assert refused(n, [49, 48, *rounds[:-1]]) == [passage[-1]]
    assert refused(n, [49, 48, *rounds[:-2]]) == []
    assert refused(n + 1, rounds[:-1]) == []


def test_short_passages_are_no_loops():
    assert refused(2, [1, 2, 3] * 2 + [1, 2]) == []
    assert refused(2, [7] * 12) == []


def test_a_loop_that_is_longer_than_eight_of_a_kind_is_found():
    assert refused(2, [7] * 23) == [7]


def test_what_has_begun_only_now_is_no_loop():
    assert refused(1, []) == []
    assert refused(1, [3]) == []


def test_off_and_out_of_range():
    assert refused(0, [1, 2, 3, 4, 5, 6, 7, 8] * 20) == []
    assert parse("loop", "3") == Loop(3)
    with pytest.raises(SettingError, match="65"):
        parse("loop", 65)
