"""Several threads sample from one loaded model at once: each gets the bytes that it gets alone."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import seqgen
from seqgen.api.mixture import Voice, mix
from seqgen.cli import run
from seqgen.music.request import Music
from seqgen.selftest._materials import PLAY, TINY
from seqgen.takes.record import Beginning, TakeSource
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes

THREADS = 8


@pytest.fixture(autouse=True)
def restless():
    """Threads change places as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run folder with its corpus indexed, so that copies can be refused."""
    folder = tmp_path_factory.mktemp("threads")
    (folder / "play.txt").write_text(PLAY, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQGEN_CACHE", str(folder / "cache"))
        assert run(["train", str(folder / "play.txt"), "-o", str(folder / "run"), "--steps", "30", *TINY]) == 0
    return folder / "run"


def at_once(work):
    """What `work` gives for each of THREADS seeds, all begun in the same moment."""
    gate = threading.Barrier(THREADS)

    def begin(seed):
        gate.wait(60)
        return work(seed)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def text(model, seed, **how):
    """Half of the threads sample piece by piece, the others a whole."""
    if seed % 2:
        return "".join(model.generate("ANNA", seed=seed, **how)).encode()
    return model.sample("ANNA", seed=seed, **how).bytes.removeprefix(b"ANNA")


RULES = [("top_p", 0.9), ("repetition", 1.2), ("no_repeat", 6)]
WAYS = {
    "plain": {},
    "rules": {"rules": RULES, "temperature": "0.2..1.5"},
    "adaptive": {"rules": [("mirostat", "4..4.5"), ("top_a", 0.01)], "temperature": 1.0},
    "max_copy": {"max_copy": 4},
    "stop": {"stop": ["\n\n"]},
    "grammar": {"grammar": "c", "temperature": 1.5},
    "balanced": {"grammar": "c", "balanced": True},
}


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("way", WAYS)
def test_text_of_threads_is_the_text_of_one(trained, engine, way):
    how = {"length": 60, **WAYS[way]}
    alone = [text(seqgen.load(trained, engine, "cpu"), seed, **how) for seed in range(THREADS)]
    shared = seqgen.load(trained, engine, "cpu")  # its engine and its indexes are made by the first to need them
    assert at_once(lambda seed: text(shared, seed, **how)) == alone
    assert len(set(alone)) > THREADS // 2  # a text taken for another's would show; two short ones may be alike


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("bach-chorales", {"music": Music(instruments="piano", key="Am", seconds=10.0)}),
        ("folk-tunes", {"length": 80}),
        ("sqlite-c", {"length": 30}),
    ],
)
def test_files_of_threads_are_those_of_one(name, how):
    alone = [seqgen.load(name).sample(seed=seed, **how).bytes for seed in range(THREADS)]
    shared = seqgen.load(name)
    assert at_once(lambda seed: shared.sample(seed=seed, **how).bytes) == alone


def test_a_mixture_is_shared_too(trained):
    voices = [Voice(seqgen.load(trained), 1.0, 0.5), Voice(seqgen.load(trained), 0.5, 0.5)]
    alone = [mix(voices).sample("ANNA", seed=seed, length=50).bytes for seed in range(THREADS)]
    shared = mix(voices)
    assert at_once(lambda seed: shared.sample("ANNA", seed=seed, length=50).bytes) == alone


@pytest.mark.parametrize("part", ["engine", "indexes"])
def test_what_is_made_when_it_is_needed_is_made_once(trained, monkeypatch, part):
    made = []
    names = {"engine": "seqgen.api.model.make_engine", "indexes": "seqgen.api.learned.indexes"}
    monkeypatch.setattr(names[part], lambda *given: made.append(threading.get_ident()) or object())
    shared = seqgen.load(trained)
    found = at_once(lambda seed: shared.engine if part == "engine" else shared.indexes())
    assert len(made) == 1
    assert all(each is found[0] for each in found)


def test_each_thread_keeps_its_takes(trained, tmp_path):
    """One list, opened by each thread: SQLite's connections belong to the thread that made them."""
    shared, place = seqgen.load(trained), tmp_path / "takes.sqlite"
    source = TakeSource(shared.digest, shared.name, "", shared.tokenizer.spec())

    def take(seed):
        sample = shared.sample("ANNA", seed=seed, length=50)
        with Takes(place) as takes:
            recorder = Recorder(lambda: takes, Beginning(source, 1, seed, {}, {}), pytest.fail)
            recorder.begin(sample.prompt_ids.tolist())
            recorder.extend(sample.ids.tolist())
            return recorder.finish("length")[1], sample.bytes

    kept = at_once(take)
    with Takes(place, write=False) as takes:
        assert {each.id for each in takes.list()} == {id for id, _ in kept}
        for id, _ in kept:
            assert takes.find(id).whole
    assert len({id for id, _ in kept}) == THREADS
