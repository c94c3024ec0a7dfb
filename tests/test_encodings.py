"""Text that is no UTF-8: which encoding it is likely in, what is said of it, and `--encoding auto`."""

import json
from pathlib import Path

import pytest

from seqgen.cli import run
from seqgen.stream import TokenStream
from seqgen.tokenization.encodings import UNKNOWN, Strange, likely

TEXTS = {
    "cp1252": "Le garçon a mangé une crêpe près de l’école. Où êtes-vous allé cet été ? Ça suffit, déjà ! ",
    "cp1251": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. ",
    "koi8_r": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. ",
    "cp932": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "euc_jp": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "gb18030": "道可道，非常道。名可名，非常名。无名天地之始；有名万物之母。",
    "cp949": "나랏말이 중국과 달라 한자와 서로 통하지 아니하므로",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń. ",
}
NORSE = "Smørrebrød på Ærø, señor café naïve.\n"


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_likely_encoding(encoding: str) -> None:
    assert likely((TEXTS[encoding] * 10).encode(encoding)) == encoding


def test_the_commonest_of_those_that_fit_alike() -> None:
    assert likely((NORSE * 60).encode("latin-1")) == "cp1252"
    assert likely(b"\x81\x8d\x8f\x90\x9d\xff\xfe\0\1" * 40) == UNKNOWN


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_bytes_that_are_no_utf8_are_counted_however_they_come(size: int) -> None:
    data = "水 é ".encode() * 9 + b"\xff\x92ok\xe6\xb0" + "水".encode() + b"\xe6"
    strange = Strange()
    for begin in range(0, len(data), size):
        strange.look(data[begin : begin + size])
    strange.look(b"", True)
    assert strange.count == 5
    assert strange.sample


def test_what_is_no_utf8_is_said_and_auto_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("all").mkdir()
    contents = {"a.txt": NORSE * 60, "b.txt": "水 é\n", "c.txt": TEXTS["cp1251"] * 10, "d.txt": "wide\n" * 9}
    for (name, text), encoding in zip(contents.items(), ("latin-1", "utf-8", "cp1251", "utf-16-le")):
        Path("all", name).write_bytes(text.encode(encoding))
    assert run(["tokenize", "all/a.txt", "-o", "a.tokens"]) == 0
    said = "480 bytes are no UTF-8, likely cp1252, and stay as they are; --encoding auto reads each file in its own."
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert run(["inspect", "a.tokens", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["strange"] == {"cp1252": 480}
    assert run(["inspect", "all/a.txt"]) == 0
    assert "480 bytes, likely cp1252" in capsys.readouterr().out
    assert run(["tokenize", "all", "-o", "all.tokens", "--encoding", "auto"]) == 0
    assert "no UTF-8" not in capsys.readouterr().err
    stream = TokenStream.load("all.tokens")
    assert [source.get("encoding") for source in stream.sources] == ["cp1252", None, "cp1251", "utf-16-le"]
    assert run(["decode", "all.tokens", "-o", "again"]) == 0
    assert {name: Path("again", "all", name).read_text("utf-8") for name in contents} == contents


def test_training_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_bytes((NORSE * 60).encode("latin-1"))
    assert run(["train", "a.txt", "-o", "r", "--steps", "1", "--seed", "1", "-P", "hidden", "8"]) == 0
    assert "480 bytes are no UTF-8, likely cp1252" in " ".join(capsys.readouterr().err.split())
    assert run(["tokenize", "a.txt", "-c", "byte", "-o", "b.tokens", "--encoding", "auto"]) == 2
