"""The count of streams that fit: halves, bounded, monotonous."""

from seqgen.cells.lstm import LSTM
from seqgen.models import ModelSettings
from seqgen.training.memory import USED, fitting_batch, step_bytes

SHAPE = ModelSettings(hidden=512, layers=2)


def fit(free, batch=64):
    return fitting_batch(LSTM(), SHAPE, 100, batch, 128, free)


def test_it_halves_until_a_step_fits():
    assert fit(80 << 30) == 64
    for batch in (32, 8, 1):
        assert fit(int(step_bytes(LSTM(), SHAPE, 100, batch, 128) / USED) + 1) == batch
    assert fit(0) == 1


def test_larger_steps_take_more():
    sizes = [step_bytes(LSTM(), SHAPE, vocab, batch, window) for vocab, batch, window in
             [(100, 1, 1), (100, 1, 64), (100, 64, 64), (10_000, 64, 64)]]  # fmt: skip
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4
