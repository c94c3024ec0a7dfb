"""Names of the Hub as checkpoints and as SOURCE, against a small Hub on this machine that is kind, odd or hostile."""

import json
import os
import shutil
import subprocess
import sys
import traceback

import pytest
from hub_fixtures import here, left, model, refused, server
from hub_server import TOKEN

from seqgen import hub
from seqgen.api.model import load
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import HubError, UsageError
from seqgen.hub import names
from seqgen.selftest import _materials
from seqgen.stream import TokenStream

__all__ = ["here", "model", "server"]  # fixtures

TINY = [
    "-P",
    "hidden",
    "8",
    "-P",
    "embedding",
    "4",
    "-P",
    "window",
    "8",
    "-P",
    "batch",
    "2",
    "--seed",
    "1",
    "--steps",
    "1",
]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLAY = _materials.PLAY.encode()


@pytest.fixture
def plays(server):
    repo = server.repo("datasets", "you/plays")
    repo.commit({
        "README.md": b"---\nlicense: cc-by-4.0\n---\n# plays\n", "old/a.txt": PLAY, "old/b.txt": PLAY[:300],
        "new/c.txt": PLAY[300:700], "list.csv": b"a,b\n",
    })  # fmt: skip
    return repo


# 1) names


def test_names_are_read_and_written():
    for text, repo, revision, path in (
        ("hf://me/plays", "me/plays", None, ""),
        ("hf://me/plays@v1.0", "me/plays", "v1.0", ""),
        ("hf://me/plays@refs%2Fpr%2F1/sub/b.safetensors", "me/plays", "refs/pr/1", "sub/b.safetensors"),
        ("hf://datasets/you/p_1.x@main/**/*.txt", "you/p_1.x", "main", "**/*.txt"),
    ):
        name = hub.parse(text)
        assert (name.repo, name.revision, name.path) == (repo, revision, path)
        assert str(name) == text
        assert str(name.at(COMMIT)).startswith(name.root + "@" + COMMIT)
        assert name.at(COMMIT).is_pinned
        assert not name.is_pinned
    assert str(hub.repository("me/plays@v1")) == "hf://me/plays@v1"


@pytest.mark.parametrize("text", [
    "hf://", "hf://me", "hf://me/", "hf:///plays", "hf://me/plays@", "hf://me/plays@../x", "hf://me/../x", "hf://me/a--b",
    "hf://me/pl ays", "hf://-me/plays", "hf://me/plays/../../x", "hf://me/plays//x.safetensors", "hf://me/" + "x" * 97,
    "hf://me/plays@a b", "hf://me/plays/pytorch_model.bin", "hf://me/plays/model.pkl", "hf://datasets/me", "hf://me/pläys",
    "hf://datasets/me/plays/a\0b", "hf://datasets/me/plays/a\nb", "hf://me/plays@" + "x" * 300,
])  # fmt: skip
def test_names_that_no_repository_has_are_refused_before_anything_is_asked(text):
    with pytest.raises(UsageError):
        hub.parse(text)


@pytest.mark.parametrize(("pattern", "found"), [
    ("", "a.txt x/a.txt x/y/b.txt x/y/c.mid"), ("x", "x/a.txt x/y/b.txt x/y/c.mid"), ("a.txt", "a.txt"),
    ("x/y/c.mid", "x/y/c.mid"), ("*.txt", "a.txt"), ("*/*.txt", "x/a.txt"), ("**/*.txt", "a.txt x/a.txt x/y/b.txt"),
    ("x/**", "x/a.txt x/y/b.txt x/y/c.mid"), ("**", "a.txt x/a.txt x/y/b.txt x/y/c.mid"),
    ("x/*", "x/a.txt x/y/b.txt x/y/c.mid"), ("x/**/*.mid", "x/y/c.mid"), ("**/y", "x/y/b.txt x/y/c.mid"),
    ("?.txt", "a.txt"), ("[ab].*", "a.txt"), ("A.txt", ""), ("y", ""), ("x/a", ""),
])  # fmt: skip
def test_what_a_pattern_means(pattern, found):
    paths = ["a.txt", "x/a.txt", "x/y/b.txt", "x/y/c.mid"]
    assert [path for path in paths if names.matches(pattern, path)] == found.split()


