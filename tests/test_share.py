"""Cards, pushes and pulls, against a small Hub on this machine."""

import dataclasses
import json
import os
import shutil
import struct
import sys
from pathlib import Path

import pytest
from hub_fixtures import here, left, model, refused, server
from hub_server import TOKEN

from seqgen.api.model import load
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.export.card import About, card, is_ours, is_untouched
from seqgen.jobs import share
from seqgen.selftest import _materials

__all__ = ["here", "model", "server"]  # fixtures

COMMIT = "0123456789abcdef0123456789abcdef01234567"
METRICS = {"nats_per_token": 1.25, "bits_per_token": 1.8034, "ngram_nats": 1.5, "ngram_order": 7, "steps": 12_000}


@pytest.fixture
def toy(here):
    found = dataclasses.replace(
        _materials.checkpoint(), metrics=METRICS,
        provenance={"corpus": "ab" * 32, "seed": 7, "sources": [f"hf://datasets/you/plays@{COMMIT}"]},
    )  # fmt: skip
    found.save("toy.safetensors")
    return found


def front(text):
    """The YAML of a card, as plain data."""
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(text.split("---\n")[1])


# 1) the card


def test_a_card_has_the_hubs_front_matter(toy):
    made = card(toy, About("me/plays", 1234, "cc-by-4.0"))
    assert front(made) == {
        "library_name": "seqgen", "license": "cc-by-4.0", "tags": ["seqgen", "rnn", "lstm", "char", "text"],
        "pipeline_tag": "text-generation", "datasets": ["you/plays"],
        "model-index": [{"name": "plays", "results": [{
            "task": {"type": "text-generation", "name": "text, next token"},
            "dataset": {"type": "you/plays", "name": "what was held out of you/plays"},
            "metrics": [
                {"type": "nats_per_token", "name": "nats per token", "value": 1.25},
                {"type": "bits_per_token", "name": "bits per token", "value": 1.8034},
                {"type": "ngram_nats", "name": "nats per token, n-gram baseline of order 7", "value": 1.5},
            ],
        }]}],
    }  # fmt: skip
    assert "| licence of the corpus | cc-by-4.0 |" in made
    assert f"| corpus | hf://datasets/you/plays@{COMMIT} |" in made
    assert "| nats per token | 1.2500 |" in made
    assert "seqgen generate hf://me/plays\n" in made


def test_the_library_of_the_hub_reads_the_card(toy):
    library = pytest.importorskip("huggingface_hub")
    read = library.ModelCard(card(toy, About("me/plays", 1234, "Public domain.")))
    assert (read.data.library_name, read.data.license, read.data.license_name) == ("seqgen", "other", "public-domain")
    results = read.data.eval_results
    first = results[0]
    assert (first.metric_type, first.metric_value, first.dataset_type) == ("nats_per_token", 1.25, "you/plays")


@pytest.mark.parametrize(("licence", "fields"), [
    ("unknown", {"license": "unknown"}), ("MIT.", {"license": "mit"}), ("gpl-3.0", {"license": "gpl-3.0"}),
    ("no", {"license": "no"}), ("CC BY 2.5 (the edition; the text itself is free)",
                                {"license": "other", "license_name": "cc-by-2-5-the-edition"}),
    ("…", {"license": "other", "license_name": "see-below"}),
    ('"\n---\nx: y', {"license": "other", "license_name": "x-y"}),
])  # fmt: skip
def test_licences_in_the_hubs_words(toy, licence, fields):
    found = front(card(toy, About("me/plays", 1, licence)))
    assert {key: value for key, value in found.items() if key.startswith("license")} == fields


def test_a_strangers_checkpoint_cannot_write_on_the_card(toy):
    odd = "|\n---\nlicense: mit\n<script>alert(1)</script> [x](http://y) \x1b[31m\u202e\ud800 " + "x" * 10_000
    nasty = dataclasses.replace(
        toy,
        metrics={"nats_per_token": odd, "ngram_nats": 1e308, "steps": True, "ngram_order": [odd], "tokens": -1},
        provenance={"corpus": odd, "seed": {odd: odd}, "device": odd, "versions": {odd: odd}, "parent": {"name": odd},
                    "sources": [odd, 3, "hf://me/plays", f"hf://datasets/a/b@{COMMIT}\n- x"], "train_tokens": odd},
    )  # fmt: skip
    made = card(nasty, About("me/plays", 1))
    assert front(made) == {
        "library_name": "seqgen", "license": "unknown", "tags": ["seqgen", "rnn", "lstm", "char", "text"],
        "pipeline_tag": "text-generation",
    }  # fmt: skip
    assert made.count("\n---\n") == 1
    assert "<script>" not in made
    assert "[x](" not in made
    assert all(letter.isprintable() or letter == "\n" for letter in made)
    assert max(map(len, made.splitlines())) < 1000
    card(dataclasses.replace(toy, metrics={}, provenance={"sources": {}, "versions": [], "parent": 3}), About("a/b", 1))


