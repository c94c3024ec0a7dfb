"""A corpus in shards, joined to the bytes of a single run: by hand, by workers of dask, by workers that die."""

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import seqgen
from seqgen.cli import run
from seqgen.codecs.char import Char
from seqgen.codecs.word import Word
from seqgen.errors import CorpusError, StreamError, UsageError
from seqgen.stream import TokenStream
from seqgen.stream.tables import Shard
from seqgen.tokenization import dask_engine, fitting, sharding
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.planning import plan
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import Source, resolve

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # those of dask are not ours
CODECS = {"char": {}, "byte": {}, "subword": {"vocab_size": 400}}


@pytest.fixture
def corpus(tmp_path):
    """Twelve files of two labels: one empty, one binary, one of nothing but other letters, lengths far apart."""
    folder = tmp_path / "corpus"
    for number in range(10):
        place = folder / ("early" if number < 4 else "late")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text("so it is, and it is so.\n" * (5 + 40 * number**2) + "é水"[number % 2] * 9)
    (folder / "early" / "empty.txt").write_bytes(b"")
    (folder / "late" / "binary.txt").write_bytes(bytes(range(256)) * 20)
    return folder


def shards(corpus: Path, out: Path, count: int, **how) -> list[Path]:
    paths = [out / f"{index}of{count}.tokens" for index in range(1, count + 1)]
    for index, path in enumerate(paths, 1):
        seqgen.tokenize(corpus, path, shard=f"{index}/{count}", **how)
    return paths


@pytest.mark.parametrize("codec", CODECS)
def test_any_number_of_shards_gives_the_bytes_of_one_run(corpus, tmp_path, codec):
    how = {"codec": codec, "settings": CODECS[codec]}
    whole = seqgen.tokenize(corpus, tmp_path / "whole.tokens", **how)
    assert whole.shard is None
    assert whole.report.skipped  # the empty file at least is told, once
    for count in (1, 2, 7) if codec == "subword" else (1, 2, 7, 20):  # more shards than files, too
        paths = shards(corpus, tmp_path, count, **how)
        merged = sharding.merge(paths[::-1], tmp_path / "merged.tokens")
        assert merged.path.read_bytes() == whole.path.read_bytes(), count
        opened = [TokenStream.load(path) for path in paths]
        assert [stream.shard.index for stream in opened] == list(range(1, count + 1))
        assert sum(stream.documents for stream in opened) == whole.documents
        assert len({stream.shard.plan for stream in opened}) == 1


def test_shards_are_about_as_long_as_each_other(tmp_path):
    generator = np.random.default_rng(5)
    sources = []
    for number, length in enumerate(generator.integers(0, 4000, 300).tolist()):
        path = tmp_path / f"{number:03}"
        path.write_bytes(b"x" * length)
        sources.append(Source(path.name, path))
    parts = [sharding.part(sources, index, 7) for index in range(1, 8)]
    assert [source for part in parts for source in part] == sources
    lengths = [sum(source.path.stat().st_size for source in part) for part in parts]
    assert max(lengths) - min(lengths) < 2 * 4000


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "-1/3", "1/0", "1/1000000", "1/3/5", "１/3", ""])
def test_what_is_no_shard_is_refused(tmp_path, text):
    (tmp_path / "a.txt").write_text("so it is")
    with pytest.raises(UsageError, match="expected a part and how many there are, as in 3/7"):
        seqgen.tokenize(tmp_path / "a.txt", tmp_path / "a.tokens", shard=text)
    assert not (tmp_path / "a.tokens").exists()


def test_shards_that_do_not_belong_together_are_one_sentence(corpus, tmp_path, capsys):
    paths = shards(corpus, tmp_path, 3)
    two = shards(corpus, tmp_path, 2)
    other = tmp_path / "other.tokens"
    seqgen.tokenize(corpus, other, codec="byte", shard="2/3")
    whole = seqgen.tokenize(corpus, tmp_path / "whole.tokens").path
    damaged = tmp_path / "damaged.tokens"
    data = bytearray(paths[1].read_bytes())
    data[-200] ^= 1
    damaged.write_bytes(data)
    cases = [
        (paths[:2], "of 3 shards 3 is missing"),
        (paths[:1], "of 3 shards 2, 3 are missing"),
        ([*paths, paths[0]], r"1of3.tokens: is shard 1/3, as is .*1of3.tokens"),
        ([*paths[:2], two[0]], "1of2.tokens: is shard 1/2 of another plan than .*1of3.tokens"),
        ([paths[0], other, paths[2]], "other.tokens: is shard 2/3 of another plan"),
        ([*paths, whole], "whole.tokens: is a whole stream, no shard"),
        ([whole], "whole.tokens: is a whole stream, no shard"),
        ([paths[0], damaged, paths[2]], "damaged"),
    ]
    for given, said in cases:
        with pytest.raises(StreamError, match=said):
            sharding.merge(given, tmp_path / "out.tokens")
        assert run(["merge", *map(str, given), "-o", str(tmp_path / "out.tokens")]) == 1
        assert capsys.readouterr().err.count("\n") <= 2
    assert not (tmp_path / "out.tokens").exists()
    (corpus / "early" / "0.txt").write_text("longer than it was before")
    seqgen.tokenize(corpus, tmp_path / "2of3.tokens", shard="2/3")
    with pytest.raises(StreamError, match="of another plan"):
        sharding.merge(paths, tmp_path / "out.tokens")


