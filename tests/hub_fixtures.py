"""What the tests of the Hub share: a small Hub, a model on it, and the one sentence of a command that fails."""

import pytest
from hub_server import TOKEN, Hub

from seqgen.cli import run
from seqgen.selftest import _materials


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(here, monkeypatch):
    """A small Hub, and a `huggingface_hub` that knows no other; nothing of the user's own is read."""
    library = pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    with Hub() as made:
        for name, value in (("HF_ENDPOINT", made.address), ("HF_TOKEN", TOKEN)):
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(here / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / "hf"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        for module in (file_download, _http):
            monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
        yield made
    library.close_session()


@pytest.fixture
def model(server):
    """`me/plays` with a checkpoint of a few kilobytes."""
    _materials.checkpoint().save("toy.safetensors")
    repo = server.repo("models", "me/plays")
    with open("toy.safetensors", "rb") as file:  # noqa: PTH123
        repo.commit({"model.safetensors": file.read(), "README.md": b"# plays\n"})
    return repo


def left(folder):
    """What lies in the cache of the Hub besides folders."""
    return sorted(path.name for path in (folder / "cache/hub").rglob("*") if path.is_file())


def refused(words, capfd, *, code=1):
    """The one sentence of a command that fails, which neither holds the token nor a traceback."""
    assert run(words) == code
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    assert TOKEN not in said.err + said.out
    assert said.err.count("Error: ") == said.err.count("Hint: ") == 1, said.err
    return said.err
