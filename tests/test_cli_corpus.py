"""`seqgen corpus`."""

import json

import pytest

from seqgen import catalogue
from seqgen.cli import run


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """Fetching gives a folder at once."""
    asked = []

    def get(name, to, note):
        asked.append((name, to))
        note("fetching")
        return to or tmp_path / name

    monkeypatch.setattr(catalogue, "get", get)
    return asked


def test_list_has_a_line_for_each_corpus(capsys):
    assert run(["corpus", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines) == list(catalogue.names())
    assert [line.split()[1] for line in lines] == sorted(
        (line.split()[1] for line in lines), key=["text", "c", "midi"].index
    )


def test_list_marks_what_is_here_and_fits_a_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "locate", lambda name: tmp_path if name == "libuv" else None)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    run(["corpus", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("*")] == ["libuv"]
    assert max(map(len, lines)) <= 80


def test_list_and_info_speak_json(capsys):
    run(["corpus", "list", "--json"])
    rows = json.loads(capsys.readouterr().out)
    run(["corpus", "info", "sqlite", "--json"])
    row = json.loads(capsys.readouterr().out)
    assert row in rows
    assert {"name", "medium", "codec", "licence", "attribution", "source", "expect", "default", "path"} <= row.keys()
    assert (row["name"], row["expect"]["files"], row["path"]) == ("sqlite", 134, None)


def test_info_says_licence_source_and_where(capsys):
    assert run(["corpus", "info", "maestro-10"]) == 0
    out = capsys.readouterr().out
    assert "Non-commercial: CC BY-NC-SA 4.0." in out
    assert "miditok==3.1.0" in out
    assert "seqgen corpus get maestro-10" in out
    assert max(map(len, out.splitlines())) <= 80


def test_get_prints_the_folder_and_credits_the_source(capsys, fetched, tmp_path):
    assert run(["corpus", "get", "libuv"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'libuv'}\n"
    assert "licence: MIT" in err
    assert "attribution: Joyent" in err
    assert run(["corpus", "get", "libuv", "--to", str(tmp_path / "mine")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'mine'}\n"
    assert fetched == [("libuv", None), ("libuv", tmp_path / "mine")]


@pytest.mark.parametrize("words", [["info"], ["get"]])
def test_an_unknown_name_is_a_usage_error(capsys, words):
    assert run(["corpus", *words, "shakspeare"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: no corpus is called 'shakspeare'\nHint: did you mean 'shakespeare'?")
