"""Muon: directions of equal length for the matrices inside a network, AdamW for the rest, all of it on the device."""

import dataclasses

import pytest
import torch
from test_step import ALL, PLAIN, Stand, losses, make_step, same

from seqgen.errors import SettingError
from seqgen.training import snapshot
from seqgen.training.muon import MOMENTUM, SIZE, Muon, orthogonal, reach
from seqgen.training.settings import TrainSettings

MUON = dataclasses.replace(PLAIN, optimizer="muon")
EVERYTHING = dataclasses.replace(ALL, optimizer="muon", average="ema")


@pytest.mark.parametrize("shape", [(64, 16), (16, 16), (16, 64)])
def test_all_directions_become_about_equally_long(shape):
    torch.manual_seed(1)
    x = torch.randn(shape)
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    x = u @ torch.diag(torch.logspace(-1.5, 0, len(s))) @ v
    found = orthogonal(x)
    lengths = torch.linalg.svdvals(found)
    assert found.shape == shape
    assert 0.6 < float(lengths.min()) <= float(lengths.max()) < 1.3
    torch.testing.assert_close(u.T @ found @ v.T, torch.diag((u.T @ found @ v.T).diagonal()), atol=2e-3, rtol=0)


def test_a_gradient_of_zero_moves_nothing():
    assert not orthogonal(torch.zeros(8, 4)).any()


def test_an_update_has_the_size_that_was_measured():
    weight = torch.nn.Parameter(torch.zeros(64, 16))
    rate = torch.tensor(0.01)
    optimizer = Muon([{"params": [weight], "weight_decay": 0.0, "muon": True}], lr=rate, fused=True)
    weight.grad = torch.randn(64, 16)
    optimizer.step()
    assert weight.detach().square().mean().sqrt() == pytest.approx(0.01 * SIZE, rel=0.2)
    torch.testing.assert_close(optimizer.state[weight]["momentum"], (1 - MOMENTUM) * weight.grad)


def test_no_number_moves_further_than_its_reach():
    weight = torch.nn.Parameter(torch.zeros(64, 16))
    optimizer = Muon([{"params": [weight], "weight_decay": 0.0, "muon": True}], lr=torch.tensor(1.0), fused=True)
    weight.grad = torch.zeros(64, 16)
    weight.grad[5, 3] = 1e3  # one direction, all of it in one number
    optimizer.step()
    assert 0.5 * reach(optimizer) < float(weight.detach().abs().max()) < reach(optimizer)
    assert reach(make_step().optimizer) == 1


def test_matrices_inside_are_moved_by_it_and_all_else_by_adamw():
    steps = {kind: make_step(dataclasses.replace(PLAIN, optimizer=kind)) for kind in ("adamw", "muon")}
    for step in steps.values():
        losses(step, 1)
    for (name, one), two in zip(steps["adamw"].network.named_parameters(), steps["muon"].network.parameters()):
        inside = name.startswith("layers") and one.ndim == 2
        assert torch.equal(one, two) != inside, name
        assert (steps["muon"].optimizer.state[two].keys() == {"momentum"}) == inside


def test_it_learns():
    step, ids = make_step(MUON), (torch.arange(36) % 5).reshape(4, 9)
    found = [float(step(ids[:, :-1], ids[:, 1:], None, 32, 5e-3)) for _ in range(100)]
    assert found[-1] < 0.7 * found[0]


def test_a_gradient_that_is_not_finite_moves_nothing():
    step = make_step(MUON, scaled=True)
    losses(step, 2)
    step.scaler.scale.fill_(float("inf"))
    before = {name: weight.detach().clone() for name, weight in step.network.named_parameters()}
    losses(step, 1)
    for name, weight in step.network.named_parameters():
        assert torch.equal(before[name], weight), name
    step.scaler.scale.fill_(1.0)
    losses(step, 1)
    assert all(torch.isfinite(weight).all() for weight in step.network.parameters())
    assert not torch.equal(before["layers.0.weight_hh_l0"], step.network.get_parameter("layers.0.weight_hh_l0"))


def test_a_graph_can_hold_it():
    """Static tensors alone, and a replay that does what a plain step does is used."""
    stand, found = Stand(), []
    for recorder in (stand, None):
        step = make_step(EVERYTHING, recorder=recorder)
        torch.manual_seed(7)
        found.append((losses(step, 9), {name: each.clone() for name, each in snapshot.capture(step).items()}, step))
    assert same(*found)
    assert (found[0][2].update.captured, found[0][2].update.failure) == (True, None)


def test_a_replay_that_forgets_the_momentum_is_found_out():
    def forget(work):
        momentum = work.__self__.optimizer.state[work.__self__.network.get_parameter("layers.0.weight_hh_l0")][
            "momentum"
        ]
        before = momentum.clone()
        work()
        momentum.copy_(before)

    step = make_step(EVERYTHING, recorder=Stand(forget))
    losses(step, 6)
    assert "momentum of layers.0.weight_hh_l0" in step.update.failure


def test_nothing_is_read_back_while_stepping(monkeypatch):
    step = make_step(EVERYTHING, scaled=True)
    losses(step, 1)

    def refuse(*_):
        raise AssertionError("a step waits for the device")

    x = torch.randint(11, (4, 9))
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy", "nonzero"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    step(x[:, :-1], x[:, 1:], None, 32, 1e-3)


def test_what_it_knows_is_put_back_into_a_fresh_step():
    step, other = make_step(EVERYTHING), make_step(EVERYTHING)
    losses(step, 3)
    snapshot.restore(other, {name: tensor.clone() for name, tensor in snapshot.capture(step).items()})
    torch.manual_seed(1)
    first = losses(step, 3)
    torch.manual_seed(1)
    assert losses(other, 3) == first


def test_another_name_is_refused():
    with pytest.raises(SettingError, match="optimizer is sgd, expected adamw or muon"):
        TrainSettings(optimizer="sgd")