def test_a_card_knows_whether_it_was_changed(toy):
    made = card(toy, About("me/plays", 1))
    assert is_ours(made)
    assert is_untouched(made)
    for other in (made + "\n", made.replace("plays", "games"), made[:-5], made.replace("\n", "\r\n"), made + made):
        assert is_ours(other)
        assert not is_untouched(other)
    for other in (
        "",
        "---\n---\n",
        "# library_name: seqgen",
        "---\nlibrary_name: transformers\n---\nlibrary_name: seqgen",
    ):
        assert not is_ours(other)
        assert not is_untouched(other)


def test_a_dry_run_needs_neither_network_nor_package(toy, monkeypatch, capfd):
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    toy.save("own.safetensors")
    plain = dataclasses.replace(toy, provenance={"corpus": "ab" * 32})
    plain.save("plain.safetensors")
    assert run(["push", "plain.safetensors", "me/plays", "--dry-run", "--licence", "mit"]) == 0
    said = capfd.readouterr()
    assert front(said.out)["license"] == "mit"
    assert said.err == "Nothing was uploaded. A push puts model.safetensors and this README.md to hf://me/plays\n"
    assert run(["push", "plain.safetensors", "me/plays", "--dry-run"]) == 0
    said = capfd.readouterr()
    assert front(said.out)["license"] == "unknown"
    assert "The licence of the corpus is not known" in said.err
    assert "pip install 'seqgen-art[hub]'" in refused(["push", "plain.safetensors", "me/plays"], capfd)
    for name in ("plays", "me/plays@v1", "hf://datasets/me/plays", "me/a b", "me/plays/x.safetensors", "../x", ""):
        assert run(["push", "plain.safetensors", name, "--dry-run"]) == 2
    assert run(["push", "nothing", "me/plays", "--dry-run"]) == 1
    capfd.readouterr()
    assert "'plays' names no repository of the Hub\nHint: write user/name" in refused(
        ["push", "plain.safetensors", "plays"], capfd, code=2
    )


# 2) licences

MIT = b"---\nlicense: mit\n---\n"


@pytest.mark.sockets
def test_the_licence_comes_from_the_datasets_own_card(toy, server, capfd):
    plays = server.repo("datasets", "you/plays")
    for text, licence in (
        ("---\nlicense: cc-by-4.0\n---\n", "cc-by-4.0"),
        ("# plays\nlicense: mit", "unknown"),
        ("", "unknown"),
    ):
        commit = plays.commit({"README.md": text.encode(), "a.txt": text.encode()})
        story = {"corpus": "x", "sources": [f"hf://datasets/you/plays@{commit}"]}
        dataclasses.replace(toy, provenance=story).save("own.safetensors")
        assert run(["push", "own.safetensors", "me/plays", "--dry-run"]) == 0
        assert front(capfd.readouterr().out)["license"] == licence
    dataclasses.replace(toy, provenance=story | {"parent": {"name": "x"}}).save("own.safetensors")
    assert share.prepare(share.PushJob("own.safetensors", "me/plays")).card.count("| unknown |")


@pytest.mark.sockets
def test_the_licence_of_what_a_model_went_on_from_counts_too(toy, server):
    plays, model = server.repo("datasets", "you/plays"), server.repo("models", "you/model")
    dataset = f"hf://datasets/you/plays@{plays.commit({'README.md': MIT})}"
    for text, licence in ((b"---\nlicense: cc0-1.0\n---\n", "cc0-1.0; mit"), (b"# no word\n", "unknown")):
        parent = {"name": f"hf://you/model@{model.commit({'README.md': text})}", "sha256": "x"}
        story = {"corpus": "x", "sources": [dataset], "parent": parent}
        assert share.licence_of(dataclasses.replace(toy, provenance=story), Path()) == licence