def test_a_pattern_of_many_stars_takes_no_time():
    assert not names.matches("/".join(["**", "*a*"] * 40) + "/b", "/".join(["a" * 50] * 60))


def test_the_origin_of_a_file_is_its_pinned_repository():
    assert hub.origin(f"hf://datasets/you/plays@{COMMIT}/old/a.txt (2)") == f"hf://datasets/you/plays@{COMMIT}"
    for text in ("plays/a.txt", "hf://datasets/you/plays/a.txt", f"hf:/datasets/you/plays@{COMMIT}/a.txt", ""):
        assert hub.origin(text) is None


def test_without_the_extra_it_is_one_sentence(here, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for words in (["generate", "hf://me/plays"], ["inspect", "hf://datasets/me/plays"], ["pull", "me/plays"]):
        assert "pip install 'seqgen-art[hub]'" in refused(words, capfd)
    with pytest.raises(UsageError):  # what makes no sense is refused without it
        load("hf://me")


# 2) checkpoints


@pytest.mark.sockets
def test_a_checkpoint_by_name_is_pinned_and_makes_the_same_bytes(model, server, here, capfd):
    words = ["-l", "30", "--seed", "1", "-o", "-"]
    assert run(["generate", "toy.safetensors", *words]) == 0
    own = capfd.readouterr().out
    for name in ("hf://me/plays", "hf://me/plays@main", f"hf://me/plays@{model.head}"):
        assert run(["generate", name, *words]) == 0
        assert capfd.readouterr().out == own
    pinned = f"hf://me/plays@{model.head}"
    assert load("hf://me/plays").name == pinned
    assert run(["takes", "show", "last", "--json"]) == 0
    assert pinned in capfd.readouterr().out
    assert run(["generate", "toy.safetensors", "--mix", "hf://me/plays:0.3", "-l", "5", "--seed", "1"]) == 0
    assert left(here) == ["found", "model.safetensors"]


@pytest.mark.sockets
def test_what_is_pinned_and_cached_needs_no_network(model, server):
    pinned = load("hf://me/plays").name
    server.asked.clear()
    assert load(pinned).checkpoint.parameters
    assert server.asked == []


@pytest.mark.sockets
def test_a_branch_moves_and_a_commit_does_not(model, server, here):
    first = load("hf://me/plays")
    _materials.checkpoint(seed=5).save("other.safetensors")
    model.commit({"model.safetensors": (here / "other.safetensors").read_bytes(), "b/c.safetensors": PLAY * 9})
    second = load("hf://me/plays")
    assert first.name != second.name
    assert first.digest != second.digest
    assert load(first.name).digest == first.digest


@pytest.mark.sockets
def test_every_command_that_takes_a_checkpoint_takes_a_name(model, server, here, capfd):
    (here / "play.txt").write_bytes(PLAY)
    assert run(["inspect", "hf://me/plays", "--json"]) == 0
    said = capfd.readouterr()
    assert json.loads(said.out)["kind"] == "checkpoint"
    assert f"hf://me/plays@{model.head}" in said.err
    assert run(["evaluate", "hf://me/plays", "toy.safetensors", "play.txt", "--json", "--device", "cpu"]) == 0
    members = json.loads(capfd.readouterr().out)["members"]
    assert members[0]["checkpoint"] == f"hf://me/plays@{model.head}"
    assert members[0]["nats_per_token"] == members[1]["nats_per_token"]
    assert run(["evaluate", "hf://me/plays", "--text", "ROMEO", "--json"]) == 0
    assert run(["train", "play.txt", "--from", "hf://me/plays", "-o", "run", "--steps", "1", "--seed", "1"]) == 0
    assert Checkpoint.load("run").provenance["parent"]["name"] == f"hf://me/plays@{model.head}"
    capfd.readouterr()
    assert "comes without its run" in refused(["evaluate", "hf://me/plays"], capfd)
    assert "copies cannot be refused" in refused(["generate", "hf://me/plays", "--max-copy", "5"], capfd)


@pytest.mark.sockets
def test_a_damaged_copy_is_fetched_again(model, server, here):
    digest = load("hf://me/plays").digest
    file = next((here / "cache/hub").rglob("model.safetensors"))
    for damage in (lambda data: data[:-1], lambda data: data[:500] + b"\xff" + data[501:], lambda data: b""):
        file.write_bytes(damage(file.read_bytes()))
        assert load("hf://me/plays").digest == digest


@pytest.mark.sockets
def test_a_fresh_program_needs_nothing_but_the_name(model, server, here):
    """The package imports its parts when they are first named; and nothing here is read that nobody named."""
    for name in (".netrc", ".env", "pyproject.toml", "yaml.py", "httpx2.py", "dataclasses.py"):
        (here / name).write_text("raise SystemExit('bait')\n")
    environment = {
        **os.environ,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(here / "hf"),
    }
    script = "import sys; from seqgen.cli import main; main()"
    odd = {**environment, "HF_HUB_ETAG_TIMEOUT": "abc"}
    command = [sys.executable, "-P", "-c", script, "pull", "me/plays"]
    ran = subprocess.run(command, capture_output=True, text=True, env=odd)
    assert "huggingface_hub does not start (ValueError)\nHint: look at the environment variables" in ran.stderr
    for words in (["pull", "me/plays"], ["generate", "hf://me/plays", "-l", "5"]):
        command = [sys.executable, "-P", "-c", script, *words]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
        assert (ran.returncode, "Error" in ran.stderr, "%|" in ran.stderr) == (0, False, False), ran.stderr


@pytest.mark.sockets
def test_another_process_may_be_quicker(model, server, monkeypatch):
    from seqgen.hub import keeping, listing

    name = listing.pinned("hf://me/plays")
    entry, inner = listing.entry(name, "model.safetensors"), keeping.downloaded
    first = keeping.fetched(name, entry)
    assert keeping.fetched(name, entry) == first  # between `kept` and the fetching
    shutil.rmtree(first.parent)

    def overtaken(*given):
        monkeypatch.setattr(keeping, "downloaded", inner)
        keeping.fetched(name, entry)
        return inner(*given)

    monkeypatch.setattr(keeping, "downloaded", overtaken)
    assert keeping.fetched(name, entry) == first
    assert keeping.kept(name, entry.path) == first
    assert [path.name for path in first.parent.parent.iterdir()] == [first.parent.name]


# 3) datasets


@pytest.mark.sockets
def test_a_dataset_is_a_source_whose_story_holds_the_commit(plays, server, here, capfd):
    name, pinned = "hf://datasets/you/plays/**/*.txt", f"hf://datasets/you/plays@{plays.head}"
    assert run(["tokenize", name, "-c", "char", "-o", "plays.tokens"]) == 0
    stream = TokenStream.load("plays.tokens")
    assert [source["name"] for source in stream.sources] == [f"{pinned}/{each}" for each in
                                                             ("new/c.txt", "old/a.txt", "old/b.txt")]  # fmt: skip
    capfd.readouterr()
    assert run(["inspect", "plays.tokens", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["origins"] == [pinned]
    assert run(["inspect", "plays.tokens"]) == 0
    assert "  dataset            hf://datasets/you/plays@" in capfd.readouterr().out
    assert [source["bytes"] for source in stream.sources] == [400, len(PLAY), 300]
    assert run(["train", name, "-o", "run", *TINY]) == 0
    assert Checkpoint.load("run").provenance["sources"] == [pinned]
    assert run(["train", "plays.tokens", "-o", "two", *TINY]) == 0
    assert Checkpoint.load("two").provenance["sources"] == [pinned]
    capfd.readouterr()
    assert run(["inspect", "run"]) == 0
    assert plays.head[:8] in capfd.readouterr().out.replace("\n                     ", "")


@pytest.mark.sockets
def test_the_cache_of_streams_keeps_the_story_apart(plays, server, here):
    (here / "own").mkdir()
    (here / "own/a.txt").write_bytes(PLAY)
    (here / "own/b.txt").write_bytes(PLAY[:300])
    assert run(["train", "own", "-o", "first", "-c", "char", *TINY]) == 0
    assert "sources" not in Checkpoint.load("first").provenance
    assert run(["train", "hf://datasets/you/plays/old", "-o", "second", "-c", "char", *TINY]) == 0
    old = plays.head
    plays.commit({"else.csv": b"1\n"})
    assert run(["train", "hf://datasets/you/plays/old", "-o", "third", "-c", "char", *TINY]) == 0
    assert run(["train", f"hf://datasets/you/plays@{old}/old", "-o", "fourth", "-c", "char", *TINY]) == 0
    stories = [Checkpoint.load(name).provenance["sources"] for name in ("second", "third", "fourth")]
    assert stories == [[f"hf://datasets/you/plays@{each}"] for each in (old, plays.head, old)]


@pytest.mark.sockets
def test_folders_of_a_dataset_are_labels_and_its_card_is_no_play(plays, server, capfd):
    assert run(["inspect", "hf://datasets/you/plays", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["labels"] == {"old": 2, "new": 1}
    assert found["files"] == 4
    assert found["passed_over"] == {f"hf://datasets/you/plays@{plays.head}/README.md": "is the dataset's card"}
    assert run(["inspect", "hf://datasets/you/plays/README.md", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["files"] == 1
    server.asked.clear()
    assert run(["inspect", f"hf://datasets/you/plays@{plays.head}", "--json"]) == 0
    assert server.asked == []


@pytest.mark.sockets
def test_one_kind_of_repository_is_not_the_other(plays, model, capfd):
    assert "expected a dataset" in refused(["tokenize", "hf://me/plays", "-o", "x.tokens"], capfd)
    assert "expected a checkpoint" in refused(["generate", "hf://datasets/you/plays"], capfd, code=2)
    said = refused(["tokenize", "hf://datasets/you/plays/*.mid", "-o", "x.tokens"], capfd)
    assert (
        "holds no such file\nHint: it holds .gitattributes, README.md, list.csv, new/c.txt, old/a.txt and others"
        in said
    )
    assert run(["tokenize", "hf://datasets/you/plays", "-o", "hf://datasets/you/x.tokens"]) == 2
    assert "where only `seqgen push` writes" in capfd.readouterr().err
    assert run(["pull", "me/plays", "-o", "hf://me/x"]) == 2
    capfd.readouterr()
    for words in (["train", "-o", "run"], ["tokenize", "-o", "x.tokens"], ["evaluate", "toy.safetensors"]):
        assert "is a token stream already" in refused([*words, "hf://datasets/you/plays/x.tokens"], capfd)


# 4) what goes wrong


@pytest.mark.sockets
def test_what_the_hub_refuses_is_one_sentence(model, server, here, monkeypatch, capfd):
    server.repo("models", "you/gated").gated = True
    server.repo("models", "me/empty")
    assert "holds no model.safetensors" in refused(["generate", "hf://me/empty"], capfd)
    assert "there is no such repository" in refused(["generate", "hf://me/nothing"], capfd)
    assert "no revision 'v9'" in refused(["generate", "hf://me/plays@v9"], capfd)
    assert "holds no b.safetensors" in refused(["generate", "hf://me/plays/b.safetensors"], capfd)
    monkeypatch.delenv("HF_TOKEN")
    assert "to some people only" in refused(["generate", "hf://you/gated"], capfd)
    model.private = True
    assert "private and not yours" in refused(["generate", "hf://me/plays"], capfd)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    said = refused(["generate", "hf://me/plays"], capfd)
    assert "the token is not accepted" in said
    assert "hf_wrong" not in said
    for odd in ("hf_b\x07elled", "hf_bélled"):
        monkeypatch.setenv("HF_TOKEN", odd)
        said = refused(["generate", "hf://me/plays"], capfd)
        assert "letters that no token has" in said
        assert "lled" not in said
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for address in ("http://127.0.0.1:1", "ftp://x", "nonsense"):
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert f"{address} cannot be reached" in refused(["generate", "hf://me/plays"], capfd)
    assert "cannot be reached" in refused(["generate", "hf://me/plays"], capfd)
    assert left(here) == []


@pytest.mark.sockets
@pytest.mark.parametrize(("call", "answer", "sentence"), [
    (("GET", "/api/models"), (500, {}, b"no"), "the server answers 500"),
    (("GET", "/api/models"), (200, {}, b"<html>"), "makes no sense"),
    (("GET", "/api/models"), (200, {}, b"[1]"), "makes no sense"),
    (("GET", "/api/models"), (200, {}, b'{"id": "a", "sha": "../../x"}'), "names no commit"),
    (("POST", "paths-info"), (200, {}, b'[{"type": "file"}]'), "makes no sense"),
    (("POST", "paths-info"), (503, {}, b""), "the server answers 503"),
    (("HEAD", "/resolve/"), (200, {}, b""), "answers like no Hub"),
    (("HEAD", "/resolve/"), (500, {}, b""), "500"),
    (("GET", "/lfs/"), (403, {}, b"expired"), "does not allow this"),
])  # fmt: skip
def test_a_server_that_answers_nonsense(model, server, here, capfd, call, answer, sentence):
    server.faults[call] = answer
    assert sentence in refused(["generate", "hf://me/plays"], capfd)
    assert left(here) == []


@pytest.mark.sockets
def test_a_connection_that_is_cut_is_taken_up_again(model, server, here, capfd):
    import huggingface_hub

    if tuple(map(int, huggingface_hub.__version__.split(".")[:2])) < (1, 20):
        pytest.skip("this release gives up at the first cut")
    server.cuts = 3
    assert load("hf://me/plays").digest == load("toy.safetensors").digest
    ranges = [path for _, path in server.calls("/lfs/")]
    assert len(ranges) >= 4
    assert left(here) == ["found", "model.safetensors"]


@pytest.mark.sockets
def test_a_connection_that_is_always_cut_leaves_nothing(model, server, here, capfd):
    server.odd["cut"] = True
    said = refused(["generate", "hf://me/plays"], capfd)
    assert "cannot be reached" in said or "was cut" in said
    assert left(here) == []


@pytest.mark.sockets
@pytest.mark.parametrize(("lie", "sentence"), [
    ({"size": 100}, "longer than the Hub lists"), ({"size": 100_000}, "is not what the Hub lists"),
    ({"size": 10**12}, "expected 10.0 GB at most"), ({"oid": "0" * 64}, "is not what the Hub lists"),
    ({"size": -1}, "makes no sense"), ({"oid": "../../x"}, "makes no sense"), ({"sha": "main"}, "names no commit"),
])  # fmt: skip
def test_a_hub_that_lies_about_a_file(model, server, here, capfd, lie, sentence):
    server.odd |= lie
    assert sentence in refused(["generate", "hf://me/plays"], capfd)
    assert left(here) == []


@pytest.mark.sockets
@pytest.mark.parametrize("name", ["../x.txt", "/etc/x.txt", "old/../../x.txt", "old//x.txt", "a\0b.txt", ".", ""])
def test_names_that_climb_end_everything(plays, server, here, capfd, name):
    server.odd["old/a.txt"] = name
    assert "no repository holds such" in refused(["tokenize", "hf://datasets/you/plays", "-o", "x.tokens"], capfd)
    assert left(here) == []
    assert not (here.parent / "x.txt").exists()


@pytest.mark.sockets
def test_odd_names_are_left_out_and_told_or_kept_apart(server, here, capfd):
    long, odd = "x" * 300 + ".txt", "a\x1b[31m.txt"
    names = {"A.txt": PLAY, "a.txt": PLAY[:200], "con:|?.txt": PLAY[:150], "y\\z.txt": b"no",
             long: b"no", odd: b"no"}  # fmt: skip
    server.repo("datasets", "you/odd").commit(names)
    assert run(["tokenize", "hf://datasets/you/odd", "-c", "char", "-o", "x.tokens"]) == 0
    stream = TokenStream.load("x.tokens")
    read = {source["name"].partition("/odd@")[2][41:]: source["bytes"] for source in stream.sources}
    assert read == {name: len(data) for name, data in names.items() if data != b"no"}
    assert sorted(reason for reason in stream.report.skipped.values()) == [
        "has an odd name", "has an odd name", "has too long a name",
    ]  # fmt: skip
    server.repo("datasets", "you/found").commit({"found": PLAY, "tree": PLAY[:9]})
    assert run(["tokenize", "hf://datasets/you/found/found", "-c", "char", "-o", "y.tokens"]) == 0
    assert TokenStream.load("y.tokens").sources[0]["bytes"] == len(PLAY)
    assert "\x1b" not in capfd.readouterr().err
    inside = [path for path in here.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(here / "cache") or path.suffix == ".tokens" for path in inside)


@pytest.mark.sockets
def test_pickles_are_neither_fetched_nor_loaded(server, capfd):
    import pickle

    bomb = pickle.dumps({"weights": list(range(1000))})
    repo = server.repo("models", "me/pickles")
    repo.commit({"pytorch_model.bin": bomb, "model.pkl": bomb, "model.pt": bomb})
    assert "holds no model.safetensors" in refused(["generate", "hf://me/pickles"], capfd)
    assert "ends in .safetensors" in refused(["generate", "hf://me/pickles/model.pkl"], capfd, code=2)
    repo.commit({"model.safetensors": bomb})
    assert "Error: " in refused(["generate", "hf://me/pickles"], capfd)
    assert [path for _, path in server.calls("/resolve/") if not path.endswith("model.safetensors")] == []


@pytest.mark.sockets
def test_lists_are_bounded(plays, server, here, monkeypatch, capfd):
    monkeypatch.setattr("seqgen.hub.listing.MOST", 2)
    assert "holds more than 2 files" in refused(["tokenize", "hf://datasets/you/plays", "-o", "x.tokens"], capfd)
    monkeypatch.setattr("seqgen.hub.listing.MOST", 100)
    monkeypatch.setattr("seqgen.hub.fetching.LARGEST", 600)
    assert "expected 600 bytes at most" in refused(["tokenize", "hf://datasets/you/plays/old", "-o", "x.tokens"], capfd)
    assert left(here) == ["tree"]


# 5) the token


@pytest.mark.sockets
def test_the_token_goes_to_the_hub_alone_and_is_written_nowhere(model, plays, server, here, capfd):
    assert run(["generate", "hf://me/plays", "-l", "5", "--seed", "1"]) == 0
    assert run(["tokenize", "hf://datasets/you/plays", "-c", "char", "-o", "x.tokens"]) == 0
    echo = {"X-Error-Message": f"Bearer {TOKEN}", "X-Error-Code": TOKEN}
    for status in (400, 401, 403, 404, 409, 418, 429, 500):
        server.faults = {("GET", "/api/models"): (status, echo, TOKEN.encode())}
        refused(["generate", "hf://me/plays"], capfd)
        with pytest.raises(HubError) as raised:
            load("hf://me/plays")
        assert TOKEN not in "".join(traceback.format_exception(raised.value))
    server.faults = {("GET", "/api/models"): (200, {"X-HF-Warning": f"a; {TOKEN}"}, b"{}")}
    refused(["generate", "hf://me/plays"], capfd)
    assert {token for _, path, token in server.asked if path.startswith("/lfs/")} == {None}
    assert {token for _, path, token in server.asked if path.startswith("/api/")} == {f"Bearer {TOKEN}"}
    for path in here.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_the_hub_is_imported_when_it_is_asked_for():
    from test_architecture import modules_after

    code = "import seqgen.hub, seqgen.jobs.share, seqgen.cli.push; from seqgen.cli import run; run(['push', '--help'])"
    assert not {"huggingface_hub", "httpx", "httpx2", "yaml"} & modules_after(code)