def test_a_corpus_of_which_nothing_is_left(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_bytes(b"")
    paths = shards(tmp_path / "*.txt", tmp_path, 2, settings={"skip_bad": True})
    with pytest.raises(CorpusError, match="none of 3 files could be tokenized"):
        sharding.merge(paths, tmp_path / "out.tokens")


def test_the_commands(corpus, tmp_path, capfdbinary):
    whole, merged = str(tmp_path / "whole.tokens"), str(tmp_path / "merged.tokens")
    assert run(["tokenize", str(corpus), "-o", whole]) == 0
    for index in (1, 2):
        assert run(["tokenize", str(corpus), "-o", str(tmp_path / f"{index}"), "--shard", f"{index}/2"]) == 0
        assert b"shard %d/2" % index in capfdbinary.readouterr().err
    assert run(["merge", str(tmp_path / "2"), str(tmp_path / "1"), "-o", merged]) == 0
    assert Path(merged).read_bytes() == Path(whole).read_bytes()
    assert run(["merge", str(tmp_path / "1"), str(tmp_path / "2"), "-o", str(tmp_path / "1")]) == 2  # over an input
    capfdbinary.readouterr()
    assert run(["merge", str(tmp_path / "1"), str(tmp_path / "2"), "-o", "-"]) == 0
    assert capfdbinary.readouterr().out == Path(whole).read_bytes()
    assert run(["merge", str(tmp_path / "1"), str(tmp_path / "2"), "-o", os.devnull]) == 0
    assert run(["tokenize", str(corpus), "-o", merged, "--scheduler", "threads"]) == 2
    assert run(["tokenize", str(corpus), "-o", merged, "--engine", "dask", "--shard", "1/2"]) == 2


@pytest.mark.sockets
def test_dask_gives_the_bytes_of_one_run(corpus, tmp_path):
    whole = seqgen.tokenize(corpus, tmp_path / "whole.tokens")
    for scheduler in (dask_engine.PROCESSES, dask_engine.THREADS):
        made = seqgen.tokenize(corpus, tmp_path / f"{scheduler}.tokens", engine="dask", scheduler=scheduler, workers=4)
        assert made.path.read_bytes() == whole.path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    bad = {"skip_bad": False}
    with pytest.raises(CorpusError, match=r"binary.txt: is binary|empty.txt: is empty"):
        seqgen.tokenize(corpus, tmp_path / "bad.tokens", engine="dask", scheduler="threads", settings=bad)
    assert not (tmp_path / "bad.tokens").exists()


@pytest.mark.sockets
def test_a_worker_that_is_killed_costs_its_shards_alone(corpus, tmp_path):
    whole = seqgen.tokenize(corpus, tmp_path / "whole.tokens")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        killed: list[int] = []

        def progress(count: int) -> None:
            if not killed:  # after the first shard, with the others under way
                with distributed.Client(cluster) as client:
                    killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        builder = partial(dask_engine.build, cluster.scheduler_address)
        tokenize(
            resolve([corpus]), TokenizeSettings(workers=2), tmp_path / "made.tokens", progress=progress, builder=builder
        )
    assert killed
    assert (tmp_path / "made.tokens").read_bytes() == whole.path.read_bytes()


@pytest.mark.sockets
def test_a_scheduler_that_does_not_answer_is_one_sentence(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "PATIENCE", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(CorpusError, match=f"the scheduler {address} does not answer"):
            seqgen.tokenize(corpus, tmp_path / "out.tokens", engine="dask", scheduler=address)
    assert not (tmp_path / "out.tokens").exists()


def test_without_dask_there_is_one_sentence(corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"(?s)the engine dask is not installed.*pip install 'seqgen-art\[dask\]'"):
        seqgen.tokenize(corpus, tmp_path / "out.tokens", engine="dask")


def test_a_worker_that_does_not_see_the_files_says_so(corpus, tmp_path):
    work = dask_engine.Work
    made = plan([Source("gone.txt", tmp_path / "gone.txt")], TokenizeSettings("char"))
    found = dask_engine.tokenize_shard(work(made, {}, Shard(1, 1, ""), tmp_path / "x.tokens"))
    assert isinstance(found, CorpusError)
    assert "a worker does not see this file" in found.message
    found = dask_engine.tokenize_shard(
        work(plan(resolve([corpus]), TokenizeSettings("char")), {}, Shard(1, 1, ""), tmp_path / "x", "0")
    )
    assert isinstance(found, CorpusError)
    assert "expected 0" in found.message


# What is learned by counting


@pytest.fixture
def in_parts(monkeypatch):
    """Any corpus counts as large, and is counted in parts of a few files."""
    monkeypatch.setattr(fitting, "PART_BYTES", 3000)
    for kind in (Char, Word):
        monkeypatch.setattr(kind, "slow_from", 0)


@pytest.mark.sockets
@pytest.mark.parametrize("codec", ["char", "word", "lua"])
def test_counts_by_several_processes_give_the_vocabulary_of_one(corpus, tmp_path, monkeypatch, codec):
    how = {"codec": codec, "settings": {"min_count": 2}}
    whole = seqgen.tokenize(corpus, tmp_path / "whole.tokens", **how)
    monkeypatch.setattr(fitting, "PART_BYTES", 3000)
    for kind in (Char, Word):
        monkeypatch.setattr(kind, "slow_from", 0)
    assert whole.vocab_size > 256
    two = seqgen.tokenize(corpus, tmp_path / "two.tokens", workers=2, **how)
    assert two.path.read_bytes() == whole.path.read_bytes()
    dask = seqgen.tokenize(
        corpus, tmp_path / "dask.tokens", engine="dask", scheduler="threads", workers=2, **how
    )  # fmt: skip
    assert dask.path.read_bytes() == whole.path.read_bytes()
    merged = sharding.merge(shards(corpus, tmp_path, 2, workers=2, **how), tmp_path / "merged.tokens")
    assert merged.path.read_bytes() == whole.path.read_bytes()


def test_parts_of_a_corpus_are_counted_once_each_and_by_others(corpus, in_parts):
    made, asked = plan(resolve([corpus]), TokenizeSettings("word")), []

    def spread(function, parts):
        asked.extend(parts)
        return map(function, parts)

    tokenizer = fitting.fitted(made, spread)
    assert len(asked) > 3
    assert tuple(source for part in asked for source in part.sources) == made.sources
    assert tokenizer.spec() == fitting.fitted(made).spec()


def test_no_word_goes_from_one_file_into_the_next(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("so it is")
    found = fitting.fitted(plan(resolve([tmp_path]), TokenizeSettings("word", {"min_count": 1}))).codec.vocabulary()
    assert "isso" not in found
    assert {"so", "␣it", "␣is"} <= set(found) or {"so", " it", " is"} <= set(found)


@pytest.mark.sockets
@pytest.mark.parametrize("how", [{"workers": 2}, {"engine": "dask", "scheduler": "threads"}])
def test_a_file_that_cannot_be_read_is_the_same_sentence_wherever_it_is_counted(corpus, tmp_path, in_parts, how):
    strict = {"codec": "word", "settings": {"skip_bad": False}}
    with pytest.raises(CorpusError) as alone:
        seqgen.tokenize(corpus, tmp_path / "x.tokens", **strict)
    with pytest.raises(CorpusError) as others:
        seqgen.tokenize(corpus, tmp_path / "x.tokens", **strict, **how)
    assert str(others.value) == str(alone.value)
    assert not (tmp_path / "x.tokens").exists()


def test_labels_of_records_are_gathered_from_all_parts(tmp_path, in_parts):
    for number in range(3):
        rows = "".join(f'{{"text": "so it is {number}", "kind": "k{number}"}}\n' for _ in range(200))
        (tmp_path / f"{number}.jsonl").write_text(rows)
    how = {"codec": "word", "field": "text", "label_field": "kind"}
    one = seqgen.tokenize(tmp_path / "*.jsonl", tmp_path / "one.tokens", **how)
    two = seqgen.tokenize(tmp_path / "*.jsonl", tmp_path / "two.tokens", workers=2, **how)
    assert one.codec_spec["labels"] == ["k0", "k1", "k2"]
    assert two.path.read_bytes() == one.path.read_bytes()


def test_a_worker_of_dask_that_does_not_see_the_files_says_so_before_it_counts(tmp_path):
    made = plan([Source("gone.txt", tmp_path / "gone.txt")], TokenizeSettings("word"))
    assert "a worker does not see this file" in str(dask_engine.count_part(made).error)
    assert "expected 0.0" in str(dask_engine.count_part(replace(made, sources=()), "0.0").error)
