"""A step: what is captured on a GPU is what runs here; precision, loss scale, lack of memory."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from test_training import Nobody, make_run, make_stream

from seqgen import registry
from seqgen.errors import SeqgenError, UsageError
from seqgen.models import ModelSettings
from seqgen.models.graph import Repeated
from seqgen.models.network import RecurrentLM
from seqgen.training import defaults, snapshot
from seqgen.training import device as devices
from seqgen.training.data import Material, Spans
from seqgen.training.defaults import Reading
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget, Remarked, Shrunk
from seqgen.training.rollback import LastGood
from seqgen.training.scaling import BACKOFF, INTERVAL, START, LossScaler
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step
from seqgen.training.trainer import Trainer

V, B, T = 11, 4, 8
CPU = torch.device("cpu")
PLAIN = TrainSettings(batch=B, window=T, learning_rate=1e-2, precision="float32")
ALL = dataclasses.replace(
    PLAIN, dropout=0.2, weight_drop=0.2, dropout_embedding=0.1, activation_reg=1.0, temporal_activation_reg=1.0
)
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def make_step(settings=PLAIN, device=CPU, capture=True, hidden=16, scaled=False, recorder=None):
    """A step; `scaled`, with the loss scale that float16 brings, which few CPUs can multiply in."""
    torch.manual_seed(5)
    network = RecurrentLM(registry.load("cells", "lstm")(), ModelSettings(hidden=hidden, layers=2), V)
    network.to(device).train()
    step = Step(network, settings, capture=capture, recorder=recorder)
    step.scaler = LossScaler(device) if scaled else step.scaler
    return step


def windows(steps, device=CPU, batch=B, window=T):
    generator = torch.Generator().manual_seed(1)
    for number in range(steps):
        x = torch.randint(V, (batch, window + 1), generator=generator).to(device)
        keep = torch.ones(batch, device=device)
        keep[number % batch] = 0
        yield x[:, :-1], x[:, 1:], keep if number % 2 else None


def losses(step, steps, **shape):
    found = [step(x, y, keep, y.numel(), 1e-3) for x, y, keep in windows(steps, step.device, **shape)]
    return [float(loss) for loss in found]


def by_hand(settings, steps):
    """The same updates as a plain loop, without static tensors."""
    step = make_step(settings)  # for its network and optimizer alone
    network, found = step.network, []
    state = network.initial_state(B)
    for x, y, keep in windows(steps):
        for group in step.optimizer.param_groups:
            group["lr"] = torch.tensor(1e-3)
        if keep is not None:
            state = tuple(tuple(part * keep[:, None] for part in parts) for parts in state)
        step.optimizer.zero_grad()
        logits, state = network(x, state)
        state = tuple(tuple(part.detach() for part in parts) for parts in state)
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), y, reduction="sum")
        (loss / y.numel()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        step.optimizer.step()
        found.append(float(loss.detach()))
    return found, network


def test_static_tensors_change_nothing():
    step = make_step()
    expected, network = by_hand(PLAIN, 12)
    np.testing.assert_allclose(losses(step, 12), expected, rtol=1e-5)
    for ours, theirs in zip(step.network.parameters(), network.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_loss_outlives_the_next_step():
    step = make_step()
    first, second = (step(x, y, keep, y.numel(), 1e-3) for x, y, keep in windows(2))
    assert float(first) != float(second)


def test_everything_stays_where_it_is():
    step = make_step(dataclasses.replace(ALL, average="ema"), scaled=True)
    losses(step, 1)
    before = {name: tensor.data_ptr() for name, tensor in snapshot.capture(step).items()}
    losses(step, 3)
    snapshot.restore(step, {name: tensor.clone() for name, tensor in snapshot.capture(step).items()})
    step.state = step.network.initial_state(B)
    after = {name: tensor.data_ptr() for name, tensor in snapshot.capture(step).items()}
    assert {name for name in before if before[name] != after[name]} <= {"random.cpu"}


def test_nothing_is_read_back_while_stepping(monkeypatch):
    step = make_step(dataclasses.replace(ALL, average="tail"), scaled=True)
    losses(step, 1)

    def refuse(*_):
        raise AssertionError("a step waits for the device")

    batches = list(windows(2))
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy", "nonzero"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    for x, y, keep in batches:
        step(x, y, keep, y.numel(), 1e-3)


def test_resized_it_reads_other_streams_from_fresh_states():
    step = make_step()
    losses(step, 2)
    weights = [weight.detach().clone() for weight in step.network.parameters()]
    step.resize(2)
    assert all(part.shape == (2, 16) and not part.any() for parts in step.state for part in parts)
    assert all(torch.equal(*pair) for pair in zip(weights, step.network.parameters()))
    assert all(np.isfinite(losses(step, 3, batch=2)))


def test_a_loss_scale_changes_nothing():
    plain = make_step()
    assert plain.scaler is None
    np.testing.assert_allclose(losses(make_step(scaled=True), 20), losses(plain, 20), rtol=1e-5)


def test_float16_is_for_gpus():
    with pytest.raises(UsageError, match="precision is 'float16' on cpu"):
        make_step(dataclasses.replace(PLAIN, precision="float16"))


def test_an_overflow_leaves_the_step_out_and_lowers_the_scale():
    step = make_step(scaled=True)
    losses(step, 2)
    kept = {name: tensor.clone() for name, tensor in snapshot.capture(step).items() if "random" not in name}
    step.scaler.scale.fill_(float("inf"))
    losses(step, 1)
    now = snapshot.capture(step)
    changed = {name.split(".")[0] for name in kept if not torch.equal(kept[name], now[name])}
    assert changed <= {"state", "scaler"}
    step.scaler.scale.fill_(START)
    losses(step, 1)
    assert not torch.equal(kept["weights.output.bias"], snapshot.capture(step)["weights.output.bias"])


def test_the_scale_goes_as_that_of_torch_does():
    ours, theirs = LossScaler(CPU), torch.amp.GradScaler("cpu")
    theirs.scale(torch.zeros(()))
    for bad in [1, 0, 0, 1, *[0] * (INTERVAL + 3), 1]:
        weight = torch.nn.Parameter(torch.zeros(2))
        weight.grad = torch.full((2,), float("inf") if bad else 1.0)
        theirs.step(torch.optim.SGD([weight], 0.1))
        theirs.update()
        ours.update(torch.tensor(float(bad)))
        assert float(ours.scale) == theirs.get_scale()
    assert float(ours.scale) == START * BACKOFF**2


def test_the_scale_is_saved_and_put_back():
    step, other = make_step(scaled=True), make_step(scaled=True)
    losses(step, 3)
    step.scaler.scale.fill_(512)
    snapshot.restore(other, snapshot.capture(step))
    assert float(other.scaler.scale) == 512
    assert float(other.scaler.finite) == 3


@pytest.mark.parametrize(
    ("shape", "legal"),
    [
        ((768, 768, 16), True),
        ((1024, 128, 128), True),
        ((1152, 128, 128), False),
        ((768, 768, 12), False),
        ((768, 768, 136), False),
        ((768, 65, 16), False),
        ((700, 128, 16), False),
        ((768, 768, 0), False),
    ],
)
def test_shapes_for_the_persistent_kernel(shape, legal):
    hidden, inputs, batch = shape
    assert registry.load("cells", "lstm")().persistent(inputs, hidden, batch) == legal
    assert not registry.load("cells", "gru")().persistent(inputs, hidden, batch)


def test_devices_for_the_persistent_kernel():
    assert devices.persistent_device(9, 0, 132)
    assert devices.persistent_device(8, 0, 108)
    assert not devices.persistent_device(8, 6, 84)
    assert not devices.persistent_device(7, 5, 72)


@pytest.mark.parametrize("tokens", [10_000, 1_000_000, 100_000_000])
def test_defaults_for_a_gpu_are_shapes_for_the_persistent_kernel(tokens):
    shape, train = defaults.choose("cuda", Reading(tokens, Budget(minutes=3.0)))
    settings = ModelSettings(**shape)
    for inputs in (settings.embedding_size, settings.hidden):
        assert registry.load("cells", "lstm")().persistent(inputs, settings.hidden, train["batch"])


@pytest.mark.parametrize(
    ("persistent", "major", "bfloat16", "dtype"),
    [
        (True, 9, True, torch.float16),
        (False, 9, True, torch.bfloat16),
        (False, 8, False, torch.float32),
        (False, 7, False, torch.float16),
        (False, 6, False, torch.float32),
    ],
)
def test_precision_of_a_gpu(persistent, major, bfloat16, dtype):
    assert devices.cuda_precision(persistent, major, bfloat16) == dtype


def test_on_a_cpu_work_is_simply_called():
    done = []
    work = Repeated(lambda: done.append(1), CPU)
    for _ in range(6):
        work()
    work.forget()
    assert (len(done), work.captured, work.failure) == (6, False, None)


class Stand:
    """Records work as a graph would, and does something to each replay."""

    def __init__(self, wrong=lambda work: work(), record=None):
        self.wrong, self.calls, self.recorded, self.replays = wrong, 0, 0, 0
        self.refuse = record

    def call(self, work):
        self.calls += 1
        work()

    def record(self, work):
        self.recorded += 1
        if self.refuse is not None:
            raise self.refuse

        def replay():
            self.replays += 1
            self.wrong(work)

        return replay

    def random_state(self):
        return torch.get_rng_state()

    def set_random_state(self, state):
        torch.set_rng_state(state)


def outcome(recorder, steps=9):
    """Losses, all tensors and the step after so many steps with dropout and an average."""
    step = make_step(dataclasses.replace(ALL, average="ema"), recorder=recorder)
    torch.manual_seed(7)
    found = losses(step, steps)
    return found, {name: tensor.clone() for name, tensor in snapshot.capture(step).items()}, step


def same(one, two):
    return one[0] == two[0] and all(torch.equal(one[1][name], two[1][name]) for name in one[1])


def test_a_replay_that_does_what_a_plain_step_does_is_used():
    stand = Stand()
    found, plain = outcome(stand), outcome(None)
    assert same(found, plain)
    assert (found[2].update.captured, found[2].update.failure) == (True, None)
    assert (stand.calls, stand.recorded, stand.replays) == (4, 1, 6)


def do_nothing(work):
    pass


def draw_other_masks(work):
    torch.rand(1)
    work()


def do_it_twice(work):
    work()
    work()


def spoil_a_weight(work):
    work()
    step = work.__self__
    with torch.no_grad():
        step.network.embedding.weight[0, 0] = float("nan")


def lose_the_state(work):
    work()
    for parts in work.__self__.state:
        parts[0].mul_(0.8)


def forget_the_average(work):
    kept = [tensor.clone() for tensor in work.__self__.average.weights.values()]
    work()
    for tensor, before in zip(work.__self__.average.weights.values(), kept):
        tensor.copy_(before)


def forget_a_moment(work):
    step = work.__self__
    moment = step.optimizer.state[step.network.output.bias]["exp_avg_sq"]
    before = moment.clone()
    work()
    moment.copy_(before)


def break_down(work):
    work()
    raise RuntimeError("CUDA error: an illegal memory access was encountered\nand more")


WRONG = [
    (do_nothing, r"differs by \d+ %"),
    (draw_other_masks, r"differs by [\d.]+ %"),
    (do_it_twice, r"differs by [\d.]+ %"),
    (spoil_a_weight, "embedding.weight differs"),
    (lose_the_state, "state [02] differs by 20 %"),
    (forget_the_average, "the average of .* differs by 100 %"),
    (forget_a_moment, "exp_avg_sq of output.bias differs by 100 %"),
    (break_down, "an illegal memory access was encountered"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_after_a_wrong_replay_plain_steps_go_on_from_the_plain_result(wrong, why):
    stand = Stand(wrong)
    found, plain = outcome(stand), outcome(None)
    assert same(found, plain)
    assert not found[2].update.captured
    assert re.search(why + "$", found[2].update.failure)
    assert (stand.calls, stand.recorded, stand.replays) == (4, 1, 1)


@pytest.mark.parametrize("error", [RuntimeError("no"), torch.cuda.OutOfMemoryError("no"), ValueError("no")], ids=repr)
def test_what_cannot_be_recorded_is_done_plainly(error):
    stand = Stand(record=error)
    found = outcome(stand)
    assert same(found, outcome(None))
    assert (found[2].update.captured, found[2].update.failure) == (False, "no")
    found[2].resize(B)
    losses(found[2], 6)
    assert stand.recorded == 1


def test_a_check_that_breaks_changes_nothing():
    def fail():
        raise RuntimeError("no room on the host")

    stand = Stand()
    stand.random_state = fail
    found = outcome(stand)
    assert same(found, outcome(None))
    assert found[2].update.failure == "no room on the host"
    assert stand.recorded == 0


def test_an_overflow_proves_nothing_and_the_next_step_is_tried():
    """A replay that does nothing comes to the same as a step that is left out."""
    stand = Stand(do_nothing)
    step = make_step(recorder=stand, scaled=True)
    losses(step, 3)
    step.scaler.scale.fill_(float("inf"))
    losses(step, 1)
    assert (step.update.captured, step.update.failure, stand.recorded) == (False, None, 0)
    step.scaler.scale.fill_(START)
    losses(step, 1)
    assert "a replay does not do what a plain step does" in step.update.failure


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda work: work(), r"Steps run as a CUDA graph: a replay came to what a plain step came to\."),
        (do_nothing, r"Steps run plainly, without a CUDA graph: a replay does not do what a plain step does, .*\."),
    ],
    ids=["right", "wrong"],
)
def test_a_run_says_once_how_its_steps_are_done(wrong, said):
    trainer = make_trainer(4, 4)
    trainer.step = Step(trainer.network, trainer.settings, recorder=Stand(wrong))
    trainer.good = LastGood()
    remarks = [event.text for event in trainer.run() if isinstance(event, Remarked)]
    assert len(remarks) == 1
    assert re.fullmatch(said, remarks[0])


def test_a_run_on_a_cpu_says_nothing_of_graphs():
    assert not [event for event in make_trainer(4, 4).run() if isinstance(event, Remarked)]


def test_a_run_tells_its_observer_what_was_remarked(tmp_path):
    class Listener(Nobody):
        def note(self, message):
            self.events.append(message)

    listener = Listener()
    run = make_run(tmp_path / "run", make_stream(tmp_path / "corpus.tokens"), steps=8, observer=listener)
    run.start()
    run.trainer.step = Step(run.network, run.trainer.settings, recorder=Stand())
    run.train()
    assert listener.events == [run.trainer.step.remark]


@pytest.mark.parametrize(("kind", "words"), [("cpu", ""), ("cuda", "never run on CUDA"), ("mps", "never run on mps")])
def test_before_a_run_on_a_device_that_was_never_tried_that_is_said(kind, words):
    said = devices.caution(torch.device(kind))
    assert words in said
    assert bool(said) == bool(words)


def test_with_other_streams_a_replay_is_tried_again():
    stand = Stand()
    step = make_step(recorder=stand)
    losses(step, 6)
    step.resize(2)
    losses(step, 3, batch=2)
    assert not step.update.captured
    losses(step, 1, batch=2)
    assert (step.update.captured, stand.recorded) == (True, 2)


def make_trainer(batch, most, steps=30):
    """A trainer whose device has memory for `most` streams."""
    torch.manual_seed(5)
    network = RecurrentLM(registry.load("cells", "lstm")(), ModelSettings(hidden=16), V)
    ids = np.random.default_rng(0).integers(0, V - 1, 3000).astype(np.uint16)
    settings = dataclasses.replace(PLAIN, batch=batch, patience=0)
    plan = TrainPlan("lstm", network.cell, network.settings, settings, Budget(steps=steps), 1, torch.device("cpu"))
    material = Material(ids, Spans(np.array([0]), np.array([3000])), V - 1)
    trainer = Trainer(network, material, plan, lambda network: 1.0)
    give_memory(trainer, most)
    return trainer


def give_memory(trainer, most):
    plain = trainer.step._update

    def update():
        if len(trainer.step._x) > most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        plain()

    trainer.step.update.work = update


def test_out_of_memory_halves_the_batch_and_goes_on():
    trainer = make_trainer(16, 4)
    shrunk = [event for event in trainer.run() if isinstance(event, Shrunk)]
    assert [event.line["batch"] for event in shrunk] == [8, 4]
    assert trainer.progress.batch == trainer.settings.batch == 4
    assert trainer.progress.total_steps == 30
    assert trainer.progress.tokens == 30 * 4 * T


def test_out_of_memory_later_goes_on_from_there():
    trainer = make_trainer(16, 16, steps=10)
    list(trainer.run())
    share = trainer.progress.step / trainer._epoch.steps
    give_memory(trainer, 8)
    trainer.budget = Budget(steps=11)
    list(trainer.run())
    after = (trainer.progress.step - 1) / trainer._epoch.steps
    assert trainer.progress.total_steps == 11
    assert share - 0.05 < after <= share


def test_a_run_that_was_short_of_memory_resumes_with_the_streams_it_had(tmp_path):
    class Quiet(Nobody):
        def shrunk(self, progress, line):
            pass

    stream = make_stream(tmp_path / "corpus.tokens")
    runs = {}
    for name, stops in (("straight", ()), ("stopped", (7,))):
        run = make_run(tmp_path / name, stream, steps=15, observer=Quiet())
        run.start()
        give_memory(run.trainer, 2)
        if stops:
            stop_after(run.trainer, stops[0])
            run.train()
            run = make_run(tmp_path / name, stream, steps=15, observer=Quiet())
            run.resume()
            assert run.trainer.settings.batch == 2
        run.train()
        assert run.trainer.progress.total_steps == 15
        runs[name] = snapshot.capture(run.trainer.step)
    one, two = runs.values()
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def stop_after(trainer, steps):
    inner = trainer.step.update.work

    def update():
        inner()
        trainer.stopping = trainer.stopping or trainer.progress.total_steps + 1 == steps

    trainer.step.update.work = update


def test_not_even_one_stream_fits():
    with pytest.raises(SeqgenError, match="too little memory for a step of 1 streams"):
        list(make_trainer(4, 0).run())


@on_gpu
@pytest.mark.parametrize("settings", [PLAIN, ALL], ids=["plain", "dropout"])
@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float32"])
def test_a_captured_step_is_the_eager_one(settings, precision):
    settings = dataclasses.replace(settings, precision=precision, batch=8, average="ema")
    found = []
    for capture in (True, False):
        step = make_step(settings, device=torch.device("cuda"), capture=capture, hidden=128)
        torch.manual_seed(7)
        found.append(losses(step, 50, batch=8))
        assert (step.update.captured, step.update.failure) == (capture, None)
    np.testing.assert_allclose(*found, rtol=1e-3)


@on_gpu
def test_the_persistent_kernel_runs():
    from torch.profiler import ProfilerActivity, profile

    settings = dataclasses.replace(ALL, precision="float16", batch=16)
    step = make_step(settings, device=torch.device("cuda"), capture=False, hidden=768)
    losses(step, 2, batch=16)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        losses(step, 1, batch=16)
        torch.cuda.synchronize()
    names = {event.key for event in seen.key_averages()}
    properties = torch.cuda.get_device_properties(0)
    wanted = devices.persistent_device(properties.major, properties.minor, properties.multi_processor_count)
    assert any("persist" in name.lower() for name in names) == wanted, sorted(names)