def test_the_licence_of_a_catalogued_corpus_is_that_of_its_recipe(here, monkeypatch, capfd):
    (here / "cache/tiny-shakespeare").mkdir(parents=True)
    (here / "cache/tiny-shakespeare/a.txt").write_text(_materials.PLAY)
    shutil.copytree("cache/tiny-shakespeare", "tiny-shakespeare")
    monkeypatch.setattr("seqgen.catalogue.locate", lambda name: here / "cache/tiny-shakespeare")
    words = ["-c", "char", "-P", "hidden", "8", "-P", "embedding", "4", "-P", "window", "8", "-P", "batch", "2"]
    assert run(["train", "tiny-shakespeare", "-o", "run", "--steps", "1", "--seed", "1", *words]) == 0
    assert share.licence_of(Checkpoint.load("run"), here / "run") == "Public domain."
    (here / "cache/tiny-shakespeare/a.txt").write_text("other words")
    assert share.licence_of(Checkpoint.load("run"), here / "run") == "unknown"
    assert share.licence_of(Checkpoint.load("run"), here) == "unknown"


# 3) push


@pytest.mark.sockets
def test_a_push_makes_a_repository_and_says_what_goes_where(toy, server, capfd):
    assert run(["push", "toy.safetensors", "me/plays", "--licence", "mit"]) == 0
    said, repo = capfd.readouterr(), server.repos["models", "me/plays"]
    assert said.out == f"hf://me/plays@{repo.head}\n"
    files = repo.commits[repo.head]
    assert (
        f"a new public repository, model.safetensors and README.md, {len(files['model.safetensors']) / 1e3:.1f} kB"
        in said.err
    )
    assert files["model.safetensors"] == (share.Path("toy.safetensors")).read_bytes()
    assert front(files["README.md"].decode())["license"] == "mit"
    assert repo.titles == ["commit", "Push me/plays"]
    assert not repo.private
    assert load("hf://me/plays").digest == load("toy.safetensors").digest
    # the same once more is no new commit; another model is one, and the first one stays
    first = repo.head
    assert run(["push", "toy.safetensors", "me/plays", "--licence", "mit"]) == 0
    _materials.checkpoint(seed=3).save("toy.safetensors")
    assert run(["push", "toy.safetensors", "me/plays"]) == 0
    assert "(public, model.safetensors and README.md" in capfd.readouterr().err
    assert front(repo.commits[repo.head]["README.md"].decode())["license"] == "unknown"
    assert load(f"hf://me/plays@{first}").digest != load("hf://me/plays").digest
    assert {token for _, path, token in server.asked if path.startswith("/lfs/") and token} <= {f"Bearer {TOKEN}"}


@pytest.mark.sockets
def test_a_private_push(toy, server, capfd):
    assert run(["push", "toy.safetensors", "me/secret", "--private", "--licence", "mit"]) == 0
    assert "a new private repository" in capfd.readouterr().err
    assert server.repos["models", "me/secret"].private


@pytest.mark.sockets
def test_what_seqgen_did_not_push_is_left_alone(toy, server, capfd):
    words = ["push", "toy.safetensors", "me/plays", "--licence", "mit"]
    repo = server.repo("models", "me/plays")
    before = repo.commit({"model.safetensors": b"of somebody", "config.json": b"{}"})
    assert "holds something that seqgen did not push" in refused(words, capfd)
    repo.commit({"README.md": b"---\nlibrary_name: transformers\n---\n"})
    assert "holds something that seqgen did not push" in refused(words, capfd)
    repo.commit({"README.md": b"\xff" * 50})
    assert "holds something that seqgen did not push" in refused(words, capfd)
    assert repo.commits[repo.head]["model.safetensors"] == b"of somebody"
    assert run([*words, "--force"]) == 0
    assert repo.commits[repo.head]["config.json"] == b"{}"
    assert repo.commits[before]["model.safetensors"] == b"of somebody"


@pytest.mark.sockets
def test_what_somebody_wrote_into_the_card_stays(toy, server, capfd):
    words = ["push", "toy.safetensors", "me/plays", "--licence", "mit"]
    assert run(words) == 0
    repo = server.repos["models", "me/plays"]
    edited = repo.commits[repo.head]["README.md"] + b"\nMy own words.\n"
    repo.commit({"README.md": edited})
    _materials.checkpoint(seed=3).save("toy.safetensors")
    assert run(words) == 0
    assert "README.md was changed on the Hub and stays as it is" in capfd.readouterr().err
    assert repo.commits[repo.head]["README.md"] == edited
    assert load("hf://me/plays").digest == load("toy.safetensors").digest
    assert run([*words, "--force"]) == 0
    assert is_untouched(repo.commits[repo.head]["README.md"].decode())


