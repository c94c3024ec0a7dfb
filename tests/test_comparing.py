"""Codecs compared on a corpus: equal time for each, bits a byte, and nothing left behind."""

import json

import pytest

from seqgen.cli import run as command
from seqgen.jobs.train.comparing import CODECS, Comparison, Trial


def trial(codec: str, bits: float) -> Trial:
    return Trial(codec, bits, 1.0, 300, 1000, 10.0, 5)


def test_the_simplest_of_those_that_are_alike_is_recommended() -> None:
    assert Comparison([trial("char", 2.0), trial("word", 1.99)], 1, ["a"]).best.codec == "char"
    assert (
        Comparison([trial("char", 2.0), trial("word", 1.9)], 1, ["a", "b c"]).command == "seqgen train a 'b c' -c word"
    )


def test_each_codec_is_tried_and_no_run_is_left(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plays.txt").write_text("".join(f"The king number {index} and the queen.\n" for index in range(900)))
    call = ["train", "plays.txt", "--compare", "codecs", "--minutes", "0.06"]
    assert command([*call, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [each["codec"] for each in found["trials"]] == list(CODECS)
    for each in found["trials"]:
        assert 0 < each["bits_per_byte"] < 8
        assert each["steps"] > 0
        assert each["parameters"] > 1000
        assert each["tokens_per_second"] > 0
        assert f"{each['codec']}: {each['bits_per_byte']:.3f} bits a byte" in err
    assert found["trials"][0]["bytes_per_token"] == 1
    assert found["trials"][2]["bytes_per_token"] > 1.5
    assert found["command"].startswith("seqgen train plays.txt -c ")
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"plays.txt"}
    assert command([*call, "-o", "kept"]) == 0
    assert "bits/byte" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == sorted(CODECS)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-c", "char"], "chooses the codec"),
        (["--resume"], "begins anew"),
        (["--from", "x"], "chooses the codec"),
    ],
)
def test_what_does_not_go_with_it_is_refused(more, said, tmp_path, capsys) -> None:
    (tmp_path / "a.txt").write_text("words " * 50)
    assert command(["train", str(tmp_path / "a.txt"), "--compare", "codecs", *more]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("source", ["-", "a.tokens"])
def test_streams_and_pipes_are_refused(source, capsys) -> None:
    assert command(["train", source, "-o", "x", "--compare", "codecs"]) == 2
    assert "compared on files" in capsys.readouterr().err


def test_json_alone_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "a.txt").write_text("words " * 50)
    assert command(["train", str(tmp_path / "a.txt"), "--json", "-o", str(tmp_path / "r")]) == 2
    assert "--compare" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
