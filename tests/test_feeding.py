"""Feeding: what is gathered on the device is what is gathered in main memory."""

import numpy as np
import pytest
import torch

from seqgen.training import feeding
from seqgen.training.data import IGNORED, Epoch, Spans, gather
from seqgen.training.feeding import DeviceFeed, HostFeed

CPU = torch.device("cpu")


def random_case(seed, dtype):
    """(ids, spans, batch, window) of documents of random lengths, the last ending where the stream does."""
    rng = np.random.default_rng(seed)
    size = 60_000 if dtype == np.uint16 else 1_000_000
    ids = rng.integers(0, size, int(rng.integers(40, 400))).astype(dtype)
    cuts = np.unique(np.append(rng.integers(0, len(ids), rng.integers(1, 9)), len(ids)))
    return ids, Spans(cuts[:-1], cuts[1:]), int(rng.integers(1, 9)), int(rng.integers(1, 17))


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("planned", [1, 7, 256])
def test_both_feeds_give_what_gather_gives(dtype, planned):
    for seed in range(12):
        ids, spans, batch, window = random_case(seed, dtype)
        epoch = Epoch(spans, batch, window, seed, 0, reset=seed % 2 == 0, chance=0.2 * (seed % 3))
        feeds = HostFeed(ids, 7, CPU), DeviceFeed(ids, 7, CPU, planned)
        for step in range(epoch.steps):
            begin, length, fresh = epoch.windows(step)
            x, y = gather(ids, begin, length, window, 7)
            for feed in feeds:
                found = feed.window(epoch, step)
                np.testing.assert_array_equal(found.x.numpy(), x)
                np.testing.assert_array_equal(found.y.numpy(), y)
                keep = np.ones(batch) if found.keep is None else found.keep.numpy()
                np.testing.assert_array_equal(keep == 0, fresh)
                assert found.count == (y != IGNORED).sum()


def test_values_of_the_upper_half_stay_unsigned():
    ids = np.array([0, 1, 32767, 32768, 65534, 65535], np.uint16)
    found = DeviceFeed(ids, 3, CPU).window(Epoch(Spans(np.array([0]), np.array([6])), 1, 8, 1, 0), 0)
    epoch = Epoch(Spans(np.array([0]), np.array([6])), 1, 8, 1, 0)
    x, y = gather(ids, *epoch.windows(0)[:2], 8, 3)
    assert found.x.max() == 65535
    np.testing.assert_array_equal(found.x.numpy(), x)
    np.testing.assert_array_equal(found.y.numpy(), y)


def test_a_rank_gets_its_own_rows_and_the_count_of_all():
    ids, spans, _, window = random_case(1, np.uint16)
    epoch, whole, part = Epoch(spans, 6, window, 1, 0), DeviceFeed(ids, 7, CPU), DeviceFeed(ids, 7, CPU)
    host = HostFeed(ids, 7, CPU)
    for step in range(epoch.steps):
        wanted = whole.window(epoch, step)
        for feed in (part, host):
            found = feed.window(epoch, step, slice(2, 4))
            np.testing.assert_array_equal(found.x.numpy(), wanted.x[2:4].numpy())
            assert found.count == wanted.count


def test_steps_may_jump_and_epochs_may_change():
    ids, spans, batch, window = random_case(3, np.uint16)
    first, second = (Epoch(spans, batch, window, 1, number) for number in (0, 1))
    feed, host = DeviceFeed(ids, 7, CPU, 3), HostFeed(ids, 7, CPU)
    for epoch, step in [(first, 0), (first, first.steps - 1), (second, 1), (first, 1), (first, 0)]:
        np.testing.assert_array_equal(feed.window(epoch, step).x.numpy(), host.window(epoch, step).x.numpy())


def test_a_long_stream_is_sent_in_blocks(monkeypatch):
    monkeypatch.setattr(feeding, "BLOCK", 16)
    ids = np.arange(100, dtype=np.uint16)
    assert DeviceFeed(ids, 0, CPU).stream.tolist() == list(range(100))


def test_the_device_gathers_where_the_stream_fits():
    ids, cuda = np.zeros(1000, np.uint16), torch.device("cuda")
    assert isinstance(feeding.choose(ids, 0, CPU), HostFeed)
    assert isinstance(feeding.choose(ids, 0, cuda, free=7999), HostFeed)
    assert ids.nbytes == feeding.SHARE * 8000