@pytest.mark.sockets
def test_pushes_that_fail(toy, server, here, monkeypatch, capfd):
    words = ["push", "toy.safetensors", "me/plays", "--licence", "mit"]
    assert "does not allow this" in refused(["push", "toy.safetensors", "you/plays", "--licence", "mit"], capfd)
    for call, answer, sentence in (
        (("POST", "/preupload/"), (500, {}, b""), "500"),
        (("POST", "/objects/batch"), (200, {}, b"{}"), "makes no sense"),
        (("PUT", "/lfs/"), (403, {}, TOKEN.encode()), "does not allow this"),
        (("POST", "/commit/"), (413, {}, b""), "larger than the Hub takes"),
        (
            ("POST", "/validate-yaml"),
            (400, {}, json.dumps({"errors": [{"message": TOKEN}]}).encode()),
            "does not accept this",
        ),
        (("POST", "/repos/create"), (409, {}, b""), ""),
    ):
        server.repos.clear(), server.stored.clear()
        server.faults = {call: answer}
        assert sentence in refused(words, capfd)
    server.faults = {}
    server.repos.clear()
    assert run(words) == 0
    repo = server.repos["models", "me/plays"]
    _materials.checkpoint(seed=3).save("toy.safetensors")
    server.before_commit = lambda: repo.commit({"other.txt": b"meanwhile"})
    assert "changed it meanwhile" in refused(words, capfd)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "the token is not accepted" in refused(words, capfd)
    monkeypatch.delenv("HF_TOKEN")
    assert "needs a token, and there is none" in refused(words, capfd)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert "cannot be reached" in refused(words, capfd)


@pytest.mark.sockets
def test_what_the_hub_warns_of_is_passed_on_without_the_token(toy, server, capfd):
    warning = json.dumps({"errors": [], "warnings": [{"message": f"no \x1b[31mthumbnail {TOKEN}"}]})
    server.faults = {("POST", "/validate-yaml"): (200, {}, warning.encode())}
    assert run(["push", "toy.safetensors", "me/plays", "--licence", "mit"]) == 0
    said = capfd.readouterr().err
    assert "The Hub says:" in said
    assert "thumbnail …" in said
    assert TOKEN not in said
    assert "\x1b" not in said


# 4) pull


@pytest.mark.sockets
def test_a_pull_makes_a_folder_that_is_used_as_a_run_is(model, server, here, capfd):
    assert run(["pull", "me/plays"]) == 0
    said = capfd.readouterr()
    assert said.out == "checkpoints/plays\n"
    assert f"hf://me/plays@{model.head}" in said.err
    assert sorted(path.name for path in (here / "checkpoints/plays").iterdir()) == ["model.safetensors"]
    assert (here / "checkpoints/plays/model.safetensors").read_bytes() == (here / "toy.safetensors").read_bytes()
    assert run(["generate", "checkpoints/plays", "-l", "5", "--seed", "1"]) == 0
    assert run(["pull", f"hf://me/plays@{model.head}", "-o", "mine"]) == 0
    capfd.readouterr()
    assert "expected a new or empty folder" in refused(["pull", "me/plays"], capfd)
    assert "expected a new or empty folder" in refused(["pull", "me/plays", "-o", "mine"], capfd)


@pytest.mark.sockets
def test_pulls_that_fail_leave_nothing(model, server, here, capfd):
    whole = (here / "toy.safetensors").read_bytes()
    server.repo("models", "me/empty")
    assert "holds no model.safetensors" in refused(["pull", "me/empty"], capfd)
    for damage in (whole[:-1], whole[:5000] + b"\x7f" + whole[5001:], b"x" * 3000, b""):
        model.commit({"model.safetensors": damage})
        said = refused(["pull", "me/plays"], capfd)
        assert f"hf://me/plays@{model.head}: " in said
        assert str(here) not in said
    for name in ("plays", "hf://datasets/me/plays", "me/plays@", "a/b/c", "me/../plays"):
        assert "Hint: " in refused(["pull", name], capfd, code=2)
    assert not (here / "checkpoints").exists()
    with pytest.raises(UsageError):
        share.pull("hf://datasets/me/plays")
    assert "seqgen" not in left(here)


@pytest.mark.sockets
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
@pytest.mark.parametrize(("least", "terminal", "shown"), [(1, True, True), (1 << 30, True, False), (1, False, False)])
def test_an_upload_of_a_large_file_has_a_bar_on_a_terminal(toy, server, monkeypatch, capfd, least, terminal, shown):
    import fcntl
    import pty
    import termios

    monkeypatch.setattr("seqgen.hub.pushing.SHOWN", least)
    if not terminal:
        assert run(["push", "toy.safetensors", "me/bar"]) == 0
        assert "100%" not in capfd.readouterr().err
        return
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert run(["push", "toy.safetensors", "me/bar"]) == 0
        stderr.write("done")
        stderr.flush()
        said = b""
        while not said.endswith(b"done"):
            said += os.read(ours, 4096)
    os.close(ours)
    assert (b"toy.safetensors: 100%" in said) == shown, said
